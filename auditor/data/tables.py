"""Tables of files and labels: manifests, and the metadata of Hugging Face."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from auditor.data.dataset_info import class_names
from auditor.data.split_names import split_of
from auditor.data.table_files import TableFile, cell_text, listed, open_table
from auditor.errors import InputError
from auditor.text import count, shown, some

MANIFEST_SUFFIXES = (".csv", ".tsv", ".jsonl")

#: Column names that are recognised; the first one found is used.
FILE_COLUMNS = ("file", "file_name", "filename", "file_path", "filepath", "path", "image", "image_path", "image_name",
                "image_file", "img", "img_path", "img_name")  # fmt: skip
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "classname", "label_name", "category", "target", "y")
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "is_valid")

#: What programs write for a missing value and nobody calls a class; and what can be a class too.
_MISSING = frozenset({"nan", "NaN", "<NA>", "#N/A"})
_MAYBE_MISSING = frozenset({"na", "NA", "n/a", "N/A", "none", "None", "NONE", "null", "Null", "NULL"})
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?")


@dataclass(frozen=True)
class Columns:
    """The names of the columns to read; None uses the first column that is recognised."""

    file: str | None = None
    label: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class TableRow:
    """One line of a table. `file` is as written; an empty label is None; a split is "train", "val", "test" or None."""

    source: str
    line: int
    file: str
    label: str | None
    split: str | None


@dataclass(frozen=True)
class Table:
    """A table that was read.

    Attributes:
        rows: Its lines, in order.
        labelled: Whether it has a label column.
        has_splits: Whether it has a split column.
        unknown_splits: Values in that column that are not splits.
        encoding: Of names in it that are not UTF-8; None where all are.
        notes: Sentences about how it was read.
    """

    rows: tuple[TableRow, ...]
    labelled: bool
    has_splits: bool
    unknown_splits: tuple[str, ...]
    encoding: str | None = None
    notes: tuple[str, ...] = ()


def read_table(
    path: Path, columns: Columns, *, label_required: bool, names: Mapping[str, Sequence[str]] | None = None
) -> Table:
    """Reads a table of files and labels.

    Args:
        path: A .csv, .tsv, .jsonl or .parquet file.
        columns: Names given by the user.
        label_required: Whether a table without a label column is an error.
        names: Column -> the names of its classes, where its values are their numbers; the table's own come first.

    Raises:
        InputError: it is not a table, or a column or a value is missing; the message names the columns that were
            found, or the line.
    """
    table = open_table(path)
    header = table.header
    file = _column(path, header, "file", columns.file, FILE_COLUMNS, required=True) or ""
    label = _column(path, header, "label", columns.label, LABEL_COLUMNS, required=label_required)
    split = _column(path, header, "split", columns.split, SPLIT_COLUMNS, required=False)
    rows, unknown = [], set()
    for line, cells in table.lines([column for column in (file, label, split) if column]):
        name = cell_text(cells.get(file))
        if not name.strip():
            raise InputError(f'{path}, line {line}: the column "{file}" is empty. Every line must name a file.')
        text = cell_text(cells.get(split)).strip() if split else ""
        part = _split_in_cell(split or "", text)
        if text and part is None:
            unknown.add(shown(text))
        given = _label(path, line, table, cells.get(label)) if label else None
        rows.append(TableRow(str(path), line, name, given, part))
    known = {**(names or {}), **class_names(path, table.info)}.get(label or "")
    rows, notes = _named(path, rows, known) if known else _without_missing(path, rows)
    return Table(
        tuple(rows), label is not None, split is not None, tuple(sorted(unknown)), table.encoding,
        (*table.notes, *notes),
    )  # fmt: skip


def unique(rows: Iterable[tuple[str, TableRow]]) -> tuple[dict[str, TableRow], int]:
    """Returns one row per file, and the number of rows that were dropped because they repeat an earlier one.

    Raises:
        InputError: two rows give one file different labels or splits; the message names both lines.
    """
    kept: dict[str, TableRow] = {}
    repeated = 0
    for file, row in rows:
        first = kept.setdefault(file, row)
        if first is row:
            continue
        if (first.label, first.split) != (row.label, row.split):
            raise InputError(
                f"{shown(file)} is named twice with different values: {_values(first)} in line {first.line} of "
                f"{first.source}, {_values(row)} in line {row.line} of {row.source}. Keep the line that is right."
            )
        repeated += 1
    return kept, repeated


def _values(row: TableRow) -> str:
    label = f'label "{row.label}"' if row.label is not None else "no label"
    return f"{label} and split {row.split}" if row.split else label


def _label(path: Path, line: int, table: TableFile, value: Any) -> str | None:
    """The class in a cell; None where it is empty."""
    if (isinstance(value, list) and len(value) > 1) or isinstance(value, dict):
        held = "an object" if isinstance(value, dict) else f"{len(value)} labels, {some(map(cell_text, value))}"
        raise InputError(
            f"{path}, line {line}: the label is {shown(held)}. Expected one class for each image; keep the one that "
            "is meant, or name another column with --label-column."
        )
    return shown(table.decoded(cell_text(value)).strip()) or None


def _split_in_cell(column: str, text: str) -> str | None:
    if column.strip().casefold() == "is_valid":  # fastai: True is the validation set
        return {"true": "val", "1": "val", "false": "train", "0": "train"}.get(text.casefold())
    return split_of(text)


def _column(
    path: Path, header: Sequence[str], purpose: str, wanted: str | None, known: tuple[str, ...], *, required: bool
) -> str | None:
    found = listed(header)
    for name in known if wanted is None else (wanted,):
        exact = [column for column in header if column == name] if wanted is not None else []
        columns = exact or [column for column in header if column.strip().casefold() == name.strip().casefold()]
        if len(columns) > 1:
            places = [str(place) for place, column in enumerate(header, start=1) if column in columns]
            both = some(f'"{shown(column)}"' for column in columns)
            help_ = "rename one of them" if len(set(columns)) == 1 else f"say which one with --{purpose}-column"
            raise InputError(
                f"{path} has {len(columns)} columns for the {purpose}: {both} (columns {some(places)}). Expected one; "
                f"{help_}."
            )
        if columns:
            return columns[0]
    if wanted is not None:
        raise InputError(f'{path} has no column "{wanted}". Its columns are: {found}. Change --{purpose}-column.')
    if not required:
        return None
    raise InputError(
        f"{path} has no column for the {purpose}. Its columns are: {found}. "
        f'Expected "{known[0]}" in the first line, or name the column with --{purpose}-column.'
    )


def _named(path: Path, rows: list[TableRow], names: Sequence[str]) -> tuple[list[TableRow], list[str]]:
    """Rows with the names of their classes in the place of numbers; text stays as it is."""
    if any(row.label is not None and not re.fullmatch(r"-?\d+", row.label) for row in rows):
        return rows, []
    named = []
    for row in rows:
        place = -1 if row.label is None else int(row.label)     # -1: Hugging Face's number for no label
        if place >= len(names):
            raise InputError(
                f"{path}, line {row.line}: the label is {place}, but dataset_info names {len(names)} classes, 0 to "
                f"{len(names) - 1} ({some(names)}). Correct one of them."
            )
        named.append(replace(row, label=None if place < 0 else shown(names[place])))
    return named, [f"Label numbers of {shown(path.name)} were read as the classes that dataset_info names."]


def _without_missing(path: Path, rows: list[TableRow]) -> tuple[list[TableRow], list[str]]:
    """Rows in which words for a missing value are no label, where they can be nothing else; and what to say."""
    counts = Counter(row.label for row in rows if row.label is not None)
    doubtful = [word for word in sorted(counts) if word in _MAYBE_MISSING]
    others = counts.keys() - _MISSING - _MAYBE_MISSING
    numbers = bool(others) and all(_NUMBER.fullmatch(label) for label in others)
    missing = [word for word in sorted(counts) if word in _MISSING or (numbers and word in doubtful)]
    notes = []
    if missing:
        words = some(f'"{word}" ({count(counts[word], "line")})' for word in missing)
        notes.append(f"Read as no label in {shown(path.name)}: {words}.")
        rows = [replace(row, label=None) if row.label in missing else row for row in rows]
    if doubtful and not numbers:
        words = some(f'"{word}" ({count(counts[word], "line")})' for word in doubtful)
        notes.append(f"Read as a class in {shown(path.name)}: {words}. Leave the cells empty if it means no label.")
    return rows, notes
