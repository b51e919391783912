"""A split as a manifest, as copies or as hard links; the source is only read."""

import csv
import errno
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from auditor.dataset import Dataset, Sample, load_dataset, stated_dataset
from auditor.errors import InputError
from auditor.folders import absolute, shown, unshown
from auditor.placing import Wanted, place
from auditor.progress import Progress
from auditor.publication import check_free, new_file, new_folder
from auditor.settings import Settings
from auditor.training.split import Plan, Shares, plan_split

BY = ("manifest", "copy", "link")

SUFFIX = ".csv"


def run_split(
    settings: Settings, target: Path | None, shares: Shares, seed: int, by: str, progress: Progress
) -> tuple[Plan, Path]:
    """Splits a source and writes the split.

    Args:
        settings: The source, and where its labels come from.
        target: The manifest or folder to make; None is `default_target`.
        shares: Of the parts.
        seed: Another seed, another split.
        by: "manifest", "copy" or "link".
        progress: Watches the loops.

    Returns:
        The split, and where it was written.

    Raises:
        InputError: the source, the target or a share cannot be used; nothing is written.
        Incomplete: the disk is full; nothing is written.
    """
    if by not in BY:
        raise InputError(f"--by is {by!r}; expected one of {', '.join(BY)}")
    dataset = stated_dataset(settings)
    target = target or default_target(settings.data, by)
    check_target(settings.data, dataset, target, by)
    plan = plan_split(dataset.samples, shares, seed, progress)
    plan = replace(plan, unreadable=tuple(sorted((*plan.unreadable, *dataset.failed))))
    write_split(dataset, plan, target, by, progress)
    return plan, target


def default_target(source: Path, by: str) -> Path:
    """Beside the source: `pets` -> `pets-split.csv` or `pets-split`."""
    whole = absolute(source)
    stem = whole.name if whole.is_dir() else whole.stem
    return whole.with_name(f"{stem or 'images'}-split{SUFFIX if by == 'manifest' else ''}")


def check_target(source: Path, dataset: Dataset, target: Path, by: str) -> None:
    """Refuses early what could not be written or read back, before any image is read.

    Raises:
        InputError: with what to name instead.
    """
    if any(sample.length is not None for sample in dataset.samples):
        raise InputError(f"{shown(str(source))} is TFRecords; make files of them with `auditor tfrecord unpack` first.")
    if by == "manifest" and target.suffix.lower() != SUFFIX:
        raise InputError(
            f"{shown(str(target))} is to be a manifest; name it {shown(target.name)}{SUFFIX}, or choose folders with "
            "--by copy or --by link."
        )
    if source.is_dir() and _real(target).is_relative_to(_real(source)):
        raise InputError(
            f"{shown(str(target))} lies in {shown(str(source))}, which is not to be changed. Name a place outside."
        )
    if by == "manifest":
        _relative(dataset, dataset.samples[0], target)
    check_free(target, folder=by != "manifest")  # the same complaint as at the end, minutes earlier


def write_split(dataset: Dataset, plan: Plan, target: Path, by: str, progress: Progress) -> None:
    """Writes the split whole, or nothing: it is read back before it appears.

    Raises:
        InputError: the target is taken or cannot be written, or what was written would not read back as the same.
        Incomplete: the disk is full.
    """
    samples = [sample for sample in dataset.samples if sample.file in plan.parts]
    if by == "manifest":
        paths = [_relative(dataset, sample, target) for sample in samples]
        with new_file(target) as draft:
            labels = (unshown(sample.label or "") for sample in samples)
            parts = (plan.parts[sample.file] for sample in samples)
            _write_manifest(zip(paths, labels, parts, strict=True), draft)
            _check(draft, paths, samples, plan)
        return
    with new_folder(target) as draft:
        wanted = (Wanted(sample.file, sample.label, plan.parts[sample.file], sample.file) for sample in samples)
        paths = place(wanted, anywhere=False)
        for sample, path in progress.track(zip(samples, paths, strict=True), len(samples), "files"):
            _put(sample.path, draft / path, by)
        _check(draft, paths, samples, plan)


def _relative(dataset: Dataset, sample: Sample, target: Path) -> str:
    """A sample's path as a manifest at `target` must write it.

    Raises:
        InputError: the manifest does not lie above the images, so that it would not be allowed to name them.
    """
    root, above = absolute(dataset.root), absolute(target).parent
    if not root.is_relative_to(above):
        root, above = _real(root), _real(above)
    if not root.is_relative_to(above):
        raise InputError(
            f"{shown(str(target))} could not name its images: a manifest names files below its own folder, and they "
            f"lie in {shown(str(root))}. Put the manifest there or above, or choose --by copy or --by link."
        )
    return (root.relative_to(above) / unshown(sample.file)).as_posix()


def _write_manifest(rows: Iterable[tuple[str, str, str]], path: Path) -> None:
    # Names that are no UTF-8 are written as the bytes that they are on disk, which is how manifests are read.
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("file", "label", "split"))
        table.writerows(rows)


def _put(source: Path, target: Path, by: str) -> None:
    """Copies or links one file to where no file is."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise FileExistsError(errno.EEXIST, "another image has that name where case does not count", str(target))
        if by == "copy":
            shutil.copy2(source, target)
        else:
            os.link(_real(source), target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK) and by == "link":
            raise InputError(f"{shown(str(source))} cannot be linked there ({error.strerror}); use --by copy") from None
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{shown(str(source))} cannot be put at {shown(str(target))}: {error.strerror}") from None


def _check(draft: Path, paths: Sequence[str], samples: Sequence[Sample], plan: Plan) -> None:
    """Reads the result back; a class that a folder or a table cannot hold is found here, whatever the reason."""
    read = {sample.file: (sample.label, sample.split) for sample in load_dataset(draft).samples}
    for path, sample in zip(paths, samples, strict=True):
        wanted = sample.label, plan.parts[sample.file]
        found = read.get(shown(path))
        if found != wanted:
            reads = "would not be found again" if found is None else f"would be read as {found[0]}, {found[1]}"
            raise InputError(
                f"{sample.file}, of class {wanted[0]} in {wanted[1]}, {reads}: its name or its class cannot be stored "
                "this way. Rename it, or choose another --by."
            )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
