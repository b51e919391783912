"""How far each image lies from the bulk of its data set, and of the class that it is most like.

The distance to a tenth of all images, not to the nearest few: thirty screens of text are near each other, and are still
far from a tenth of the photographs. The distance to a small sample finds outliers as well as that to all (Sugiyama and
Borgwardt, "Rapid distance-based outlier detection via sampling", NeurIPS 2013), so that the time grows with N alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from auditor.labels.cells import evenly
from auditor.labels.components import has_embedding, leading
from auditor.labels.parallel import in_parallel, one_blas_thread

#: Leading directions that are compared, those of them that matter most, and the images that they are found in.
DIRECTIONS, FIRST, LEARNED_FROM = 256, 64, 8192
#: Images that stand for the data set, and for a class; a class of fewer than `SMALLEST` has none.
OF_ALL, OF_CLASS, SMALLEST = 1024, 128, 20
#: Share of the data set, and of a class, that an image must be near.
SHARE_OF_ALL, SHARE_OF_CLASS = 0.1, 0.2
ROWS = 4096

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Space:
    """The leading directions of embeddings, without centring: their lengths keep the network's own scale.

    Attributes:
        basis: (D, d) orthonormal.
        mean: (d,) of the points.
    """

    basis: NDArray[np.float32]
    mean: NDArray[np.float32]

    @classmethod
    def fit(cls, embeddings: NDArray[np.floating], rows: NDArray[np.intp]) -> Self:
        """Fits on an even sample of the rows, all of them finite."""
        sample = np.asarray(embeddings[_evenly(rows, LEARNED_FROM)], np.float32)        # (m, D)
        scaled = sample / (float(np.sqrt(np.mean(np.square(sample)))) or 1.0)
        _, vectors = leading(scaled.T @ scaled, min(DIRECTIONS, sample.shape[1]))
        basis = np.ascontiguousarray(vectors, np.float32)
        return cls(basis, (sample @ basis).mean(axis=0))

    def points(self, embeddings: NDArray[np.floating], rows: NDArray[np.intp]) -> Points:
        """(n, d) for these rows, in blocks on all cores."""
        found = np.empty((len(rows), self.basis.shape[1]), np.float32)

        def place(start: int) -> None:
            block = np.asarray(embeddings[rows[start : start + ROWS]], np.float32)
            found[start : start + ROWS] = block @ self.basis

        in_parallel(place, range(0, len(rows), ROWS))
        return found

    def views(self, points: Points) -> Iterator[tuple[float, Points]]:
        """Four ways to compare points, each with its weight: by direction, and in the first coordinates by direction,
        by direction from the mean and by distance, which count as much together.

        Which of them tells an off-topic image depends on the network: from the mean where all embeddings have much in
        common, not so where the data set has one subject, whose photographs then lie in all directions from it. What
        single photographs of something else are like lies outside the first coordinates.
        """
        yield 3, _unit(points)
        first = points[:, :FIRST]
        yield 1, _unit(first)
        yield 1, self.directions(points)
        yield 1, first

    def directions(self, points: Points) -> Points:
        """(n, 64) unit vectors from the mean to each point, in the first coordinates."""
        return _unit(points[:, :FIRST] - self.mean[:FIRST])


def remoteness(embeddings: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """How many robust standard deviations further than usual each image is from the images most like it.

    In each view it is the distance within which a tenth of all images lie, or, where that is less, a fifth of its class
    or of the class whose mean is nearest: a wrong label alone makes no image remote. The views are averaged as robust
    z-scores.

    Args:
        embeddings: (N, D), maybe a memory map; NaN rows are left out.
        labels: (N,) class of each image, -1 for none.

    Returns:
        (N,) robust z-score; NaN without an embedding, and everywhere where fewer than `SMALLEST` have one.
    """
    found = np.full(len(embeddings), np.nan, np.float32)
    rows = np.flatnonzero(has_embedding(embeddings))                            # (M,)
    if len(rows) < SMALLEST:
        return found
    with one_blas_thread():
        space = Space.fit(embeddings, rows)
        points, given = space.points(embeddings, rows), labels[rows]            # (M, d), (M,)
        total = np.zeros(len(rows), np.float32)
        for weight, view in space.views(points):
            total += weight * robust_z(_distance_of_most_alike(view, given))
    found[rows] = robust_z(total)
    return found


def robust_z(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Distance from the median in robust standard deviations (1.4826 times the median distance); 0 if all are equal."""
    centred = values - np.median(values)
    spread = 1.4826 * float(np.median(np.abs(centred))) or 1.2533 * float(np.abs(centred).mean())
    if spread <= 1e-6 * max(1.0, float(np.abs(values).max())):
        return np.zeros(len(values), np.float32)
    return np.asarray(centred / spread, np.float32)


def _distance_of_most_alike(points: Points, labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """(M,) the distance to a share of all images or of a class, whichever is less."""
    everything = np.arange(len(points))
    distance = _within(points, everything, points[_evenly(everything, OF_ALL)], SHARE_OF_ALL)
    sizes = np.bincount(labels[labels >= 0])
    classes = np.flatnonzero(sizes >= SMALLEST)
    if len(classes) < 2:
        return distance
    samples = [points[_evenly(np.flatnonzero(labels == label), OF_CLASS)] for label in classes]
    means = np.stack([sample.mean(axis=0) for sample in samples])               # (C, d)
    nearest = np.empty(len(points), np.intp)
    for start in range(0, len(points), ROWS):
        nearest[start : start + ROWS] = _squares(points[start : start + ROWS], means).argmin(axis=1)
    for place, label in enumerate(classes):
        rows = np.flatnonzero((labels == label) | (nearest == place))
        distance[rows] = np.minimum(distance[rows], _within(points, rows, samples[place], SHARE_OF_CLASS))
    return distance


def _within(points: Points, rows: NDArray[np.intp], sample: Points, share: float) -> NDArray[np.float32]:
    """(n,) for these rows, the distance within which that share of a sample lies."""
    place = min(int(np.ceil(share * len(sample))), len(sample) - 1)             # one more: it may be in the sample
    found = np.empty(len(rows), np.float32)

    def measure(start: int) -> None:
        squares = _squares(points[rows[start : start + ROWS]], sample)          # (n, m)
        found[start : start + ROWS] = np.sqrt(np.partition(squares, place, axis=1)[:, place])

    in_parallel(measure, range(0, len(rows), ROWS))
    return found


def _squares(points: Points, others: Points) -> NDArray[np.float32]:
    """(n, m) squared distances."""
    squares: NDArray[np.float32] = points @ (-2 * others.T)
    squares += np.square(points).sum(axis=1, keepdims=True)
    squares += np.square(others).sum(axis=1)
    np.maximum(squares, 0, out=squares)
    return squares


def _evenly(rows: NDArray[np.intp], wanted: int) -> NDArray[np.intp]:
    """At most so many of the rows, spread evenly."""
    return rows[evenly(len(rows), wanted)]


def _unit(points: Points) -> Points:
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.where(lengths > 0, lengths, 1), np.float32)
