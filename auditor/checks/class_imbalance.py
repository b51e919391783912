"""Classes with so few images, beside the others, that a model hardly learns them."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Chart, RuleKind, Series
from auditor.checks.base import CheckResult, GroupFinding, about_data_set, nothing_judged
from auditor.checks.samples import Samples
from auditor.checks.statistics.splits import splits_of
from auditor.checks.stored import NOT_ABOUT_AN_IMAGE, StoredImage
from auditor.configuration import Range
from auditor.text import count, decimal, number, percent, some

#: Images of a class that a split has by the size of both, from which on hardly any are no chance.
EXPECTED = 20.0
BARS = 30
_LARGEST = 5                                    # of the bars at least, to compare the small ones with
_OF_EACH, _SHOWN = 2, 12


@dataclass(frozen=True)
class ClassImbalance:
    """A class has hardly any images beside the others: less than a tenth of its fair share, or less than a handful.

    A class's fair share is that of equally large classes; Datalab (cleanlab) calls classes rare below a tenth of it.
    Few images of a class are what ImageNet-LT (Liu et al., CVPR 2019) calls few-shot, below 20, where that is also
    less than a quarter of what the middle class has. Only readable images count. A split lacks a class of which it has
    less than a tenth of what its size leads to expect: what training lacks is not learned, what the test lacks is not
    measured. How unequal the classes are is said by the ratio of the largest to the smallest, and by how many equally
    large classes have the same entropy.

    Args:
        share: Share of a class's fair share below which it is rare, in [0, 1]; of what is expected, in a split.
        few: Images below which a class is rare, where the middle class has more than four times as many.
    """

    share: Annotated[float, Range(0, 1)] = 0.1
    few: Annotated[float, Range(0, 1_000_000)] = 20

    rule: ClassVar[str] = "class_imbalance"
    title: ClassVar[str] = "Class imbalance"
    kind: ClassVar[RuleKind] = "dataset"
    demo_faults: ClassVar[tuple[str, ...]] = ()

    def run(self, samples: Samples) -> CheckResult:
        """Counts the readable images of each class, in all and in each split."""
        classes = len(samples.classes)
        counted = samples.readable & (samples.labels >= 0)                              # (N,)
        if classes < 2 or not counted.any():
            return nothing_judged(samples)
        sizes = np.bincount(samples.labels[counted], minlength=classes)                 # (C,)
        limit = max(self.share * float(sizes.mean()), min(self.few, float(np.median(sizes)) / 4))
        found = [self._in_all(samples, sizes, limit, counted)] if (sizes < limit).any() else []
        names, splits = splits_of(samples)                                              # (S,), (N,)
        for place, name in enumerate(names):
            inside = np.bincount(samples.labels[counted & (splits == place)], minlength=classes)
            expected = sizes * (inside.sum() / sizes.sum())                             # (C,)
            lacking = (inside < self.share * expected) & (expected >= EXPECTED)
            if lacking.any():
                found.append(self._in_split(samples, name, inside, expected, lacking, counted))
        return about_data_set(samples, found)

    def _in_all(
        self, samples: Samples, sizes: NDArray[np.intp], limit: float, counted: NDArray[np.bool_]
    ) -> GroupFinding:
        """About the classes that have fewer images than the limit."""
        rare = sizes < limit
        smallest, largest = int(sizes.min()), int(sizes.argmax())
        ratio = "" if smallest == 0 else f", {decimal(sizes[largest] / smallest)} times as many as the smallest"
        message = (
            f"{_classes(rare)} of {number(len(sizes))} {'has' if rare.sum() == 1 else 'have'} fewer than "
            f"{number(math.ceil(limit))} images: {_with_sizes(samples, sizes, rare)}. "
            f"The largest, {samples.classes[largest]}, has {number(int(sizes[largest]))}{ratio}. "
            f"The sizes are as unequal as if there were {decimal(effective_classes(sizes))} equal classes."
        )
        return GroupFinding(
            rows=(),
            score=smallest / (smallest + limit),
            message=message,
            severity="low" if smallest >= self.few else "medium",
            value=float(smallest),
            threshold=limit,
            key="all",
            examples=_examples(samples, sizes, rare, counted),
            chart=_chart("images of each class", samples.classes, sizes, rare),
        )

    def _in_split(
        self,
        samples: Samples,
        split: str,
        sizes: NDArray[np.intp],
        expected: NDArray[np.float64],
        lacking: NDArray[np.bool_],
        counted: NDArray[np.bool_],
    ) -> GroupFinding:
        """About the classes that a split hardly has, though the data set does."""
        least = float((sizes[lacking] / expected[lacking]).min())
        message = (
            f"{split} has hardly any images of {_classes(lacking)} of {number(len(sizes))}, less than "
            f"{percent(self.share)} of what its size leads to expect: {_with_sizes(samples, sizes, lacking)}."
        )
        return GroupFinding(
            rows=(),
            score=least / (least + self.share) if least else 0.0,
            message=message,
            severity="medium",
            value=least,
            threshold=self.share,
            key=f"split\0{split}",
            examples=_examples(samples, sizes, lacking, counted),
            chart=_chart(f"images of each class in {split}", samples.classes, sizes, lacking),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """It never flags an image."""
        return NOT_ABOUT_AN_IMAGE


def effective_classes(sizes: NDArray[np.intp]) -> float:
    """How many equally large classes have the entropy of classes of these sizes: its exponential."""
    shares = sizes[sizes > 0] / sizes.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _classes(chosen: NDArray[np.bool_]) -> str:
    return count(int(chosen.sum()), "class", "classes")


def _with_sizes(samples: Samples, sizes: NDArray[np.intp], chosen: NDArray[np.bool_]) -> str:
    """The smallest of the chosen classes, by name."""
    order = np.argsort(sizes, kind="stable")
    return some(f"{samples.classes[place]} ({number(int(sizes[place]))})" for place in order[chosen[order]])


def _examples(
    samples: Samples, sizes: NDArray[np.intp], chosen: NDArray[np.bool_], counted: NDArray[np.bool_]
) -> tuple[int, ...]:
    """A few images of each of the smallest chosen classes."""
    order = np.argsort(sizes, kind="stable")
    places = order[chosen[order]][:_SHOWN]
    rows = [np.flatnonzero(counted & (samples.labels == place))[:_OF_EACH] for place in places]
    return tuple(int(row) for row in np.concatenate(rows)[:_SHOWN])


def _chart(title: str, classes: tuple[str, ...], sizes: NDArray[np.intp], marked: NDArray[np.bool_]) -> Chart:
    """The sizes, largest first: all classes, or the smallest of the marked ones and the largest of all."""
    order = np.argsort(-sizes, kind="stable")
    kept_marked = order[marked[order]][-(BARS - _LARGEST) :]
    others = order[~np.isin(order, kept_marked)][: BARS - len(kept_marked)]
    kept = order[np.isin(order, np.concatenate([kept_marked, others]))]
    return Chart(
        kind="bars",
        title=title,
        labels=tuple(classes[place] for place in kept),
        series=(Series("", tuple(float(sizes[place]) for place in kept)),),
        marked=tuple(classes[place] for place in kept_marked),
    )
