"""The upkeep of a store: what it holds, what it can forget, and whether it is sound."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor.data.own_output import STORE_DATABASE
from auditor.errors import Incomplete, InputError
from auditor.store.database import STORE, Unusable, connect, explained, is_full, is_read_only
from auditor.store.numbers import Numbers, shape_of
from auditor.store.reading import read_known
from auditor.store.shards import HALF, Reader, shard_path
from auditor.text import shown

_BLOCK = 4096                                   # contents that are checked at once
_SHAPE = "classes, features, maps, map_height, map_width"


@dataclass(frozen=True)
class Level:
    """Results of one kind.

    Attributes:
        name: What they are.
        results: How many there are.
        size: Bytes, without what the database needs to find them.
        used: When a scan last asked for them.
    """

    name: str
    results: int
    size: int
    used: datetime


@dataclass(frozen=True)
class Contents:
    """What a store holds.

    Attributes:
        folder: Of the store.
        sources: Source that was scanned, as it was stated -> number of its files.
        images: Number of different images.
        levels: What was decoded, a level for each way to read; then what models answered, one for each.
        runs: Number of runs whose audits are kept.
        runs_size: Bytes of these audits.
        size: Bytes on disk.
    """

    folder: Path
    sources: dict[str, int]
    images: int
    levels: tuple[Level, ...]
    runs: int
    runs_size: int
    size: int


@contextmanager
def opened(out: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """The folder and the database of the store in a folder of reports.

    Raises:
        InputError: there is none, or it cannot be used.
        Incomplete: the disk is full.
    """
    folder = out / STORE
    where = shown(str(folder))
    if not (folder / STORE_DATABASE).is_file():
        raise InputError(f"{where} is no store; expected {STORE_DATABASE} there, which `auditor scan --out` makes")
    try:
        connection = connect(folder)
    except Unusable as reason:
        raise InputError(f"{where} cannot be used: {reason}") from None
    except (sqlite3.Error, OSError) as error:
        raise _told(error, folder) from None
    try:
        yield folder, connection
    except (sqlite3.Error, OSError) as error:
        raise _told(error, folder) from None
    finally:
        connection.close()


def contents_of(out: Path) -> Contents:
    """What the store in a folder of reports holds; raises as `opened`."""
    with opened(out) as (folder, connection):
        files = connection.execute(
            "SELECT location, count(place) FROM roots LEFT JOIN files ON root = id GROUP BY id ORDER BY location"
        )
        sources = {bytes(location).decode("utf-8", "replace"): count for location, count in files}
        (images,) = connection.execute("SELECT count(*) FROM contents").fetchone()
        runs, runs_size = connection.execute(
            "SELECT count(*), coalesce(sum(length(head)), 0) + (SELECT coalesce(sum(length(data)), 0) FROM parts) "
            "FROM audits"
        ).fetchone()
        levels = (*_readers(connection), *_models(connection))
        return Contents(folder, sources, images, levels, runs, runs_size, disk_size(folder))


@dataclass(frozen=True)
class Checked:
    """What a check of a store found.

    Attributes:
        sound: How many results are what was written.
        removed: How many were not, and are computed again by the next scan.
        wrong: What else was wrong, as sentences.
    """

    sound: int
    removed: int
    wrong: tuple[str, ...]


def verify(out: Path) -> Checked:
    """Compares every result of a store with its checksum, and removes those that are not what was written.

    Raises:
        InputError: there is no store, or its database is damaged as a whole.
        Incomplete: the disk is full.
    """
    with opened(out) as (folder, connection):
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise _told(sqlite3.DatabaseError(state), folder)
        wrong = tuple(_wrong_shards(folder, connection))
        before = _results(connection)
        connection.execute("DELETE FROM pixels WHERE content NOT IN (SELECT id FROM contents)")
        connection.execute("DELETE FROM forward WHERE content NOT IN (SELECT id FROM contents)")
        reader = Reader(folder)
        readers = [Numbers(0, number, None, None) for (number,) in connection.execute("SELECT id FROM readers")]
        models = [
            Numbers(0, -1, number, shape_of(sides))
            for number, *sides in connection.execute(f"SELECT id, {_SHAPE} FROM models")
        ]
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM contents").fetchone()
        for start in range(0, last + 1, _BLOCK):
            for numbers in (*readers, *models):         # reading removes what is damaged
                read_known(connection, reader, numbers, "id", range(start, start + _BLOCK))
        after = _results(connection)
    return Checked(after, before - after, wrong)


def disk_size(folder: Path) -> int:
    """Bytes of the files of a store."""
    files = (*folder.glob(f"{STORE_DATABASE}*"), *folder.glob("*.npy"))
    return sum(path.stat().st_size for path in files if path.is_file())


def _results(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT (SELECT count(*) FROM pixels) + (SELECT count(*) FROM forward)").fetchone()
    return int(count)


def _wrong_shards(folder: Path, connection: sqlite3.Connection) -> Iterator[str]:
    """A sentence for every shard that lacks embeddings which the database points at."""
    query = "SELECT shard, features, count(*), max(line) FROM forward JOIN shards ON shards.id = shard GROUP BY shard"
    for number, features, count, last in connection.execute(query).fetchall():
        path = shard_path(folder, number)
        if not path.is_file():
            yield f"{path.name}, with the embeddings of {count} images, is missing."
        elif (rows := Reader(folder).length(number, features)) <= last:
            yield f"{path.name} holds {rows} embeddings, where {last + 1} were written."


def _readers(connection: sqlite3.Connection) -> Iterator[Level]:
    query = (
        "SELECT used, count(content), coalesce(sum(coalesce(length(properties) + length(hash) + length(miniature), "
        "0)), 0) FROM readers LEFT JOIN pixels ON reader = id GROUP BY id ORDER BY used DESC"
    )
    for used, count, size in connection.execute(query):
        yield Level("decoded and described", count, size, _moment(used))


def _models(connection: sqlite3.Connection) -> Iterator[Level]:
    query = (
        "SELECT name, key, used, features, count(content), count(shard), coalesce(sum(coalesce(length(probabilities) "
        "+ length(map_classes) + length(forward.maps), 0)), 0) FROM models LEFT JOIN forward ON model = id "
        "GROUP BY id ORDER BY used DESC"
    )
    for name, key, used, features, count, embedded, size in connection.execute(query):
        try:
            told = json.loads(key)
            version = f"{told['sha256'][:12]}, {told['device']}"
        except (ValueError, TypeError, KeyError):
            version = "unknown"
        size += HALF.itemsize * embedded * (features or 0)
        yield Level(f"{shown(str(name))} ({shown(version)})", count, size, _moment(used))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _told(error: Exception, folder: Path) -> InputError | Incomplete:
    where = shown(str(folder))
    if is_full(error, folder):
        return Incomplete(f"the disk of {where} is full; make room, then run it again")
    if is_read_only(error):
        return InputError(
            f"{where} cannot be opened ({explained(error)}). SQLite writes beside a database even to read it. Let "
            "this user write into that folder, or copy the folder of the reports to a place where that is so, and "
            "name the copy with --out."
        )
    return InputError(
        f"{where} cannot be used ({explained(error)}). If it is damaged, the next scan moves it aside and begins a new "
        "one."
    )
