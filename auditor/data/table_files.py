"""Tables as they lie on disk: CSV with any usual separator and encoding, JSON lines, Parquet."""

import codecs
import csv
import io
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.text import MARK, UNMARKED, encoding_of, shown, some

#: What a cell holds: text of a CSV; of JSON and Parquet any value.
Line = tuple[int, Mapping[str, Any]]

# What Excel reads, and writes, as the first line of a CSV.
_SEPARATOR = re.compile(r'\s*"?sep=(.)"?[ \t]*(?=\r?\n|$)', re.IGNORECASE)
#: A byte that is not UTF-8, as Python escapes it in texts and names of files.
ESCAPED = re.compile("[\udc80-\udcff]")
_INFINITE = (math.inf, -math.inf)
_EXACT = 2**53                                  # above it a float is not an exact whole number


@dataclass(frozen=True)
class TableFile:
    """A table whose first line, or schema, was read.

    Attributes:
        header: The names of its columns, in order; a name occurs twice where two columns have it.
        lines: Gives its lines with these columns: number, and cells by column.
        encoding: Of a text that is not UTF-8, for `decoded`; None for one that is.
        notes: Sentences about how it was read.
        info: What Hugging Face's `datasets` stored in it about the columns.
    """

    header: tuple[str, ...]
    lines: Callable[[Sequence[str]], Iterator[Line]]
    encoding: str | None = None
    notes: tuple[str, ...] = ()
    info: Any = None

    def decoded(self, text: str) -> str:
        """A cell with the bytes decoded that are not UTF-8. Names of files are not: on disk they can have these."""
        return text if self.encoding is None else read_as(text, self.encoding)


class _Object(dict[str, Any]):
    """A JSON object that knows which names occur twice in it."""

    repeated: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> "_Object":
        made = cls(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            made.repeated = tuple(name for name in made if names.count(name) > 1)
        return made


def open_table(path: Path) -> TableFile:
    """Reads the header of a .csv, .tsv, .jsonl or .parquet file.

    Raises:
        InputError: it cannot be read as what its name says.
    """
    kinds = {".jsonl": _open_jsonl, ".parquet": _open_parquet}
    return kinds.get(path.suffix.lower(), _open_csv)(path)


def cell_text(value: Any) -> str:
    """The text of a cell: a missing or infinite value is empty, and a whole number has one form, 1 for 1.0 too.

    A list of one value is that value; other lists, and objects, stay JSON.
    """
    if value is None or value != value or value in _INFINITE:   # NaN is never equal to itself
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, list) and len(value) < 2:
        return cell_text(value[0]) if value else ""
    if isinstance(value, list | dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return str(value)


def read_as(text: str, encoding: str) -> str:
    """A text whose bytes were escaped because they are not UTF-8, in their encoding; any other text as it is."""
    return os.fsencode(text).decode(encoding, "replace") if ESCAPED.search(text) else text


def _open_csv(path: Path) -> TableFile:
    text, encoding = _text(path)
    delimiter, notes = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text), _encoding_notes(path, encoding)
    stated = _SEPARATOR.match(text)
    if stated:
        delimiter, text = stated[1], text[stated.end() :]
        notes.append(f"The first line of {shown(path.name)} is sep={delimiter} and names the separator of its cells.")
    rows = _csv_rows(path, text, delimiter)
    _, header = next(rows, (0, []))

    def lines(columns: Sequence[str]) -> Iterator[Line]:
        for line, cells in rows:
            if any(cell.strip() for cell in cells[len(header) :]):
                raise InputError(
                    f"{path}, line {line}: {len(cells)} values, but the first line names {len(header)} columns. "
                    "Put quotes around a value that contains the separator."
                )
            yield line, dict(zip(header, cells, strict=False))

    return TableFile(tuple(header), lines, encoding, tuple(notes))


def _csv_rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields rows that are not blank, with the line that each starts in; a quoted cell may contain several lines."""
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


def _open_jsonl(path: Path) -> TableFile:
    text, encoding = _text(path)
    records: list[tuple[int, _Object]] = []
    header: dict[str, None] = {}
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        try:
            record = json.loads(row, object_pairs_hook=_Object.of)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {line}: not JSON ({error}). Expected one object a line.") from None
        if not isinstance(record, _Object):
            raise InputError(f"{path}, line {line}: {type(record).__name__}, expected an object with names and values.")
        header.update(dict.fromkeys(record))
        records.append((line, record))

    def lines(columns: Sequence[str]) -> Iterator[Line]:
        for line, record in records:
            twice = [name for name in record.repeated if name in columns]
            if twice:
                raise InputError(
                    f'{path}, line {line}: the name "{shown(twice[0])}" occurs twice in the object. '
                    "Keep the value that is right."
                )
            yield line, record

    return TableFile(tuple(header), lines, encoding, tuple(_encoding_notes(path, encoding)))


def _open_parquet(path: Path) -> TableFile:
    from pyarrow import ArrowException, parquet

    try:
        schema = parquet.read_schema(path)
    except (OSError, ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error}). Write it again, or move it away.") from None
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"null"))
    except ValueError:
        info = None

    def lines(columns: Sequence[str]) -> Iterator[Line]:
        try:
            rows = parquet.read_table(path, columns=list(columns)).to_pylist()
        except (OSError, ArrowException) as error:
            raise InputError(f"{path} cannot be read as Parquet ({error}). Write it again.") from None
        yield from enumerate(rows, start=1)

    return TableFile(tuple(schema.names), lines, info=info)


def _text(path: Path) -> tuple[str, str | None]:
    """The text, and its encoding where it is not UTF-8.

    Bytes that are not UTF-8 are escaped in the same way as in Python's file names, so that both match. A file that
    says that it is UTF-8 by a byte order mark is not taken for anything else: `auditor split` writes such.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    marked = encoding_of(data)
    if marked != UNMARKED:                      # "Unicode text" of a spreadsheet is UTF-16
        errors = "surrogateescape" if data.startswith(codecs.BOM_UTF8) else "replace"
        return data.decode(marked, errors).lstrip(MARK), None
    for encoding in ("utf-8", "cp1252", "latin-1"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    return data.decode("utf-8", errors="surrogateescape"), None if encoding == "utf-8" else encoding


def _encoding_notes(path: Path, encoding: str | None) -> list[str]:
    if encoding is None:
        return []
    return [
        f"{shown(path.name)} is not UTF-8, so its encoding was taken for {encoding}, as Excel on Windows writes it. "
        'If names look wrong, save it as "CSV UTF-8".'
    ]


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(",;\t", key=header.count)  # the first where none occurs


def listed(header: Sequence[str]) -> str:
    """The names of columns, for a message."""
    return some((shown(name) for name in header), 20) or "none"
