"""`--exclude`: which files are left out by their path."""

import re
from collections.abc import Sequence

from auditor.classes.spelling import composed
from auditor.errors import InputError
from auditor.text import shown


class Exclusion:
    """Globs, matched with the POSIX path relative to the root; upper and lower case differ on every system.

    `*` and `?` stand for characters of one name, `[ab]` for one of these, `**` for any number of folders. A glob
    without "/" is matched with the name of every file and folder, one with "/" with the whole path. A folder that is
    matched is left out with all that it holds.

    Args:
        globs: As the user wrote them.

    Raises:
        InputError: one of them is empty.
    """

    def __init__(self, globs: Sequence[str]) -> None:
        if not all(glob.strip("/ ") for glob in globs):
            raise InputError('--exclude is empty; expected a glob of files to leave out, such as "*_mask.png" or masks')
        self._globs = {glob: _pattern(composed(glob)) for glob in globs}
        self._used: set[str] = set()

    def why(self, path: str) -> str | None:
        """Why a file or a folder is left out, its parents not considered; None if it is not."""
        for glob, (pattern, whole) in self._globs.items():
            text = composed(path)
            if pattern.fullmatch(text if whole else text.rpartition("/")[2]):
                self._used.add(glob)
                return f"excluded by {shown(glob)}"
        return None

    def why_below(self, path: str) -> str | None:
        """Why a file is left out, itself or by a folder above it."""
        names = path.split("/") if self._globs else []
        reasons = (self.why("/".join(names[: depth + 1])) for depth in range(len(names)))
        return next((reason for reason in reasons if reason), None)

    def notes(self) -> list[str]:
        """What to say when all files were seen: globs that matched nothing."""
        unused = [shown(glob) for glob in self._globs if glob not in self._used]
        return [f"Nothing is excluded by {glob}: no file or folder matches it." for glob in unused]


def _pattern(glob: str) -> tuple[re.Pattern[str], bool]:
    """The glob as a pattern, and whether it is matched with the whole path."""
    text = glob.removeprefix("./").rstrip("/")
    whole = "/" in text
    parts = text.lstrip("/").split("/")
    if whole and parts[-1] == "**":             # what a folder holds, and so the folder
        parts.pop()
    made = "".join("(?:[^/]+/)*" if part == "**" else f"{_name(part)}/" for part in parts)
    return re.compile(made.removesuffix("/"), re.DOTALL), whole


def _name(glob: str) -> str:
    """A part of a glob between two "/" as a pattern."""
    pieces = re.findall(r"\*+|\?|\[!?\]?[^\]]*\]|.", glob, re.DOTALL)
    return "".join(map(_piece, pieces))


def _piece(piece: str) -> str:
    if piece.startswith("*"):
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece.startswith("[") and len(piece) > 2:
        inside = re.sub(r"([\\\[\]^&~|])", r"\\\1", piece[1:-1].removeprefix("!"))
        return f"[^/{inside}]" if piece[1] == "!" else f"[{inside}]"
    return re.escape(piece)
