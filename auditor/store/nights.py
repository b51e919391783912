"""The history of a data set read back: its runs, and its findings as intervals."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from auditor.data.dataset import name_of
from auditor.errors import InputError
from auditor.store.upkeep import opened
from auditor.text import listing, shown

#: Columns of a run.
RUN = (
    "run", "root", "started", "seconds", "images", "readable", "classes", "model", "settings", "circumstances",
    "counts", "new", "persisting", "accepted", "resolved", "gate", "version",
)  # fmt: skip


@dataclass(frozen=True)
class Count:
    """How many findings of a rule, a severity and a label a run had; the label is None for findings without one."""

    rule: str
    severity: str
    label: str | None
    findings: int


@dataclass(frozen=True)
class Night:
    """A run as history keeps it.

    Attributes:
        run: Its id.
        root: Of the data set, as it was stated.
        started: An ISO timestamp.
        seconds: Wall time.
        images, readable: Numbers of images.
        classes: Class -> number of its images.
        model: Its sha256; "" without one.
        settings: Hash of the settings that decide on what is found.
        rules: The rules that judged something.
        counts: Of its findings.
        new, persisting, accepted, resolved: Numbers of findings by status.
        gate: Whether it passed; None without any limit.
        version: Of auditor.
    """

    run: str
    root: str
    started: str
    seconds: float
    images: int
    readable: int
    classes: dict[str, int]
    model: str
    settings: str
    rules: tuple[str, ...]
    counts: tuple[Count, ...]
    new: int
    persisting: int
    accepted: int
    resolved: int
    gate: bool | None
    version: str

    def by_rule(self) -> dict[str, int]:
        """Findings of every rule that judged something, zeros included."""
        found = dict.fromkeys(self.rules, 0)
        for each in self.counts:
            found[each.rule] = found.get(each.rule, 0) + each.findings
        return found

    def by_class(self) -> dict[str, int]:
        """Findings on the images of every class, zeros included."""
        found = dict.fromkeys(self.classes, 0)
        for each in self.counts:
            if each.label is not None:
                found[each.label] = found.get(each.label, 0) + each.findings
        return found


@dataclass(frozen=True)
class Interval:
    """A finding from the first run that had it to the last one.

    Attributes:
        id, rule, severity, label, suggested, file: As in `Finding`, of the last run that had it.
        first, last: Ids of these runs.
        ended: Id of the run that did not find it any more; None while it is open.
        reason: Why not.
    """

    id: str
    rule: str
    severity: str
    label: str | None
    suggested: str | None
    file: str | None
    first: str
    last: str
    ended: str | None
    reason: str | None


def history_name(out: Path, wanted: str | None) -> str:
    """The name of a data set that has a history.

    Args:
        out: Folder of the reports.
        wanted: The name, or what was scanned; None means the only one.

    Raises:
        InputError: there is no store or no such history, or there are several and none was named.
        Incomplete: the disk is full.
    """
    with opened(out) as (_, connection):
        names = [str(name) for (name,) in connection.execute("SELECT name FROM datasets ORDER BY name")]
    there = f"it has those of {listing(map(shown, names))}" if names else "it has none yet; `auditor scan` begins one"
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None:
        raise InputError(f"whose history? Say DATA or --name: the store in {shown(str(out))} is asked, and {there}")
    for name in (wanted, name_of(wanted)):
        if name in names:
            return name
    raise InputError(
        f"the store in {shown(str(out))} has no history of {shown(wanted)}; {there}. Name one of them, or another "
        "folder with --out."
    )


def nights_of(out: Path, name: str) -> list[Night]:
    """The runs of a data set, the oldest first.

    Raises:
        InputError: there is no store, or no history of that name.
        Incomplete: the disk is full.
    """
    with opened(out) as (_, connection):
        columns = ", ".join(f"r.{column}" for column in RUN)
        query = f"SELECT {columns} FROM runs r JOIN datasets d ON d.id = dataset WHERE name = ? ORDER BY r.id"
        nights = [_night(row) for row in connection.execute(query, (name,))]
    if not nights:
        history_name(out, name)                 # says what there is
    return nights


def intervals_of(out: Path, name: str) -> list[Interval]:
    """The findings of a data set as intervals, in the order in which they were first found; raises as `nights_of`."""
    nights_of(out, name)
    with opened(out) as (_, connection):
        rows = connection.execute(
            "SELECT finding, rule, severity, label, suggested, file, a.run, b.run, c.run, reason FROM findings f "
            "JOIN datasets d ON f.dataset = d.id JOIN runs a ON a.id = first JOIN runs b ON b.id = last "
            "LEFT JOIN runs c ON c.id = ended WHERE name = ? ORDER BY first, rule, file, finding",
            (name,),
        )
        return [Interval(*row) for row in rows]


def _night(row: Iterable[Any]) -> Night:
    run = dict(zip(RUN, row, strict=True))
    try:
        rules, counts = json.loads(run.pop("circumstances")), json.loads(run.pop("counts"))
        run |= {
            "classes": {str(name): int(images) for name, images in json.loads(run["classes"]).items()},
            "gate": None if run["gate"] is None else bool(run["gate"]),
            "started": datetime.fromisoformat(run["started"]).isoformat(),
            **{name: int(run[name]) for name in ("images", "readable", "new", "persisting", "accepted", "resolved")},
        }
        counted = tuple(
            Count(str(rule), str(severity), None if label is None else str(label), int(findings))
            for rule, severity, label, findings in counts
        )
        return Night(rules=tuple(map(str, rules)), counts=counted, **run)
    except (ValueError, TypeError, AttributeError) as error:
        raise sqlite3.DatabaseError(f"its history is damaged ({error})") from None
