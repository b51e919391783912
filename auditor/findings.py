"""Check results -> findings: identity and order."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Finding, Rule
from auditor.checks import Check, CheckResult, Samples, settings_of
from auditor.engines import Outcome


@dataclass(frozen=True)
class Ran:
    """A check and what it found."""

    check: Check
    result: CheckResult

    @property
    def rule(self) -> Rule:
        """The rule as the report's legend shows it."""
        documentation = (type(self.check).__doc__ or "").split("\n\n")
        return Rule(
            name=self.check.rule,
            title=self.check.title,
            description=" ".join(documentation[0].split()),
            settings=settings_of(self.check),
        )


def make_findings(
    ran: Sequence[Ran],
    samples: Samples,
    outcomes: Sequence[Outcome],
    rank: NDArray[np.intp],
) -> tuple[Finding, ...]:
    """One finding for each flag, first to be reviewed first; images without a rank follow in the registry's order."""
    last = len(samples) + 1
    keyed: list[tuple[tuple[int, int, float, int], str]] = []  # (rank, rule, score, row)
    by_rule = {each.check.rule: each.result for each in ran}
    for place, each in enumerate(ran):
        for row in map(int, np.flatnonzero(each.result.flagged)):
            ranked = int(rank[row]) if each.check.is_about_labels and rank[row] else last
            keyed.append(((ranked, place, float(each.result.score[row]), row), each.check.rule))
    copies: Counter[tuple[str, str, str | None]] = Counter()
    findings = []
    for (_, _, _, row), rule in sorted(keyed):
        label = samples.classes[samples.labels[row]] if samples.labels[row] >= 0 else None
        # A file that could not even be opened has no content; its name stands in.
        identity = (outcomes[row].content or samples.files[row], rule, label)
        number = copies[identity]
        split = outcomes[row].sample.split
        findings.append(_finding(rule, by_rule[rule], row, samples, split, label, (*identity, number)))
        copies[identity] += 1
    return tuple(findings)


def _finding(
    rule: str,
    result: CheckResult,
    row: int,
    samples: Samples,
    split: str | None,
    label: str | None,
    identity: tuple[str, str, str | None, int],
) -> Finding:
    suggested = result.suggested[row]
    value = float(result.value[row])
    return Finding(
        id=hashlib.sha256("\0".join(map(str, identity)).encode("utf-8", "surrogatepass")).hexdigest()[:16],
        rule=rule,
        severity=result.severity[row],
        file=samples.files[row],
        split=split,
        related=(),
        label=label,
        suggested=samples.classes[suggested] if suggested >= 0 else None,
        score=round(float(result.score[row]), 6),
        value=None if np.isnan(value) else round(value, 6),
        threshold=result.threshold,
        message=result.messages[row],
    )
