"""How differently two splits mix the classes."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

DRAWS = 999
_TOGETHER = 50_000_000                          # numbers that all draws hold at most
_LISTED = 20


@dataclass(frozen=True)
class ClassMix:
    """The shares of C classes in two splits.

    Attributes:
        shares: (2, C).
        distance: Total variation: half of the sum of all differences.
        excess: The same beyond what splits drawn at random have on the average.
        p: Probability of that distance for splits drawn at random.
    """

    shares: NDArray[np.float64]
    distance: float
    excess: float
    p: float

    @classmethod
    def of(cls, other: NDArray[np.intp], one: NDArray[np.intp], classes: int, seed: int = 0) -> Self | None:
        """The mixes of labels, -1 for none; None where a split has no labels."""
        counts = np.stack([np.bincount(labels[labels >= 0], minlength=classes) for labels in (other, one)])
        total = counts.sum(axis=1)                                                      # (2,)
        if not total.all() or classes < 2:
            return None
        draws = min(DRAWS, max(199, _TOGETHER // classes))
        drawn = np.random.default_rng(seed).multivariate_hypergeometric(
            counts.sum(axis=0), total[0], size=draws, method="marginals"
        )                                                                               # (draws, C)
        by_chance = np.abs(drawn / total[0] - (counts.sum(axis=0) - drawn) / total[1]).sum(axis=1) / 2
        shares = counts / total[:, None]
        distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
        p = (1 + int((by_chance >= distance).sum())) / (draws + 1)
        return cls(shares, distance, distance - float(by_chance.mean()), p)

    @property
    def extremes(self) -> tuple[int, int]:
        """The class that gains most in the first split, and the one that loses most."""
        change = self.shares[0] - self.shares[1]
        return int(change.argmax()), int(change.argmin())

    @property
    def largest_changes(self) -> NDArray[np.intp]:
        """The classes whose shares differ most, as many as a chart holds."""
        return np.argsort(-np.abs(self.shares[0] - self.shares[1]), kind="stable")[:_LISTED]
