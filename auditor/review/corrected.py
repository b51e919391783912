"""What is written beside a data set whose labels were corrected: a table, or a tree of hard links. It itself stays."""

import os
from collections.abc import Sequence
from pathlib import Path

from auditor.atomic_write import DISK_FULL, check_free, new_file, new_folder
from auditor.data.dataset import Dataset
from auditor.data.manifest_writing import path_in_manifest, write_manifest
from auditor.data.sample import LocalFiles, Sample
from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.review.plan import Plan
from auditor.text import shown, unshown

_SUFFIX = ".csv"


def check_manifest(dataset: Dataset, target: Path) -> None:
    """Raises InputError where a corrected table cannot be at a path: known before the images are looked at."""
    if target.suffix.lower() != _SUFFIX:
        raise InputError(f"--manifest is {shown(str(target))}; expected the name of a new {_SUFFIX} file")
    if not all(isinstance(sample.origin, LocalFiles) for sample in dataset.samples):
        raise InputError("--manifest lists files, but these images are records of shards; unpack them first")
    path_in_manifest(dataset, dataset.samples[0], target)
    check_free(target, folder=False)


def write_corrected(dataset: Dataset, plan: Plan, target: Path) -> None:
    """Writes the table of all images that stay, with their new labels; it is read back before it gets its name.

    Raises:
        InputError: it cannot be written, or a name in it would be read as another one.
        Incomplete: the disk is full.
    """
    samples = staying(dataset, plan)
    labels = [plan.labels.get(sample.file, sample.label) for sample in samples]
    paths = [path_in_manifest(dataset, sample, target) for sample in samples]
    with new_file(target) as draft:
        texts = (unshown(label or "") for label in labels)
        splits = (sample.split or "" for sample in samples)
        write_manifest(zip(paths, texts, splits, strict=True), draft)
        read = {sample.file: sample.label for sample in load_dataset(draft).samples}
        for path, label in zip(paths, labels, strict=True):
            if shown(path) not in read or read[shown(path)] != label:
                raise InputError(
                    f"{shown(path)}, of class {label}, would not be read back so from {shown(str(target))}: its name "
                    "or its class cannot stand in a table. Rename it."
                )


def check_tree(source: Path, target: Path) -> None:
    """Raises InputError where a corrected tree cannot be at a path."""
    real, inside = (Path(os.path.realpath(path)) for path in (target, source))
    if real.is_relative_to(inside):
        raise InputError(f"--into {shown(str(target))} is inside {shown(str(source))}; name a folder outside")
    check_free(target, folder=True)


def write_tree(dataset: Dataset, plan: Plan, target: Path) -> int:
    """Makes a tree of hard links to all images that stay, each under its new path; returns how many there are.

    Raises:
        InputError: it cannot be made: links need the same file system.
        Incomplete: the disk is full.
    """
    moved = {step.source: step.target for step in plan.steps if step.kind == "move"}
    samples = staying(dataset, plan)
    with new_folder(target) as draft:
        for sample in samples:
            place = draft / moved.get(sample.where, sample.where)
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                os.link(os.path.realpath(sample.path), place)
            except OSError as error:
                if error.errno in DISK_FULL:
                    raise
                raise InputError(
                    f"{sample.file} cannot be linked into {shown(str(target))} ({error.strerror}); hard links need the "
                    "same file system. Name a folder there, or use --by move or --manifest."
                ) from None
    return len(samples)


def staying(dataset: Dataset, plan: Plan) -> Sequence[Sample]:
    """The images that are not removed, in their order."""
    gone = {decision.file for decision in plan.removed}
    return [sample for sample in dataset.samples if sample.file not in gone]
