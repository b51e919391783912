"""Finds the files that a table names."""

import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from auditor.data.table_files import read_as
from auditor.images.formats import IMAGE_EXTENSIONS
from auditor.text import absolute, extension, shown, some

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)

NO_FILE = "no such file"
ADDRESS = "a web address, not a file: download the images first, and name the files"


class Locator:
    """Finds the files that a table names, only below its own folder.

    It works on strings, because a table has a line per image, and making a `Path` is slower than looking up the file.

    Args:
        root: The folder that names are relative to.
        encoding: Of names that are not UTF-8 in the table; None for none.
    """

    def __init__(self, root: Path, encoding: str | None = None) -> None:
        self.base = absolute(root)
        self._encoding = encoding
        self._prefix = os.path.normpath(self.base / "x")[:-1]  # ends in one separator, also for the root of a disk
        self._real = root.resolve()
        self._inside: dict[str, bool] = {}  # parent folder -> whether it is really below the root
        self._stems: dict[str, dict[str, list[str]]] = {}  # folder -> name without extension -> images

    def find(self, written: str, *, below: str = "") -> tuple[str, str | None]:
        """Finds a file by the name that a table gives it, without its extension too where only one image has it.

        Returns:
            The path relative to the root, separated by "/", and None; or the name and the reason why it is refused.
        """
        if _ADDRESS.match(written.strip()):
            return written, ADDRESS
        reason = NO_FILE
        for spelling in self._spellings(written):
            if "\0" in spelling:  # normpath of Python 3.11.0 to 3.11.4 would cut the name there
                continue
            relative = f"{below}/{spelling}" if below else spelling
            path = os.path.normpath(spelling if spelling.startswith("/") else f"{self._prefix}{relative}")
            if not f"{path}{os.sep}".startswith(self._prefix):
                return written, "refused: it lies outside the folder of the table that names it"
            try:
                mode = os.stat(path).st_mode  # noqa: PTH116
            except (OSError, ValueError):  # ValueError: half a surrogate pair, which JSON can contain
                mode = 0
            images = [] if stat.S_ISREG(mode) else self._with_extension(path)
            if len(images) == 1:
                path, mode = images[0], stat.S_IFREG
            if not mode:
                if images:
                    names = some(shown(each.rpartition(os.sep)[2]) for each in images)
                    reason = f"{NO_FILE}, and which is meant is not clear without an extension: {names}"
                continue
            if not stat.S_ISREG(mode):
                reason = "a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file"
            elif not self._is_inside(path.rpartition(os.sep)[0]):
                return written, "refused: a link in its path leads outside the folder of the table that names it"
            else:
                return path.removeprefix(self._prefix).replace(os.sep, "/"), None
        return written, reason

    def folder_of(self, names: Sequence[str]) -> tuple[str | None, str]:
        """The one folder below the root that holds the images of a table, which names none of them as they lie there.

        Args:
            names: As the table writes them, without folders.

        Returns:
            The folder relative to the root, and ""; or None, and where images of these names lie.
        """
        wanted = {name.strip() for name in names}
        found: dict[str, list[str]] = defaultdict(list)
        for folder, folders, files in os.walk(self.base):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for file in files:
                if extension(file) in IMAGE_EXTENSIONS and (file in wanted or file.rpartition(".")[0] in wanted):
                    where = f"{folder}{os.sep}".removeprefix(self._prefix).rstrip(os.sep).replace(os.sep, "/")
                    found[where].append(file)
        if len(found) == 1:
            return next(iter(found)), ""
        examples = sorted(f"{where}/{min(files)}" for where, files in found.items())
        return None, f"images of such names lie in several folders: {some(map(shown, examples))}" if examples else ""

    def _spellings(self, written: str) -> Iterator[str]:
        """The name as written, then as spreadsheets, Windows and macOS may have changed it."""
        yield written
        stripped = written.strip()
        if self._encoding is not None:
            stripped = read_as(stripped, self._encoding)
        yield stripped
        yield stripped.replace("\\", "/")
        yield unicodedata.normalize("NFC", stripped)
        yield unicodedata.normalize("NFD", stripped)

    def _with_extension(self, path: str) -> list[str]:
        """The images in the same folder whose name is this one and an extension; none if it has that of an image."""
        folder, _, name = path.rpartition(os.sep)
        if extension(name) in IMAGE_EXTENSIONS or "\0" in path:
            return []
        if folder not in self._stems:
            self._stems[folder] = _stems(folder)
        return [f"{folder}{os.sep}{file}" for file in self._stems[folder].get(name, ())]

    def _is_inside(self, folder: str) -> bool:
        if folder not in self._inside:
            self._inside[folder] = Path(folder or os.sep).resolve().is_relative_to(self._real)
        return self._inside[folder]


def _stems(folder: str) -> dict[str, list[str]]:
    """The images in a folder by their names without extension."""
    stems: dict[str, list[str]] = defaultdict(list)
    try:
        names = sorted(entry.name for entry in os.scandir(folder or os.sep) if entry.is_file())
    except (OSError, ValueError):
        return {}
    for name in names:
        if extension(name) in IMAGE_EXTENSIONS and not name.startswith("."):
            stems[name.rpartition(".")[0]].append(name)
    return stems
