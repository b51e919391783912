"""Where each finding goes on the page, and the words of its line there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from auditor.audit import Audit, Finding
from auditor.report.audit.faults import failed_files
from auditor.report.audit.rows import rule_titles
from auditor.runs.files import FINDINGS
from auditor.text import count, number, visible

MAX_LINES = 200  # rows of one table of findings without pictures
MAX_RELATED = 6  # other files named by one finding


@dataclass(frozen=True)
class Related:
    """Another file that a finding is about; `anchor` is a fragment of this page, "" where it is not shown."""

    file: str
    anchor: str


@dataclass(frozen=True)
class FindingLine:
    """One finding in words; every string is ready to print."""

    anchor: str
    rule: str
    severity: str
    status: str
    message: str
    file: str
    split: str
    label: str
    suggested: str
    related: tuple[Related, ...]
    more_related: str


@dataclass(frozen=True)
class LineTable:
    """Findings without pictures; `with_files` and `with_labels` say which columns have anything to show."""

    anchor: str
    title: str
    short: str
    count: str
    intro: str
    lines: tuple[FindingLine, ...]
    with_files: bool
    with_labels: bool
    more: str


@dataclass(frozen=True)
class Placement:
    """Every finding of an audit in exactly one place: on a card, in a table, or counted as left out.

    Attributes:
        audit: The scan.
        cards: File -> its findings, for the files with pictures, in the audit's order.
        groups: Findings that are shown as a group of pictures, beside each other.
        general: Findings about the data set as a whole.
        not_decoded: Findings about files that could not be decoded.
        plain: All others without pictures: also those of images beyond the ones whose pictures were kept.
    """

    audit: Audit
    cards: Mapping[str, tuple[Finding, ...]]
    groups: tuple[Finding, ...]
    general: tuple[Finding, ...]
    not_decoded: tuple[Finding, ...]
    plain: tuple[Finding, ...]

    @cached_property
    def titles(self) -> dict[str, str]:
        return rule_titles(self.audit)

    @cached_property
    def shown(self) -> tuple[Finding, ...]:
        """The findings that have a line on the page, in its order."""
        cards = tuple(finding for findings in self.cards.values() for finding in findings)
        return cards + self.groups + self.general[:MAX_LINES] + self.not_decoded[:MAX_LINES] + self.plain[:MAX_LINES]

    @cached_property
    def files(self) -> dict[str, str]:
        """File -> fragment of its first finding on the page."""
        files: dict[str, str] = {}
        for finding in self.shown:
            if finding.file is not None:
                files.setdefault(finding.file, anchor(finding))
        return files

    @cached_property
    def rules(self) -> dict[str, str]:
        """Rule -> fragment of its first finding on the page."""
        rules: dict[str, str] = {}
        for finding in self.shown:
            rules.setdefault(finding.rule, anchor(finding))
        return rules

    def line(self, finding: Finding) -> FindingLine:
        """The words for one finding."""
        related = tuple(Related(visible(file), self.files.get(file, "")) for file in finding.related[:MAX_RELATED])
        left = len(finding.related) - len(related)
        return FindingLine(
            anchor=anchor(finding),
            rule=self.titles[finding.rule],
            severity=finding.severity,
            status={"new": "", "persisting": "seen before", "accepted": "accepted"}[finding.status],
            message=visible(finding.message),
            file="" if finding.file is None else visible(finding.file),
            split=visible(finding.split or ""),
            label=visible(finding.label or ""),
            suggested=visible(finding.suggested or ""),
            related=related,
            more_related=f"and {count(left, 'more file')}, listed in {FINDINGS}" if left else "",
        )


def place(audit: Audit) -> Placement:
    """Decides where each finding goes; the order of the audit is kept everywhere."""
    cards: dict[str, list[Finding]] = {}
    groups, general, not_decoded, plain = [], [], [], []
    failed = failed_files(audit)
    for finding in audit.findings:
        if finding.file is None:
            general.append(finding)
        elif finding.id in audit.copies:
            groups.append(finding)
        elif finding.file in audit.evidence:
            cards.setdefault(finding.file, []).append(finding)
        elif finding.file in failed:
            not_decoded.append(finding)
        else:
            plain.append(finding)
    return Placement(
        audit=audit,
        cards={file: tuple(findings) for file, findings in cards.items()},
        groups=tuple(groups),
        general=tuple(general),
        not_decoded=tuple(not_decoded),
        plain=tuple(plain),
    )


def tables(placement: Placement) -> tuple[LineTable, ...]:
    """The tables of findings without pictures; empty ones are left out."""
    pictured = len(placement.cards)
    texts = (
        (
            "unreadable",
            "Files that cannot be read",
            "Unreadable",
            "Nothing is known of them.",
            placement.not_decoded,
        ),
        (
            "plain",
            "Flagged, without a picture",
            "No picture",
            f"Pictures are kept for {count(pictured, 'flagged image')}; these findings have none."
            if pictured
            else "No pictures were kept for these findings.",
            placement.plain,
        ),
    )
    return tuple(_table(placement, *text) for text in texts if text[-1])


def _table(
    placement: Placement, key: str, title: str, short: str, intro: str, findings: Sequence[Finding]
) -> LineTable:
    left = len(findings) - MAX_LINES
    return LineTable(
        anchor=key,
        title=title,
        short=short,
        count=number(len(findings)),
        intro=intro,
        lines=tuple(placement.line(finding) for finding in findings[:MAX_LINES]),
        with_files=any(finding.file is not None for finding in findings[:MAX_LINES]),
        with_labels=any(finding.label or finding.suggested for finding in findings[:MAX_LINES]),
        more=more_findings(left),
    )


def more_findings(left: int) -> str:
    """That so many findings have no place on the page; "" where all have."""
    return f"{count(left, 'more finding')} of this kind not shown here: see {FINDINGS}." if left > 0 else ""


def anchor(finding: Finding) -> str:
    """The fragment that leads to a finding: `f-<id>`."""
    return f"f-{finding.id}"
