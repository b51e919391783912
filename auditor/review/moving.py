"""One file goes to another path: nothing is overwritten, and at every moment it is there under one name or both."""

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from auditor.review.lines import sync_folder

_BLOCK = 1024**2
_CANNOT_LINK = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES)


@dataclass(frozen=True)
class State:
    """What a file is, beside its path.

    Attributes:
        content: sha256 of what is read from it.
        link: Where it leads, of a symbolic link; None of a file.
        modified: When it, and not what it leads to, was modified, in ns since 1970.
    """

    content: str
    link: str | None
    modified: int

    @classmethod
    def of(cls, path: Path) -> "State | None":
        """Of what is at a path; None where nothing is, or nothing that can be read. A link may lead nowhere: ""."""
        try:
            modified = path.lstat().st_mtime_ns
            link = str(path.readlink()) if path.is_symlink() else None
        except OSError:
            return None
        try:
            content = sha256_of(path)
        except OSError:
            return None if link is None else cls("", link, modified)
        return cls(content, link, modified)

    def is_at(self, path: Path) -> bool:
        """Whether the very same is at a path. A link is the same where it says the same, wherever that leads now."""
        there = State.of(path)
        return there is not None and there.modified == self.modified and self._is_like(there)

    def holds_same(self, path: Path) -> bool:
        """Likewise, whenever that was modified."""
        there = State.of(path)
        return there is not None and self._is_like(there)

    def _is_like(self, other: "State") -> bool:
        return other.link == self.link and (self.link is not None or other.content == self.content)


def sha256_of(path: Path) -> str:
    """Of a regular file, links followed; raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def relocate(source: Path, target: Path, draft: str) -> None:
    """Gives a file another path, whose folder is there.

    On one file system both are names of it for a moment. On two, its copy is on the disk, and was read back, before the
    old file goes.

    Args:
        source: Where it is.
        target: Where it is to be.
        draft: A name beside `target` for a copy that is not complete.

    Raises:
        FileExistsError: something is at `target`.
        OSError: it cannot be done; the file is where it was.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EXDEV:
            _copy(source, target, target.with_name(draft))
        elif error.errno not in _CANNOT_LINK:
            raise
        elif os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        else:
            os.rename(source, target)  # noqa: PTH104  # the same module as the others, for whoever watches it
            return
    try:
        os.unlink(source)  # noqa: PTH108
    except OSError:                             # of a folder that may not be changed
        os.unlink(target)  # noqa: PTH108
        raise


def _copy(source: Path, target: Path, draft: Path) -> None:
    """Puts a copy with the same times and permissions at `target`; it is complete there, and on the disk."""
    draft.unlink(missing_ok=True)
    shutil.copy2(source, draft, follow_symlinks=False)
    if not draft.is_symlink():
        handle = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if sha256_of(draft) != sha256_of(source):
            draft.unlink()
            raise OSError(errno.EIO, "its copy differs from it", str(target))
    relocate(draft, target, "")
    sync_folder(target.parent)


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths are names of one file, links not followed."""
    try:
        first, second = one.lstat(), other.lstat()
    except OSError:
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def remove_empty(folder: Path) -> None:
    """Removes a folder if nothing is in it."""
    with suppress(OSError):
        folder.rmdir()
