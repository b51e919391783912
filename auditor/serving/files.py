"""Which files below the folder of reports may be read: those that a run has, by their names, and nothing else."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditor.atomic_write import is_safe_name
from auditor.outputs import FILES
from auditor.runs.files import ASSETS, EVALUATION, HISTORY, LATEST, PAGE, SUMMARY, is_page
from auditor.store.database import STORE

#: Pictures of a page, where those are files.
_PICTURE = re.compile(rf"{ASSETS}/[\w-]{{1,100}}\.(?:webp|png|jpeg)", re.ASCII)
_OWN = FILES | {EVALUATION}
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".webp": "image/webp",
    ".png": "image/png",
    ".jpeg": "image/jpeg",
    ".parquet": "application/vnd.apache.parquet",
}
_TEXT = "text/plain; charset=utf-8"             # of all others, so that a browser shows them and runs nothing


@dataclass(frozen=True)
class Reports:
    """A folder of reports; `folder` is its real path."""

    folder: Path

    @classmethod
    def of(cls, folder: Path) -> "Reports":
        """The one that a path leads to."""
        return cls(Path(os.path.realpath(folder)))

    def names(self) -> Iterator[str]:
        """Names of data sets that have a folder."""
        yield from (name for name in _inside(self.folder) if name != STORE)

    def runs(self, name: str) -> Iterator[str]:
        """Ids of the runs of a name, those of `auditor evaluate` too, whether or not they can be read."""
        for run in _inside(self.folder / name):
            folder = self.folder / name / run
            if any((folder / file).exists() for file in (SUMMARY, EVALUATION, PAGE)):
                yield run

    def run(self, name: str, run: str) -> Path | None:
        """The folder of a run, `latest` followed; None where there is none that may be read."""
        if run == LATEST:
            run = os.path.basename(os.path.realpath(self.folder / name / LATEST))  # noqa: PTH119
        if not self._may(name, run) or run == LATEST:
            return None
        folder = self.folder / name / run
        return folder if folder.is_dir() and _is_itself(folder) else None

    def file(self, name: str, run: str, file: str) -> Path | None:
        """A file of a run; None where there is none that may be read. No link but `latest` is followed."""
        folder = self.run(name, run)
        if folder is None or not (file in _OWN or is_page(file) or _PICTURE.fullmatch(file)):
            return None
        return _regular(folder / file)

    def history(self, name: str) -> Path | None:
        """The page of a name's trends, if it has one."""
        return _regular(self.folder / name / HISTORY) if self._may(name) else None

    def review(self, name: str, run: str) -> Path:
        """Where the decisions on a run are kept."""
        return self.folder / name / "review" / f"{run}.json"

    def _may(self, name: str, *parts: str) -> bool:
        return name != STORE and all(map(is_safe_name, (name, *parts)))


def kind_of(path: Path) -> str:
    """What a browser is told that a file is."""
    return _KINDS.get(path.suffix, _TEXT)


def _inside(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            found = (each.name for each in entries if each.is_dir(follow_symlinks=False))
            return sorted(filter(is_safe_name, found))
    except OSError:
        return []


def _regular(path: Path) -> Path | None:
    return path if path.is_file() and _is_itself(path) else None


def _is_itself(path: Path) -> bool:
    """Whether there is no link on the way; the folder of reports is a real path already."""
    return os.path.realpath(path) == str(path)
