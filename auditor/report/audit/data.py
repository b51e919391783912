"""What the page says of itself to its script: a record that becomes JSON, with the names as the data set has them."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from auditor.audit import SEVERITIES, Audit, Finding, labels_of
from auditor.report.audit.cards import chance
from auditor.report.audit.lines import STATUSES, Placement
from auditor.runs.files import page_name
from auditor.text import visible

DATA_FORMAT = 1


def report_data(
    audit: Audit,
    pages: Sequence[Placement],
    page: int,
    rows: Mapping[str, Mapping[str, Any]],
    ids: Mapping[str, str],
) -> dict[str, Any]:
    """Everything that filters, sorting and decisions on one page need.

    Args:
        audit: With the names of the data set: what people decide is about these. The placements have readable ones.
        pages: Of the report.
        page: Its number.
        rows: File -> its row of the predictions.
        ids: Readable name of a class -> the one that the data set has, where these differ.
    """
    placement = pages[page - 1]
    found = {finding.id: finding for finding in audit.findings}
    before = sum(len(each.cards) for each in pages[: page - 1])
    cards = [
        card_data(audit, placement, file, place, [found[finding.id] for finding in placement.cards[file]], rows)
        for place, file in enumerate(placement.cards, before + 1)
    ]
    return {
        "format_version": DATA_FORMAT,
        "name": audit.name,
        "run": audit.run.id,
        "root": audit.root,
        "page": page,
        "pages": len(pages),
        "classes": sorted(audit.classes),
        "names": {name: visible(called) for called, name in ids.items()},
        "rules": [{"name": name, "title": title} for name, title in placement.titles.items()],
        "severities": list(SEVERITIES),
        "statuses": dict(STATUSES),
        "cards": cards,
    }


def card_data(
    audit: Audit,
    placement: Placement,
    file: str,
    place: int,
    findings: Sequence[Finding],
    rows: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """One card; see `report_data`."""
    evidence, (label, suggested) = audit.evidence[file], labels_of(findings)
    number = chance(audit, findings[0], evidence, rows.get(file, {}))
    candidates = dict.fromkeys((suggested, *(name for name, _ in evidence.probabilities)))
    told = [placement.line(finding) for finding in placement.cards[file]]
    words = [file, visible(file), label or "", suggested or ""]
    for line in told:
        words += [line.label, line.suggested, line.rule, line.message, line.split]
    return {
        "key": key(place),
        "file": file,
        "content": evidence.content,
        "label": label,
        "suggested": suggested,
        "candidates": [name for name in candidates if name in audit.classes and name != label],
        "rules": list(dict.fromkeys(finding.rule for finding in findings)),
        "findings": [finding.id for finding in findings],
        "severity": findings[0].severity,
        "status": findings[0].status,
        "split": findings[0].split,
        "place": place,
        "confidence": None if number is None else round(number.share, 4),
        "text": " ".join(dict.fromkeys(word.lower() for word in words if word)),
    }


def key(place: int) -> str:
    """The name of a card on its page; no two cards of a report have the same."""
    return f"c{place}"


class Views:
    """The ways to the images that have something in common, for cells of tables and names of rules.

    Args:
        audit: With the names of the data set.
        pages: Of the report.
    """

    def __init__(self, audit: Audit, pages: Sequence[Placement]) -> None:
        found = {finding.id: finding for finding in audit.findings}
        self._page_of: dict[tuple[tuple[str, str], ...], int] = {}
        for placement in pages:
            for findings in placement.cards.values():
                label, suggested = labels_of([found[finding.id] for finding in findings])
                rules = dict.fromkeys(finding.rule for finding in findings)
                choices: list[tuple[tuple[str, str], ...]] = [(("rule", rule),) for rule in rules]
                if label is not None:
                    choices += [(("label", label), ("rule", rule)) for rule in rules]
                    choices += [(("label", label), ("suggested", suggested))] if suggested is not None else []
                for choice in choices:
                    self._page_of.setdefault(choice, placement.number)

    def href(self, **choice: str) -> str:
        """The way from the first page to the cards that have these values; "" where there are none."""
        page = self._page_of.get(tuple(sorted(choice.items())))
        if page is None:
            return ""
        fragment = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in choice.items())
        return f"{page_name(page) if page > 1 else ''}#{fragment}"
