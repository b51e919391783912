"""Embeddings on disk: `.npy` files that only grow, each written by one process, and valid after every flush.

The header that numpy writes has room for a first axis of any length, so that it is rewritten in place when rows have
been added (NEP 1; `numpy.lib.format`).
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

HALF = np.dtype("<f2")


def shard_path(folder: Path, number: int) -> Path:
    """Where the shard of this number lies."""
    return folder / f"{number:08}.npy"


class Shard:
    """A shard that is being written. The operating system keeps a lock on it until the process ends, however it ends.

    Args:
        folder: Of the store.
        number: Of the shard, which nobody else has.
        features: Values of a row.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, number: int, features: int) -> None:
        self.number, self.features, self.rows = number, features, 0
        self._file = shard_path(folder, number).open("xb")
        self._header = len(_header(0, features))
        self._file.write(_header(0, features))
        lock(self._file)

    def append(self, rows: Sequence[NDArray[np.float16]]) -> int:
        """Adds rows; when this returns they are on disk. Returns the number of the first one."""
        first = self.rows
        # Not where the file ends: a write that failed may have left a part of a row there.
        self._file.seek(self._header + first * self.features * HALF.itemsize)
        self._file.write(np.stack(rows).astype(HALF, copy=False).tobytes())
        _to_disk(self._file)
        self._file.seek(0)
        self._file.write(_header(first + len(rows), self.features))
        _to_disk(self._file)
        self.rows += len(rows)
        return first

    def close(self) -> None:
        """Ends writing, and with it the lock."""
        self._file.close()


class Reader:
    """Reads rows of the shards in a folder. It maps nothing, so that what was read does not stay in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def length(self, number: int, features: int) -> int:
        """Returns how many rows a shard has; 0 if it is missing or damaged."""
        try:
            with shard_path(self._folder, number).open("rb") as file:
                return _length(file, features)
        except OSError:
            return 0

    def rows(self, number: int, features: int, lines: Sequence[int]) -> NDArray[np.float16]:
        """Reads rows (n, K) of a shard; NaN for those that it does not have, or all, if it is missing or damaged."""
        wanted = np.array(lines, np.int64)
        found = np.full((len(wanted), features), np.nan, HALF)
        try:
            with shard_path(self._folder, number).open("rb") as file:
                length, start = _length(file, features), file.tell()
                there = np.flatnonzero((wanted >= 0) & (wanted < length))
                # Mostly they lie one after the other, as they were written.
                for run in np.split(there, np.flatnonzero(np.diff(wanted[there]) != 1) + 1):
                    if len(run):
                        file.seek(start + int(wanted[run[0]]) * features * HALF.itemsize)
                        data = file.read(len(run) * features * HALF.itemsize)
                        found[run] = np.frombuffer(data, HALF).reshape(len(run), features)
        except (OSError, ValueError):           # ValueError: it was cut short meanwhile
            pass
        return found


def _length(file: IO[bytes], features: int) -> int:
    """Reads the header: how many rows the shard has; 0 where it is none of this width, or shorter than it says."""
    try:
        if npy.read_magic(file) != (1, 0):
            return 0
        shape, by_columns, dtype = npy.read_array_header_1_0(file)
    except ValueError:
        return 0
    if by_columns or dtype != HALF or len(shape) != 2 or shape[1] != features:
        return 0
    ends = file.tell() + shape[0] * features * HALF.itemsize
    return int(shape[0]) if os.fstat(file.fileno()).st_size >= ends else 0


def lock(file: IO[bytes]) -> bool:
    """Locks a shard until it is closed; False where another process holds the lock."""
    try:
        import fcntl  # not on Windows
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True                             # a file system without locks
    return True


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _header(rows: int, features: int) -> bytes:
    text = io.BytesIO()
    npy.write_array_header_1_0(text, {"descr": HALF.str, "fortran_order": False, "shape": (rows, features)})
    return text.getvalue()
