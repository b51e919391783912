"""Rules for the drawn folder: about groups of images, about a picture, about the data set with a plot and examples."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from auditor.audit import Chart, RuleKind, Series
from auditor.checks import CheckResult, GroupFinding, Samples, StoredImage
from auditor.checks.base import nothing_judged, yes_or_no


def _equal_files(samples: Samples) -> Iterable[tuple[int, ...]]:
    rows_of = defaultdict(list)
    for row, content in enumerate(samples.contents):
        rows_of[content].append(row)
    return [tuple(rows) for rows in rows_of.values() if len(rows) > 1]


class _Rule:
    demo_faults: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def why_not(image: StoredImage) -> str:
        return "not flagged: it is not of that kind."


@dataclass(frozen=True)
class TwoClasses(_Rule):
    """The same file lies in two classes."""

    rule: ClassVar[str] = "two_classes"
    title: ClassVar[str] = "Same file, two classes"
    kind: ClassVar[RuleKind] = "conflict"

    def run(self, samples: Samples) -> CheckResult:
        """A finding for each group of equal files whose labels differ."""
        groups = [
            GroupFinding(rows, 0.0, f"{len(rows)} equal files with different labels.", "high", len(rows), 1)
            for rows in _equal_files(samples)
            if len({int(samples.labels[row]) for row in rows}) > 1
        ]
        return replace(nothing_judged(samples), groups=tuple(groups))


@dataclass(frozen=True)
class Twice(_Rule):
    """The same file is there more than once in a class."""

    rule: ClassVar[str] = "twice"
    title: ClassVar[str] = "Same file twice"
    kind: ClassVar[RuleKind] = "copies"

    def run(self, samples: Samples) -> CheckResult:
        """A finding for each group of equal files with one label, more severe where they lie in two splits."""
        groups = []
        for rows in _equal_files(samples):
            if len({int(samples.labels[row]) for row in rows}) == 1:
                leaks = len({samples.splits[row] for row in rows}) > 1
                severity = "medium" if leaks else "low"
                ones = (1.0,) * (len(rows) - 1)
                groups.append(GroupFinding(rows, 0.1, "Equal files.", severity, related_values=ones))
        return replace(nothing_judged(samples), groups=tuple(groups))


@dataclass(frozen=True)
class Upright(_Rule):
    """The picture is higher than wide, in a class where few are."""

    rule: ClassVar[str] = "upright"
    title: ClassVar[str] = "Upright"
    kind: ClassVar[RuleKind] = "image"

    def run(self, samples: Samples) -> CheckResult:
        """Flags two of them."""
        heights, widths = samples.properties["height"], samples.properties["width"]
        flagged = heights > 1.5 * widths
        flagged[np.flatnonzero(flagged)[2:]] = False
        return yes_or_no(flagged, lambda row: f"{heights[row]:.0f} pixels high.", "low")


@dataclass(frozen=True)
class SmallSplit(_Rule):
    """A split holds a small share of the images.

    Args:
        share: Share of all images under which a split is flagged.
    """

    share: float = 0.5

    rule: ClassVar[str] = "small_split"
    title: ClassVar[str] = "Small split"
    kind: ClassVar[RuleKind] = "dataset"

    def run(self, samples: Samples) -> CheckResult:
        """A finding about the data set for each such split, with its size beside the others and examples."""
        shares = {split: samples.splits.count(split) / len(samples) for split in dict.fromkeys(samples.splits)}
        chart = Chart("bars", "Share of the images", tuple(map(str, shares)), (Series("", tuple(shares.values())),))
        groups = [
            GroupFinding(
                (),
                0.9,
                f"{split} holds {share:.0%} of the images.",
                "low",
                share,
                self.share,
                key=str(split),
                examples=tuple(row for row, name in enumerate(samples.splits) if name == split)[:14],
                chart=replace(chart, marked=(str(split),)),
            )
            for split, share in shares.items()
            if share < self.share
        ]
        return replace(nothing_judged(samples), groups=tuple(groups))
