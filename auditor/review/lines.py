"""Files of JSON lines that only grow: a line is on the disk before what depends on it is done."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Appender:
    """A file that is open for further lines; `handle` is its descriptor."""

    handle: int

    def add(self, *records: Record) -> None:
        """Appends records, and returns when they are on the disk; raises OSError where they cannot be written."""
        data = memoryview("".join(f"{json.dumps(each)}\n" for each in records).encode("ascii"))
        while data:
            data = data[os.write(self.handle, data) :]
        os.fsync(self.handle)


@contextmanager
def appending(path: Path) -> Iterator[Appender]:
    """Opens a file for further lines, made where it is missing; half a line that a kill left is ended first."""
    torn = path.exists() and not _ends_well(path)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        if torn:
            os.write(handle, b"\n")
        sync_folder(path.parent)                # of a new file, the name too
        yield Appender(handle)
    finally:
        os.close(handle)


def read_lines(path: Path, most: int) -> Iterator[tuple[int, Record | None]]:
    """Yields the number of each line that is not empty, and its object; None where it is damaged.

    Args:
        path: The file; one that is not there has no lines.
        most: Bytes of it that are read; what is behind counts as one damaged line.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        return
    for number, line in enumerate(data[:most].split(b"\n"), 1):
        if line.strip():
            yield number, _record(line)
    if len(data) > most:
        yield data.count(b"\n") + 1, None


def sync_folder(folder: Path) -> None:
    """Returns when the names in a folder are on the disk, where the system can tell."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:                             # Windows opens no folders
        return
    try:
        os.fsync(handle)
    except OSError:                             # a file system without it
        return
    finally:
        os.close(handle)


def _record(line: bytes) -> Record | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):        # UnicodeDecodeError is a ValueError
        return None
    return found if isinstance(found, dict) else None


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return file.read(1) in (b"", b"\n")
