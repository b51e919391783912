"""Forgetting: what no file of the last scan of any source has, runs that are gone, and what was not used for long.

Embeddings that are left are copied to new shards, one transaction switches to these, then the old ones are removed.
Wherever that is cut short, either all old shards are whole or all new ones, and the next prune removes the others.
"""

import re
import sqlite3
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from auditor.store.database import transaction
from auditor.store.run_audits import forget_run_audits
from auditor.store.shards import Reader, Shard, lock, shard_path
from auditor.store.upkeep import disk_size, opened

_DAY = 24 * 3600
_COPIED = 4096                                  # embeddings at once
_SMALL = 4096                                   # embeddings up to which a shard is joined with others
_NAME = re.compile(r"\d{8,}\.npy")
_SPARE = 0.25                                   # of the pages of the database: when more are empty it is written anew


@dataclass(frozen=True)
class Pruned:
    """What a prune did.

    Attributes:
        images, results: How many images it forgot, and how many results of any kind.
        audits: How many audits of runs whose folder is gone.
        before, after: Bytes on disk.
    """

    images: int
    results: int
    audits: int
    before: int
    after: int


def prune(out: Path, older_than: int | None = None) -> Pruned:
    """Removes what is no longer needed from the store in a folder of reports. Scans may run meanwhile.

    Args:
        out: Folder of the reports.
        older_than: Also what models answered that were not used for so many days, what other versions of the reader
            found, and the files of sources that were not scanned for so long; None keeps all these.

    Raises:
        InputError: there is no store, or it cannot be used.
        Incomplete: the disk is full.
    """
    with opened(out) as (folder, connection):
        before = disk_size(folder)
        with transaction(connection):
            if older_than is not None:
                _forget_unused(connection, time.time() - older_than * _DAY)
            audits = forget_run_audits(connection, out)
            images = connection.execute("DELETE FROM contents WHERE id NOT IN (SELECT content FROM files)").rowcount
            results = sum(
                connection.execute(
                    f"DELETE FROM {table} WHERE content NOT IN (SELECT id FROM contents) "
                    f"OR {owner} NOT IN (SELECT id FROM {owner}s)"
                ).rowcount
                for table, owner in (("pixels", "reader"), ("forward", "model"))
            )
        _compact(folder, connection)
        _shrink(connection)
        return Pruned(images, results, audits, before, disk_size(folder))


def _forget_unused(connection: sqlite3.Connection, since: float) -> None:
    connection.execute("DELETE FROM readers WHERE used < ?", (since,))
    connection.execute("DELETE FROM models WHERE used < ?", (since,))
    connection.execute("DELETE FROM roots WHERE scanned < ?", (since,))
    connection.execute("DELETE FROM files WHERE root NOT IN (SELECT id FROM roots)")
    connection.execute("DELETE FROM verdicts WHERE root NOT IN (SELECT id FROM roots)")


def _compact(folder: Path, connection: sqlite3.Connection) -> None:
    """Copies the embeddings that rows point at out of shards that hold others too, or few; removes those."""
    reader = Reader(folder)
    with ExitStack() as locked:
        old: dict[int, dict[int, bool]] = {}    # width -> shard whose writer has ended -> whether all of it is needed
        query = "SELECT id, features, (SELECT count(*) FROM forward WHERE shard = id) FROM shards ORDER BY id"
        for number, features, live in connection.execute(query).fetchall():
            try:
                file = locked.enter_context(shard_path(folder, number).open("rb"))
            except OSError:
                if not live:
                    connection.execute("DELETE FROM shards WHERE id = ?", (number,))
                continue
            if lock(file):
                length = reader.length(number, features)
                if live <= _SMALL or live < length:
                    old.setdefault(features, {})[number] = live == length
        for features, numbers in old.items():
            if list(numbers.values()) != [True]:                # one that is whole stays as it is
                _rewrite(folder, connection, reader, numbers, features)
    there = list(folder.iterdir())              # first: the row of a shard is made before its file
    known = {number for (number,) in connection.execute("SELECT id FROM shards")}
    for path in there:
        if _NAME.fullmatch(path.name) and int(path.stem) not in known:
            with suppress(OSError):
                path.unlink()


def _rewrite(
    folder: Path, connection: sqlite3.Connection, reader: Reader, numbers: Iterable[int], features: int
) -> None:
    moved: list[tuple[int, int, int]] = []      # new shard, new row, row of `forward`
    shard: Shard | None = None
    for number in numbers:
        query = "SELECT rowid, line FROM forward WHERE shard = ? ORDER BY line"
        wanted = connection.execute(query, (number,)).fetchall()
        for start in range(0, len(wanted), _COPIED):
            part = wanted[start : start + _COPIED]
            if shard is None:
                made = connection.execute("INSERT INTO shards (features) VALUES (?)", (features,)).lastrowid
                assert made is not None
                shard = Shard(folder, made, features)
            first = shard.append(list(reader.rows(number, features, [line for _, line in part])))
            moved += [(shard.number, first + place, forward) for place, (forward, _) in enumerate(part)]
    with transaction(connection):
        connection.executemany("UPDATE forward SET shard = ?, line = ? WHERE rowid = ?", moved)
        connection.executemany("DELETE FROM shards WHERE id = ?", ((number,) for number in numbers))
    if shard is not None:
        shard.close()


def _shrink(connection: sqlite3.Connection) -> None:
    """Gives empty pages back to the disk, unless a scan is at work."""
    (empty,), (pages,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_count"))
    with suppress(sqlite3.OperationalError):
        if empty > _SPARE * pages:
            connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
