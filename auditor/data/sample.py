"""One image of a data set: its label, and where its bytes come from."""

import os
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol, Self, runtime_checkable


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file system says of a file without reading it. While it stays the same, so do the bytes.

    Attributes:
        size: Number of bytes.
        modified: When the bytes changed, in ns since 1970.
        changed: When the bytes or the attributes changed, in the same way.
        inode: Number of the file in its file system.
        taken: When the file system was asked, in the same way.
    """

    size: int
    modified: int
    changed: int
    inode: int
    taken: int = field(compare=False)

    @classmethod
    def of(cls, path: str) -> Self:
        """Asks for the stamp of a file; raises OSError if there is none."""
        taken = time.time_ns()                  # before: a change after this moment is told by `modified`
        found = os.stat(path)  # noqa: PTH116  # a Path is slower
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, taken)


class Origin(Protocol):
    """Reads the bytes of samples. Many samples share one; several threads may use it at once."""

    def size(self, where: str) -> int:
        """Returns the number of bytes; raises OSError if it cannot be determined."""
        ...

    def read_bytes(self, where: str) -> bytes:
        """Returns the encoded image; raises OSError if it cannot be read."""
        ...

    def path(self, where: str) -> Path:
        """Returns the image's own file on this machine; raises OSError if it has none."""
        ...


@runtime_checkable
class Stamped(Protocol):
    """An `Origin` that can tell whether an image is unchanged without reading it."""

    def stamp(self, where: str) -> Stamp:
        """Returns the stamp of the file that holds the image; raises OSError if there is none."""
        ...


@cache
def _can_stamp(origin: type) -> bool:
    """Whether it is `Stamped`, remembered: the question takes longer than a stamp, and comes with every image."""
    return issubclass(origin, Stamped)


@dataclass(frozen=True)
class LocalFiles:
    """Reads whole files. `where` is an absolute path, or one relative to `root`, as the operating system expects it."""

    root: str = ""

    def size(self, where: str) -> int:
        """As in `Origin`."""
        return os.stat(os.path.join(self.root, where)).st_size  # noqa: PTH116, PTH118  # a Path is slower

    def read_bytes(self, where: str) -> bytes:
        """As in `Origin`."""
        return self.path(where).read_bytes()

    def path(self, where: str) -> Path:
        """As in `Origin`."""
        return Path(self.root, where)

    def stamp(self, where: str) -> Stamp:
        """As in `Stamped`."""
        return Stamp.of(os.path.join(self.root, where))  # noqa: PTH118  # a Path is slower


@dataclass(frozen=True, slots=True)
class Sample:
    """One image.

    Attributes:
        where: Its location, as its origin expects it.
        file: POSIX path relative to the root of the data set; unique, and printable even if the name on disk is not.
        label: Its class in the data set; None if it has none.
        split: "train", "val", "test", or None.
        origin: Reads its bytes.
    """

    where: str
    file: str
    label: str | None
    split: str | None
    origin: Origin = LocalFiles()

    def size(self) -> int:
        """Returns the number of bytes of the encoded image.

        Raises:
            OSError: it cannot be opened.
        """
        return self.origin.size(self.where)

    def read_bytes(self) -> bytes:
        """Returns the encoded image.

        Raises:
            OSError: it cannot be read, or is cut short.
        """
        return self.origin.read_bytes(self.where)

    @property
    def path(self) -> Path:
        """The image's own file on this machine.

        Raises:
            OSError: it has no file of its own.
        """
        return self.origin.path(self.where)

    def stamp(self) -> Stamp | None:
        """Returns what tells that the image is unchanged; None where its origin cannot tell, or it is not there."""
        if not _can_stamp(type(self.origin)):
            return None
        try:
            stamp: Stamp = self.origin.stamp(self.where)  # type: ignore[attr-defined]  # just asked
        except (OSError, ValueError):           # ValueError: a name that no file can have
            return None
        return stamp
