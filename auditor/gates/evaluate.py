"""Limits over findings -> the record of what was measured."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import Finding, Gate, GateResult
from auditor.gates.limits import Limit
from auditor.text import count, number, percent

LISTED = 5                                      # findings that a result names


@dataclass(frozen=True)
class ImageCounts:
    """How many images there are, by class; None for those without one.

    Attributes:
        every: Of every image that was found, readable or not.
        readable: Of the readable ones.
    """

    every: Mapping[str | None, int]
    readable: Mapping[str | None, int]

    @classmethod
    def of(cls, images: Iterable[tuple[str | None, bool]]) -> "ImageCounts":
        """Counts (class, is readable) of each image."""
        pairs = Counter(images)
        every: Counter[str | None] = Counter()
        for (label, _), images_of_it in pairs.items():
            every[label] += images_of_it
        return cls(every, {label: number for (label, readable), number in pairs.items() if readable})

    def behind(self, limit: Limit) -> int:
        """The images that a limit is a share of: those of its class, or all."""
        counts = self.readable if limit.of_readable else self.every
        return sum(counts.values()) if limit.label is None else counts.get(limit.label, 0)


def evaluate(
    limits: Sequence[Limit], findings: Sequence[Finding], images: ImageCounts, judged: Collection[str]
) -> Gate:
    """Measures every limit.

    Args:
        limits: As they were read.
        findings: With their statuses; accepted ones do not count.
        images: What shares are of. A share counts images with a finding, not findings.
        judged: The rules that could judge anything in this data set.
    """
    results = tuple(_result(limit, findings, images, judged) for limit in limits)
    failed = tuple(result.expression for result in results if not result.passed)
    return Gate(not failed, failed, results)


def counts(limit: Limit, finding: Finding) -> bool:
    """Whether a finding counts for a limit."""
    return (
        finding.status != "accepted"
        and limit.status in (None, finding.status)
        and limit.rule in (None, finding.rule)
        and limit.severity in (None, finding.severity)
        and limit.label in (None, finding.label)
        and not (limit.share and finding.file is None)
    )


def measured(result: GateResult) -> str:
    """What was measured, in words: "3 findings", "2.3% (12 of 520 images)"."""
    if not result.judged:
        return "not judged: its rule had nothing to go by"
    if not result.share:
        return count(result.counted, "finding")
    share = percent(result.counted / result.images if result.images else 0.0)
    return f"{share} ({number(result.counted)} of {count(result.images, 'image')})"


def _result(limit: Limit, findings: Sequence[Finding], images: ImageCounts, judged: Collection[str]) -> GateResult:
    found = [finding for finding in findings if counts(limit, finding)]
    if limit.share:                             # an image counts once, however many rules flag it
        found = list({finding.file: finding for finding in reversed(found)}.values())[::-1]
    base = images.behind(limit) if limit.share else 0
    value = 100 * len(found) / base if base else float(0 if limit.share else len(found))
    first = found[:LISTED]
    return GateResult(
        expression=limit.text,
        passed=not limit.holds(value),
        judged=bool(found) or (bool(judged) if limit.rule is None else limit.rule in judged),
        measured=value,
        limit=limit.number,
        share=limit.share,
        counted=len(found),
        images=base,
        findings=tuple(finding.id for finding in first),
        files=tuple(dict.fromkeys(finding.file for finding in first if finding.file is not None)),
        classes=dict(sorted(Counter(finding.label for finding in found if finding.label is not None).items())),
    )
