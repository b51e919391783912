"""The training, validation and test part of a data set, checked before any training."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from auditor.data.dataset import Dataset, Reasons
from auditor.data.sample import Sample
from auditor.errors import InputError
from auditor.text import some

PartName = Literal["train", "val", "test"]
PARTS: tuple[PartName, ...] = get_args(PartName)
#: Readable images of every class that each part needs: one is not enough to learn from, and a part without a class
#: cannot measure that class.
LEAST: dict[PartName, int] = {"train": 2, "val": 1, "test": 1}


@dataclass(frozen=True)
class Image:
    """A readable, labelled image; `content` is the sha256 of its bytes, in hex."""

    sample: Sample
    label: int
    content: str


@dataclass(frozen=True)
class DataParts:
    """The images of a run.

    Attributes:
        classes: Names, sorted; labels are indices into it.
        train, val, test: Sorted by file. Validation decides when to stop; the test part is not used before the end.
        left_out: (file, reason) of images that are in no part.
        notes: Sentences for the reader: how the parts were made.
    """

    classes: tuple[str, ...]
    train: tuple[Image, ...]
    val: tuple[Image, ...]
    test: tuple[Image, ...]
    left_out: Reasons
    notes: tuple[str, ...]

    def part(self, name: PartName) -> tuple[Image, ...]:
        """The images of one part."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    def labels(self, name: PartName) -> NDArray[np.intp]:
        """(N,) classes of one part's images."""
        return np.array([image.label for image in self.part(name)], dtype=np.intp)


def labelled(dataset: Dataset) -> tuple[list[Sample], list[tuple[str, str]]]:
    """The samples whose label and split allow training, and why the others are left out.

    Raises:
        InputError: there are fewer than two classes, one is empty, or one has too few images, readable or not.
    """
    splits = {sample.split for sample in dataset.samples if sample.label is not None}
    kept, left_out = [], []
    for sample in dataset.samples:
        if sample.label is None:
            left_out.append((sample.file, "it has no label"))
        elif sample.split is None and splits != {None}:
            left_out.append((sample.file, "it is in no split, and others are"))
        else:
            kept.append(sample)
    _check_classes(dataset, kept)
    return kept, left_out


def gather(dataset: Dataset, images: Sequence[Image], names: Sequence[str], left_out: Reasons) -> DataParts:
    """The parts of a data set.

    Args:
        dataset: Gives classes and notes.
        images: The readable images.
        names: The part of each.
        left_out: (file, reason) of the other images.

    Raises:
        InputError: a part has too few readable images of a class.
    """
    members: dict[str, list[Image]] = {name: [] for name in PARTS}
    for image, name in zip(images, names, strict=True):
        members[name].append(Image(replace(image.sample, split=name), image.label, image.content))
    for name in PARTS:
        counts = Counter(image.label for image in members[name])
        poor = [
            f"{label} ({counts[place]})" for place, label in enumerate(dataset.classes) if counts[place] < LEAST[name]
        ]
        if poor:
            unreadable = f"; {len(left_out)} files were left out, {_first(left_out)}" if left_out else ""
            raise InputError(
                f"the {name} part of {dataset.name} has too few readable images of {some(poor)}{unreadable}. "
                f"Expected at least {LEAST[name]} of every class. Add images, or leave these classes out."
            )
    ordered = {name: tuple(sorted(members[name], key=lambda image: image.sample.file)) for name in PARTS}
    return DataParts(dataset.classes, ordered["train"], ordered["val"], ordered["test"], left_out, dataset.notes)


def _check_classes(dataset: Dataset, samples: Sequence[Sample]) -> None:
    counts = Counter(sample.label for sample in samples)
    if len(dataset.classes) < 2:
        found = f"one class, {dataset.classes[0]}" if dataset.classes else "no class"
        raise InputError(
            f"{dataset.name} has {found}; a classifier needs at least two. Expected a folder for each class "
            "(cat/1.jpg, dog/1.jpg), a manifest with labels, or --label-from name."
        )
    empty = [name for name in dataset.classes if not counts[name]]
    if empty:
        raise InputError(
            f"{dataset.name} has no image of {some(empty)}; every class needs some to learn from. "
            "Add images, or remove the empty folders."
        )
    split = any(sample.split is not None for sample in samples)
    least = LEAST["train"] if split else sum(LEAST.values())
    poor = [f"{name} ({counts[name]})" for name in dataset.classes if counts[name] < least]
    if poor:
        why = "" if split else ": two to train on, one for validation, one for the test"
        raise InputError(
            f"{dataset.name} has too few images of {some(poor)}; expected at least {least} of every class{why}. "
            "Add images, or leave these classes out."
        )


def _first(reasons: Reasons) -> str:
    return f"the first {reasons[0][0]}: {reasons[0][1]}"
