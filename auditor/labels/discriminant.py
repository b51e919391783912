"""A shrunk linear discriminant fitted without each fold, factorised once for all ways to label the images.

The covariance within the classes is the covariance of all images minus that of the class means (Fisher's T = W + B).
T does not depend on the labels. So it is factorised once per fold, and each labelling costs a product with its inverse
and a correction of rank C, the number of classes (Woodbury's identity): learning from changed labels takes a few
hundredths of the time of the first fit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

from auditor.labels.components import Standard
from auditor.labels.parallel import in_parallel

#: Number of embeddings that are transformed at once: 32 MB for a ResNet50.
ROWS = 4096
#: If all points together have at most this many numbers, they are kept in memory: 32 MB.
KEPT = 1 << 23


@dataclass(frozen=True)
class Fit:
    """The discriminants for one labelling: one for each of K folds, learned from the images of the other folds.

    Attributes:
        directions: (K, d, C) float32, d logit / d point.
        offsets: (K, C) float32; -inf for a class that the other folds do not have.
    """

    directions: NDArray[np.float32]
    offsets: NDArray[np.float32]


class FoldScatter:
    """Sums over the points of each fold, from which every discriminant without one fold is computed.

    Args:
        embeddings: (M, D), finite. Read in blocks; copied as a whole only if they are few.
        standard: Transforms them to points.
        folds: (M,) fold of each image.
    """

    def __init__(self, embeddings: NDArray[np.floating], standard: Standard, folds: NDArray[np.integer]) -> None:
        self._embeddings, self._standard = embeddings, standard
        self.dimension = standard.dimension
        # The points of few images are kept: computing them takes longer than everything that is done with them.
        self._points = standard.points(embeddings) if len(embeddings) * self.dimension <= KEPT else None
        self.rows = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]            # K arrays of rows
        self.counts = np.array([len(rows) for rows in self.rows], dtype=np.float64)         # (K,)
        sums, scatters = zip(*in_parallel(self._moments, self.rows), strict=True)
        self.sums = np.stack(sums)                                                          # (K, d)
        self._scatters: list[NDArray[np.float32]] = list(scatters)                          # K matrices (d, d)
        self.total: NDArray[np.float32] = np.sum(scatters, axis=0, dtype=np.float32)        # (d, d)

    def _moments(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Computes the sum (d,) and the scatter matrix (d, d) of some rows."""
        total = np.zeros(self.dimension)
        scatter = np.zeros((self.dimension,) * 2, dtype=np.float32)
        for _, points in self.blocks(rows):
            total += points.sum(axis=0, dtype=np.float64)
            scatter += points.T @ points
        return total, scatter

    def blocks(self, rows: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Yields blocks of the rows (n,), each with its points (n, d)."""
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            yield some, self._standard.points(self._embeddings[some]) if self._points is None else self._points[some]

    def without(self, fold: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Computes the mean (d,) and covariance (d, d) of all images outside one fold, independent of labels."""
        count = self.counts.sum() - self.counts[fold]
        mean = (self.sums.sum(axis=0) - self.sums[fold]) / max(count, 1.0)
        covariance = self.total - self._scatters[fold]
        covariance /= np.float32(max(count, 1.0))
        centre = mean.astype(np.float32)
        covariance -= np.outer(centre, centre)
        return mean, covariance


class Discriminants:
    """The discriminants for one strength of shrinkage, each fitted without one fold.

    Args:
        scatter: The sums of the images.
        shrinkage: Share of the identity in the covariance (Friedman, "Regularized discriminant analysis", 1989).
        folds: Use only this many of the first folds; None uses all.
    """

    def __init__(self, scatter: FoldScatter, shrinkage: float, folds: int | None = None) -> None:
        self._scatter, self._shrinkage = scatter, shrinkage
        self.folds = range(len(scatter.rows) if folds is None else min(folds, len(scatter.rows)))
        self._factors = in_parallel(self._factorise, self.folds)

    def _factorise(self, fold: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean (d,) without the fold, and the Cholesky factor (d, d) of the shrunk covariance of all points."""
        mean, covariance = self._scatter.without(fold)
        spread = max(float(np.trace(covariance)) / len(covariance), 0.0)
        covariance *= np.float32(1 - self._shrinkage)
        covariance[np.diag_indices(len(covariance))] += np.float32(self._shrinkage * spread + 1e-5 * spread + 1e-6)
        factor, _ = cho_factor(covariance.T, lower=False, overwrite_a=True, check_finite=False)
        return mean.astype(np.float32), factor

    def fit(self, labels: NDArray[np.integer], classes: int) -> Fit:
        """Fits on labels (M,) from 0 to classes - 1; images with the label -1 are not learned from."""
        sums, counts = self._class_sums(labels, classes)                                    # (K, C, d), (K, C)
        fits = in_parallel(partial(self._fit, sums.sum(axis=0), counts.sum(axis=0), sums, counts), self.folds)
        directions, offsets = (np.stack(column) for column in zip(*fits, strict=True))
        return Fit(directions, offsets)

    def logits(self, fit: Fit) -> NDArray[np.float32]:
        """Logits (M, C) of each image by the discriminant fitted without its fold; NaN rows for folds not in use."""
        count = sum(len(rows) for rows in self._scatter.rows)
        logits = np.full((count, fit.offsets.shape[1]), np.nan, dtype=np.float32)

        def score(fold: int) -> None:
            for rows, points in self._scatter.blocks(self._scatter.rows[fold]):
                logits[rows] = points @ fit.directions[fold] + fit.offsets[fold]

        in_parallel(score, self.folds)
        return logits

    def _class_sums(self, labels: NDArray[np.integer], classes: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Sums (K, C, d) and counts (K, C) of the labelled points of every fold."""

        def of_fold(rows: NDArray[np.intp]) -> NDArray[np.float32]:
            sums = np.zeros((classes, self._scatter.dimension), np.float32)
            for some, points in self._scatter.blocks(rows):
                used = np.flatnonzero(labels[some] >= 0)
                member = csr_array(
                    (np.ones(len(used), np.float32), (labels[some][used], used)), (classes, len(some))
                )
                sums += member @ points
            return sums

        sums = np.stack(in_parallel(of_fold, self._scatter.rows))
        counts = [np.bincount(labels[rows][labels[rows] >= 0], minlength=classes) for rows in self._scatter.rows]
        return sums, np.stack(counts).astype(np.float64)

    def _fit(
        self,
        all_sums: NDArray[np.float32],
        all_counts: NDArray[np.float64],
        sums: NDArray[np.float32],
        counts: NDArray[np.float64],
        fold: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Computes directions (d, C) and offsets (C,) without one fold.

        With R the shrunk covariance of all points, M (P, d) the class means and K their weights, the covariance within
        the classes is R - M' K M, and (R - M' K M)^-1 M' = R^-1 M' (I - K M R^-1 M')^-1. The weights are shares of all
        points: the scatter of points without a label counts as within the classes, so that no variance is negative.
        """
        mean, factor = self._factors[fold]
        number = all_counts - counts[fold]                                                  # (C,)
        present = np.flatnonzero(number > 0.5)
        directions = np.zeros((len(mean), len(number)), dtype=np.float32)
        offsets = np.full(len(number), -np.inf, dtype=np.float32)
        if len(present) < 2:
            return directions, offsets
        share = number[present] / number.sum()                                              # (P,)
        means = (all_sums - sums[fold])[present] / number[present, None].astype(np.float32) - mean      # (P, d)
        solved = cho_solve((factor, False), means.T, check_finite=False)                    # (d, P)
        gram = (means @ solved).astype(np.float64)                                          # (P, P)
        points = self._scatter.counts.sum() - self._scatter.counts[fold]
        weight = np.sqrt((1 - self._shrinkage) * number[present] / points)                  # (P,)
        # The correction of an eigenvector is 1 / (1 - g) with its eigenvalue g, which is below 1 except for rounding.
        values, vectors = np.linalg.eigh(weight[:, None] * gram * weight)
        gain = 1 / (1 - np.minimum(values, 1 - 1e-3)) - 1
        correction = (vectors * gain) @ vectors.T * weight[:, None] / weight                # (P, P), plus the identity
        correction[np.diag_indices(len(share))] += 1
        within = solved.astype(np.float64) @ correction                                     # (d, P)
        directions[:, present] = within
        offsets[present] = np.log(share) - np.einsum("pd,dp->p", 0.5 * means + mean, within)
        return directions, offsets
