"""What lies below a folder: one walk that opens no image, and follows nothing that could loop or block."""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from auditor.images import IMAGE_EXTENSIONS, identify

Folder = tuple[str, ...]  # the names on the way from the root, () for the root itself

_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", "_ds_store"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "@eadir"})  # macOS archives; thumbnails of a Synology disk

#: Formats people keep photographs in that the decoder does not read. To call them "not an image" would hide a loss.
_UNREAD_FORMATS = frozenset({".heic", ".heif", ".jxl", ".psd", ".svg", ".tga", ".ico", ".cr2", ".cr3", ".nef", ".arw"})

_UNREAD = "an image format that is not read"

_KINDS = {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}

# Control characters and lone surrogates (bytes that are no UTF-8) cannot be written to JSON, XML or a terminal.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile(r"\\[xuU]")
_ESCAPES = re.compile(r"\\(?:(\\)|x([0-9a-f]{2})|u([0-9a-f]{4}))")


class File(NamedTuple):
    """A file below the root, by names as the operating system gives them."""

    folder: Folder
    name: str

    @property
    def raw(self) -> str:
        """The path relative to the root, "/" between names, fit for `open` and not for printing."""
        return "/".join((*self.folder, self.name))


@dataclass
class Tree:
    """All that was found below `base`.

    Attributes:
        base: The root, absolute, links in it left as they are.
        images: Files that are images by their extension or, where that names no image format, by their header.
        folders: Every visible folder below the root, empty ones too.
        occupied: Folders with visible files in them that are no images.
        skipped: Files left out, with the reason.
        failed: Names that look like images and cannot be read: links to nothing.
        notes: Sentences about what could not be looked into.
    """

    base: Path
    images: list[File] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    occupied: set[Folder] = field(default_factory=set)
    skipped: list[tuple[File, str]] = field(default_factory=list)
    failed: list[tuple[File, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def path(self, file: File) -> Path:
        """Where to read a file, absolute."""
        return Path(self.base, *file.folder, file.name)


def walk(root: Path) -> Tree:
    """Lists everything below a folder, in any order.

    A link to a regular file counts as a file: a training script would read it too. A link to a folder is not
    followed, because it can lead back to where it came from. What is no regular file is never opened: reading a
    fifo would wait for ever.
    """
    tree = Tree(base=absolute(root))
    pending: list[tuple[Folder, str | None]] = [((), None)]  # a folder, and why all below it is ignored
    links: list[str] = []
    while pending:
        folder, ignored = pending.pop()
        for entry in _entries(tree, folder):
            file = File(folder, entry.name)
            if _is_link_to_folder(entry):
                links.append(shown(file.raw))
            elif entry.is_dir(follow_symlinks=False):
                below = ignored or _why_folder_ignored(entry.name)
                pending.append(((*folder, entry.name), below))
                if below is None:
                    tree.folders.append((*folder, entry.name))
            else:
                _sort_in(tree, file, entry, ignored or _why_file_ignored(entry.name))
    if links:
        tree.notes.append(f"Links to folders are not followed: {some(sorted(links))}.")
    unread = Counter(reason for _, reason in tree.skipped if reason.startswith(_UNREAD))
    tree.notes += [f"Files in {reason}: {count}. Convert them to JPEG or PNG." for reason, count in unread.items()]
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
    except OSError:  # a link to itself, or into a folder that is closed
        return False


def _sort_in(tree: Tree, file: File, entry: os.DirEntry[str], ignored: str | None) -> None:
    """Puts one entry that is no folder where it belongs: images, skipped or failed."""
    if ignored is not None:
        tree.skipped.append((file, ignored))
        return
    if not entry.is_file(follow_symlinks=False):
        trouble = _why_not_regular(entry.path)
        if trouble is not None:
            unread = tree.failed if entry.is_symlink() and extension(file.name) in IMAGE_EXTENSIONS else tree.skipped
            unread.append((file, trouble))
            return
    reason = why_no_image(entry.path, entry.name)
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


def _why_folder_ignored(name: str) -> str | None:
    if name.casefold() in _SYSTEM_FOLDERS:
        return f"in {name}"
    return "in a hidden folder" if name.startswith(".") else None


def _why_not_regular(path: str) -> str | None:
    """Follows links; None for a regular file."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        return f"a link that leads to no file ({error.strerror})"
    return None if stat.S_ISREG(mode) else f"not a regular file ({_KINDS.get(stat.S_IFMT(mode), 'special')})"


def why_no_image(path: str, name: str) -> str | None:
    """Why a regular file is no sample, or None. Its header is read only where its name claims no image format."""
    ending = extension(name)
    if ending in IMAGE_EXTENSIONS or identify(Path(path)) is not None:
        return None
    if ending in _UNREAD_FORMATS:
        return f"{_UNREAD} ({ending})"
    return f"not an image ({ending if 1 < len(ending) <= 12 and ending.isprintable() else 'no extension'})"


def extension(name: str) -> str:
    """The last extension in lower case, with its dot; empty where there is none."""
    stem, dot, ending = name.rpartition(".")
    return f"{dot}{ending.lower()}" if stem else ""


def absolute(path: Path) -> Path:
    """The path from the file system's root, without "..", and with links left as they are."""
    return Path(os.path.normpath(path.absolute()))


def shown(raw: str) -> str:
    r"""A name as it can be printed, written and parsed anywhere; different names stay different.

    Nearly every name is returned as it is. In one with control characters or bytes that are no UTF-8 these become
    `\x0a` or `\udcff`, and its backslashes are doubled. A name that only looks so escaped has its backslashes doubled
    too, so that nothing else can come out as it.
    """
    if raw.isprintable() and "\\" not in raw:
        return raw
    if not (_UNPRINTABLE.search(raw) or _LOOKS_ESCAPED.search(raw)):
        return raw
    return _UNPRINTABLE.sub(_escape, raw.replace("\\", "\\\\"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def unshown(name: str) -> str:
    """What `shown` made the name from: fit for `open`, and not for printing."""
    if not _LOOKS_ESCAPED.search(name):
        return name
    return _ESCAPES.sub(lambda match: match[1] or chr(int(match[2] or match[3], 16)), name)


def some(names: Iterable[str], most: int = 5) -> str:
    """A list for a sentence: all names, or the first few and how many more."""
    listed = list(names)
    rest = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {rest} more" if rest > 0 else "")


def tally(reasons: Iterable[str]) -> Iterator[str]:
    """Reasons with their counts, the most frequent first: "3 hidden", "1 not an image (.txt)"."""
    for reason, count in sorted(Counter(reasons).items(), key=lambda item: (-item[1], item[0])):
        yield f"{count} {reason}"
