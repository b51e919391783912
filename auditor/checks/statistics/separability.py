"""How well one number about an image tells classes apart, measured on images that it was not learned from.

The values are cut into bins that hold as many images each. From one half of the images it is learned which share of a
bin belongs to a class; in the other half that share ranks the images, and back. The area under the curve (AUC) of that
ranking is the share of pairs, one image of the class and one of the rest, that are ordered rightly: 0.5 is chance.
Bins find what lies between or on both sides of the rest, too, and nothing but the counts in them is needed: a million
images take a fraction of a second.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_BINS = 32
#: Images that a bin is taken to hold beside its own, mixed as all images are.
_PRIOR = 2.0


@dataclass(frozen=True)
class Separation:
    """How well a number tells some classes from the others.

    Attributes:
        classes: Indices of the classes, ascending: never more than half of them.
        auc: Share of pairs that are ordered rightly, in [0, 1].
        p: Probability of this where the number says nothing, for one comparison.
    """

    classes: tuple[int, ...]
    auc: float
    p: float


def binned(values: NDArray[np.float64], most: int = MOST_BINS) -> tuple[NDArray[np.intp], int]:
    """(N,) bin of each value, -1 for NaN, and the number of bins.

    The bins hold as many values each; a value that is more frequent than that has a bin of its own.
    """
    known = np.isfinite(values)
    ordered = np.sort(values[known])
    if not len(ordered):
        return np.full(len(values), -1, np.intp), 1
    quantiles = ordered[np.arange(1, most) * len(ordered) // most]
    edges, times = np.unique(quantiles, return_counts=True)
    edges = np.unique(np.concatenate([edges, np.nextafter(edges[times > 1], np.inf)]))
    return np.where(known, np.searchsorted(edges, values, side="right"), -1).astype(np.intp), len(edges) + 1


def separations(
    values: NDArray[np.float64], labels: NDArray[np.intp], classes: int, second: NDArray[np.bool_]
) -> list[Separation]:
    """Each class against the rest, and the classes with low values against those with high ones, wherever cut.

    Args:
        values: (N,), NaN unknown.
        labels: (N,) class of each image, -1 none.
        classes: Number of classes.
        second: (N,) which half an image is in.
    """
    bins, width = binned(values)
    used = (bins >= 0) & (labels >= 0)
    counts = np.zeros((2, classes, width))                                              # (2, C, B)
    for half in (0, 1):
        cells = labels[used & (second == half)] * width + bins[used & (second == half)]
        counts[half] = np.bincount(cells, minlength=classes * width).reshape(classes, width)
    present = np.flatnonzero(counts.sum(axis=(0, 2)))
    if len(present) < 2:
        return []
    counts = counts[:, present]
    alone = 1 if len(present) == 2 else len(present)            # of two, each is the rest of the other
    found = list(_judged(counts[:, :alone], counts.sum(axis=1), [(int(place),) for place in present[:alone]]))
    if len(present) > 3:
        order = np.argsort(counts.sum(axis=0) @ np.arange(width) / counts.sum(axis=(0, 2)), kind="stable")
        low = np.cumsum(counts[:, order], axis=1)[:, 1:-2]      # cuts that leave two or more classes on either side
        sides = [order[: cut + 2] if 2 * (cut + 2) <= len(order) else order[cut + 2 :] for cut in range(low.shape[1])]
        found += _judged(low, counts.sum(axis=1), [tuple(np.sort(present[side]).tolist()) for side in sides])
    return found


def _judged(
    counts: NDArray[np.float64], everything: NDArray[np.float64], groups: list[tuple[int, ...]]
) -> Iterator[Separation]:
    """Counts (2, G, B) of G groups in the two halves against the rest of everything (2, B)."""
    from scipy.special import ndtr  # `auditor why` does without

    rest = everything[:, None] - counts
    auc = (_auc(counts[0], rest[0], counts[1], rest[1]) + _auc(counts[1], rest[1], counts[0], rest[0])) / 2     # (G,)
    inside, outside = counts.sum(axis=(0, 2)), rest.sum(axis=(0, 2))                    # (G,)
    error = np.sqrt((inside + outside + 1) / (12 * np.maximum(inside * outside, 1)))    # of Mann and Whitney's test
    p = ndtr((0.5 - auc) / error)
    for group, area, probability in zip(groups, auc, p, strict=True):
        yield Separation(group, float(area), float(probability))


def _auc(
    learned: NDArray[np.float64], others: NDArray[np.float64], judged: NDArray[np.float64], rest: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(G,) areas: the bins are ordered by the share of the group in one half, (G, B) each, and counted in the other."""
    total = learned.sum(axis=1, keepdims=True) + others.sum(axis=1, keepdims=True)
    prior = learned.sum(axis=1, keepdims=True) / np.maximum(total, 1)
    order = np.argsort((learned + _PRIOR * prior) / (learned + others + _PRIOR), axis=1, kind="stable")
    inside, outside = np.take_along_axis(judged, order, 1), np.take_along_axis(rest, order, 1)
    below = np.cumsum(outside, axis=1) - outside / 2
    pairs = inside.sum(axis=1) * outside.sum(axis=1)
    return np.where(pairs > 0, (inside * below).sum(axis=1) / np.maximum(pairs, 1), 0.5)
