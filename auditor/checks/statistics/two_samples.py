"""Whether two samples differ, class by class: stratified rank sums, tested by exchanging images between the samples.

Within each class the values are ranked, and the areas under the curve (AUC) of all classes are averaged with the
weights of van Elteren (1960): that one sample has more of a class changes nothing. How large the largest of many such
areas becomes by chance is found by exchanging images of a class at random; that holds for all of them together, however
they depend on each other (Westfall and Young, 1993).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

PERMUTATIONS = 999
_TOGETHER = 100                                 # permutations that are multiplied at once


@dataclass(frozen=True)
class TwoSamples:
    """Some images, of which some are in the one sample and the rest in the other.

    Attributes:
        strata: (n,) class of each image, or any other group within which they are compared.
        other: (n,) bool, whether it is in the other sample.
    """

    strata: NDArray[np.intp]
    other: NDArray[np.bool_]

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """(n,) what a rank adds to the mean area in the other sample; 0 where a class is in one sample only."""
        number = np.unique(self.strata, return_inverse=True)[1]                         # (n,)
        all_of, others = np.bincount(number), np.bincount(number, self.other)           # (S,)
        ones = all_of - others
        shares = ones * others / (all_of + 1)
        weights = np.divide(shares, ones * others, out=np.zeros_like(shares), where=shares > 0)
        return np.asarray((weights / max(shares.sum(), 1e-12))[number])

    @property
    def is_empty(self) -> bool:
        """Whether no class is in both samples."""
        return not self._weights.any()

    def _ranks(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, P) ranks within each class, from its middle; 0 where nothing is known."""
        from scipy.stats import rankdata  # `auditor why` does without

        ranks = np.zeros(values.shape)
        for stratum in np.unique(self.strata):
            rows = np.flatnonzero(self.strata == stratum)
            part = values[rows]
            known = np.isfinite(part)
            ranked = rankdata(np.where(known, part, np.nan), axis=0, nan_policy="omit")
            ranks[rows] = np.where(known, ranked - (known.sum(axis=0) + 1) / 2, 0.0)
        return ranks

    def areas(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P,) share of pairs in which the other sample has the larger of (n, P) values; 0.5 where nothing differs."""
        return np.clip(0.5 + (self._weights * self.other) @ self._ranks(values), 0.0, 1.0)

    def p_values(self, values: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
        """(P,) probability that the largest of all P differences is as large as this one where none is."""
        weighted = self._weights[:, None] * self._ranks(values)                         # (n, P)
        found = self.other @ weighted                                                   # (P,)
        rng = np.random.default_rng(seed)
        order = np.argsort(self.strata, kind="stable")
        strata, other = self.strata[order], self.other[order].astype(np.float32)
        by_chance = np.empty((PERMUTATIONS, values.shape[1]))
        for start in range(0, PERMUTATIONS, _TOGETHER):
            count = min(_TOGETHER, PERMUTATIONS - start)
            shuffled = np.argsort(strata + rng.random((count, len(strata))), axis=1)    # (m, n) within each class
            by_chance[start : start + count] = other[shuffled] @ weighted[order].astype(np.float32)
        spread = np.maximum(by_chance.std(axis=0), 1e-12)
        largest = np.abs(by_chance / spread).max(axis=1)                                # (permutations,)
        above = (largest[:, None] >= np.abs(found / spread) * (1 - 1e-6)).sum(axis=0)
        return np.asarray((above + 1) / (PERMUTATIONS + 1))


def telling_scores(
    points: NDArray[np.float32], samples: TwoSamples, second: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """How much each image's embedding speaks for the other sample, by a direction from the other half; (n,).

    Ridge regression of the sample on the embedding, from which the mean of its class is taken first: a classifier
    two-sample test (Lopez-Paz and Oquab, ICLR 2017). NaN where there is no other half.

    Args:
        points: (n, K) embeddings.
        samples: Which class and sample each is in.
        second: (n,) which half it is in.
    """
    number = np.unique(samples.strata, return_inverse=True)[1]
    sums = np.zeros((number.max() + 1, points.shape[1]), np.float32)
    np.add.at(sums, number, points)
    centred = points - (sums / np.bincount(number)[:, None])[number]                    # (n, K)
    scores = np.full(len(points), np.nan)
    for half in (False, True):
        learn, judge = second != half, second == half
        target = samples.other[learn].astype(np.float32)
        if judge.any() and 0 < target.sum() < len(target):
            target -= target.mean()
            kernel = centred[learn] @ centred[learn].T                                  # (m, m)
            penalty = np.trace(kernel) / len(kernel) + 1e-6
            weights = np.linalg.solve(kernel + penalty * np.eye(len(kernel), dtype=np.float32), target)
            scores[judge] = centred[judge] @ (centred[learn].T @ weights)
    return scores
