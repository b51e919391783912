"""Writes a split as a manifest, as copies or as hard links; the source is not changed."""

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from auditor.atomic_write import DISK_FULL, check_free, new_file, new_folder
from auditor.data.dataset import Dataset
from auditor.data.manifest_writing import path_in_manifest, write_manifest
from auditor.data.placement import Wanted, place
from auditor.data.sample import Sample
from auditor.data.sources import load_dataset, stated_dataset
from auditor.errors import InputError
from auditor.progress import Progress
from auditor.settings import Settings
from auditor.splitting.split import Shares, SplitPlan, plan_split
from auditor.text import absolute, shown, unshown

BY = ("manifest", "copy", "link")

SUFFIX = ".csv"


def run_split(
    settings: Settings, target: Path | None, shares: Shares, seed: int, by: str, progress: Progress
) -> tuple[SplitPlan, Path]:
    """Splits a source and writes the split.

    Args:
        settings: The source, and where its labels come from.
        target: The manifest or folder to create; None is `default_target`.
        shares: The shares of the parts.
        seed: Each seed gives a different split.
        by: "manifest", "copy" or "link".
        progress: Reports the progress of the loops.

    Returns:
        The split, and the path where it was written.

    Raises:
        InputError: the source, the target or a share cannot be used; nothing is written.
        Incomplete: the disk is full; nothing is written.
    """
    if by not in BY:
        raise InputError(f"--by is {by!r}; expected one of {', '.join(BY)}")
    dataset = stated_dataset(settings)
    target = target or default_target(Path(settings.data), by)
    check_target(Path(settings.data), dataset, target, by)
    plan = plan_split(dataset.samples, shares, seed, progress, limits=settings.limits)
    plan = replace(plan, unreadable=tuple(sorted((*plan.unreadable, *dataset.failed))), notes=tuple(dataset.notes))
    write_split(dataset, plan, target, by, progress)
    return plan, target


def default_target(source: Path, by: str) -> Path:
    """Returns the path beside the source: `pets-split.csv` or `pets-split` for `pets`."""
    whole = absolute(source)
    stem = whole.name if whole.is_dir() else whole.stem
    return whole.with_name(f"{stem or 'images'}-split{SUFFIX if by == 'manifest' else ''}")


def check_target(source: Path, dataset: Dataset, target: Path, by: str) -> None:
    """Refuses a target that could not be written or read back, before any image is read.

    Raises:
        InputError: the target cannot be used; the message says what to name instead.
    """
    try:
        for sample in dataset.samples:
            _ = sample.path
    except OSError as error:
        raise InputError(f"{shown(str(source))} cannot be split as files: {error.strerror}") from None
    if by == "manifest" and target.suffix.lower() != SUFFIX:
        raise InputError(
            f"{shown(str(target))} must be a manifest; name it {shown(target.name)}{SUFFIX}, or choose folders with "
            "--by copy or --by link."
        )
    if source.is_dir() and _real(target).is_relative_to(_real(source)):
        raise InputError(
            f"{shown(str(target))} is inside {shown(str(source))}, which must not be changed. Name a path outside."
        )
    if by == "manifest":
        path_in_manifest(dataset, dataset.samples[0], target)
    check_free(target, folder=by != "manifest")  # the same error as at the end, minutes earlier


def write_split(dataset: Dataset, plan: SplitPlan, target: Path, by: str, progress: Progress) -> None:
    """Writes the complete split or nothing: it is read back and compared before it gets its final name.

    Raises:
        InputError: the target exists or cannot be written, or reading it back gives something else.
        Incomplete: the disk is full.
    """
    samples = [sample for sample in dataset.samples if sample.file in plan.parts]
    if by == "manifest":
        paths = [path_in_manifest(dataset, sample, target) for sample in samples]
        with new_file(target) as draft:
            labels = (unshown(sample.label or "") for sample in samples)
            parts = (plan.parts[sample.file] for sample in samples)
            write_manifest(zip(paths, labels, parts, strict=True), draft)
            _check(draft, paths, samples, plan)
        return
    with new_folder(target) as draft:
        wanted = (Wanted(sample.file, sample.label, plan.parts[sample.file], sample.file) for sample in samples)
        paths = place(wanted, anywhere=False)
        for sample, path in progress.track(zip(samples, paths, strict=True), len(samples), "files"):
            _put(sample.path, draft / path, by)
        _check(draft, paths, samples, plan)


def _put(source: Path, target: Path, by: str) -> None:
    """Copies or links one file to a path that does not exist."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise FileExistsError(errno.EEXIST, "another image has that name except for case", str(target))
        if by == "copy":
            shutil.copy2(source, target)
        else:
            os.link(_real(source), target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK) and by == "link":
            raise InputError(f"{shown(str(source))} cannot be linked there ({error.strerror}); use --by copy") from None
        if error.errno in DISK_FULL:
            raise
        raise InputError(f"{shown(str(source))} cannot be put at {shown(str(target))}: {error.strerror}") from None


def _check(draft: Path, paths: Sequence[str], samples: Sequence[Sample], plan: SplitPlan) -> None:
    """Reads the result back, to find every name or class that a folder or a table cannot store."""
    read = {sample.file: (sample.label, sample.split) for sample in load_dataset(draft).samples}
    for path, sample in zip(paths, samples, strict=True):
        wanted = sample.label, plan.parts[sample.file]
        found = read.get(shown(path))
        if found != wanted:
            result = "would not be found again" if found is None else f"would be read as {found[0]}, {found[1]}"
            raise InputError(
                f"{sample.file}, of class {wanted[0]} in {wanted[1]}, {result}: its name or its class cannot be stored "
                "this way. Rename it, or choose another --by."
            )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
