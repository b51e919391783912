"""The names of a run that are nearest to one that it does not know: a slip of the finger, or another folder."""

import difflib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from auditor.text import shown

if TYPE_CHECKING:
    import pyarrow

MOST = 3
_COMPARED = 2000                                # names that difflib compares, at 50 microseconds each
_ALIKE = 0.8                                    # of difflib's ratio, from which a name is worth a question


def nearest_names(wanted: str, files: "pyarrow.Array | pyarrow.ChunkedArray") -> list[str]:
    """The nearest of a run's files, the best first; a million of them take about half a second.

    Those that have the same name in another folder come before all others, whatever the case of their letters. Of many
    files only those are compared that share one half of the name: one slip leaves the other half as it was.

    Args:
        wanted: A path relative to the root.
        files: Those of the run.
    """
    from pyarrow import compute

    path = PurePosixPath(shown(wanted))
    if not path.name or path.name == "..":
        return []
    lower = compute.utf8_lower(files)
    leaf = path.name.lower()
    same = files.filter(compute.or_(compute.equal(lower, leaf), compute.ends_with(lower, f"/{leaf}")))
    if len(same):
        return _closest(path.as_posix(), same[:_COMPARED].to_pylist(), 0.0)
    if len(files) > _COMPARED:
        half = len(leaf) // 2
        parent = "" if path.parent == PurePosixPath() else f"{path.parent.as_posix().lower()}/"
        begins = compute.starts_with(lower, f"{parent}{leaf[:half]}")
        files = files.filter(compute.or_(begins, compute.ends_with(lower, leaf[half:])))
    return _closest(path.as_posix(), files[:_COMPARED].to_pylist(), _ALIKE)


def _closest(wanted: str, names: list[str], alike: float) -> list[str]:
    folded = {name.casefold(): name for name in reversed(names)}
    return [folded[each] for each in difflib.get_close_matches(wanted.casefold(), list(folded)[::-1], MOST, alike)]
