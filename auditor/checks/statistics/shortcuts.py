"""Numbers that tell classes apart without the subject: properties of pixels and files, and the picture's border."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Chart, Series
from auditor.checks.base import GroupFinding
from auditor.checks.samples import Samples
from auditor.checks.statistics.borders import border_tests
from auditor.checks.statistics.measures import Measure, measures, picture_numbers
from auditor.checks.statistics.separability import Separation, separations
from auditor.text import count, listing, some

_EXAMPLES = 4                                   # of those that it tells, and as many of the rest


@dataclass
class _Found:
    """The strongest measure for some classes, and the names of others that tell them, too."""

    measure: Measure
    separation: Separation
    others: list[str] = field(default_factory=list)


def shortcut_findings(samples: Samples, minimum: float, significance: float) -> list[GroupFinding]:
    """What tells classes apart as well as `minimum` (AUC), beyond chance for all that was tried.

    Measures that tell the same classes are one finding: of the pixels, or of the file.
    """
    second = picture_numbers(samples) % 2 == 1                                          # (N,)
    tests = [
        (measure, test)
        for measure in measures(samples)
        for test in separations(measure.values, samples.labels, len(samples.classes), second)
    ]
    tests += border_tests(samples, second, minimum)
    limit = significance / max(len(tests), 1)
    hits = [_Found(measure, test) for measure, test in tests if test.auc >= minimum and test.p < limit]
    kept: list[_Found] = []
    for hit in sorted(hits, key=lambda hit: -hit.separation.auc):                       # stable
        same = next((other for other in kept if _same(other, hit)), None)
        if same is None:
            kept.append(hit)
        elif hit.measure.name not in (same.measure.name, *same.others):
            same.others.append(hit.measure.name)
    return [_finding(samples, hit, minimum) for hit in kept]


def _same(one: _Found, other: _Found) -> bool:
    overlap = set(one.separation.classes) & set(other.separation.classes)
    return one.measure.of_file == other.measure.of_file and bool(overlap)


def _finding(samples: Samples, hit: _Found, minimum: float) -> GroupFinding:
    measure, told = hit.measure, hit.separation
    names = [samples.classes[place] for place in told.classes]
    known = np.isfinite(measure.values) & (samples.labels >= 0)
    inside = known & np.isin(samples.labels, told.classes)                              # (N,)
    outside = known & ~inside
    others = sorted(set(samples.labels[outside].tolist()))
    rest = samples.classes[others[0]] if len(others) == 1 else f"the other {count(len(others), 'class', 'classes')}"
    middles = [_typical(measure, measure.values[side]) for side in (inside, outside)]
    also = f" So do {listing(hit.others[:4])}." if len(hit.others) > 1 else ""
    also = f" So does {hit.others[0]}." if len(hit.others) == 1 else also
    typical = f" ({measure.shown(middles[0])} against {measure.shown(middles[1])})" if measure.means_something else ""
    message = (
        f"{measure.name[0].upper()}{measure.name[1:]} alone tells {some(names)} from {rest} in "
        f"{in_pairs(told.auc)}, where guessing gives 50{typical}.{also} "
        "A model can learn this in place of the subject."
    )
    examples = [
        *_nearest(measure, middles[0], np.flatnonzero(inside)),
        *_nearest(measure, middles[1], np.flatnonzero(outside)),
    ]
    return GroupFinding(
        rows=(),
        score=max(0.0, 2 * (1 - told.auc)),
        message=message,
        severity="high" if measure.of_file else "medium",
        value=told.auc,
        threshold=minimum,
        key="\0".join(("file" if measure.of_file else "pixels", *names)),
        examples=tuple(examples),
        chart=two_histograms(measure, (some(names, 2), inside), (rest, outside)),
    )


def _typical(measure: Measure, values: NDArray[np.float64]) -> float:
    if measure.categories:
        return float(np.bincount(values.astype(np.intp)).argmax())
    return float(np.median(values))


def _nearest(measure: Measure, middle: float, rows: NDArray[np.intp]) -> list[int]:
    """The rows whose value is the most typical."""
    order = np.argsort(np.abs(measure.values[rows] - middle), kind="stable")
    return [int(row) for row in rows[order[:_EXAMPLES]]]


def in_pairs(area: float) -> str:
    """An area under the ROC curve in words."""
    of_100 = 100 * area
    return f"{'more than 99' if 99.5 <= of_100 < 100 else round(of_100)} of 100 pairs of images"


def two_histograms(measure: Measure, *parts: tuple[str, NDArray[np.bool_]]) -> Chart:
    """How the values of one measure are distributed in some parts of the data set: a name and (N,) each."""
    edges = measure.histogram_edges()
    series = []
    for name, part in parts:
        values = np.clip(measure.values[part], edges[0], edges[-1])
        counts = np.histogram(values[np.isfinite(values)], edges)[0]
        series.append(Series(name, tuple((counts / max(counts.sum(), 1)).tolist())))
    labels: Sequence[str] = measure.categories or [measure.shown(float(edge)) for edge in edges[:-1]]
    return Chart("bars" if measure.categories else "histogram", measure.name, tuple(labels), tuple(series))
