"""Standardises embeddings and reduces their dimension, to compare and to separate images. Labels are not used."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, eigh, qr, solve_triangular

from auditor.labels.parallel import one_blas_thread, summed_in_parallel

BLOCK = 1 << 22                                 # numbers that are processed in one step: 16 MB
#: Above this many dimensions the leading components are found by iteration: far faster and slightly less exact.
EXACT_UP_TO, OVERSAMPLING, ITERATIONS = 512, 32, 6


@dataclass(frozen=True)
class Standard:
    """Transforms features to points of mean 0 and standard deviation 1, optionally rotated, and gradients back.

    Attributes:
        rooted: Whether signed square roots are taken first.
        mean, deviation: (D,) mean and standard deviation of the features, after the roots.
        basis: (D, d) rotation; None keeps the features as they are.
    """

    rooted: bool
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    basis: NDArray[np.float32] | None = None

    @classmethod
    def fit(cls, embeddings: NDArray[np.floating], *, rooted: bool) -> Self:
        """Fits on finite embeddings (M, D), which are read in blocks."""
        count = max(len(embeddings), 1)
        plain = cls(rooted, np.zeros(embeddings.shape[1], np.float32), np.ones(embeddings.shape[1], np.float32))

        def total(rows: slice) -> NDArray[np.float64]:
            found: NDArray[np.float64] = plain.points(embeddings[rows]).sum(axis=0, dtype=np.float64)
            return found

        mean = summed_in_parallel(total, _blocks(embeddings)) / count
        centred = replace(plain, mean=np.broadcast_to(mean, plain.mean.shape).astype(np.float32))

        def squares(rows: slice) -> NDArray[np.float64]:
            found: NDArray[np.float64] = np.square(centred.points(embeddings[rows])).sum(axis=0, dtype=np.float64)
            return found

        deviation = np.sqrt(summed_in_parallel(squares, _blocks(embeddings)) / count)
        return replace(centred, deviation=np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32))

    @property
    def dimension(self) -> int:
        """The number of coordinates of a point, d."""
        return len(self.mean) if self.basis is None else int(self.basis.shape[1])

    def points(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Transforms embeddings (n, D) to points (n, d)."""
        points = embeddings.astype(np.float32)                                  # (n, D), a copy
        if self.rooted:
            np.sqrt(np.abs(points), out=points)
            np.copysign(points, embeddings, out=points)
        points -= self.mean
        points /= self.deviation
        return points if self.basis is None else points @ self.basis

    def pull_back(self, directions: NDArray[np.float32], embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Computes d score / d feature from d score / d point by the chain rule.

        The derivative of a signed root is 1 / (2 sqrt|x|). A feature that is 0 gets the derivative 0: after pooling it
        is the mean of a map that is 0 everywhere.

        Args:
            directions: (n, c, d) derivatives by the points, several for each image.
            embeddings: (n, D) embeddings of the images.

        Returns:
            (n, c, D) derivatives by the features.
        """
        inner = (directions if self.basis is None else directions @ self.basis.T) / self.deviation      # (n, c, D)
        if not self.rooted:
            return np.asarray(inner, np.float32)
        size = np.abs(embeddings.astype(np.float32))
        slope = np.divide(0.5, np.sqrt(size), out=np.zeros_like(size), where=size > 1e-6)               # (n, D)
        return np.asarray(inner * slope[:, None, :], np.float32)

    def compact(self, embeddings: NDArray[np.floating]) -> Self:
        """Returns a copy rotated so that M embeddings (M, D), with M < D, need only M coordinates.

        With G = X X' = L L' the rows of L^-1 X are orthonormal, and the rows of L are the rotated points, so no
        eigenvectors are needed.
        """
        points = self.points(embeddings)                                        # (M, D)
        gram = points @ points.T
        lower = _factor(gram)
        basis = solve_triangular(lower, points, lower=True, check_finite=False).T               # (D, M)
        return replace(self, basis=np.ascontiguousarray(basis, dtype=np.float32))

    def reduced(self, embeddings: NDArray[np.floating], components: int) -> Self:
        """Returns a copy rotated to the leading principal components of embeddings (M, D), largest variance first."""
        images, dimension = embeddings.shape
        kept = min(components, images, dimension)
        if images < dimension:                  # the same components from the smaller of the two matrices
            points = self.points(embeddings)                                    # (M, D)
            values, vectors = leading(points @ points.T, kept)                 # (d,), (M, d)
            real = max(1, int((values > 1e-5 * values[0]).sum()))               # the rest is rounding error
            lengths = np.sqrt(np.maximum(values[:real], 1e-12))
            return replace(self, basis=np.asarray(points.T @ (vectors[:, :real] / lengths), np.float32))

        def products(rows: slice) -> NDArray[np.float32]:
            points = self.points(embeddings[rows])
            return points.T @ points                                            # (D, D)

        scatter = summed_in_parallel(products, _blocks(embeddings))
        return replace(self, basis=np.asarray(leading(scatter, kept)[1], np.float32))


def _factor(gram: NDArray[np.float32]) -> NDArray[np.float32]:
    """The Cholesky factor (M, M) of G, which centred points and copies make singular.

    A hundred-thousandth of the mean diagonal is added, which prevents that, except where nearly all variance lies in
    one direction: then rounding is larger, and so is what must be added.
    """
    mean, diagonal = gram.trace() / len(gram), np.diag_indices(len(gram))
    for added in (1e-5, 1e-4, 1e-3, 1e-2):
        shifted = gram.copy()
        shifted[diagonal] += added * mean + 1e-6
        try:
            factor: NDArray[np.float32] = cholesky(shifted, lower=True, overwrite_a=True, check_finite=False)
            return factor
        except LinAlgError:
            continue
    return np.diag(np.sqrt(gram[diagonal] + mean + 1e-6))       # nothing is left but lengths: no points, no verdict


def has_embedding(embeddings: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(N, D) -> (N,) whether a row is finite; in blocks, because a mask of all numbers takes half their memory."""
    found = np.zeros(len(embeddings), dtype=bool)
    if embeddings.shape[1]:
        for rows in _blocks(embeddings):
            found[rows] = np.isfinite(embeddings[rows]).all(axis=1)
    return found


def _blocks(embeddings: NDArray[np.floating]) -> Iterator[slice]:
    step = max(1, BLOCK // max(embeddings.shape[1], 1))
    for start in range(0, len(embeddings), step):
        yield slice(start, start + step)


def leading(matrix: NDArray[np.float32], kept: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Returns the largest eigenvalues (k,) of a symmetric matrix (d, d), largest first, and their vectors (d, k)."""
    size = len(matrix)
    if kept + OVERSAMPLING < size / 4 and size > EXACT_UP_TO:
        return _subspace_iteration(matrix, kept)
    values, vectors = eigh(matrix, subset_by_index=[size - kept, size - 1], overwrite_a=True, check_finite=False)
    return values[::-1], vectors[:, ::-1]


def _subspace_iteration(
    matrix: NDArray[np.float32], kept: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Approximates `leading` (Halko, Martinsson & Tropp, "Finding structure with randomness", SIAM Review, 2011).

    The random start has a fixed seed, so the result is the same every time.
    """
    start = np.random.default_rng(0).standard_normal((len(matrix), kept + OVERSAMPLING)).astype(np.float32)
    with one_blas_thread():
        for _ in range(ITERATIONS):
            start, _ = qr(matrix @ start, mode="economic", overwrite_a=True, check_finite=False)
        values, inner = eigh(start.T @ matrix @ start, check_finite=False)
        return values[::-1][:kept], (start @ inner)[:, ::-1][:, :kept]
