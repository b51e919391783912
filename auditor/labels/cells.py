"""Cells: k-means over unit vectors, so that a point is compared with those in the cells around it and not with all.

An inverted file (Sivic and Zisserman, "Video Google", ICCV 2003; Jégou, Douze and Schmid, "Product quantization for
nearest neighbor search", IEEE PAMI 2011), without any compression. All points of a cell search the same cells, so that
the comparisons are matrix products.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from auditor.labels.parallel import in_parallel

#: Rounds of k-means, and points for each cell that it learns from.
ROUNDS, TAUGHT = 4, 20
#: Number of similarities in one block of rows: 64 MB.
BLOCK = 1 << 24


@dataclass(frozen=True)
class Cells:
    """Where the points lie.

    Attributes:
        centres: (C, d) unit vectors.
        cell: (N,) the cell of each point; -1 for points with NaN.
    """

    centres: NDArray[np.float32]
    cell: NDArray[np.int32]

    @classmethod
    def of(cls, points: NDArray[np.float32], count: int, rounds: int = ROUNDS) -> Self:
        """Cuts unit vectors (N, d) into `count` cells by spherical k-means on an even sample; no random numbers."""
        finite = np.flatnonzero(np.isfinite(points).all(axis=1))
        count = min(count, len(finite))
        if not count:
            return cls(np.zeros((0, points.shape[1]), np.float32), np.full(len(points), -1, np.int32))
        sample = points[finite[evenly(len(finite), count * TAUGHT)]]           # (m, d)
        centres = sample[evenly(len(sample), count)]                           # (C, d)
        for _ in range(rounds):
            nearest = _nearest(sample, centres)                                 # (m,)
            order = np.argsort(nearest, kind="stable")
            filled, starts = np.unique(nearest[order], return_index=True)
            sums = np.add.reduceat(sample[order], starts, axis=0)               # an empty cell keeps its centre
            lengths = np.linalg.norm(sums, axis=1, keepdims=True)
            centres[filled] = sums / np.where(lengths > 0, lengths, 1)
        cell = np.full(len(points), -1, np.int32)
        cell[finite] = _nearest(points if len(finite) == len(points) else points[finite], centres)
        return cls(centres, cell)

    def around(self, cell: int, enough: int, sizes: NDArray[np.intp]) -> NDArray[np.intp]:
        """The cells most similar to one, itself first, until they hold `enough` points of `sizes` (C,)."""
        close = self.centres @ self.centres[cell]                               # (C,)
        close[cell] = np.inf
        order = np.argsort(-close, kind="stable")
        kept = int(np.searchsorted(np.cumsum(sizes[order]), enough)) + 1
        return order[:kept]


def evenly(count: int, wanted: int) -> NDArray[np.intp]:
    """At most so many of `count` rows, spread evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(np.intp))


def _nearest(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int32]:
    """(n,) the most similar centre of each point."""
    found = np.empty(len(points), np.int32)
    step = max(1, BLOCK // len(centres))

    def place(start: int) -> None:
        found[start : start + step] = (points[start : start + step] @ centres.T).argmax(axis=1)

    in_parallel(place, range(0, len(points), step))
    return found
