"""What the store knows about the images of one scan, and what it learns from it."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TypeVar

from auditor.data.sample import Sample
from auditor.engines import Known, Outcome, Task
from auditor.store.database import select_in, transaction
from auditor.store.numbers import Numbers, find_numbers, location_key
from auditor.store.reading import read_known
from auditor.store.shards import Reader
from auditor.store.store import Store
from auditor.store.writing import Writer, place_of, stamp_row
from auditor.text import shown, some

_Result = TypeVar("_Result")
_BLOCK = 1024                                   # samples that are looked up at once
#: Outcomes, and seconds, after which they are written: what a kill can lose.
BATCH, _EVERY = 512, 5.0


class Session:
    """The `Memory` of a scan.

    Args:
        store: That it asks and tells.
        task: Of the scan.
        location: What is scanned, as it was stated.
        verify: Whether every file is read, however unchanged it seems.
    """

    def __init__(self, store: Store, task: Task, location: str, *, verify: bool = False) -> None:
        self._store, self._task, self._verify = store, task, verify
        self._location = location_key(location)
        self._state: tuple[int, Numbers, Reader, Writer] | None = None
        self._pending: list[Outcome] = []
        self._written = time.monotonic()
        self._rows = 0                          # of `files`, that belong to samples of this scan
        self._altered: list[str] = []

    def recall(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Outcome]]:
        """Yields the place and the outcome of the samples of which everything is known; their files are not read."""
        numbered = iter(enumerate(samples if not self._verify else ()))
        while block := list(islice(numbered, _BLOCK)):
            found: list[tuple[int, Outcome]] = []
            self._run(partial(self._recall, block=block, found=found), None)
            self._rows += len(found)
            yield from found

    def known(self, content: str) -> Known:
        """As in `Memory`."""

        def read(connection: sqlite3.Connection) -> Known:
            _, numbers, reader, _ = self._opened(connection)
            found = read_known(connection, reader, numbers, "digest", [bytes.fromhex(content)])
            return next((each.known for each in found.values()), Known())

        return self._run(read, Known())

    def keep(self, outcome: Outcome) -> None:
        """Takes the next outcome of the engine, and writes what has gathered from time to time."""
        if outcome.content:
            self._pending.append(outcome)
        if len(self._pending) >= BATCH or time.monotonic() - self._written > _EVERY:
            self.flush()

    def flush(self) -> None:
        """Writes what has gathered.

        Raises:
            Incomplete: the disk is full.
        """
        for _ in range(2):                      # the second time where a damaged store was begun anew
            if self._run(self._write, False):
                break
        self._rows += len(self._pending)
        self._pending.clear()
        self._written = time.monotonic()

    def finish(self, samples: Sequence[Sample]) -> None:
        """Writes the rest, and forgets the names of files that are gone: the scan has seen all samples.

        Raises:
            Incomplete: the disk is full.
        """
        self.flush()
        self._run(partial(self._finish, samples=samples), None)
        if self._altered:
            count = f"{len(self._altered)} files" if len(self._altered) > 1 else "A file"
            self._store.notes.append(
                f"{count} changed although size and times did not, which only a failing disk or a tool that sets times "
                f"back does: {some(map(shown, self._altered))}. They were judged as they are now."
            )

    def close(self) -> None:
        """Writes the rest if it can, and ends the shard: the scan may have ended in any way."""
        with suppress(Exception):               # whatever ended the scan is what must be told
            self.flush()
        if self._state is not None:
            self._state[-1].close()

    def _run(self, action: Callable[[sqlite3.Connection], _Result], otherwise: _Result) -> _Result:
        return self._store.run(action, otherwise)

    def _opened(self, connection: sqlite3.Connection) -> tuple[int, Numbers, Reader, Writer]:
        """The numbers of this scan in the present generation of the store, its reader and its writer."""
        generation, folder = self._store.generation, self._store.folder
        assert folder is not None               # there is a connection
        if self._state is None or self._state[0] != generation:
            if self._state is not None:
                self._state[-1].close()
            numbers = find_numbers(connection, self._location, self._task)
            self._store.notes += numbers.notes
            self._state = generation, numbers, Reader(folder), Writer(folder, numbers)
        return self._state

    def _recall(
        self, connection: sqlite3.Connection, block: Sequence[tuple[int, Sample]], found: list[tuple[int, Outcome]]
    ) -> None:
        _, numbers, reader, _ = self._opened(connection)
        stamped = {place_of(sample): (place, sample, stamp) for place, sample in block if (stamp := sample.stamp())}
        query = "SELECT place, size, modified, changed, inode, content FROM files WHERE root = ? AND place IN ({})"
        unchanged = {}
        for where, *stamp, content in select_in(connection, query, (numbers.root,), stamped):
            if tuple(stamp) == stamp_row(stamped[where][2]):
                unchanged[where] = content
        remembered = read_known(connection, reader, numbers, "id", set(unchanged.values()))
        for where, content in unchanged.items():
            each = remembered.get(content)
            if each is None or not each.known.suffices(self._task.backend) or each.size > self._task.limits.max_bytes:
                continue
            place, sample, stamp = stamped[where]
            known = each.known
            outcome = Outcome(
                sample, each.digest.hex(), each.size, known.failure, known.decoded, known.inferred, stamp, True
            )
            found.append((place, outcome))

    def _write(self, connection: sqlite3.Connection) -> bool:
        _, numbers, _, writer = self._opened(connection)
        if self._verify:
            self._compare(connection, numbers)
        if self._pending:
            writer.write(connection, self._pending)
        return True

    def _compare(self, connection: sqlite3.Connection, numbers: Numbers) -> None:
        """Notes the files whose bytes are others although their stamp is the same."""
        pending = {place_of(each.sample): each for each in self._pending}
        query = (
            "SELECT place, files.size, modified, changed, inode, digest FROM files "
            "JOIN contents ON contents.id = content WHERE root = ? AND place IN ({})"
        )
        for where, *stamp, digest in select_in(connection, query, (numbers.root,), pending):
            outcome = pending[where]
            same = outcome.stamp is not None and tuple(stamp) == stamp_row(outcome.stamp)
            if same and digest.hex() != outcome.content:
                self._altered.append(outcome.sample.file)

    def _finish(self, connection: sqlite3.Connection, samples: Sequence[Sample]) -> None:
        _, numbers, _, _ = self._opened(connection)
        root = (numbers.root,)
        with transaction(connection):
            connection.execute("UPDATE roots SET scanned = ? WHERE id = ?", (time.time(), *root))
            (rows,) = connection.execute("SELECT count(*) FROM files WHERE root = ?", root).fetchone()
            if rows == self._rows:
                return
            connection.execute("CREATE TEMP TABLE present (place BLOB PRIMARY KEY) WITHOUT ROWID")
            connection.executemany(
                "INSERT OR IGNORE INTO present VALUES (?)", ((place_of(sample),) for sample in samples)
            )
            connection.execute("DELETE FROM files WHERE root = ? AND place NOT IN (SELECT place FROM present)", root)
            connection.execute("DROP TABLE present")
