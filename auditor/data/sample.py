"""One image of a data set: its label, and where its bytes come from."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


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
