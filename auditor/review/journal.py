"""The journal of an apply: every step is on the disk before it is done, and again after it, so that it can be undone.

    {"format": "auditor-journal", "format_version": 1, "id": ..., "root": ..., "folders": ..., "made": ...}
    {"step": 1, "kind": "move", "from": "cat/1.jpg", "to": "dog/1.jpg", "content": ..., "link": null, "modified": ...}
    {"done": 1}
    {"finished": true}

What was really done, `auditor undo` sees on the disk: a kill may come between a step and the line about it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from auditor.data.placement import why_unsafe
from auditor.errors import InputError
from auditor.review.home import Home
from auditor.review.lines import Appender, Record, appending, read_lines
from auditor.review.moving import State
from auditor.text import shown

FORMAT, FORMAT_VERSION = "auditor-journal", 1
_MOST_BYTES = 1024**3                           # of a journal: some millions of steps

Kind = Literal["move", "remove"]


@dataclass(frozen=True)
class Step:
    """One file goes to another path.

    Attributes:
        number: From 1.
        kind: "move": within the data set. "remove": out of it.
        source: Path relative to the root of the data set, as the operating system has it.
        target: Likewise of a move; of a removal, relative to the folder of what this journal removed.
        state: What the file is.
    """

    number: int
    kind: Kind
    source: str
    target: str
    state: State

    @property
    def draft(self) -> str:
        """The name of an incomplete copy beside either path, where they lie on two file systems."""
        return f".auditor-{self.number}.partial"

    def line(self) -> Record:
        """In the journal."""
        return {
            "step": self.number, "kind": self.kind, "from": self.source, "to": self.target,
            "content": self.state.content, "link": self.state.link, "modified": self.state.modified,
        }  # fmt: skip


@dataclass(frozen=True)
class Header:
    """The first line.

    Attributes:
        id: Of the journal.
        root: Folder of the data set, absolute.
        author: Who applied; "" where nobody said.
        started: When, as an ISO timestamp.
        folders: Folder whose entries change -> when it was modified, in ns, and a hash of the names in it.
        made: Folders that are made in the data set, outer ones first.
        wrote: A file or a folder that was written beside the data set, which itself was not changed; or None.
    """

    id: str
    root: str
    author: str
    started: str
    folders: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    made: tuple[str, ...] = ()
    wrote: str | None = None

    def line(self) -> Record:
        """In the journal."""
        return {"format": FORMAT, "format_version": FORMAT_VERSION, **vars(self)}


@dataclass
class Journal:
    """A journal read back.

    Attributes:
        header: Its first line.
        steps: That were begun, by number.
        ended: Numbers of those that were done, or failed and changed nothing.
        failed: Numbers of the latter.
        undone: Numbers of those that were undone.
        finished: The apply came to its end.
        taken_back: Everything was undone.
        damaged: Numbers of lines that cannot be read.
    """

    home: Home
    header: Header
    steps: dict[int, Step] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    undone: set[int] = field(default_factory=set)
    finished: bool = False
    taken_back: bool = False
    damaged: list[int] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Folder of the data set."""
        return Path(self.header.root)

    def source(self, step: Step) -> Path:
        """Where a step takes its file from."""
        return self.root / step.source

    def target(self, step: Step) -> Path:
        """And where it puts it."""
        base = self.root if step.kind == "move" else self.home.removed(self.header.id)
        return base / step.target

    def unsettled(self) -> Iterator[Step]:
        """Steps that were begun and of which nothing says that they were done: a kill came."""
        yield from (step for number, step in self.steps.items() if number not in self.ended | self.undone)

    def standing(self) -> Iterator[Step]:
        """Steps that may have been done, the latest first."""
        dropped = self.failed | self.undone
        yield from (self.steps[number] for number in sorted(self.steps, reverse=True) if number not in dropped)


@contextmanager
def begin(home: Home, header: Header) -> Iterator[Appender]:
    """A new journal with its header."""
    with appending(home.journal(header.id)) as lines:
        lines.add(header.line())
        yield lines


def read_journal(home: Home, identity: str) -> Journal:
    """Reads a journal; lines that cannot be read are left out and counted.

    Raises:
        InputError: there is none of that id, or its first line is damaged.
    """
    path = home.journal(identity)
    where = shown(str(path))
    if not path.is_file():
        raise InputError(f"{where} is not there; {home.hint()}")
    journal: Journal | None = None
    try:
        for number, record in read_lines(path, _MOST_BYTES):
            if journal is None:
                if record is None:
                    break
                journal = Journal(home, _header(record, identity))
            elif record is None or not _take(journal, record):
                journal.damaged.append(number)
    except OSError as error:
        raise InputError(f"{where} cannot be read ({error.strerror})") from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where} begins with a line that is none of a journal ({error!r})") from None
    if journal is None:                         # it was killed before it did anything
        raise InputError(f"{where} has no first line, so nothing was done under it; it may be deleted")
    return journal


def journals_of(home: Home) -> Iterator[Journal]:
    """All that can be read, the oldest first."""
    for identity in home.journals():
        try:
            yield read_journal(home, identity)
        except InputError:
            continue                            # said where it is asked for by its id


def _header(record: Record, identity: str) -> Header:
    if record["format"] != FORMAT or record["format_version"] != FORMAT_VERSION or record["id"] != identity:
        raise ValueError(f"expected format {FORMAT}, {FORMAT_VERSION}, of {identity}")
    if not Path(str(record["root"])).is_absolute():
        raise ValueError("its root is not absolute")
    folders = {_path(folder, root=True): (int(when), str(names)) for folder, (when, names) in record["folders"].items()}
    wrote = record["wrote"]
    return Header(
        id=identity,
        root=str(record["root"]),
        author=str(record["author"]),
        started=str(record["started"]),
        folders=folders,
        made=tuple(map(_path, record["made"])),
        wrote=None if wrote is None else str(wrote),
    )


def _take(journal: Journal, record: Record) -> bool:
    """Adds a further line; False where it is none."""
    try:
        if "step" in record:
            step = _step(record)
            journal.steps[step.number] = step
        elif "done" in record or "failed" in record:
            number = int(record["done"] if "done" in record else record["failed"])
            journal.ended.add(number)
            if "failed" in record:
                journal.failed.add(number)
        elif "undone" in record:
            journal.undone.add(int(record["undone"]))
        elif "finished" in record or "taken_back" in record:
            journal.finished |= "finished" in record
            journal.taken_back |= "taken_back" in record
        else:
            return False
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _step(record: Record) -> Step:
    kind, link = record["kind"], record["link"]
    if kind not in ("move", "remove") or not isinstance(record["content"], str):
        raise ValueError(kind)
    state = State(record["content"], None if link is None else str(link), int(record["modified"]))
    return Step(int(record["step"]), kind, _path(record["from"]), _path(record["to"]), state)


def _path(value: Any, *, root: bool = False) -> str:
    """A path that stays below the folder that it is relative to; a journal may have been tampered with."""
    if not isinstance(value, str) or (why_unsafe(value, anywhere=False) and not (root and value == "")):
        raise ValueError(f"{value!r} is no path below a folder")
    return value
