"""`auditor accept`: a finding of a stored run becomes an entry of the file of accepted findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.gates.accepted import Entry, read_accepted
from auditor.gates.appending import append
from auditor.runs.stored import StoredRun, latest_runs, open_run
from auditor.text import count, shown, some, visible


@dataclass(frozen=True)
class Acceptance:
    """What a person says about findings.

    Attributes:
        reason: Why they are accepted.
        author: Who says so; "" where nobody does.
        expires: The last day on which it holds; None for good.
    """

    reason: str
    author: str = ""
    expires: date | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise InputError("--reason is empty; expected why the finding is accepted, for those who review the file")


@dataclass(frozen=True)
class Accepted:
    """What was done: sentences about the findings that were added, and about those that were there already."""

    added: tuple[str, ...]
    there: tuple[str, ...]


def accept_findings(
    target: str, said: Acceptance, path: Path, *, runs: Sequence[StoredRun], rule: str | None, today: date
) -> Accepted:
    """Accepts findings of stored runs by their ids, so that it lapses when the image, its label or the rule changes.

    Args:
        target: The id of a finding, or a file: as one would open it, or relative to the data set's root.
        said: What is written beside them.
        path: The file of accepted findings.
        runs: Where findings are looked for; the first that knows the target is taken.
        rule: Only findings of this rule; None takes all of the file.
        today: What the dates of entries are compared with: one that has expired does not count as being there.

    Raises:
        InputError: no run has such a finding, or the file cannot be read or written.
    """
    if said.expires is not None and said.expires < today:
        raise InputError(f"--expires {said.expires} is past; expected today, {today}, or a later day")
    found = _found(target, runs, rule)
    entries = read_accepted(path) if path.exists() else ()
    known = {entry.value for entry in entries if entry.subject == "finding" and entry.holds(today)}
    new = [finding for finding in found if finding["id"] not in known]
    if new:
        append(path, [
            (Entry("finding", finding["id"], None, said.reason, said.author, said.expires), _told(finding))
            for finding in new
        ])  # fmt: skip
    there = [finding for finding in found if finding["id"] in known]
    return Accepted(tuple(map(_told, new)), tuple(map(_told, there)))


def searched_runs(out: Path, name: str | None, run: Path | None) -> list[StoredRun]:
    """The run that was named, or the latest one of each data set, the newest first."""
    return [open_run(run)] if run is not None else latest_runs(out, name)[0]


def _found(target: str, runs: Sequence[StoredRun], rule: str | None) -> list[dict[str, Any]]:
    for run in runs:
        names = {target, shown(target), *map(shown, run.inside(Path(target)))} if "\0" not in target else {target}
        mine = [each for each in run.findings() if each["id"] == target or each["file"] in names]
        wanted = [each for each in mine if rule in (None, each["rule"])]
        if wanted:
            return wanted
        if mine:
            rules = ", ".join(dict.fromkeys(each["rule"] for each in mine))
            raise InputError(f"{visible(target)} has no finding of the rule {visible(rule)}; it has some of {rules}")
    searched = some(shown(f"{run.folder} ({run.started_at})") for run in runs)
    raise InputError(
        f"{visible(target)} is neither the id of a finding nor a file with one in {count(len(runs), 'run')}: "
        f"{searched}. Expected an id from findings.jsonl, or a flagged file as you would open it. --run names a run."
    )


def _told(finding: dict[str, Any]) -> str:
    return visible(f"{finding['rule']} on {finding['file'] or 'the data set'}: {finding['message']}")
