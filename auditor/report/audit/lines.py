"""Where each finding goes on the page, and the words of its line there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from auditor.audit import SEVERITIES, Audit, Finding, Status
from auditor.report.audit.faults import failed_files
from auditor.report.audit.rows import rule_titles
from auditor.runs.files import FINDINGS, page_name
from auditor.text import count, number, visible

_UNFOLDED = 30  # lines of a table that stands open
MAX_RELATED = 6  # other files named by one finding
#: What people read of a finding's status.
STATUSES: Mapping[Status, str] = {"new": "new", "persisting": "seen before", "accepted": "accepted"}


@dataclass(frozen=True)
class Related:
    """Another file that a finding is about; `href` leads to it, "" where nothing was found about it."""

    file: str
    href: str


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
    """Findings without pictures; `with_files` and `with_labels` say which columns have anything to show.

    A `folded` one has to be opened.
    """

    anchor: str
    title: str
    short: str
    count: str
    intro: str
    lines: tuple[FindingLine, ...]
    with_files: bool
    with_labels: bool
    folded: bool


@dataclass(frozen=True)
class Placement:
    """Every finding of an audit in exactly one place: on a card, in a group, about the data set, or in a table.

    The pages of a report share what they know of the whole, and each has its own part of `cards`, `groups` and tables.

    Attributes:
        audit: The scan.
        cards: File -> its findings, for the files with pictures, in the order of review.
        groups: Findings that are shown as a group of pictures, beside each other.
        general: Findings about the data set as a whole.
        not_decoded: Findings about files that could not be decoded.
        plain: All others without pictures: also those of images beyond the ones whose pictures were kept.
        accepted: Findings that a person has accepted: they are told at the end, and counted nowhere.
        first: File -> its first finding that is shown somewhere.
        page_of: Id of a finding -> the page that it is on.
        number: The page for which links are written.
    """

    audit: Audit
    cards: Mapping[str, tuple[Finding, ...]]
    groups: tuple[Finding, ...]
    general: tuple[Finding, ...]
    not_decoded: tuple[Finding, ...]
    plain: tuple[Finding, ...]
    accepted: tuple[Finding, ...]
    first: Mapping[str, Finding]
    page_of: Mapping[str, int] = field(default_factory=dict)
    number: int = 1

    @cached_property
    def titles(self) -> dict[str, str]:
        """Rule -> what people call it."""
        return rule_titles(self.audit)

    def href(self, finding: Finding) -> str:
        """The way to a finding, from this page."""
        page = self.page_of.get(finding.id, self.number)
        return f"#{anchor(finding)}" if page == self.number else f"{page_name(page)}#{anchor(finding)}"

    def file_href(self, file: str) -> str:
        """The way to what was found about a file; "" where nothing was."""
        return self.href(self.first[file]) if file in self.first else ""

    def card_href(self, file: str) -> str:
        """The way to the card of a file; "" where it has none."""
        first = self.first.get(file)
        has_card = first is not None and file in self.audit.evidence and first.id not in self.audit.copies
        return self.file_href(file) if has_card else ""

    def line(self, finding: Finding) -> FindingLine:
        """The words for one finding."""
        related = tuple(Related(visible(file), self.file_href(file)) for file in finding.related[:MAX_RELATED])
        left = len(finding.related) - len(related)
        return FindingLine(
            anchor=anchor(finding),
            rule=self.titles[finding.rule],
            severity=finding.severity,
            status=STATUSES[finding.status] if finding.status != "new" else "",
            message=visible(finding.message),
            file="" if finding.file is None else visible(finding.file),
            split=visible(finding.split or ""),
            label=visible(finding.label or ""),
            suggested=visible(finding.suggested or ""),
            related=related,
            more_related=f"and {count(left, 'more file')}, listed in {FINDINGS}" if left else "",
        )


def place(audit: Audit) -> Placement:
    """Decides where each finding goes: labels in the order of review, then other images, the most severe first."""
    cards: dict[str, list[Finding]] = {}
    groups, general, not_decoded, plain = [], [], [], []
    failed = failed_files(audit)
    for finding in audit.standing:
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
    groups.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    shown = (*(found for each in cards.values() for found in each), *groups, *general, *not_decoded, *plain)
    first: dict[str, Finding] = {}
    for finding in shown:
        if finding.file is not None:
            first.setdefault(finding.file, finding)
    return Placement(
        audit=audit,
        cards={file: tuple(cards[file]) for file in _in_order(audit, cards)},
        groups=tuple(groups),
        general=tuple(general),
        not_decoded=tuple(not_decoded),
        plain=tuple(plain),
        accepted=tuple(finding for finding in audit.findings if finding.status == "accepted"),
        first=first,
    )


def _in_order(audit: Audit, cards: Mapping[str, Sequence[Finding]]) -> list[str]:
    """Files in the order of review; where only the picture is in question, by severity."""
    about_labels = {rule.name for rule in audit.rules if rule.is_about_labels}

    def key(file: str) -> int:
        if any(finding.rule in about_labels for finding in cards[file]):
            return -1
        return min(SEVERITIES.index(finding.severity) for finding in cards[file])

    return sorted(cards, key=key)               # stable: within one severity the order of the audit


def tables(placement: Placement) -> tuple[LineTable, ...]:
    """The tables of findings without pictures; empty ones are left out."""
    texts = (
        ("unreadable", "Files that cannot be read", "Unreadable", "Nothing is known of them.", placement.not_decoded),
        ("plain", "Flagged, without a picture", "No picture", "No picture was kept for these.", placement.plain),
        (
            "accepted",
            "Accepted",
            "Accepted",
            "A person has looked at these and accepted them; they are not counted above.",
            placement.accepted,
        ),
    )
    return tuple(_table(placement, *text) for text in texts if text[-1])


def _table(
    placement: Placement, key: str, title: str, short: str, intro: str, findings: Sequence[Finding]
) -> LineTable:
    return LineTable(
        anchor=key,
        title=title,
        short=short,
        count=number(len(findings)),
        intro=intro,
        lines=tuple(placement.line(finding) for finding in findings),
        with_files=any(finding.file is not None for finding in findings),
        with_labels=any(finding.label or finding.suggested for finding in findings),
        folded=key == "accepted" or len(findings) > _UNFOLDED,
    )


def anchor(finding: Finding) -> str:
    """The fragment that leads to a finding: `f-<id>`."""
    return f"f-{finding.id}"
