"""The open store. Trouble with it is told in a note and never ends a scan, but for a full disk."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from auditor.data.own_output import STORE_DATABASE
from auditor.errors import Incomplete
from auditor.store.database import STORE, Unusable, connect, explained, is_damaged, is_full, move_aside
from auditor.text import shown

_BEGINS = 60.0                                  # seconds after which nobody is about to write the first byte
_Result = TypeVar("_Result")


def _was_emptied(folder: Path) -> bool:
    """Whether the database was cut to nothing, as by a copy on a full disk; not one that another scan just begins."""
    try:
        found = (folder / STORE_DATABASE).stat()
    except OSError:                             # none is there, as before the first scan
        return False
    return not found.st_size and (any(folder.glob("*.npy")) or time.time() - found.st_mtime > _BEGINS)


class Store:
    """What earlier scans found out; or, without a folder or after trouble, a store that knows and keeps nothing.

    Args:
        folder: Of the store; None for one that remembers nothing.

    Attributes:
        folder: The same, and None after trouble that cannot be mended.
        notes: What the reader of the report must know, as sentences.
        generation: How often it was begun anew; numbers of rows from an earlier generation mean nothing.

    Raises:
        Incomplete: the disk is full.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.generation = 0
        self._guard = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        if folder is not None:
            self._open(folder)

    def run(self, action: Callable[[sqlite3.Connection], _Result], otherwise: _Result) -> _Result:
        """What an action with the database gives; something else where there is none, or where it fails.

        Raises:
            Incomplete: the disk is full.
        """
        with self._guard:
            if self._connection is None:
                return otherwise
            try:
                return action(self._connection)
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
                return otherwise

    def close(self) -> None:
        """Ends the use of the store."""
        with self._guard:
            if self._connection is not None:
                with suppress(sqlite3.Error):
                    self._connection.close()
                self._connection = None

    def _open(self, folder: Path) -> None:
        try:
            if _was_emptied(folder):
                raise sqlite3.DatabaseError(f"its {STORE_DATABASE} is empty")
            self._connection = connect(folder)
        except Unusable as reason:
            self._turn_off(str(reason))
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Moves a damaged store aside and begins a new one, once; after other trouble there is none."""
        folder = self.folder
        assert folder is not None
        self.close()
        if is_full(error, folder):
            raise Incomplete(
                f"the disk of {shown(str(folder))} is full. What was found out until then is kept there: make room, "
                "then run the same command again, and it goes on from there. No report was written."
            ) from error
        if not is_damaged(error) or self.generation:
            self._turn_off(explained(error))
            return
        self.generation += 1
        try:
            aside = move_aside(folder)
        except OSError as failed:
            self._turn_off(f"it is damaged ({explained(error)}), and cannot be moved away ({explained(failed)})")
            return
        self.notes.append(
            f"The store {shown(str(folder))} was damaged ({explained(error)}). It was moved to {shown(aside.name)}, "
            "and a new one begun, so that images were read again. Delete the old one if nothing else needs it."
        )
        self._open(folder)

    def _turn_off(self, reason: str) -> None:
        folder, self.folder = self.folder, None
        self.notes.append(
            f"The store {shown(str(folder))} was not used: {reason}. The scan went on without it, and the next one "
            "will have to read these images again. Put that right, or name another folder with --out."
        )


@contextmanager
def goes_on(store: Store) -> Iterator[None]:
    """Says of an interruption, wherever in the block it comes, that what the store learned before is not lost.

    Raises:
        Incomplete: the block was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt as interruption:
        if store.folder is None:
            raise
        raise Incomplete(
            f"{str(interruption) or 'interrupted'}; no report was written, but what was found out is kept. Run the "
            "same command again, and it goes on from there."
        ) from None


@contextmanager
def open_store(out: Path | None) -> Iterator[Store]:
    """Yields the store of a folder of reports; without a folder, one that remembers nothing.

    Raises:
        Incomplete: the disk is full.
    """
    store = Store(None if out is None else out / STORE)
    try:
        yield store
    finally:
        store.close()
