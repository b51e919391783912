"""Where the files of findings lie for whoever looks at a repository: relative to its root, not to the data set's."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from auditor.data.tables import MANIFEST_SUFFIXES
from auditor.text import absolute, unshown


def data_folder(root: str) -> Path | None:
    """The folder of a data set by its root, as an audit has it; None for a URL. The files of a table lie beside it."""
    written = unshown(root)
    if "://" in written:
        return None
    folder = absolute(Path(written))
    return folder.parent if folder.suffix.lower() in MANIFEST_SUFFIXES and not folder.is_dir() else folder


@dataclass(frozen=True)
class Locations:
    """The folder of a data set.

    Attributes:
        folder: POSIX path relative to the repository, "" for its root; None where the data set lies outside of it.
        base: URI of the data set's folder, with a slash at its end.
    """

    folder: str | None
    base: str

    @classmethod
    def of(cls, root: str) -> "Locations":
        """Of a data set by its root, as an audit has it. The repository is that of a GitHub job, or where we are."""
        folder = data_folder(root)
        if folder is None:
            return cls(None, quote(unshown(root), safe=":/") + "/")
        repository = absolute(Path(os.environ.get("GITHUB_WORKSPACE") or "."))
        inside = folder.relative_to(repository).as_posix() if folder.is_relative_to(repository) else None
        return cls("" if inside == "." else inside, f"file://{_quoted(folder.as_posix())}/")

    def path(self, file: str | None) -> str:
        """The path of a file of the data set, None for its folder, in the form that can be printed.

        From the root of the repository where it lies there, else from that of the data set.
        """
        return "/".join(part for part in (self.folder, file) if part) or "."

    def uri(self, file: str | None) -> str:
        """The same as a relative URI: percent-encoded bytes of the real name."""
        return _quoted(unshown(self.path(file)))


def _quoted(path: str) -> str:
    return quote(os.fsencode(path))
