"""Source -> the three parts of a run: every image is read once, copies of a picture are never in two parts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.duplicates.groups import Fingerprint, fingerprints, groups_of
from auditor.errors import InputError
from auditor.progress import Progress
from auditor.settings import Limits
from auditor.splitting.split import Shares, split_samples
from auditor.training.parts import DataParts, Image, gather, labelled

#: For a source without splits, and for training images from which validation must be drawn.
SHARES, VALIDATION_SHARES = Shares(0.8, 0.1, 0.1), Shares(8 / 9, 1 / 9, 0.0)
_ORDER = ("train", "val", "test")               # a picture belongs to the last of the parts that it is in


def divide(
    dataset: Dataset, seed: int, progress: Progress, threads: int | None = None, limits: Limits | None = None
) -> DataParts:
    """Reads all images of a data set and divides them.

    A source without splits is divided 8 : 1 : 1. Existing splits are kept, except for copies of a picture: they stay
    only in the last part that has one (test, else validation). Without a test split, the model is measured on the
    validation split at the end, and another validation part is drawn from the training images: the images that decide
    when to stop are never those of the reported result.

    Raises:
        InputError: there are too few classes or images, or splits without a training split.
    """
    samples, left_out = labelled(dataset)
    _check_splits(dataset, samples)
    prints = fingerprints(samples, progress, threads, limits)
    rows = [row for row, one in enumerate(prints) if one.failure is None]
    left_out += [(samples[row].file, one.failure) for row, one in enumerate(prints) if one.failure is not None]
    left_out += dataset.failed
    place = {name: number for number, name in enumerate(dataset.classes)}
    images = [Image(samples[row], place[samples[row].label or ""], prints[row].content) for row in rows]
    names, notes = _names([image.sample for image in images], [prints[row] for row in rows], seed, progress)
    # Only existing splits can have copies of one picture in two parts.
    reasons = list(_copies(names, groups_of([prints[row] for row in rows], progress=progress)))
    left_out += [(image.sample.file, why) for image, why in zip(images, reasons, strict=True) if why]
    kept = [row for row, why in enumerate(reasons) if not why]
    if len(kept) < len(images):
        notes.append(f"Left out because a copy is in a later part, test or validation: {len(images) - len(kept)}.")
    parts = gather(dataset, [images[row] for row in kept], [names[row] for row in kept], tuple(sorted(left_out)))
    return replace(parts, notes=(*parts.notes, *notes))


def _check_splits(dataset: Dataset, samples: Sequence[Sample]) -> None:
    splits = sorted({sample.split for sample in samples if sample.split is not None})
    if splits and "train" not in splits:
        raise InputError(
            f"{dataset.name} has the splits {', '.join(splits)} and none to train on. Expected a split `train` beside "
            "them, or class folders without splits."
        )


def _names(
    samples: Sequence[Sample], prints: Sequence[Fingerprint], seed: int, progress: Progress
) -> tuple[list[str], list[str]]:
    """The part of each image, and a note for the reader."""
    splits = {sample.split for sample in samples}
    if not {"val", "test"} & splits:
        parts = split_samples(samples, SHARES, seed, progress, prints)
        how = "It had no splits" if splits == {None} else "It had no split but train"
        note = f"{how}: divided 8 : 1 : 1 with seed {seed}, copies of a picture together."
        return [parts[sample.file] for sample in samples], [note]
    names = [sample.split or "" for sample in samples]
    if {"val", "test"} <= splits:
        return names, ["The parts are its own splits."]
    rows = [row for row, sample in enumerate(samples) if sample.split == "train"]
    own = [samples[row] for row in rows], VALIDATION_SHARES, seed, progress, [prints[row] for row in rows]
    drawn = split_samples(*own)
    measured = next(iter({"val", "test"} & splits))
    note = (
        f"The model was measured on its {measured} split at the end; validation, which decides when to stop, is a "
        f"ninth of its training images, drawn with seed {seed}."
    )
    return [drawn.get(sample.file, "test") for sample in samples], [note]


def _copies(names: Sequence[str], groups: NDArray[np.intp]) -> Iterator[str]:
    """Why each image is left out: another image of its group is in a later part; "" if it stays."""
    rank = np.array([_ORDER.index(name) for name in names], dtype=np.intp)              # (N,)
    last = np.zeros(len(names), dtype=np.intp)
    np.maximum.at(last, groups, rank)                           # a group's number is the row of one of its images
    for own, highest in zip(rank, last[groups], strict=True):
        yield "" if own == highest else f"the same picture is in the {_ORDER[highest]} part"
