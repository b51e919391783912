"""Hugging Face ImageFolder: `metadata.csv`, `.jsonl` or `.parquet` beside the images, with a column `file_name`."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from auditor.data.dataset_info import read_class_names
from auditor.data.locator import Locator
from auditor.data.split_names import split_of
from auditor.data.table_files import open_table
from auditor.data.tables import Columns, TableRow, read_table, unique
from auditor.data.walk import File, Tree
from auditor.errors import InputError
from auditor.text import shown, some

_NAMES = frozenset({"metadata.csv", "metadata.jsonl", "metadata.parquet"})


@dataclass(frozen=True)
class Metadata:
    """The contents of the metadata files of a folder; empty if there are none.

    Attributes:
        sources: The metadata files that were read.
        rows: Their lines by image path, relative to the root, as the operating system gives it.
        labelled: Whether one of them has a label column; if so, folders are not labels.
        failed: (file, reason) of images that are named but cannot be read.
        notes: Sentences about what was recognised.
    """

    sources: tuple[File, ...] = ()
    rows: dict[str, TableRow] = field(default_factory=dict)
    labelled: bool = False
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def read_metadata(tree: Tree, columns: Columns) -> Metadata:
    """Reads the metadata files at the root and in split folders.

    Raises:
        InputError: one of them is not a table, a folder has both formats, or lines contradict each other.
    """
    sources, notes = [], []
    candidates = _candidates(tree)
    names = read_class_names(tree.base) if candidates else {}
    for file in candidates:
        path = tree.path(file)
        if columns.file is None and not _has_file_column(path):
            notes.append(f"{shown(file.raw)} has no column file_name, so it was not read.")
        else:
            required = columns.label is not None
            sources.append((file, read_table(path, _with_default(columns), label_required=required, names=names)))
    left = (file for file, why in tree.skipped if why.startswith("not an image") and file not in candidates)
    elsewhere = [file for file in left if file.name in _NAMES]
    if elsewhere:
        notes.append(f"Neither at the root nor in a split folder, so not read: {some(_raw(elsewhere))}.")
    if not sources:
        return Metadata(notes=tuple(notes))
    found: list[tuple[str, TableRow]] = []
    failed: dict[str, str] = {}
    for file, table in sources:
        locator = Locator(tree.base, table.encoding)
        notes += table.notes
        for row in table.rows:
            where, reason = locator.find(row.file, below="/".join(file.folder))
            if reason is None:
                found.append((where, row))
            else:
                failed[shown("/".join((*file.folder, where)))] = f"{shown(file.raw)}, line {row.line}: {reason}"
    rows, repeated = unique(found)
    labelled = any(table.labelled for _, table in sources)
    used = ", ".join(shown(file.raw) for file, _ in sources)
    notes.append(f"Labels are those of {used}." if labelled else f"{used} has no label column: folders are the labels.")
    if repeated:
        notes.append(f"Lines that repeat an earlier one, dropped: {repeated}.")
    return Metadata(tuple(file for file, _ in sources), rows, labelled, tuple(failed.items()), tuple(notes))


def _raw(files: list[File]) -> list[str]:
    return sorted(shown(file.raw) for file in files)


def _candidates(tree: Tree) -> list[File]:
    files = sorted(
        file
        for file, why in tree.skipped
        if file.name in _NAMES
        and not why.startswith("excluded")
        and all(split_of(name) for name in file.folder)
        and tree.path(file).is_file()
    )
    for one, other in pairwise(files):
        if one.folder == other.folder:
            raise InputError(f"{shown(one.raw)} and {other.name} lie side by side. Remove the one that is out of date.")
    return files


def _has_file_column(path: Path) -> bool:
    if path.suffix == ".parquet":
        return "file_name" in open_table(path).header
    try:
        with path.open("rb") as file:
            return b"file_name" in file.read(65_536)
    except OSError as error:
        raise InputError(f"{shown(str(path))} cannot be read: {error.strerror}. Allow it, or move it away.") from None


def _with_default(columns: Columns) -> Columns:
    return Columns(columns.file or "file_name", columns.label, columns.split)
