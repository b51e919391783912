"""The stored runs, and which of them knows a file."""

import json
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.data.tables import MANIFEST_SUFFIXES
from auditor.errors import InputError
from auditor.runs.files import EVALUATION, FINDINGS, LATEST, PREDICTIONS, SUMMARY
from auditor.runs.nearest import nearest_names
from auditor.text import absolute, read_json, shown, some, visible

if TYPE_CHECKING:
    import pyarrow

Row = dict[str, Any]


@dataclass(frozen=True)
class StoredRun:
    """One run's folder, as a user would name it. `summary` is the contents of its `summary.json`."""

    folder: Path
    summary: dict[str, Any]

    @property
    def root(self) -> str:
        """The data set's, as the user wrote it."""
        return str(self.summary["dataset"]["root"])

    @property
    def started_at(self) -> str:
        return str(self.summary["run"]["started_at"])

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """Where the files may lie: a relative root is meant from here, or from where the folder of reports is."""
        root = Path(self.root)
        if root.suffix.lower() in MANIFEST_SUFFIXES and not root.is_dir():
            root = root.parent
        homes = (Path(), self.folder.absolute().parents[2]) if len(self.folder.absolute().parents) > 2 else (Path(),)
        places = [absolute(home / root) for home in homes]
        return tuple(dict.fromkeys((*places, *map(_resolved, places))))

    def inside(self, file: Path) -> list[str]:
        """The file's path relative to the root, by every reading of both; empty where it is not below it."""
        paths = (absolute(file), _resolved(file))
        below = (path.relative_to(root) for path in paths for root in self.roots if path.is_relative_to(root))
        return list(dict.fromkeys(path.as_posix() for path in below))

    def rows(self, files: Sequence[str], columns: Sequence[str] | None = None) -> list[Row]:
        """What `predictions.parquet` says about files; those that it does not list are left out."""
        from pyarrow import parquet

        printable = [file for file in files if file == file.encode("utf-8", "replace").decode("utf-8")]
        if not printable:
            return []
        path = self.folder / PREDICTIONS
        try:
            found = parquet.read_table(path, columns=columns, filters=[("file", "in", printable)])
        except (OSError, ValueError) as error:
            raise InputError(f"{shown(str(path))} cannot be read ({error}); scan again") from None
        by_file = {row["file"]: row for row in found.to_pylist()}
        return [by_file[file] for file in printable if file in by_file]

    def row(self, names: Sequence[str]) -> Row | None:
        """The first of several names that the run knows, in its own form or in another of Unicode."""
        forms = [form for name in names for form in (shown(name), name)]
        forms += [unicodedata.normalize(form, name) for name in names for form in ("NFC", "NFD")]
        return next(iter(self.rows(list(dict.fromkeys(forms)))), None)

    def ranked(self) -> int:
        """How many images have a place in the order of review."""
        ranks = self._column("review_rank")
        return len(ranks) - int(ranks.null_count)

    def files(self) -> "pyarrow.ChunkedArray":
        """All files that it lists, in its order."""
        return self._column("file")

    def _column(self, name: str) -> "pyarrow.ChunkedArray":
        from pyarrow import parquet

        return parquet.read_table(self.folder / PREDICTIONS, columns=[name])[name]

    def findings(self) -> Iterator[dict[str, Any]]:
        """Every finding, in the run's order."""
        path = self.folder / FINDINGS
        try:
            with path.open(encoding="utf-8-sig") as lines:
                yield from map(json.loads, lines)
        except (OSError, ValueError) as error:
            raise InputError(f"{shown(str(path))} cannot be read ({error}); scan again") from None


def _resolved(path: Path) -> Path:
    """Links followed as far as they lead; unlike `Path.resolve`, a link to itself is no error."""
    return Path(os.path.realpath(path))


def open_run(folder: Path) -> StoredRun:
    """Reads a run's summary.

    Raises:
        InputError: the folder is not that of a run.
    """
    path = folder / SUMMARY
    try:
        summary = read_json(path)
        run = StoredRun(folder, summary)
        _ = run.root, run.started_at
    except (OSError, ValueError, KeyError, TypeError) as error:
        expected = f"Expected the folder of a run, reports/<name>/{LATEST}, with {SUMMARY} in it."
        reason = error.strerror if isinstance(error, OSError) and error.strerror else repr(error)
        raise InputError(f"{shown(str(path))} cannot be read ({reason}). {expected}") from None
    return run


def latest_runs(out: Path, name: str | None) -> tuple[list[StoredRun], list[str]]:
    """The latest run of each data set, the newest first; and the folders whose run cannot be read.

    Raises:
        InputError: there is none, or none of that name.
    """
    if name is not None:
        return [open_run(out / name / LATEST)], []
    runs, unread = [], []
    for folder in sorted(out.glob(f"*/{LATEST}")):
        if not (folder / SUMMARY).exists() and (folder / EVALUATION).exists():
            continue                                            # `auditor evaluate` made it
        try:
            runs.append(open_run(folder))
        except InputError:
            unread.append(shown(str(folder)))
    if not runs:
        broken = f" that can be read ({some(unread)} cannot)" if unread else ""
        raise InputError(
            f"{shown(str(out))} holds no run{broken}; `auditor scan` makes one, --out names another folder"
        )
    return sorted(runs, key=lambda run: run.started_at, reverse=True), unread


def find(
    file: str, runs: Sequence[StoredRun], unread: Sequence[str] = ()
) -> tuple[StoredRun, Row, tuple[StoredRun, ...]]:
    """The first run that knows a file, what it says about it, and the other runs that know it too.

    A path to a file below a run's root comes before a path that is relative to the root.

    Raises:
        InputError: no run knows it.
    """
    if "\0" in file:
        raise InputError(f"{shown(file)!r} cannot be a path")
    path = Path(file)
    for names in (lambda run: run.inside(path), lambda run: [path.as_posix()]):
        known = [(run, row) for run in runs if (row := run.row(names(run))) is not None]
        if known:
            (run, row), *others = known
            return run, row, tuple(other for other, _ in others)
    searched = some(shown(f"{run.folder} (of {run.root}, {run.started_at})") for run in runs)
    damaged = f" Not readable: {some(unread)}." if unread else ""
    raise InputError(
        f"{shown(file)} is in none of the runs that were searched: {searched}.{_meant(path, runs)}{damaged} Expected "
        "the path of a file that was there when the data set was scanned, as you would open it or relative to the data "
        "set's root."
    )


def _meant(path: Path, runs: Sequence[StoredRun]) -> str:
    """The names that are nearest in the newest run of the data set that the path leads into, or of any."""
    if not runs:
        return ""
    run = next((each for each in runs if each.inside(path)), runs[0])
    near = nearest_names(next(iter(run.inside(path)), path.as_posix()), run.files())
    return f" Did you mean {' or '.join(map(visible, near))}?" if near else ""
