"""`DIR/<name>/review/`: what was decided about a data set, the journals of what was done, and the files that went."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor.atomic_write import is_safe_name
from auditor.data.own_output import REVIEW_MARK
from auditor.errors import InputError
from auditor.runs.files import REVIEW
from auditor.runs.folder import locked, run_id
from auditor.text import listing, shown, some

_JOURNAL = ".journal.jsonl"
_ABOUT = """What people decided about this data set.

kept.jsonl          images that were kept as they are: `auditor scan` does not list them again
*.journal.jsonl     what `auditor apply` did, step by step; `auditor undo` needs them
removed/<journal>/  the images that `auditor apply` took out, under their own paths; nothing deletes them
"""


@dataclass(frozen=True)
class Home:
    """The folder of the decisions about one data set.

    Attributes:
        out: Folder of the reports.
        name: Of the data set there, safe as a folder name.
    """

    out: Path
    name: str

    def __post_init__(self) -> None:
        if not is_safe_name(self.name):
            raise InputError(f"{shown(self.name)} cannot be the name of a data set in the reports; look in --out")

    @property
    def folder(self) -> Path:
        """Where everything lies."""
        return self.out / self.name / REVIEW

    @property
    def kept(self) -> Path:
        """The file of the images that were kept."""
        return self.folder / "kept.jsonl"

    def journal(self, identity: str) -> Path:
        """The file of a journal; raises InputError for an id that none can have."""
        if not is_safe_name(identity):
            raise InputError(f"{shown(identity)} is no journal; {self.hint()}")
        return self.folder / f"{identity}{_JOURNAL}"

    def removed(self, identity: str) -> Path:
        """Where the files lie that were removed under a journal."""
        return self.folder / "removed" / identity

    def journals(self) -> list[str]:
        """Ids of the journals, the oldest first."""
        found = [path for path in self.folder.glob(f"*{_JOURNAL}") if path.is_file()]
        return [path.name.removesuffix(_JOURNAL) for path in sorted(found, key=lambda path: _age(path.name))]

    def new_journal(self, now: datetime) -> str:
        """An id that no journal has."""
        wanted, number = run_id(now.astimezone(UTC)), 1
        while self.journal(identity := wanted if number == 1 else f"{wanted}-{number}").exists():
            number += 1
        return identity

    def hint(self) -> str:
        """Which journals there are, for an error."""
        there = self.journals()
        where = shown(str(self.folder))
        return f"those in {where} are {some(map(shown, reversed(there)))}" if there else f"there is none in {where}"

    @contextmanager
    def at_work(self, root: Path) -> Iterator[None]:
        """Makes the folder, and keeps every other apply and undo away from it and from the data set meanwhile.

        Args:
            root: Folder of the data set; one that is not there is not locked.

        Raises:
            InputError: another one is at work.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        mark = self.folder / REVIEW_MARK
        if not mark.exists():
            mark.write_text(_ABOUT, encoding="utf-8")
        with ExitStack() as stack:
            for folder in (self.folder, root):
                if folder.is_dir():
                    try:
                        stack.enter_context(locked(folder))
                    except BlockingIOError:
                        raise InputError(
                            f"another `auditor apply` or `auditor undo` is at work in {shown(str(folder))}; wait for "
                            "its end"
                        ) from None
            yield


def homes(out: Path) -> list[Home]:
    """Those of all data sets in a folder of reports that have one, by name."""
    return [Home(out, path.parent.name) for path in sorted(out.glob(f"*/{REVIEW}")) if is_safe_name(path.parent.name)]


def only_home(out: Path, name: str | None) -> Home:
    """The one that a user means.

    Raises:
        InputError: there is none, or there are several and none was named.
    """
    if name is not None:
        return Home(out, name)
    there = [home for home in homes(out) if home.journals()]
    if len(there) == 1:
        return there[0]
    if there:
        names = listing(shown(home.name) for home in there)
        raise InputError(f"{shown(str(out))} has journals of {names}; say --name")
    raise InputError(f"{shown(str(out))} has no journal of `auditor apply`; --out names another folder of reports")


def _age(name: str) -> tuple[str, int, str]:
    """What sorts journals by age: those of one second are numbered from 2."""
    stamp, _, number = name.removesuffix(_JOURNAL).partition("-")
    return stamp, int(number) if number.isdecimal() else 1, name
