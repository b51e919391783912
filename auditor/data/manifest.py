"""A manifest as a source: a table with one line per image file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from auditor.data.dataset import Dataset, make_dataset
from auditor.data.exclusion import Exclusion
from auditor.data.labelling import Labelling
from auditor.data.locator import ADDRESS, NO_FILE, Locator
from auditor.data.options import SourceOptions
from auditor.data.sample import LocalFiles, Sample
from auditor.data.split_names import split_in, split_of
from auditor.data.tables import MANIFEST_SUFFIXES, Table, TableRow, read_table, unique
from auditor.data.walk import why_not_image
from auditor.errors import InputError
from auditor.text import count, shown, some, tally

Found = list[tuple[str, TableRow]]


def is_manifest(location: str) -> bool:
    """Whether the location is a file with the extension of a table."""
    path = Path(location)
    return path.suffix.lower() in MANIFEST_SUFFIXES and path.is_file()


def load_manifest(location: str, options: SourceOptions) -> Dataset:
    """Lists the images that a table names, with paths relative to its own folder.

    Raises:
        InputError: it is not such a table, or it names no images.
    """
    path = Path(location)
    options.refuse_depths(f"the labels of {shown(path.name)} are those of its lines", classes_only=True)
    table = read_table(path, options.columns, label_required=True)
    locator = Locator(path.parent, table.encoding)
    exclusion = Exclusion(options.exclude)
    located, failed, notes = _locate(table, locator)
    found: Found = []
    skipped: dict[str, str] = {}
    for file, row in located:
        reason = exclusion.why_below(file)
        if reason is None:
            found.append((file, row))
        else:
            skipped[shown(file)] = reason
    rows, repeated = unique(found)
    splits, about_splits = _splits(rows, table, options.split_at)
    origin = LocalFiles(str(locator.base))
    samples = [Sample(file, shown(file), row.label, splits[file], origin) for file, row in rows.items()]
    told = [f"Labels are those of {shown(path.name)}; files that it does not name are left out."]
    if repeated:
        about_splits.append(f"Lines that repeat an earlier one, dropped: {repeated}.")
    if not samples and not skipped and failed:
        raise InputError(_none_found(path, failed))
    return make_dataset(
        path,
        root=path.parent,
        samples=samples,
        skipped=skipped.items(),
        failed=((shown(file), f"line {row.line}: {reason}") for file, row, reason in failed),
        classes={sample.label for sample in samples if sample.label is not None},
        notes=[*told, *table.notes, *notes, *about_splits, *_failed_notes(path, failed), *exclusion.notes()],
        labelling=Labelling("table"),
    )


Failed = list[tuple[str, TableRow, str]]


def _locate(table: Table, locator: Locator) -> tuple[Found, Failed, list[str]]:
    """Finds the files of all lines; where none lies as it is named, all in the one folder that holds such names."""
    found, failed = _found_in(table.rows, locator, "")
    names = [row.file for _, row, reason in failed if reason.startswith(NO_FILE) and "/" not in row.file]
    if found or not names:
        return found, failed, []
    folder, why = locator.folder_of(names)
    if folder is None:
        return found, [(file, row, f"{reason}: {why}" if why else reason) for file, row, reason in failed], []
    found, failed = _found_in(table.rows, locator, folder)
    notes = [f"Files were looked for in {shown(folder)}, where images of such names lie."] if found else []
    return found, failed, notes


def _found_in(rows: Iterable[TableRow], locator: Locator, folder: str) -> tuple[Found, Failed]:
    found: Found = []
    failed: Failed = []
    for row in rows:
        file, reason = locator.find(row.file, below=folder)
        reason = reason or why_not_image(f"{locator.base}/{file}", file.rpartition("/")[2])
        if reason is None:
            found.append((file, row))
        else:
            failed.append((file, row, reason))
    return found, failed


def _splits(
    rows: Mapping[str, TableRow], table: Table, split_at: int | None
) -> tuple[dict[str, str | None], list[str]]:
    """The split of each file, and what to say about them."""
    if split_at is not None:
        if table.has_splits:
            raise InputError(f"--split-at is {split_at}, but the table has a split column. Leave --split-at out.")
        parts = {file: file.split("/")[:-1] for file in rows}
        at = {file: split_in(names[split_at - 1]) if len(names) >= split_at else None for file, names in parts.items()}
        return at, [f"Splits are the folders at depth {split_at} of the paths, by --split-at."]
    first = {file: split_of(file.split("/")[0]) if "/" in file else None for file in rows}
    if rows and not table.has_splits and all(first.values()):
        return first, ["Splits are the first folders of the paths."]
    unknown = some(table.unknown_splits)
    notes = [f"Neither train, val nor test, so read as no split: {unknown}."] if unknown else []
    return {file: row.split for file, row in rows.items()}, notes


def _failed_notes(path: Path, failed: Failed) -> list[str]:
    """How many files could not be had, by reason."""
    if not failed:
        return []
    reasons = some(tally(_cause(reason) for _, _, reason in failed))
    file, row, _ = failed[0]
    return [
        f"Files that {shown(path.name)} names and that are not images here: {len(failed)} ({reasons}); the first is "
        f"{shown(file)}, line {row.line}."
    ]


def _none_found(path: Path, failed: Sequence[tuple[str, TableRow, str]]) -> str:
    file, row, reason = failed[0]
    more = f" (in all {some(tally(_cause(why) for _, _, why in failed))})" if failed[1:] else ""
    help_ = (
        f"Expected names of files, relative to the folder of {shown(path.name)}."
        if reason == ADDRESS
        else f"Expected images where the table names them, relative to its folder {shown(str(path.absolute().parent))}."
    )
    return (
        f"{shown(str(path))} holds no image: of {count(len(failed), 'file')} that it names none can be had: "
        f"{shown(file)}, line {row.line}: {reason}{more}. {help_}"
    )


def _cause(reason: str) -> str:
    return reason.partition(":")[0].partition(",")[0].partition(". ")[0]
