"""Lists everything below a folder without opening images, and without following what could loop or block."""

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from auditor.data.exclusion import Exclusion
from auditor.data.own_output import OWN_OUTPUT, is_own_output, own_files
from auditor.images.formats import IMAGE_EXTENSIONS, identify
from auditor.images.unreadable import (
    HEAD,
    RAW_EXTENSIONS,
    UNREAD,
    UNREAD_EXTENSIONS,
    broken_header,
    how_to_read,
    pointer,
    unread_format,
)
from auditor.text import absolute, extension, shown, some

Folder = tuple[str, ...]  # the names on the way from the root, () for the root itself

_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", "_ds_store"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "@eadir"})  # macOS archives; thumbnails of a Synology disk

_KINDS = {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


class File(NamedTuple):
    """A file below the root, with names as the operating system gives them."""

    folder: Folder
    name: str

    @property
    def raw(self) -> str:
        """The path relative to the root, separated by "/": for `open`, not for printing."""
        return "/".join((*self.folder, self.name))


@dataclass
class Tree:
    """Everything that was found below `base`.

    Attributes:
        base: The root, absolute; links in its path are kept.
        images: Files that are images by their extension or, if it is not that of an image, by their header.
        folders: Every visible folder below the root, including empty ones.
        occupied: Folders that contain visible files that are not images.
        skipped: Files that were left out, with the reason.
        failed: Links with the extension of an image that cannot be read, with the reason.
        notes: Sentences about what could not be read.
        emptied: Folders of which something is left out that is no data.
    """

    base: Path
    images: list[File] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    occupied: set[Folder] = field(default_factory=set)
    skipped: list[tuple[File, str]] = field(default_factory=list)
    failed: list[tuple[File, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    emptied: set[Folder] = field(default_factory=set)

    def path(self, file: File) -> Path:
        """The absolute path of a file."""
        return Path(self.base, *file.folder, file.name)


def walk(root: Path, exclusion: Exclusion | None = None) -> Tree:
    """Lists everything below a folder, in any order.

    What auditor wrote itself is left out, except where the root is the folder of the demo.

    A link to a regular file counts as a file, because a training script would read it too. A link to a folder is not
    followed, because it can lead back to a parent folder. Other kinds of files are never opened: reading a fifo would
    block.

    Args:
        root: The folder.
        exclusion: What the user leaves out.
    """
    tree, exclusion = Tree(base=absolute(root)), exclusion or Exclusion(())
    pending: list[tuple[Folder, str | None]] = [((), None)]  # folder, and why its contents are ignored
    links: list[str] = []
    own: frozenset[str] = frozenset()           # files at the root and below that auditor wrote
    while pending:
        folder, ignored = pending.pop()
        entries = _entries(tree, folder)
        names = {entry.name for entry in entries}
        if not folder:
            own = own_files(tree.base, names)
        elif ignored is None and is_own_output(tree.base.joinpath(*folder), names):
            ignored = OWN_OUTPUT
            tree.emptied.add(folder)
        for entry in entries:
            file = File(folder, entry.name)
            below = ignored or (OWN_OUTPUT if file.raw in own else exclusion.why(file.raw))
            if below and not ignored:
                tree.emptied.add(folder)
            if _is_link_to_folder(entry):
                if below is None and not _is_own_link(entry):
                    links.append(shown(file.raw))
            elif entry.is_dir(follow_symlinks=False):
                below = below or why_folder_ignored(entry.name)
                pending.append(((*folder, entry.name), below))
                if below is None:
                    tree.folders.append((*folder, entry.name))
            else:
                _sort_in(tree, file, entry, below or _why_file_ignored(entry.name))
    _drop_emptied(tree)
    tree.notes += exclusion.notes()
    if links:
        tree.notes.append(f"Links to folders are not followed: {some(sorted(links))}.")
    unread = Counter(reason for _, reason in tree.skipped if reason.startswith(UNREAD))
    tree.notes += [f"Files in {reason}: {count}. {how_to_read(reason)}." for reason, count in unread.items()]
    return tree


def _entries(tree: Tree, folder: Folder) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(tree.base.joinpath(*folder)) as entries:
            return list(entries)
    except OSError as error:
        where = shown("/".join(folder)) or shown(str(tree.base))
        tree.notes.append(f"{where} could not be listed ({error.strerror}): nothing in it was audited.")
        return []


def _is_link_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a link to itself, or into a folder without permission
        return False


def _is_own_link(entry: os.DirEntry[str]) -> bool:
    """Whether a link to a folder leads to a run, as `latest` does."""
    try:
        return is_own_output(Path(entry.path), {below.name for below in os.scandir(entry.path)})
    except OSError:
        return False


def _drop_emptied(tree: Tree) -> None:
    """Drops folders that hold nothing any more, because all of it is no data: `reports`, or one of masks."""
    left = {file.folder for file in (*tree.images, *(file for file, _ in tree.failed))} | tree.occupied
    held = {folder[:depth] for folder in left for depth in range(len(folder) + 1)}
    gone = {folder[:depth] for folder in tree.emptied for depth in range(1, len(folder) + 1)} - held
    if gone:
        tree.folders = [
            folder for folder in tree.folders if not any(folder[:depth] in gone for depth in range(1, len(folder) + 1))
        ]


def _sort_in(tree: Tree, file: File, entry: os.DirEntry[str], ignored: str | None) -> None:
    """Adds an entry that is not a folder to images, skipped or failed."""
    if ignored is not None:
        tree.skipped.append((file, ignored))
        return
    if not entry.is_file(follow_symlinks=False):
        reason = _why_not_regular(entry.path)
        if reason is not None:
            unread = tree.failed if entry.is_symlink() and extension(file.name) in IMAGE_EXTENSIONS else tree.skipped
            unread.append((file, reason))
            return
    reason = why_not_image(entry.path, entry.name)
    if reason is None:
        tree.images.append(file)
    else:
        tree.occupied.add(file.folder)
        tree.skipped.append((file, reason))


def _why_file_ignored(name: str) -> str | None:
    if name.startswith("._"):
        return "macOS resource fork"
    if name.casefold() in _SYSTEM_FILES:
        return "system file"
    return "hidden" if name.startswith(".") else None


def why_folder_ignored(name: str) -> str | None:
    """Why what lies in a folder of this name is left out; None if it is not."""
    if name.casefold() in _SYSTEM_FOLDERS:
        return f"in {name}"
    return "in a hidden folder" if name.startswith(".") else None


def _why_not_regular(path: str) -> str | None:
    """Returns why a path, links followed, is not a regular file; None if it is one."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        return f"a link that leads to no file ({error.strerror})"
    return None if stat.S_ISREG(mode) else f"not a regular file ({_KINDS.get(stat.S_IFMT(mode), 'special')})"


def why_not_image(path: str, name: str) -> str | None:
    """Returns why a file is not an image, or None. Reads its header only if its extension is not that of an image."""
    ending = extension(name)
    if ending in IMAGE_EXTENSIONS:
        return None
    if ending in RAW_EXTENSIONS:
        return f"{UNREAD} ({RAW_EXTENSIONS[ending]})"
    if identify(Path(path)) is not None:
        return None
    head = _head(path)
    instead = pointer(head)
    if instead is not None:
        return instead
    unread = UNREAD_EXTENSIONS.get(ending) or unread_format(head)
    if unread is not None:
        return f"{UNREAD} ({unread})"
    broken = broken_header(head)
    if broken is not None and b"\0" in head:   # a text may begin like a short signature
        return broken
    return f"not an image ({ending if 1 < len(ending) <= 12 and ending.isprintable() else 'no extension'})"


def _head(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""
