"""The nearest neighbours of every image in embedding space, and the vote of their labels.

The vote is a second opinion on a label: no model is fitted, and the images that vote can be shown. Zhu, Dong and Liu,
"Detecting corrupted labels without training a model to predict" (ICML 2022, SimiFeat), find wrong labels by such votes
alone. Up to `EXACT_UP_TO` images all pairs are compared, in blocks of one matrix product each: for 20,000 images this
takes seconds. Above it, an image is compared with those in the cells around it (`auditor.labels.cells`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.labels.cells import BLOCK, Cells, evenly
from auditor.labels.components import Standard, has_embedding
from auditor.labels.parallel import in_parallel

NEIGHBOURS = 30
#: How many of the most similar images are shown as evidence; the others only vote.
SHOWN = 5
#: Number of principal components in which images are compared.
COMPONENTS = 256
#: Number of embeddings that are transformed at once.
ROWS = 4096
#: Number of images up to which all pairs are compared. Above it cells hold `IN_CELL` images on average, and an image is
#: compared with those of the nearest cells that hold `COMPARED`; docs/outliers.md has the recall.
EXACT_UP_TO, IN_CELL, COMPARED = 30_000, 200, 6144


@dataclass(frozen=True)
class Neighbours:
    """The most similar images of each of N images, most similar first.

    Attributes:
        indices: (N, k) rows of the neighbours; -1 where this or too few other images have an embedding.
        similarity: (N, k) float32 cosine similarity in [-1, 1]; NaN where there is none.
    """

    indices: NDArray[np.int32]
    similarity: NDArray[np.float32]

    def first(self, k: int) -> "Neighbours":
        """Returns the first k neighbours of each image, as copies, so that the larger arrays can be freed."""
        return Neighbours(self.indices[:, :k].copy(), self.similarity[:, :k].copy())


@dataclass(frozen=True)
class Directions:
    """Transforms embeddings to unit vectors, standardised and rotated; their dot products are the similarities.

    Attributes:
        standard: Standardises and rotates; None if there was no embedding to fit on.
        dimension: Number of coordinates of a vector, d.
    """

    standard: Standard | None
    dimension: int

    @classmethod
    def fit(cls, embeddings: NDArray[np.floating], components: int = COMPONENTS) -> Self:
        """Fits on embeddings (N, D); NaN rows are left out."""
        usable = has_embedding(embeddings)
        kept = min(components, embeddings.shape[1])
        if not usable.any():
            return cls(None, kept)
        seen = embeddings if usable.all() else embeddings[usable]               # (M, D)
        return cls(Standard.fit(seen, rooted=True).reduced(seen, components), kept)     # fewer than d for few images

    def of(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Transforms embeddings (n, D) to unit vectors (n, d); NaN rows stay NaN."""
        points = np.full((len(embeddings), self.dimension), np.nan, dtype=np.float32)
        rows = np.flatnonzero(has_embedding(embeddings))
        if self.standard is None or not len(rows):
            return points
        found = self.standard.points(embeddings if len(rows) == len(embeddings) else embeddings[rows])
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        points[rows] = 0.0
        points[rows, : found.shape[1]] = found / np.where(lengths > 0, lengths, 1.0)
        return points

    def of_all(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Transforms embeddings (N, D) to unit vectors (N, d), in blocks on all cores."""
        points = np.empty((len(embeddings), self.dimension), dtype=np.float32)

        def place(start: int) -> None:
            points[start : start + ROWS] = self.of(embeddings[start : start + ROWS])

        in_parallel(place, range(0, len(embeddings), ROWS))
        return points


def nearest(
    points: NDArray[np.float32],
    k: int = NEIGHBOURS,
    *,
    groups: Sequence[str] | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Neighbours:
    """Finds the k most similar images of each image, leaving out the image itself.

    Args:
        points: (N, d) unit vectors of `Directions`.
        k: Number of neighbours.
        groups: (N,) content hash or duplicate group. Copies are not independent evidence, so images of the same group
            are left out. "" means that the image is in no group.
        among: (N,) bool, the images that may be found; all by default.
    """
    count = len(points)
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=1) & bool(points.size))
    others = np.flatnonzero(usable if among is None else usable & among)        # (M,)
    found = Neighbours(np.full((count, k), -1, np.int32), np.full((count, k), np.nan, np.float32))
    if not len(others):
        return found
    group = _group_numbers(groups, count)                                       # (N,)
    if count <= EXACT_UP_TO:
        pool = points if len(others) == count else points[others]               # (M, d)
        step = max(1, BLOCK // len(others))

        def search(start: int) -> None:
            rows = np.arange(start, min(start + step, count))
            _compare(points, rows[usable[rows]], others, pool, group, found)

        in_parallel(search, range(0, count, step))
        return found
    cells = Cells.of(points, count // IN_CELL)
    asking, found_in = _by_cell(cells, np.flatnonzero(usable)), _by_cell(cells, others)
    sizes = np.array([len(rows) for rows in found_in], dtype=np.intp)           # (C,)

    def search_cell(cell: int) -> None:
        if not len(asking[cell]):
            return
        candidates = np.sort(np.concatenate([found_in[near] for near in cells.around(cell, COMPARED, sizes)]))
        if len(candidates) > 2 * COMPARED:                                      # of very many alike, some are enough
            candidates = candidates[evenly(len(candidates), 2 * COMPARED)]
        pool = points[candidates]
        step = max(1, BLOCK // max(1, len(candidates)))
        for start in range(0, len(asking[cell]), step):
            _compare(points, asking[cell][start : start + step], candidates, pool, group, found)

    in_parallel(search_cell, range(len(sizes)))
    return found


def _by_cell(cells: Cells, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The rows in each cell, ascending."""
    cell = cells.cell[rows]
    order = np.argsort(cell, kind="stable")
    ends = np.searchsorted(cell[order], np.arange(len(cells.centres) + 1))
    return [rows[order[start:end]] for start, end in pairwise(ends)]


def _compare(
    points: NDArray[np.float32],
    rows: NDArray[np.intp],
    candidates: NDArray[np.intp],
    pool: NDArray[np.float32],
    group: NDArray[np.intp],
    found: Neighbours,
) -> None:
    """Compares some rows with all candidates (m,), ascending, whose points are `pool`, and notes the nearest."""
    close = points[rows] @ pool.T                                               # (n, m)
    own = np.minimum(np.searchsorted(candidates, rows), len(candidates) - 1)
    present = np.flatnonzero(candidates[own] == rows)
    close[present, own[present]] = -np.inf
    grouped = np.flatnonzero(group[rows] >= 0)
    if len(grouped):
        columns = np.flatnonzero(group[candidates] >= 0)                        # only these can be copies
        for position in grouped.tolist():
            close[position, columns[group[candidates[columns]] == group[rows[position]]]] = -np.inf
    chosen, values = _highest(close, min(found.indices.shape[1], len(candidates)))      # (n, k) each
    real = np.isfinite(values)
    found.indices[rows, : chosen.shape[1]] = np.where(real, candidates[chosen], -1)
    found.similarity[rows, : chosen.shape[1]] = np.where(real, values, np.nan)


def nearest_of_classes(
    directions: Directions,
    embeddings: NDArray[np.floating],
    labels: NDArray[np.integer],
    contents: Sequence[str],
    wanted: Sequence[tuple[int, int]],
    k: int,
) -> list[list[tuple[int, float]]]:
    """Finds the images of a class that are most similar to an image, for several pairs of image and class.

    All embeddings are transformed once, one block at a time; the results are not kept.

    Args:
        directions: Fitted on these embeddings.
        embeddings: (N, D); NaN rows for images without an embedding.
        labels: (N,) class of each image, -1 for none.
        contents: (N,) sha256 of each image, so that copies of the image itself are left out.
        wanted: S pairs (row, class).
        k: Number of images per pair.

    Returns:
        For each pair at most k rows with their similarity, the most similar first; of equals the first row.
    """
    asked = np.array([row for row, _ in wanted], dtype=np.intp)                 # (S,)
    centres = directions.of(embeddings[asked])                                  # (S, d)
    found: list[list[tuple[int, float]]] = [[] for _ in wanted]
    for start in range(0, len(embeddings) if len(asked) else 0, ROWS):
        close = centres @ directions.of(embeddings[start : start + ROWS]).T     # (S, n)
        given = labels[start : start + ROWS]                                    # (n,)
        for place, (row, label) in enumerate(wanted):
            columns = np.flatnonzero((given == label) & np.isfinite(close[place]))
            order = columns[np.argsort(-close[place, columns], kind="stable")]
            best: list[tuple[int, float]] = []
            for column in order:                # skips copies
                if len(best) == k:
                    break
                if contents[start + column] != contents[row]:
                    best.append((int(start + column), float(close[place, column])))
            found[place] = sorted([*found[place], *best], key=lambda pair: -pair[1])[:k]
    return found


def _group_numbers(groups: Sequence[str] | None, count: int) -> NDArray[np.intp]:
    """(N,) a number for each group of two or more images; -1 for images that are in none."""
    if groups is None:
        return np.full(count, -1, np.intp)
    numbers, names = pd.factorize(np.array([*groups, ""], dtype=object)[:-1])
    shared = np.bincount(numbers, minlength=len(names)) > 1                     # by group
    shared &= np.array([bool(name) for name in names], dtype=bool)
    return np.where(shared[numbers], numbers, -1).astype(np.intp)


def _highest(close: NDArray[np.float32], k: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Columns (n, k) and values (n, k) of the k highest in each row, highest first; of equals the first column."""
    if k < close.shape[1]:
        columns = np.sort(np.argpartition(close, close.shape[1] - k, axis=1)[:, -k:], axis=1)
    else:
        columns = np.broadcast_to(np.arange(close.shape[1]), close.shape)
    values = np.take_along_axis(close, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)


def class_votes(neighbours: Neighbours, labels: NDArray[np.integer], classes: int) -> NDArray[np.float32]:
    """Computes the share of each class among the labels of an image's neighbours, weighted by squared similarity.

    An image is not among its own neighbours, so its label does not take part in its own vote.

    Args:
        neighbours: The neighbours of N images.
        labels: (N,) class of each image, -1 for none.
        classes: Number of classes, C.

    Returns:
        (N, C) float32; NaN rows where no neighbour has a label.
    """
    votes = np.zeros((len(labels), classes), dtype=np.float32)
    for column, similarity in zip(neighbours.indices.T, neighbours.similarity.T, strict=True):  # one neighbour of each
        given = np.where(column >= 0, labels[column], -1)                       # (N,)
        rows = np.flatnonzero(given >= 0)
        votes[rows, given[rows]] += np.maximum(similarity[rows], 1e-3) ** 2
    total = votes.sum(axis=1, keepdims=True)
    return np.where(total > 0, votes / np.where(total > 0, total, 1), np.nan).astype(np.float32)
