"""Results read back from the store, many at a time."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.engines import Known
from auditor.store.database import select_in, transaction
from auditor.store.numbers import Numbers
from auditor.store.records import FORWARD, PIXELS, Damaged, read_forward, read_pixels
from auditor.store.shards import Reader

_SELECT = (
    f"SELECT c.id, c.digest, c.size, p.rowid, {', '.join(f'p.{name}' for name in PIXELS)}, "
    f"f.rowid, {', '.join(f'f.{name}' for name in FORWARD)} FROM contents c "
    "LEFT JOIN pixels p ON p.reader = ? AND p.content = c.id "
    "LEFT JOIN forward f ON f.model = ? AND f.content = c.id "
    "WHERE c.{column} IN ({keys})"
)
_FIRST_PIXELS = 4                               # columns before those of PIXELS, and of FORWARD
_FIRST_FORWARD = _FIRST_PIXELS + len(PIXELS) + 1
_SHARD, _LINE = (_FIRST_FORWARD + FORWARD.index(name) for name in ("shard", "line"))


@dataclass(frozen=True)
class Remembered:
    """What is known about a content. `digest`: its sha256; `size`: number of bytes."""

    digest: bytes
    size: int
    known: Known


def read_known(
    connection: sqlite3.Connection, reader: Reader, numbers: Numbers, column: str, keys: Iterable[Any]
) -> dict[int, Remembered]:
    """What is known about contents, by their number. Rows that are damaged are removed, and so computed again.

    Args:
        connection: To the database.
        reader: Of the shards.
        numbers: Of the scan.
        column: Of `contents`: "id" or "digest".
        keys: Values of that column.
    """
    query = _SELECT.replace("{column}", column).replace("{keys}", "{}")
    rows = list(select_in(connection, query, (numbers.reader, numbers.model), keys))
    embeddings = _embeddings(reader, numbers, rows)
    found, bad_pixels, bad_forward = {}, [], []
    for row in rows:
        number, digest, size, pixels, *_ = row
        if not isinstance(digest, bytes) or len(digest) != 32:
            continue
        failure, decoded, inferred = None, None, None
        if pixels is not None:
            try:
                failure, decoded = read_pixels(digest, row[_FIRST_PIXELS : _FIRST_PIXELS + len(PIXELS)])
            except Damaged:
                bad_pixels.append((pixels,))
        forward = row[_FIRST_FORWARD - 1]
        if forward is not None:
            try:
                refused, inferred = read_forward(
                    digest, row[_FIRST_FORWARD:], numbers.shape, embeddings.get(forward)
                )
                failure = failure or refused
            except Damaged:
                bad_forward.append((forward, row[_SHARD], row[_LINE]))
        if failure is not None and decoded is None and pixels is not None:
            inferred = None
        found[number] = Remembered(digest, size, Known(failure, decoded, inferred))
    if bad_pixels or bad_forward:
        with transaction(connection):
            connection.executemany("DELETE FROM pixels WHERE rowid = ?", bad_pixels)
            # A prune may have moved the embedding since this row was read.
            connection.executemany("DELETE FROM forward WHERE rowid = ? AND shard IS ? AND line IS ?", bad_forward)
    return found


def _embeddings(reader: Reader, numbers: Numbers, rows: Sequence[tuple[Any, ...]]) -> Mapping[int, NDArray[np.float16]]:
    """The embeddings of rows, by the number of their row in `forward`: every shard is asked once."""
    if numbers.shape is None:
        return {}
    places = defaultdict(list)
    for row in rows:
        if isinstance(row[_SHARD], int) and isinstance(row[_LINE], int):
            places[row[_SHARD]].append((row[_FIRST_FORWARD - 1], row[_LINE]))
    found: dict[int, NDArray[np.float16]] = {}
    for shard, wanted in places.items():
        lines = reader.rows(shard, numbers.shape.features, [line for _, line in wanted])
        found.update(zip((forward for forward, _ in wanted), lines, strict=True))
    return found
