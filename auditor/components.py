"""Embeddings as points to compare and to separate: one scale for every feature, and fewer of them. No label is seen."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh


def standardise(embeddings: NDArray[np.floating], *, rooted: bool) -> NDArray[np.float32]:
    """(M, D) -> (M, D) of mean 0 and deviation 1 in each column.

    Args:
        embeddings: (M, D), finite.
        rooted: Take signed square roots first.
    """
    points = embeddings.astype(np.float32)                                      # (M, D), a copy
    if rooted:
        np.sqrt(np.abs(points), out=points)
        points *= np.sign(embeddings)
    points -= points.mean(axis=0)
    deviation = points.std(axis=0)
    points /= np.where(deviation > 1e-6, deviation, 1.0)
    return points


def leading_components(points: NDArray[np.float32], components: int) -> NDArray[np.float32]:
    """(M, D) with mean 0 -> (M, d), rotated to the principal components with the largest variance."""
    images, dimension = points.shape
    kept = min(components, images, dimension)
    if images < dimension:                      # the same components from the smaller of the two matrices
        values, vectors = _leading(points @ points.T, kept)
        lengths: NDArray[np.floating] = np.sqrt(np.maximum(values, 0.0))
        return (vectors * lengths).astype(np.float32)
    _, directions = _leading(points.T @ points, kept)
    return (points @ directions).astype(np.float32, copy=False)


def _leading(matrix: NDArray[np.float32], kept: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    size = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=[size - kept, size - 1], overwrite_a=True, check_finite=False)
    return values, vectors
