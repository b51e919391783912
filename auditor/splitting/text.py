"""The text that `auditor split` prints."""

from collections.abc import Iterator

from auditor.splitting.split import PARTS, SplitPlan
from auditor.text import some

_NAMED = 10                                     # files without a label that are named, before "and more"


def as_text(plan: SplitPlan) -> Iterator[str]:
    """Yields lines: counts per class and part, copies that were kept together, files that were left out, notes."""
    sums = tuple(map(sum, zip(*plan.counts.values(), strict=True)))
    width = max(len("class"), *map(len, plan.counts))
    yield f"{'class':<{width}}" + "".join(f"{part:>9}" for part in PARTS)
    for label, counts in (*plan.counts.items(), ("all", sums)):
        yield f"{label:<{width}}" + "".join(f"{count:>9}" for count in counts)
    yield ""
    if plan.groups:
        images = sum(len(group) for group in plan.groups)
        yield (
            f"{len(plan.groups)} groups of copies of one picture, {images} images, the largest of "
            f"{len(plan.groups[0])}: each group is in one part. The first:"
        )
        yield from (f"  {some(group)}" for group in plan.groups[:3])
    else:
        yield "No picture occurs twice."
    for index, part in enumerate(PARTS):
        empty = [label for label, of in plan.counts.items() if not of[index]]
        if empty and sums[index]:
            yield f"Too few images, or too large groups, for {part}: {some(empty)}."
    if plan.unlabelled:
        yield f"Left out without a label: {len(plan.unlabelled)} ({some(plan.unlabelled, _NAMED)})."
    if plan.unreadable:
        yield f"Left out because they cannot be decoded: {len(plan.unreadable)}."
        yield from (f"  {file}: {reason}" for file, reason in plan.unreadable)
    yield from (f"note: {note}" for note in plan.notes)
