"""Kinds of images whose class the other images often do not tell, though they tell that of the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from auditor.audit import Chart, RuleKind, Series
from auditor.checks.base import CheckResult, GroupFinding, about_data_set, nothing_judged
from auditor.checks.samples import Samples
from auditor.checks.statistics.measures import measures
from auditor.checks.stored import NOT_ABOUT_AN_IMAGE, StoredImage
from auditor.configuration import Range
from auditor.labels.cells import Cells
from auditor.labels.remoteness import Space
from auditor.text import decimal, number, percent, shown

#: Into how many groups the images are cut by their embeddings, one after the other.
_GRANULARITIES = (8, 32, 128)
#: Shares of the images that are the lowest and the highest by a property.
_TAILS = (0.02, 0.05, 0.2)
_EXAMPLES = 8
#: A group that shares so much of its images with a worse one is not reported again.
_OVERLAP = 0.5


@dataclass(frozen=True)
class _Group:
    """Images that have something in common.

    Attributes:
        rows: (n,) which images.
        words: What they are, as a sentence begins.
        key: The same in the next scan.
    """

    rows: NDArray[np.intp]
    words: str
    key: str


@dataclass(frozen=True)
class UnderperformingGroup:
    """A group of images whose class is known much less often than that of the rest: the model needs more of them.

    Groups are clusters of the embeddings, at several granularities (as in Domino; Eyuboglu et al., ICLR 2022, and
    in cleanlab's Datalab), the images with the lowest and the highest values of a property (as in Slice Finder; Chung
    et al., ICDE 2019), and splits. A class is known where the probe, which did not learn from the image, agrees with
    the given label. The group must be worse by `gap`, and beyond chance by an exact binomial test for all groups that
    were tried (Bonferroni).

    Args:
        gap: How much lower the group's accuracy must be than that of all others, in [0, 1].
        smallest: Images that a group must have.
        significance: Probability of any report where all groups are alike.
        most: Groups that are reported at most.
    """

    gap: Annotated[float, Range(0, 1)] = 0.25
    smallest: Annotated[float, Range(2)] = 30
    significance: Annotated[float, Range(0, 1)] = 0.01
    most: Annotated[float, Range(1)] = 5

    rule: ClassVar[str] = "underperforming_group"
    title: ClassVar[str] = "Weak group"
    kind: ClassVar[RuleKind] = "dataset"
    demo_faults: ClassVar[tuple[str, ...]] = ()

    def run(self, samples: Samples) -> CheckResult:
        """Compares each group with all images outside it."""
        judged = np.flatnonzero(np.isfinite(samples.out_of_fold).all(axis=1) & (samples.labels >= 0))   # (M,)
        if len(judged) < 2 * self.smallest or not samples.verdict.can_judge:
            return nothing_judged(samples)
        right = np.zeros(len(samples), bool)
        right[judged] = samples.out_of_fold[judged].argmax(axis=1) == samples.labels[judged]
        groups = [group for group in _groups(samples, judged) if self.smallest <= len(group.rows) <= len(judged) / 2]
        found: list[tuple[float, float, float, _Group]] = []
        for group in groups:
            size, hits = len(group.rows), int(right[group.rows].sum())
            inside, outside = hits / size, (int(right.sum()) - hits) / (len(judged) - size)
            chance = float(bdtr(hits, size, outside))                           # P(at most so many right)
            if outside - inside >= self.gap and chance < self.significance / len(groups):
                found.append((chance, inside, outside, group))
        kept: list[tuple[float, float, float, _Group]] = []
        for each in sorted(found, key=lambda entry: (entry[0], entry[1] - entry[2])):
            if len(kept) < self.most and not any(_overlap(each[3], other[3]) for other in kept):
                kept.append(each)
        return about_data_set(samples, [self._finding(samples, right, *each[1:]) for each in kept])

    def _finding(
        self, samples: Samples, right: NDArray[np.bool_], inside: float, outside: float, group: _Group
    ) -> GroupFinding:
        wrong = group.rows[~right[group.rows]]
        given = samples.out_of_fold[wrong, samples.labels[wrong]]
        return GroupFinding(
            rows=(),
            score=inside / outside,
            message=(
                f"{group.words}: by the other images the class is recognised in {percent(inside)} of these "
                f"{number(len(group.rows))} images, and in {percent(outside)} of the rest. More such images, or a look "
                "at their labels, would help."
            ),
            severity="medium",
            value=inside,
            threshold=outside - self.gap,
            key=group.key,
            examples=tuple(wrong[np.argsort(given, kind="stable")][:_EXAMPLES].tolist()),
            chart=Chart(
                "bars",
                "share of images whose class is known",
                ("this group", "all others"),
                (Series("", (inside, outside)),),
                ("this group",),
            ),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """It never flags an image."""
        return NOT_ABOUT_AN_IMAGE


def _overlap(one: _Group, other: _Group) -> bool:
    shared = len(np.intersect1d(one.rows, other.rows, assume_unique=True))
    return shared > _OVERLAP * min(len(one.rows), len(other.rows))


def _groups(samples: Samples, judged: NDArray[np.intp]) -> Iterator[_Group]:
    yield from _clusters(samples, judged)
    for measure in measures(samples):
        values = measure.values[judged]
        known = np.isfinite(values)
        if not known.any():
            continue
        if measure.categories:
            for place, name in enumerate(measure.categories):
                yield _Group(judged[values == place], f"Images with {measure.name} {name}", f"{measure.name}\0{name}")
            continue
        for tail in _TAILS:
            low = np.quantile(values[known], tail, method="lower")
            high = np.quantile(values[known], 1 - tail, method="higher")
            yield _Group(
                judged[values <= low], f"Images with {measure.name} up to {decimal(low)}", f"{measure.name}\0low {tail}"
            )
            yield _Group(
                judged[values >= high],
                f"Images with {measure.name} from {decimal(high)}",
                f"{measure.name}\0high {tail}",
            )
    splits = np.array([split or "" for split in samples.splits], dtype=object)[judged]
    for name in sorted({split for split in samples.splits if split}):
        yield _Group(judged[splits == name], f"The split {name}", f"split\0{name}")


def _clusters(samples: Samples, judged: NDArray[np.intp]) -> Iterator[_Group]:
    """Images whose embeddings lie in the same direction from the mean, named by the one in the middle."""
    if not samples.embeddings.shape[1]:
        return
    space = Space.fit(samples.embeddings, judged)
    points = space.directions(space.points(samples.embeddings, judged))         # (M, d)
    for granularity in _GRANULARITIES:
        cells = Cells.of(points, granularity)
        for cell, centre in enumerate(cells.centres):
            places = np.flatnonzero(cells.cell == cell)
            if len(places):
                middle = int(judged[places[(points[places] @ centre).argmax()]])
                words = f"Images like {shown(samples.files[middle])}"
                yield _Group(judged[places], words, f"like\0{granularity}\0{samples.contents[middle]}")
