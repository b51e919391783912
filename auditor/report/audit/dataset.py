"""Findings about the data set as a whole: a sentence, the plot that shows it, and examples."""

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.audit import Finding
from auditor.report.audit.charts import Plot, plot
from auditor.report.audit.lines import FindingLine, Placement
from auditor.runs.files import FINDINGS
from auditor.text import count, number, visible


@dataclass(frozen=True)
class Example:
    """An image that shows a finding; `link` leads to what was found about it, if anything."""

    symbol: str
    alt: str
    link: str


@dataclass(frozen=True)
class DatasetFinding:
    """One finding; `more` says how many examples have no picture here."""

    line: FindingLine
    plot: Plot | None
    examples: tuple[Example, ...]
    more: str


@dataclass(frozen=True)
class DatasetSection:
    """All findings about the data set."""

    count: str
    findings: tuple[DatasetFinding, ...]


def dataset_section(placement: Placement, anchors: Mapping[bytes, str]) -> DatasetSection | None:
    """The findings of the page; None where there are none.

    Args:
        placement: Where the findings are.
        anchors: Thumbnail -> its symbol.
    """
    if not placement.general:
        return None
    return DatasetSection(
        count=number(len(placement.general)),
        findings=tuple(_finding(placement, anchors, finding) for finding in placement.general),
    )


def _finding(placement: Placement, anchors: Mapping[bytes, str], finding: Finding) -> DatasetFinding:
    pictures = placement.audit.examples
    shown = [file for file in finding.related if file in pictures] if pictures else []
    chart = placement.audit.charts.get(finding.id)
    left = len(finding.related) - len(shown)
    return DatasetFinding(
        line=placement.line(finding),
        plot=None if chart is None else plot(chart),
        examples=tuple(
            Example(anchors[pictures[file]], visible(file), placement.file_href(file)) for file in shown
        ),
        more=f"{count(left, 'more image')} named in {FINDINGS}." if left > 0 else "",
    )
