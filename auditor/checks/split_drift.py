"""Splits that differ: in the pixels, in what the model sees, or in how many images each class has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Chart, RuleKind, Series
from auditor.checks.base import CheckResult, GroupFinding, about_data_set, nothing_judged
from auditor.checks.samples import Samples
from auditor.checks.statistics.class_mix import ClassMix
from auditor.checks.statistics.measures import Measure, drawn, measures, picture_numbers
from auditor.checks.statistics.shortcuts import in_pairs, two_histograms
from auditor.checks.statistics.splits import splits_of
from auditor.checks.statistics.two_samples import TwoSamples, telling_scores
from auditor.checks.stored import NOT_ABOUT_AN_IMAGE, StoredImage
from auditor.configuration import Range
from auditor.text import listing, percent

#: Images of each split that are compared: the error of an area is then about 0.01.
MOST = 2_000
#: Images that a split must have to be compared.
FEWEST = 20
_EXAMPLES, _OTHERS = 8, 4


@dataclass(frozen=True)
class SplitDrift:
    """A split differs from the largest one: in properties, in embeddings, or in the mix of its classes.

    Every split is compared with the largest one within each class, so that another mix of classes is no drift of the
    images: the area under the ROC curve is averaged over classes (van Elteren, 1960), for every property of pixels and
    files and for the direction in which embeddings tell the splits apart, learned on the other half of the images
    (classifier two-sample test; Lopez-Paz and Oquab, ICLR 2017). What is reported is large, and beyond what exchanging
    images of a class at random gives for the largest of all differences (Westfall and Young, 1993). Where the model
    was trained on one of the two splits, their embeddings are not compared. At most 2,000 images of a split are looked
    at, drawn by their pixels.

    Args:
        minimum: Area under the ROC curve from which splits differ: 0.5 is none; Vargha and Delaney (2000) call 0.56
            small and 0.64 medium.
        mix: Share of a split's images that would have to be of another class to have the mix of the largest one, beyond
            what chance gives, in [0, 1].
        significance: Probability of any report where splits were drawn at random, for each of the three.
    """

    minimum: Annotated[float, Range(0.5, 1)] = 0.6
    mix: Annotated[float, Range(0, 1)] = 0.1
    significance: Annotated[float, Range(0, 1)] = 0.01

    rule: ClassVar[str] = "split_drift"
    title: ClassVar[str] = "Split drift"
    kind: ClassVar[RuleKind] = "dataset"
    demo_faults: ClassVar[tuple[str, ...]] = ()

    def run(self, samples: Samples) -> CheckResult:
        """Compares every split with the largest one."""
        names, splits = splits_of(samples)                                              # (S,), (N,)
        rows_of = {name: np.flatnonzero((splits == place) & samples.readable) for place, name in enumerate(names)}
        usable = {name: rows for name, rows in rows_of.items() if len(rows) >= FEWEST}
        if len(usable) < 2:
            return nothing_judged(samples)
        largest = max(usable, key=lambda name: len(usable[name]))
        limit = self.significance / (len(usable) - 1)
        numbers = picture_numbers(samples)
        known = list(measures(samples))
        found, notes = list[GroupFinding](), list[str]()
        for name in (name for name in usable if name != largest):
            pair = _Pair(samples, name, largest, usable[name], usable[largest], numbers)
            found += self._properties(pair, known, limit)
            if pair.is_learned():
                notes.append(f"The model was trained on part of the data: embeddings of {pair.names} are not compared.")
            else:
                found += self._embeddings(pair, limit)
            found += self._class_mix(pair, limit)
        return about_data_set(samples, found, notes)

    def _properties(self, pair: "_Pair", known: list[Measure], limit: float) -> Iterator[GroupFinding]:
        """One finding about all properties that differ, the clearest first."""
        values = np.stack([measure.values[pair.rows] for measure in known], axis=1)     # (n, P)
        compared = pair.compared
        areas = compared.areas(values)                                                  # (P,)
        size = np.maximum(areas, 1 - areas)
        if not (size >= self.minimum).any():
            return
        drifts = (size >= self.minimum) & (compared.p_values(values) < limit)
        order = [place for place in np.argsort(-size, kind="stable") if drifts[place]]
        if not order:
            return
        measure, area, others = known[order[0]], areas[order[0]], [known[place].name for place in order[1:]]
        more = "higher" if area > 0.5 else "lower"
        also = f" They also differ in {listing(others[:_OTHERS])}." if others else ""
        if measure.categories:
            says = f"Images of one class have another {measure.name} in {pair.names} ({in_pairs(size[order[0]])})"
        else:
            says = f"Images of {pair.name} are {more} in {measure.name} than those of their class in {pair.largest}"
            says += f" in {in_pairs(size[order[0]])}"
        yield pair.finding(measure, f"{says}, where equal splits have 50.{also}", float(size[order[0]]), area > 0.5,
                           self.minimum, "properties")  # fmt: skip

    def _embeddings(self, pair: "_Pair", limit: float) -> Iterator[GroupFinding]:
        """Whether a direction tells the splits apart."""
        samples = pair.samples
        usable = pair.rows[np.isfinite(samples.embeddings[pair.rows]).all(axis=1)]
        if not samples.embeddings.shape[1] or not len(usable):
            return
        compared, second = pair.sampled(usable), pair.second[usable]
        scores = telling_scores(samples.embeddings[usable].astype(np.float32), compared, second)        # (n,)
        halves = TwoSamples(compared.strata * 2 + second, compared.other)
        area = float(halves.areas(scores[:, None])[0])
        if area < self.minimum or halves.p_values(scores[:, None])[0] >= limit:
            return
        values = np.full(len(samples), np.nan)
        values[usable] = scores
        measure = Measure("likeness to the split by the model's features", values, of_file=False, means_something=False)
        says = (
            f"To the model, images of {pair.name} look different from those of their class in {pair.largest}: their "
            f"features tell the splits apart in {in_pairs(area)}, where equal splits have 50."
        )
        yield pair.finding(measure, says, area, True, self.minimum, "embeddings")

    def _class_mix(self, pair: "_Pair", limit: float) -> Iterator[GroupFinding]:
        """Whether the classes have other shares."""
        samples = pair.samples
        others, ones = (samples.labels[rows] for rows in pair.everything)
        mix = ClassMix.of(others, ones, len(samples.classes))
        if mix is None or mix.excess < self.mix or mix.p >= limit:
            return
        gained, lost = (samples.classes[place] for place in mix.extremes)
        shares = [f"{percent(mix.shares[side, place])}" for place in mix.extremes for side in (0, 1)]
        message = (
            f"{percent(mix.distance)} of {pair.name} would have to be of other classes to be mixed like "
            f"{pair.largest}: {gained} is {shares[0]} of it and {shares[1]} there, {lost} is {shares[2]} and "
            f"{shares[3]}."
        )
        kept = np.sort(mix.largest_changes)
        shown = np.flatnonzero(pair.is_other & (samples.labels == mix.extremes[0]))[:_EXAMPLES]
        yield GroupFinding(
            rows=(),
            score=1 - min(1.0, mix.distance),
            message=message,
            severity="low",
            value=mix.excess,
            threshold=self.mix,
            key=f"mix\0{pair.name}",
            examples=tuple(shown.tolist()),
            chart=Chart(
                "bars",
                "share of each class",
                tuple(samples.classes[place] for place in kept),
                tuple(
                    Series(name, tuple(mix.shares[side, kept].tolist()))
                    for side, name in enumerate((pair.name, pair.largest))
                ),
                (gained, lost),
            ),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """It never flags an image."""
        return NOT_ABOUT_AN_IMAGE


class _Pair:
    """A split beside the largest one, and the images by which the two are compared."""

    def __init__(
        self,
        samples: Samples,
        name: str,
        largest: str,
        others: NDArray[np.intp],
        ones: NDArray[np.intp],
        numbers: NDArray[np.uint64],
    ) -> None:
        self.samples, self.name, self.largest = samples, name, largest
        self.names = f"{name} and {largest}"
        self.everything = others, ones
        self.second = numbers % 2 == 1                                                  # (N,)
        self.is_other = np.zeros(len(samples), bool)                                    # (N,)
        self.is_other[others] = True
        self.rows = np.sort(np.concatenate([drawn(rows, numbers, MOST) for rows in self.everything]))   # (n,)
        self.compared = self.sampled(self.rows)

    def sampled(self, rows: NDArray[np.intp]) -> TwoSamples:
        """These images class by class; all as one class where the splits have no class in common."""
        by_class = TwoSamples(self.samples.labels[rows], self.is_other[rows])
        return TwoSamples(np.zeros(len(rows), np.intp), self.is_other[rows]) if by_class.is_empty else by_class

    def is_learned(self) -> bool:
        """Whether the model was trained on one of the splits, and saw no such part of the other."""
        if self.samples.model is None:
            return False
        seen = [float(self.samples.model.in_sample[rows].mean()) for rows in self.everything]
        return abs(seen[0] - seen[1]) > 0.1

    def finding(
        self, measure: Measure, message: str, size: float, high: bool, minimum: float, key: str
    ) -> GroupFinding:
        """About a measure of which the smaller split has more (`high`) or less."""
        values = measure.values
        rows = self.rows[self.is_other[self.rows] & np.isfinite(values[self.rows])]
        order = rows[np.argsort(-values[rows] if high else values[rows], kind="stable")]
        parts = [np.zeros(len(values), bool) for _ in range(2)]
        for part, side in zip(parts, (True, False), strict=True):
            part[self.rows[self.is_other[self.rows] == side]] = True
        return GroupFinding(
            rows=(),
            score=max(0.0, 2 * (1 - size)),
            message=message,
            severity="medium",
            value=size,
            threshold=minimum,
            key=f"{key}\0{self.name}",
            examples=tuple(order[:_EXAMPLES].tolist()),
            chart=two_histograms(measure, (self.name, parts[0]), (self.largest, parts[1])),
        )
