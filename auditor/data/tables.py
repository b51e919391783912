"""Tables of files and labels: CSV manifests, and the metadata.csv or metadata.jsonl of Hugging Face."""

import codecs
import csv
import io
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import InputError
from auditor.text import absolute, shown, some

MANIFEST_SUFFIXES = (".csv", ".tsv", ".jsonl")

#: Column names that are recognised; the first one found is used.
FILE_COLUMNS = ("file", "file_name", "filename", "file_path", "filepath", "path", "image", "image_path", "image_name",
                "image_file", "img", "img_path", "img_name")  # fmt: skip
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "classname", "label_name", "category", "target", "y")
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "is_valid")

_SPLITS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test", "test1": "test",  # test1: Dogs vs. Cats on Kaggle
}  # fmt: skip


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
    """

    rows: tuple[TableRow, ...]
    labelled: bool
    has_splits: bool
    unknown_splits: tuple[str, ...]


def split_of(name: str) -> str | None:
    """Returns the split that a folder name or a cell means ("Training_set" is "train"); None if it is not a split."""
    return _SPLITS.get(re.sub(r"[ _-]?set$", "", name.strip().casefold()))


def read_table(path: Path, columns: Columns, *, label_required: bool) -> Table:
    """Reads a table of files and labels.

    Args:
        path: A .csv, .tsv or .jsonl file.
        columns: Names given by the user.
        label_required: Whether a table without a label column is an error.

    Raises:
        InputError: it is not a table, or a column or a value is missing; the message names the columns that were
            found, or the line.
    """
    header, lines = _read_jsonl(path) if path.suffix.lower() == ".jsonl" else _read_csv(path)
    file = _column(path, header, "file", columns.file, FILE_COLUMNS, required=True)
    label = _column(path, header, "label", columns.label, LABEL_COLUMNS, required=label_required)
    split = _column(path, header, "split", columns.split, SPLIT_COLUMNS, required=False)
    rows, unknown = [], set()
    for line, cells in lines:
        name = cells.get(file or "", "")
        if not name.strip():
            raise InputError(f'{path}, line {line}: the column "{file}" is empty. Every line must name a file.')
        text = cells.get(split, "").strip() if split else ""
        part = _split_in_cell(split or "", text)
        if text and part is None:
            unknown.add(shown(text))
        given = cells.get(label, "").strip() if label else ""
        rows.append(TableRow(str(path), line, name, shown(given) or None, part))
    return Table(tuple(rows), label is not None, split is not None, tuple(sorted(unknown)))


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


class Locator:
    """Finds the files that a table names, only below its own folder.

    It works on strings, because a table has a line per image, and making a `Path` is slower than looking up the file.
    """

    def __init__(self, root: Path) -> None:
        self.base = absolute(root)
        self._prefix = os.path.normpath(self.base / "x")[:-1]  # ends in one separator, also for the root of a disk
        self._real = root.resolve()
        self._inside: dict[str, bool] = {}  # parent folder -> whether it is really below the root

    def find(self, written: str, *, below: str = "") -> tuple[str, str | None]:
        """Finds a file by the name that a table gives it.

        Returns:
            The path relative to the root, separated by "/", and None; or the name and the reason why it is refused.
        """
        reason = "no such file"
        for spelling in _spellings(written):
            if "\0" in spelling:  # normpath of Python 3.11.0 to 3.11.4 would cut the name there
                continue
            relative = f"{below}/{spelling}" if below else spelling
            path = os.path.normpath(spelling if spelling.startswith("/") else f"{self._prefix}{relative}")
            if not f"{path}{os.sep}".startswith(self._prefix):
                return written, "refused: it lies outside the folder of the table that names it"
            try:
                mode = os.stat(path).st_mode  # noqa: PTH116
            except (OSError, ValueError):  # ValueError: half a surrogate pair, which JSON can contain
                continue
            if not stat.S_ISREG(mode):
                reason = "a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file"
            elif not self._is_inside(path.rpartition(os.sep)[0]):
                return written, "refused: a link in its path leads outside the folder of the table that names it"
            else:
                return path.removeprefix(self._prefix).replace(os.sep, "/"), None
        return written, reason

    def _is_inside(self, folder: str) -> bool:
        if folder not in self._inside:
            self._inside[folder] = Path(folder or os.sep).resolve().is_relative_to(self._real)
        return self._inside[folder]


def _spellings(written: str) -> Iterator[str]:
    """The name as written, then as spreadsheets, Windows and macOS may have changed it."""
    yield written
    stripped = written.strip()
    yield stripped
    yield stripped.replace("\\", "/")
    yield unicodedata.normalize("NFC", stripped)
    yield unicodedata.normalize("NFD", stripped)


def _values(row: TableRow) -> str:
    label = f'label "{row.label}"' if row.label is not None else "no label"
    return f"{label} and split {row.split}" if row.split else label


def _split_in_cell(column: str, text: str) -> str | None:
    if column.strip().casefold() == "is_valid":  # fastai: True is the validation set
        return {"true": "val", "1": "val", "false": "train", "0": "train"}.get(text.casefold())
    return split_of(text)


def _column(
    path: Path, header: list[str], purpose: str, wanted: str | None, known: tuple[str, ...], *, required: bool
) -> str | None:
    found = some((shown(name) for name in header), 20) or "none"
    by_name = {name.strip().casefold(): name for name in reversed(header)}
    if wanted is not None:
        if wanted in header or wanted.strip().casefold() in by_name:
            return wanted if wanted in header else by_name[wanted.strip().casefold()]
        raise InputError(f'{path} has no column "{wanted}". Its columns are: {found}. Change --{purpose}-column.')
    for name in known:
        if name in by_name:
            return by_name[name]
    if not required:
        return None
    raise InputError(
        f"{path} has no column for the {purpose}. Its columns are: {found}. "
        f'Expected "{known[0]}" in the first line, or name the column with --{purpose}-column.'
    )


def _read_csv(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    lines = _csv_lines(path)
    _, header = next(lines, (0, []))

    def records() -> Iterator[tuple[int, dict[str, str]]]:
        for line, cells in lines:
            if any(cell.strip() for cell in cells[len(header) :]):
                raise InputError(
                    f"{path}, line {line}: {len(cells)} values, but the first line names {len(header)} columns. "
                    "Put quotes around a value that contains the separator."
                )
            yield line, dict(zip(header, cells, strict=False))

    return header, records()


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields rows that are not blank, with the line that each starts in; a quoted cell may contain several lines."""
    text = _text(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}, line {line}: it cannot be read ({error}). Check the quotes.") from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _read_jsonl(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    rows: list[tuple[int, dict[str, str]]] = []
    header: dict[str, None] = {}
    for line, text in enumerate(_text(path).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {line}: not JSON ({error}). Expected one object a line.") from None
        if not isinstance(record, dict):
            raise InputError(f"{path}, line {line}: {type(record).__name__}, expected an object with names and values.")
        header.update(dict.fromkeys(record))
        rows.append((line, {name: _cell(value) for name, value in record.items()}))
    return list(header), iter(rows)


def _cell(value: object) -> str:
    """Converts a JSON value to the text of a CSV cell; lists and objects stay JSON."""
    if value is None:
        return ""
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, sort_keys=True)


def _text(path: Path) -> str:
    """Reads the text. Bytes that are not UTF-8 are escaped in the same way as in Python's file names, so both match."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # "Unicode text" of a spreadsheet
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(",;\t", key=header.count)  # the first where none occurs
