"""The folders of a data set around its files: those that an apply makes, and the times that an undo gives back."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from auditor.review.journal import Header, Step
from auditor.review.moving import remove_empty

#: Folder relative to the root, "" for the root itself -> when it was modified, in ns, and a hash of the names in it.
Stamps = Mapping[str, tuple[int, str]]


def made_by(root: Path, steps: Sequence[Step]) -> Iterator[str]:
    """The folders that steps make in the data set, outer ones first."""
    yield from (folder.as_posix() for folder in sorted(_around(steps)) if not (root / folder).exists())


def stamps_of(root: Path, steps: Sequence[Step]) -> Stamps:
    """The folders whose entries steps change, as they are now."""
    paths = {"" if folder == Path() else folder.as_posix(): root / folder for folder in sorted(_around(steps))}
    return {name: (path.stat().st_mtime_ns, _names_in(path)) for name, path in paths.items() if path.is_dir()}


def restore_folders(root: Path, removed: Path, header: Header) -> None:
    """Removes the folders that an apply made and that are empty, and gives the others their times.

    A folder with other names in it than before was changed by somebody else, and keeps the time of that.

    Args:
        root: Of the data set.
        removed: Where the files lay that the apply removed.
        header: Of its journal.
    """
    for folder in reversed(header.made):
        remove_empty(root / folder)
    for inner, _, _ in os.walk(removed, topdown=False):
        remove_empty(Path(inner))
    remove_empty(removed.parent)
    for name, (modified, names) in header.folders.items():
        path = root / name
        with suppress(OSError):
            if _names_in(path) == names:
                os.utime(path, ns=(path.stat().st_atime_ns, modified))


def _around(steps: Sequence[Step]) -> set[Path]:
    """Every folder of the data set that steps take from or put into, and those above, relative to its root."""
    paths = [path for step in steps for path in ((step.source, step.target) if step.kind == "move" else (step.source,))]
    return {folder for path in paths for folder in Path(path).parents}


def _names_in(folder: Path) -> str:
    names = sorted(os.fsencode(entry.name) for entry in os.scandir(folder))
    return hashlib.sha256(b"\0".join(names)).hexdigest()
