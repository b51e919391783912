"""Check results -> findings: identity and order."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Chart, Finding, Rule
from auditor.checks import Check, CheckResult, GroupFinding, Samples, rule_of


@dataclass(frozen=True)
class Ran:
    """A check and what it found."""

    check: Check
    result: CheckResult

    @property
    def rule(self) -> Rule:
        """The rule as the report's legend shows it."""
        return rule_of(self.check)

    def found(self) -> Iterator[GroupFinding]:
        """Everything it found: a flagged image is a group of one."""
        result = self.result
        limits = None if result.threshold is None else np.broadcast_to(result.threshold, result.value.shape)    # (N,)
        for row in map(int, np.flatnonzero(result.flagged)):
            value = float(result.value[row])
            yield GroupFinding(
                rows=(row,),
                score=float(result.score[row]),
                message=result.messages[row],
                severity=result.severity[row],
                value=None if np.isnan(value) else value,
                threshold=None if limits is None else float(limits[row]),
                suggested=int(result.suggested[row]),
            )
        yield from result.groups


def make_findings(
    ran: Sequence[Ran], samples: Samples, rank: NDArray[np.intp]
) -> tuple[tuple[Finding, ...], dict[str, Chart]]:
    """One finding for each flag, first to be reviewed first.

    Those of rules about labels come in the order in which the images should be reviewed; all others follow in the
    order of the registry, worst first.

    Args:
        ran: The checks that ran, in the registry's order.
        samples: What they looked at.
        rank: (N,) place of each image in the order of review, 1 first; 0 where it has none.

    Returns:
        The findings, and the charts of those that have one, by their ids.
    """
    last = len(samples) + 1
    keyed: list[tuple[tuple[int, int, float, tuple[int, ...], int], str, GroupFinding]] = []
    for place, each in enumerate(ran):
        rule = each.rule
        for number, found in enumerate(each.found()):
            reviewed = int(rank[found.rows[0]]) if rule.is_about_labels and found.rows else 0
            keyed.append(((reviewed or last, place, found.score, found.rows, number), rule.name, found))
    copies: Counter[tuple[str, ...]] = Counter()
    findings: list[Finding] = []
    charts: dict[str, Chart] = {}
    for _, rule_name, found in sorted(keyed, key=lambda entry: entry[0]):
        identity = _identity(rule_name, found, samples)
        findings.append(_finding(rule_name, found, samples, (*identity, str(copies[identity]))))
        copies[identity] += 1
        if found.chart is not None:
            charts[findings[-1].id] = found.chart
    return tuple(findings), charts


def _identity(rule: str, found: GroupFinding, samples: Samples) -> tuple[str, ...]:
    """What stays the same from one scan to the next while the images do, and their labels."""
    if not found.rows:
        return "", rule, found.key
    first, *others = found.rows
    parts = [_content(samples, first), rule, str(samples.given[first])]
    for row in others:
        parts += _content(samples, row), str(samples.given[row])
    return tuple(parts)


def _content(samples: Samples, row: int) -> str:
    """A file that could not even be opened has no content; its name stands in."""
    return samples.contents[row] or samples.files[row]


def _finding(rule: str, found: GroupFinding, samples: Samples, identity: tuple[str, ...]) -> Finding:
    first = found.rows[0] if found.rows else None
    others = found.rows[1:] if found.rows else found.examples
    return Finding(
        id=hashlib.sha256("\0".join(identity).encode("utf-8", "surrogatepass")).hexdigest()[:16],
        rule=rule,
        severity=found.severity,
        file=None if first is None else samples.files[first],
        split=None if first is None else samples.splits[first],
        related=tuple(samples.files[row] for row in others),
        label=None if first is None else samples.given[first],
        suggested=samples.classes[found.suggested] if found.suggested >= 0 else None,
        score=round(found.score, 6),
        value=None if found.value is None else round(found.value, 6),
        threshold=None if found.threshold is None else round(found.threshold, 6),
        message=found.message,
        related_values=tuple(round(value, 6) for value in found.related_values),
    )
