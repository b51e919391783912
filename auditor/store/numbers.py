"""The numbers that stand for a source, a reader and a model in the rows of the store."""

import os
import sqlite3
import time
from dataclasses import dataclass

from auditor.engines import Task
from auditor.store.database import transaction
from auditor.store.keys import model_key, reader_key
from auditor.store.records import Shape
from auditor.text import shown

_OTHER_READER = (
    "Since the last scan auditor, a library that it decodes with, or --max-pixels changed, so that every image was "
    "decoded and described again."
)
_OTHER_MODEL = (
    "The model {}, as it runs here, has not seen these images before, so that this scan took longer than one that "
    "knows its answers; what had been decoded before was used again."
)


@dataclass
class Numbers:
    """What stands for the parts of a scan.

    Attributes:
        root: For the source.
        reader: For the reader and its limits.
        model: For the model and how it runs; None without one.
        shape: Of the model's results; None before the first.
        notes: Why images of a source that was scanned before are read again all the same, as sentences.
    """

    root: int
    reader: int
    model: int | None
    shape: Shape | None
    notes: tuple[str, ...] = ()


def find_numbers(connection: sqlite3.Connection, location: bytes, task: Task) -> Numbers:
    """The numbers of a scan; new ones for what is new."""
    now, backend = time.time(), task.backend
    with transaction(connection):
        root = root_of(connection, location)
        scanned = connection.execute("SELECT 1 FROM files WHERE root = ? LIMIT 1", (root,)).fetchone() is not None
        key = reader_key(task)
        notes = [_OTHER_READER] if scanned and _is_new(connection, "readers", key) else []
        connection.execute(
            "INSERT INTO readers (key, used) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET used = excluded.used",
            (key, now),
        )
        (reader,) = connection.execute("SELECT id FROM readers WHERE key = ?", (key,)).fetchone()
        if backend is None:
            return Numbers(root, reader, None, None, tuple(notes))
        key = model_key(task, backend)
        if scanned and _is_new(connection, "models", key):
            notes.append(_OTHER_MODEL.format(shown(backend.card.name)))
        connection.execute(
            "INSERT INTO models (key, name, used) VALUES (?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET used = excluded.used, name = excluded.name",
            (key, backend.card.name, now),
        )
        model, *sides = connection.execute(
            "SELECT id, classes, features, maps, map_height, map_width FROM models WHERE key = ?", (key,)
        ).fetchone()
    return Numbers(root, reader, model, shape_of(sides), tuple(notes))


def _is_new(connection: sqlite3.Connection, table: str, key: str) -> bool:
    return connection.execute(f"SELECT 1 FROM {table} WHERE key = ?", (key,)).fetchone() is None


def location_key(location: str) -> bytes:
    """What stands for a source in the column `location`: its absolute path, where it is one."""
    path = os.path.abspath(location) if os.path.exists(location) else location  # noqa: PTH100, PTH110  # any text
    return path.encode("utf-8", "surrogatepass")


def root_of(connection: sqlite3.Connection, location: bytes) -> int:
    """The number of a source; a new one for a new source."""
    connection.execute("INSERT OR IGNORE INTO roots (location, scanned) VALUES (?, ?)", (location, time.time()))
    (root,) = connection.execute("SELECT id FROM roots WHERE location = ?", (location,)).fetchone()
    return int(root)


def shape_of(sides: list[object]) -> Shape | None:
    """The shape that a row of `models` tells; None where it tells none."""
    if not all(isinstance(side, int) and 0 <= side < 2**24 for side in sides):
        return None
    return Shape(*sides)  # type: ignore[arg-type]  # just checked
