"""The text that `auditor tfrecord pack` prints."""

from collections.abc import Iterator

from auditor.packing.shards import Packed
from auditor.text import shown


def as_text(packed: Packed) -> Iterator[str]:
    """Yields lines: what was packed, what cannot be decoded, and what was left out."""
    yield (
        f"{sum(packed.shards.values())} images of {len(packed.classes)} classes in {len(packed.shards)} shards: "
        f"{packed.images / 1e6:.1f} MB of images, {packed.size / 1e6:.1f} MB of shards"
    )
    if packed.undecodable:
        what = "packed as they are; tf.io.decode_image will stop at them" if packed.kept else "left out"
        yield f"Cannot be decoded, {what}: {len(packed.undecodable)}."
        yield from (f"  {file}: {reason}" for file, reason in packed.undecodable)
    if packed.left_out:
        yield f"Left out because they cannot be read: {len(packed.left_out)}."
        yield from (f"  {file}: {reason}" for file, reason in packed.left_out)
    yield shown(str(packed.folder))
