"""The page as a record: templates only loop and print."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.report.history.trends import MOST_CLASSES, MOST_NIGHTS, class_trends, rule_trends, status_trends
from auditor.report.shared.charts import Chart
from auditor.report.shared.parts import KeyFigure, Link
from auditor.store.nights import Night
from auditor.text import count, listing, moment, number, visible

_LISTED = 60                                    # runs in the table, the newest


@dataclass(frozen=True)
class Trends:
    """Charts under one heading; `remark` says what is not among them."""

    anchor: str
    title: str
    charts: tuple[Chart, ...]
    remark: str


@dataclass(frozen=True)
class NightRow:
    """A run in the table; `failed`: its gate did not pass."""

    run: str
    date: str
    images: str
    findings: str
    new: str
    resolved: str
    gate: str
    failed: bool


@dataclass(frozen=True)
class Page:
    """Everything that `history.html.j2` prints."""

    title: str
    name: str
    root: str
    date: str
    number: str
    rest: str
    also: str
    calm: bool
    figures: tuple[KeyFigure, ...]
    links: tuple[Link, ...]
    trends: tuple[Trends, ...]
    rows: tuple[NightRow, ...]
    rows_remark: str
    version: str


def build_page(name: str, nights: Sequence[Night]) -> Page:
    """Fills the page from the runs of a data set, the oldest first."""
    last = nights[-1]
    recent = nights[-MOST_NIGHTS:]
    findings = _findings(last)
    trends = tuple(
        group
        for group in (
            Trends("overview", "Night by night", status_trends(recent, nights[0]), _older(nights, MOST_NIGHTS)),
            Trends("rules", "By rule", rule_trends(recent), "A gap is a run in which the rule did not judge anything."),
            Trends("classes", "By class", class_trends(recent), _classes(recent)),
        )
        if group.charts
    )
    noun = "finding" if last.new == 1 else "findings"
    rest = f" new {noun} in the last run, {number(last.resolved)} resolved."
    if len(nights) == 1:
        rest = f" {noun} in the first run."
    return Page(
        title=f"{visible(name)}: {count(len(nights), 'run')}",
        name=visible(name),
        root=visible(last.root),
        date=moment(last.started),
        number=number(last.new),
        rest=rest,
        also=_also(nights),
        calm=last.new == 0 and last.gate is not False,
        figures=(
            KeyFigure(number(len(nights)), "run" if len(nights) == 1 else "runs", f"since {moment(nights[0].started)}"),
            KeyFigure(number(last.images), "images", f"in {count(len(last.classes), 'class', 'classes')}"),
            KeyFigure(number(findings), "findings", f"{number(last.accepted)} accepted" if last.accepted else ""),
            KeyFigure(number(last.new), "new", "not open before", accent=last.new > 0),
            KeyFigure(number(last.resolved), "resolved", "open before"),
        ),
        links=(*(Link(group.anchor, group.title) for group in trends), Link("runs", "Runs", number(len(nights)))),
        trends=trends,
        rows=tuple(_row(night) for night in reversed(nights[-_LISTED:])),
        rows_remark=_older(nights, _LISTED),
        version=visible(last.version),
    )


def _findings(night: Night) -> int:
    return sum(each.findings for each in night.counts)


def _also(nights: Sequence[Night]) -> str:
    """What happened between the first run and the last, by the numbers of both."""
    if len(nights) == 1:
        return "This is the first run, so that everything is new. Trends begin with the next one."
    first, last = nights[0], nights[-1]
    failed = sum(night.gate is False for night in nights)
    gates = f" {count(failed, 'run')} failed a gate." if failed else ""
    return (
        f"From {number(_findings(first))} findings on {count(first.images, 'image')} to {number(_findings(last))} on "
        f"{number(last.images)}, in {count(len(nights), 'run')}.{gates}"
    )


def _older(nights: Sequence[Night], most: int) -> str:
    return f"The newest {number(most)} of {count(len(nights), 'run')}." if len(nights) > most else ""


def _classes(nights: Sequence[Night]) -> str:
    found = {name for night in nights for name, findings in night.by_class().items() if findings}
    if len(found) <= MOST_CLASSES:
        return "Findings on the images of each class."
    return f"Findings on the images of {number(MOST_CLASSES)} of {count(len(found), 'class', 'classes')}, the worst."


def _row(night: Night) -> NightRow:
    rules = [f"{rule} {number(findings)}" for rule, findings in night.by_rule().items() if findings]
    gate = "" if night.gate is None else "passed" if night.gate else "failed"
    return NightRow(
        run=visible(night.run),
        date=moment(night.started),
        images=number(night.images),
        findings=f"{number(_findings(night))}{f': {listing(rules)}' if rules else ''}",
        new=number(night.new),
        resolved=number(night.resolved),
        gate=gate,
        failed=night.gate is False,
    )
