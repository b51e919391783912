"""The database of the store: opened, or the reason why not."""

import errno
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor.atomic_write import DISK_FULL
from auditor.data.own_output import STORE_DATABASE
from auditor.store.schema import NewerStore, migrate
from auditor.text import shown

#: Folder of the store, below that of the reports.
STORE = "store"
_WAIT = 30.0                                    # seconds for another scan to end writing; it writes for milliseconds
_VARIABLES = 512                                # in one statement
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)                     # https://www.sqlite.org/rescode.html
_MISSING = ("no such table", "no such column")  # SQLite gives these the code of any other mistake
# SQLite: "all processes using a database must be on the same host"; https://www.sqlite.org/wal.html
_NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2", "gpfs",
    "lustre", "nfs", "nfs4", "ocfs2", "smb3", "smbfs",
})  # fmt: skip
_REFUSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = (*DISK_FULL, errno.EFBIG)               # EFBIG: a limit of the user's (`ulimit -f`)
_ROOM = 1024**2                                 # bytes; with less than this a disk is full
_MOUNTS = Path("/proc/self/mountinfo")


class Unusable(Exception):
    """The store cannot be used; the text says why, as a clause."""


def connect(folder: Path, *, network: frozenset[str] = _NETWORK) -> sqlite3.Connection:
    """Opens the database in a folder, and makes both where they are not there.

    Raises:
        Unusable: it can be used by nobody, or not by this auditor.
        sqlite3.Error, OSError: it is damaged, or the disk is full; `is_damaged` and `is_full` tell.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind = _file_system(folder)
    if kind in network:
        raise Unusable(f"it lies on a network file system ({kind}), where SQLite cannot guard it")
    connection = sqlite3.connect(folder / STORE_DATABASE, _WAIT, isolation_level=None, check_same_thread=False)
    try:
        # A file of somebody else's may hold views and triggers, which run nothing of ours.
        for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "page_size = 8192", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise Unusable("its file system lacks the locks that SQLite needs")
        migrate(connection)
    except NewerStore as newer:
        connection.close()
        raise Unusable(f"a newer auditor made it: {newer}") from None
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that the block writes, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def select_in(connection: sqlite3.Connection, query: str, first: Iterable[Any], keys: Iterable[Any]) -> Iterator[Any]:
    """Rows of a query with "IN ({})" at its end, for any number of keys.

    Args:
        connection: To the database.
        query: With its own variables before the "{}".
        first: Their values.
        keys: The values that one column may have.
    """
    keys, first = list(keys), list(first)
    for start in range(0, len(keys), _VARIABLES):
        part = keys[start : start + _VARIABLES]
        yield from connection.execute(query.format(",".join("?" * len(part))), [*first, *part])


def is_damaged(error: Exception) -> bool:
    """Whether the database is no database, or not one of auditor's."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    if code is None:
        return type(error) is sqlite3.DatabaseError
    return code & 0xFF in _DAMAGED or str(error).startswith(_MISSING)


def is_full(error: Exception, folder: Path) -> bool:
    """Whether an error came because there is no room in the folder of the store."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_IOERR:            # of some files SQLite does not tell why it cannot write them
        try:
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(_ROOM))
        except OSError as failed:
            error = failed
    return code == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno in _FULL)


def is_read_only(error: Exception) -> bool:
    """Whether an error came because the database, or the folder that it lies in, may not be written to."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSED or getattr(error, "errno", None) in _FORBIDDEN


def move_aside(folder: Path) -> Path:
    """Moves the files of a damaged store, and nothing else, to a new folder beside it, which is returned."""
    made = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for number in range(1, 1000):
        target = folder.with_name(f"{folder.name}.damaged-{made}{f'-{number}' if number > 1 else ''}")
        with suppress(FileExistsError):
            target.mkdir()
            break
    # The log first: it must never meet another database.
    own = [folder / f"{STORE_DATABASE}{ending}" for ending in ("-wal", "-shm", "")]
    for path in (*own, *sorted(folder.glob("*.npy"))):
        with suppress(FileNotFoundError):
            path.rename(target / path.name)
    return target


def explained(error: Exception) -> str:
    """An error of SQLite or of the file system as a clause."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"another scan kept it locked for {_WAIT:.0f} s"
    if code in _REFUSED:
        return f"it cannot be written to ({error})"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {shown(str(error.filename))}' if error.filename else ''}"
    return shown(str(error))


def _file_system(folder: Path) -> str | None:
    """The kind of file system that a folder lies on, as Linux calls it; None where that cannot be told."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        device = os.stat(folder).st_dev  # noqa: PTH116
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    # "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw"; man 5 proc_pid_mountinfo
    for line in lines:
        before, dash, after = line.partition(" - ")
        if dash and before.split()[2] == f"{os.major(device)}:{os.minor(device)}":
            return after.split()[0]
    return None
