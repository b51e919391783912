"""The first page: every data set with its runs, the newest first."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor import __version__
from auditor.errors import InputError
from auditor.report.shared.parts import Link
from auditor.review.decisions import read_decisions
from auditor.runs.files import EVALUATION, LATEST, PAGE, SUMMARY
from auditor.runs.stored import StoredRun, open_run
from auditor.serving.files import Reports
from auditor.serving.head import is_live
from auditor.text import count, moment, number, visible

_LISTED = 30                                    # runs of one data set, the newest


@dataclass(frozen=True)
class RunRow:
    """A run; `trouble` says what is wrong with it, and then the rest is empty. `failed`: its gate did not pass."""

    run: str
    page: str
    date: str
    images: str = ""
    findings: str = ""
    new: str = ""
    gate: str = ""
    failed: bool = False
    decided: str = ""
    trouble: str = ""
    note: str = ""


@dataclass(frozen=True)
class DatasetSection:
    """A data set; `history` leads to its trends, "" where there are none."""

    anchor: str
    name: str
    root: str
    latest: str
    history: str
    rows: tuple[RunRow, ...]
    more: str


@dataclass(frozen=True)
class IndexPage:
    """Everything that `served.html.j2` prints."""

    title: str
    folder: str
    sentence: str
    links: tuple[Link, ...]
    sections: tuple[DatasetSection, ...]
    version: str


def build_index(reports: Reports) -> IndexPage:
    """Fills the page from what the folder holds now."""
    sections = tuple(
        _section(reports, name, place) for place, name in enumerate(reports.names()) if any(reports.runs(name))
    )
    runs = sum(1 for section in sections for _ in reports.runs(section.name))
    return IndexPage(
        title="Reports",
        folder=visible(reports.folder),
        sentence=f"{count(len(sections), 'data set')}, {count(runs, 'run')}" if sections else
        "No run yet: auditor scan DATA makes the first",
        links=tuple(Link(section.anchor, visible(section.name)) for section in sections),
        sections=sections,
        version=__version__,
    )  # fmt: skip


def _section(reports: Reports, name: str, place: int) -> DatasetSection:
    found = [(run, _summary(reports.folder / name / run)) for run in reports.runs(name)]
    found.sort(key=lambda each: ("" if isinstance(each[1], str) else each[1].started_at, each[0]), reverse=True)
    newest = next((run for _, run in found if isinstance(run, StoredRun)), None)
    return DatasetSection(
        anchor=f"d{place}",
        name=name,
        root="" if newest is None else visible(newest.root),
        latest=f"/{name}/{LATEST}/" if reports.run(name, LATEST) else "",
        history=f"/{name}/history.html" if reports.history(name) else "",
        rows=tuple(_row(reports, name, run, summary) for run, summary in found[:_LISTED]),
        more=f"The newest {number(_LISTED)} of {count(len(found), 'run')}." if len(found) > _LISTED else "",
    )


def _summary(folder: Path) -> StoredRun | str:
    """The run, or what is wrong with it; "" for a page of `auditor evaluate`, which is none."""
    if not (folder / SUMMARY).exists() and (folder / EVALUATION).exists():
        return ""
    try:
        return open_run(folder)
    except InputError as error:
        return str(error)


def _row(reports: Reports, name: str, run: str, summary: StoredRun | str) -> RunRow:
    page = f"/{name}/{run}/" if reports.file(name, run, PAGE) else ""
    if isinstance(summary, str):
        return RunRow(run, page, "", trouble=visible(summary), note="" if summary else "An evaluation of a model.")
    try:
        return _filled(reports, name, run, page, summary)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        lacking = f"{SUMMARY} lacks what every run has ({visible(repr(error))}); scan again."
        return RunRow(run, page, "", trouble=lacking)


def _filled(reports: Reports, name: str, run: str, page: str, stored: StoredRun) -> RunRow:
    summary: dict[str, Any] = stored.summary
    gate, statuses = summary["gate"], summary["statuses"]
    decided, note = _decided(reports.review(name, run))
    note = note or ("" if page else "Its page is missing.") or _reading(reports.folder / name / run / PAGE)
    return RunRow(
        run=run,
        page=page,
        date=moment(stored.started_at),
        images=number(int(summary["dataset"]["images"])),
        findings=number(sum(map(int, summary["findings"].values()))),
        new=number(int(statuses["new"])),
        gate=("passed" if gate["passed"] else "failed") if gate["rules"] else "",
        failed=bool(gate["rules"]) and not gate["passed"],
        decided=decided,
        note=note,
    )


def _decided(path: Path) -> tuple[str, str]:
    """How many decisions were saved, and what is wrong with their file."""
    if not path.exists():
        return "", ""
    try:
        return number(len(read_decisions(path).decisions)), ""
    except InputError as error:
        return "", f"Its decisions cannot be read: {visible(str(error))}"


def _reading(path: Path) -> str:
    """That decisions made on a page stay in the browser, where they do."""
    with path.open("rb") as file:
        live = is_live(file.read(4096))
    return "" if live else "Another version of auditor wrote this page: decisions made on it are not saved here."

