"""What became of the findings of the last run: a sentence, and a short list of what is resolved."""

from dataclasses import dataclass

from auditor.audit import Audit
from auditor.store import Changes
from auditor.text import count, listing, moment, number, visible

_LISTED = 12


@dataclass(frozen=True)
class ResolvedRow:
    """A finding that is resolved: its rule, its file, and why."""

    rule: str
    file: str
    reason: str


@dataclass(frozen=True)
class ChangesSection:
    """`when`: of the run before; `more`: what the list leaves out."""

    sentence: str
    when: str
    rows: tuple[ResolvedRow, ...]
    more: str


def changes_section(audit: Audit) -> ChangesSection | None:
    """None where there was no run before."""
    changes = audit.addition(Changes)
    if changes is None:
        return None
    rows = tuple(
        ResolvedRow(
            visible(audit.title(each.rule)), "the data set" if each.file is None else visible(each.file),
            each.reason,
        )
        for each in changes.listed[:_LISTED]
    )  # fmt: skip
    rest = changes.resolved - len(rows)
    return ChangesSection(
        sentence=_sentence(audit, changes),
        when=f"Compared with the run of {moment(changes.since_when)}.",
        rows=rows,
        more=f"{number(rest)} more resolved." if rest else "",
    )


def _sentence(audit: Audit, changes: Changes) -> str:
    statuses = audit.statuses()
    told = [count(statuses["new"], "new finding"), f"{number(statuses['persisting'])} persisting"]
    if statuses["accepted"]:
        told.append(f"{number(statuses['accepted'])} accepted")
    reasons = [f"{number(found)} {reason}" for reason, found in changes.reasons.items()]
    told.append(f"{number(changes.resolved)} resolved{f' ({listing(reasons)})' if reasons else ''}")
    unseen = ""
    if changes.unseen:
        stay = count(changes.unseen, "earlier finding stays", "earlier findings stay")
        unseen = f" {stay} open: what it takes to tell could not be read this time."
    return f"{listing(told)}.{unseen}"
