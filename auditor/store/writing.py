"""Outcomes written to the store, a batch at a time: embeddings first, then one transaction that points at them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from auditor.data.sample import Sample, Stamp
from auditor.engines import Inferred, Outcome
from auditor.store.database import select_in, transaction
from auditor.store.numbers import Numbers
from auditor.store.records import FORWARD, PIXELS, Shape, forward_row, pixels_row
from auditor.store.shards import Shard

#: A file that changed less than this before it was read may change again within the same tick of its clock: 2 s on FAT.
_TOO_YOUNG = 2_500_000_000                      # ns


def _insert(table: str, columns: Sequence[str], *, or_else: str = "IGNORE") -> str:
    return f"INSERT OR {or_else} INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


_INSERT_PIXELS = _insert("pixels", ("reader", "content", *PIXELS))
_INSERT_FORWARD = _insert("forward", ("model", "content", *FORWARD))
_FILE = ("root", "place", "size", "modified", "changed", "inode", "content")
_INSERT_FILE = _insert("files", _FILE, or_else="REPLACE")


class Writer:
    """Writes outcomes. Embeddings go to a shard of its own, which is made when the first one comes.

    Args:
        folder: Of the store.
        numbers: Of the scan.
    """

    def __init__(self, folder: Path, numbers: Numbers) -> None:
        self._folder, self._numbers = folder, numbers
        self._shard: Shard | None = None

    def write(self, connection: sqlite3.Connection, batch: Sequence[Outcome]) -> None:
        """Writes a batch, all or nothing; raises OSError or sqlite3.Error."""
        fresh = {bytes.fromhex(each.content): each for each in batch if not each.remembered and not each.passing}
        places = self._keep_embeddings(connection, fresh)
        digests = {bytes.fromhex(each.content): each.size for each in batch}
        with transaction(connection):
            connection.executemany("INSERT OR IGNORE INTO contents (digest, size) VALUES (?, ?)", digests.items())
            query = "SELECT digest, id FROM contents WHERE digest IN ({})"
            ids: dict[bytes, int] = dict(select_in(connection, query, (), digests))
            self._insert_results(connection, fresh, ids, places)
            files = [(self._numbers.root, *_file_row(each), ids[bytes.fromhex(each.content)]) for each in batch]
            connection.executemany(_INSERT_FILE, files)

    def close(self) -> None:
        """Ends the shard."""
        if self._shard is not None:
            self._shard.close()

    def _keep_embeddings(
        self, connection: sqlite3.Connection, fresh: dict[bytes, Outcome]
    ) -> dict[bytes, tuple[int, int]]:
        """Writes the embeddings that no row points at yet; digest -> shard and row of each."""
        numbers = self._numbers
        new: dict[bytes, Inferred] = {each: out.inferred for each, out in fresh.items() if out.inferred is not None}
        if not new or numbers.model is None:
            return {}
        query = "SELECT digest FROM forward JOIN contents ON contents.id = content WHERE model = ? AND digest IN ({})"
        for (digest,) in select_in(connection, query, (numbers.model,), list(new)):
            del new[digest]
        if not new:
            return {}
        if numbers.shape is None:
            numbers.shape = Shape.of(next(iter(new.values())))
            connection.execute(
                "UPDATE models SET classes = ?, features = ?, maps = ?, map_height = ?, map_width = ? WHERE id = ?",
                (*astuple(numbers.shape), numbers.model),
            )
        if self._shard is None:
            features = numbers.shape.features
            number = connection.execute("INSERT INTO shards (features) VALUES (?)", (features,)).lastrowid
            assert number is not None
            self._shard = Shard(self._folder, number, features)
        first = self._shard.append([inferred.embedding for inferred in new.values()])
        return {digest: (self._shard.number, first + line) for line, digest in enumerate(new)}

    def _insert_results(
        self,
        connection: sqlite3.Connection,
        fresh: dict[bytes, Outcome],
        ids: dict[bytes, int],
        places: dict[bytes, tuple[int, int]],
    ) -> None:
        numbers = self._numbers
        pixels, forward = [], []
        for digest, outcome in fresh.items():
            decoded, refused = outcome.decoded, outcome.decoded is None
            if refused or (decoded is not None and decoded.description is not None):
                row = pixels_row(digest, outcome.failure if refused else None, decoded)
                pixels.append((numbers.reader, ids[digest], *row))
            if digest in places:
                row = forward_row(digest, None, outcome.inferred, places[digest])
                forward.append((numbers.model, ids[digest], *row))
            elif outcome.failure is not None and not refused and numbers.model is not None:
                row = forward_row(digest, outcome.failure, None, None)
                forward.append((numbers.model, ids[digest], *row))
        connection.executemany(_INSERT_PIXELS, pixels)
        connection.executemany(_INSERT_FORWARD, forward)


def place_of(sample: Sample) -> bytes:
    """Where a sample lies, for the column `place`; names of files can hold what is no text."""
    return sample.where.encode("utf-8", "surrogatepass")


def stamp_row(stamp: Stamp) -> tuple[int, int, int, int]:
    """The columns size, modified, changed and inode: whole numbers of 64 bits with a sign, as SQLite has them."""
    values = (stamp.size, stamp.modified, stamp.changed, stamp.inode)
    size, modified, changed, inode = ((value + 2**63) % 2**64 - 2**63 for value in values)
    return size, modified, changed, inode


def _file_row(outcome: Outcome) -> tuple[object, ...]:
    stamp = outcome.stamp
    if stamp is None or stamp.modified + _TOO_YOUNG > stamp.taken:
        return place_of(outcome.sample), None, None, None, None
    return place_of(outcome.sample), *stamp_row(stamp)
