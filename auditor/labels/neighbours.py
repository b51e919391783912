"""The nearest neighbours of every image in embedding space, exactly, and what their labels say.

They are the second opinion on a label: no model is fitted, and the images that speak can be shown. Zhu, Dong and Liu,
"Detecting corrupted labels without training a model to predict" (ICML 2022, SimiFeat), find wrong labels by such votes
alone. All pairs are compared, in blocks of one matrix product each: at 20,000 images that takes seconds, and an
approximate index would save none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.labels.components import Standard
from auditor.labels.parallel import in_parallel

NEIGHBOURS = 30
#: The most similar images that are named as evidence; the others only vote.
SHOWN = 5
#: Principal components in which images are compared.
COMPONENTS = 256
#: Similarities in one block of rows: 64 MB.
BLOCK = 1 << 24
#: Rows that are made into points at once.
ROWS = 4096


@dataclass(frozen=True)
class Neighbours:
    """The most similar images of each of N, most similar first.

    Attributes:
        indices: (N, k) rows of the neighbours; -1 where there is none: no embedding, or too few others have one.
        similarity: (N, k) float32 cosine, in [-1, 1]; NaN where there is none.
    """

    indices: NDArray[np.intp]
    similarity: NDArray[np.float32]


def directions(embeddings: NDArray[np.floating], components: int = COMPONENTS) -> NDArray[np.float32]:
    """(N, D) -> (N, d) unit vectors whose products are the similarities: standardised, rotated, cut to length 1.

    NaN rows stay NaN.
    """
    usable = np.flatnonzero(np.isfinite(embeddings).all(axis=1) & bool(embeddings.shape[1]))
    kept = min(components, embeddings.shape[1])
    points = np.full((len(embeddings), kept), np.nan, dtype=np.float32)
    if len(usable):
        seen = embeddings if len(usable) == len(embeddings) else embeddings[usable]         # (M, D)
        standard = Standard.fit(seen, rooted=True).reduced(seen, components)                # d < kept for few images

        def place(rows: NDArray[np.intp]) -> None:
            found = standard.points(embeddings[rows])                           # (n, d)
            lengths = np.linalg.norm(found, axis=1, keepdims=True)
            points[rows] = 0.0
            points[rows, : found.shape[1]] = found / np.where(lengths > 0, lengths, 1.0)

        in_parallel(place, [usable[start : start + ROWS] for start in range(0, len(usable), ROWS)])
    return points


def nearest(
    points: NDArray[np.floating],
    k: int = NEIGHBOURS,
    *,
    groups: Sequence[str] | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Neighbours:
    """Finds the k most similar images of each, leaving out the image itself.

    Args:
        points: (N, d) of `directions`.
        k: How many.
        groups: (N,) content hash or duplicate group: images of the same group are no
            witnesses and left out. "" is no group.
        among: (N,) bool, the images that may be found; all by default.
    """
    count = len(points)
    usable = np.isfinite(points).all(axis=1) if points.size else np.zeros(count, dtype=bool)
    others = np.flatnonzero(usable if among is None else usable & among)        # (M,)
    indices = np.full((count, k), -1, dtype=np.intp)
    similarity = np.full((count, k), np.nan, dtype=np.float32)
    if not len(others):
        return Neighbours(indices, similarity)
    pool = points[others].astype(np.float32)                                    # (M, d)
    place = np.full(count, -1, dtype=np.intp)                                   # row -> its column below
    place[others] = np.arange(len(others))
    copies = _copies(groups, place, count)
    step = max(1, BLOCK // len(others))

    def search(start: int) -> None:
        rows = np.arange(start, min(start + step, count))
        rows = rows[usable[rows]]
        close = points[rows].astype(np.float32) @ pool.T                        # (n, M)
        own = place[rows]
        close[np.flatnonzero(own >= 0), own[own >= 0]] = -np.inf
        for position, row in enumerate(rows):
            if row in copies:
                close[position, copies[row]] = -np.inf
        columns, values = _highest(close, min(k, len(others)))                  # (n, k) each
        found = np.isfinite(values)
        indices[rows, : columns.shape[1]] = np.where(found, others[columns], -1)
        similarity[rows, : columns.shape[1]] = np.where(found, values, np.nan)

    in_parallel(search, range(0, count, step))
    return Neighbours(indices, similarity)


def _copies(groups: Sequence[str] | None, place: NDArray[np.intp], count: int) -> dict[int, NDArray[np.intp]]:
    """Row -> the columns of its group, for rows in groups of two and more."""
    if groups is None:
        return {}
    _, inverse, sizes = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True, return_counts=True)
    members: dict[int, list[int]] = {}
    for row in range(count):
        if groups[row] and sizes[inverse[row]] > 1:
            members.setdefault(int(inverse[row]), []).append(row)
    columns = {group: place[rows] for group, rows in members.items()}           # -1 for rows not in the pool
    return {row: columns[group][columns[group] >= 0] for group, rows in members.items() for row in rows}


def _highest(close: NDArray[np.float32], k: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Columns (n, k) and values (n, k) of the k highest of every row, highest first; among equals the first column."""
    if k < close.shape[1]:
        columns = np.sort(np.argpartition(close, close.shape[1] - k, axis=1)[:, -k:], axis=1)
    else:
        columns = np.broadcast_to(np.arange(close.shape[1]), close.shape)
    values = np.take_along_axis(close, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)


def class_votes(neighbours: Neighbours, labels: NDArray[np.integer], classes: int) -> NDArray[np.float32]:
    """(N, C) share of each class among the labels of an image's neighbours, weighted with their squared similarity.

    An image is not among its own neighbours: its label has no say in its own vote. NaN rows where no neighbour has a
    label.
    """
    votes = np.zeros((len(labels), classes), dtype=np.float32)
    for column, similarity in zip(neighbours.indices.T, neighbours.similarity.T, strict=True):  # one neighbour of each
        given = np.where(column >= 0, labels[column], -1)                       # (N,)
        rows = np.flatnonzero(given >= 0)
        votes[rows, given[rows]] += np.maximum(similarity[rows], 1e-3) ** 2
    total = votes.sum(axis=1, keepdims=True)
    return np.where(total > 0, votes / np.where(total > 0, total, 1), np.nan).astype(np.float32)
