"""TFRecord shards against loose files: how fast the images' bytes are read, and how fast with decoding.

    python benchmarks/tfrecord.py DATA [--shards N] [--images N] [--rounds N]

DATA is a folder of class folders; it is packed into a folder for temporary files. Best of several rounds, with
alternating readers: from memory, when the disk cache holds everything, and from disk, when the system was asked to
drop its cache (on Linux; a virtual machine's host may still hold it). Needs TensorFlow (the `tensorflow` extra).
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from auditor.data.sample import Sample
from auditor.data.sources import load_dataset
from auditor.data.tfrecords import ENCODED, load_tensorflow
from auditor.images import Unreadable, decode
from auditor.packing.shards import pack
from auditor.progress import TerminalProgress
from auditor.settings import Settings

Reader = Callable[[], Iterator[bytes]]


def main() -> None:
    """Packs, reads alternately, prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--images", type=int, default=5000, help="decoded in the second part [5000]")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "shards"
        clock = time.perf_counter()
        packed = pack(Settings.load(data=given.data), target, given.shards, TerminalProgress(), skip_unreadable=True)
        print(f"packed {sum(packed.shards.values())} images in {time.perf_counter() - clock:.1f} s, "
              f"{packed.size / packed.images:.3f} times their bytes")  # fmt: skip
        clock = time.perf_counter()
        stored = load_dataset(target).samples
        print(f"listed and checked the shards in {time.perf_counter() - clock:.1f} s")
        by_file = {sample.file: sample for sample in load_dataset(given.data).samples}
        loose = [by_file[sample.file] for sample in stored]
        paths = [str(target / name) for name in packed.shards]
        places = {sample: sample.where.split(":", 2) for sample in stored}             # offset, length, shard
        in_order = sorted(stored, key=lambda sample: (places[sample][2], int(places[sample][0])))
        readers: dict[str, Reader] = {
            "loose files": lambda: read(loose),
            "auditor, shards": lambda: read(stored),
            "auditor, shards in their order": lambda: read(in_order),
            "tf.data, shards": lambda: read_with_tf(paths),
        }
        few = given.images
        print("\nbytes alone, from memory")
        compare(given.rounds, readers)
        print("\nbytes alone, from disk")
        compare(given.rounds, readers, forget={sample.path for sample in loose} | {Path(path) for path in paths})
        print(f"\nread and decoded by auditor, {min(few, len(loose))} images, from memory")
        compare(given.rounds, {
            "loose files": lambda: decoded(read(loose[:few])),
            "auditor, shards": lambda: decoded(read(stored[:few])),
        })  # fmt: skip


def read(samples: Sequence[Sample]) -> Iterator[bytes]:
    """The bytes of samples, wherever they are stored."""
    return (sample.read_bytes() for sample in samples)


def read_with_tf(paths: Sequence[str]) -> Iterator[bytes]:
    """The images in shards as a training pipeline takes them: parsed, in batches."""
    tf = load_tensorflow()
    wanted = {ENCODED: tf.io.FixedLenFeature([], tf.string)}
    records: Any = tf.data.TFRecordDataset(paths, num_parallel_reads=tf.data.AUTOTUNE).batch(64)
    images = records.map(lambda batch: tf.io.parse_example(batch, wanted)[ENCODED]).prefetch(tf.data.AUTOTUNE)
    for batch in images.as_numpy_iterator():
        yield from batch


def decoded(images: Iterator[bytes]) -> Iterator[bytes]:
    """The same images; each one is also decoded."""
    for data in images:
        try:
            decode(data)
        except Unreadable:
            continue
        yield data


def compare(rounds: int, readers: dict[str, Reader], forget: Iterable[Path] = ()) -> None:
    """Times the readers alternately, prints images per second beside the first one's; drops the cache before each."""
    best = dict.fromkeys(readers, 0.0)
    for number in range(rounds + 1):
        for name, reader in readers.items():
            for path in forget:
                drop_from_memory(path)
            clock = time.perf_counter()
            count = sum(1 for _ in reader())
            if number:                          # the first round warms up
                best[name] = max(best[name], count / (time.perf_counter() - clock))
    base = best[next(iter(readers))]
    for name, speed in best.items():
        print(f"{name:32}{speed:>10.0f} images/s   x {speed / base:.2f}")


def drop_from_memory(path: Path) -> None:
    """Asks the system to drop a file from its cache."""
    with path.open("rb") as file:
        os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
