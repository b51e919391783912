"""Which images of a data set are evaluated."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.data.split_names import split_of
from auditor.errors import InputError

EVERYTHING = "all"
#: If no split is asked for: the first of these that the data set has.
PREFERRED = ("test", "val")


@dataclass(frozen=True)
class Selection:
    """The labelled images of one split, or of all; `why` says how it was chosen, "" where the user chose."""

    samples: tuple[Sample, ...]
    split: str | None
    unlabelled: int
    why: str


def select(dataset: Dataset, split: str | None) -> Selection:
    """The images to evaluate.

    Args:
        dataset: All images.
        split: "train", "val", "test", another spelling of these, or "all"; None takes `test` where there is one, else
            `val`, else everything.

    Raises:
        InputError: the data set has no such split, or no image in it has a label.
    """
    counts = Counter(sample.split for sample in dataset.samples)
    chosen, why = _choose(counts, split)
    inside = [sample for sample in dataset.samples if chosen is None or sample.split == chosen]
    labelled = tuple(sample for sample in inside if sample.label is not None)
    if not labelled:
        where = f"the {chosen} split of {dataset.name}" if chosen else dataset.name
        raise InputError(
            f"no image of {where} has a label, so there is nothing to compare answers with. "
            "Expected class folders, a manifest with labels, or --label-from name."
        )
    return Selection(labelled, chosen, len(inside) - len(labelled), why)


def _choose(counts: Counter[str | None], split: str | None) -> tuple[str | None, str]:
    there = {name: counts[name] for name in ("train", "val", "test") if counts[name]}
    if split is None:
        for name in PREFERRED:
            if name in there:
                others = _counted({other: number for other, number in there.items() if other != name})
                return name, f"The {name} split was evaluated{f'; {others} left out' if others else ''}."
        held = f": {_counted(there)}" if there else ""
        return None, f"There is no test and no val split{held}, so everything was evaluated."
    wanted = split.strip().casefold()
    if wanted == EVERYTHING:
        return None, ""
    name = split_of(wanted) or wanted
    if name in there:
        return name, ""
    known = f"it has {_counted(there)}" if there else "it has no splits"
    raise InputError(f"--split {split!r} is not in the data set ({known}); expected one of those, or {EVERYTHING}")


def _counted(counts: dict[str, int]) -> str:
    return _listing([f"{name} ({number:,} images)" for name, number in counts.items()])


def _listing(items: Sequence[str]) -> str:
    return " and ".join(items)
