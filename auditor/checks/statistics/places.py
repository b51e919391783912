"""Places: images of one class whose evidence lies in a corner or along an edge of the picture, and nowhere else's does.

Spectral relevance analysis (SpRAy; Lapuschkin et al., Nature Communications 2019) clusters the heatmaps of a class and
has people look at the clusters: horses were recognised by a source tag in a corner. A watermark, a caption or a date
lies at the rim, and there the question needs no clustering: each corner and each stretch of an edge is a group, of
those heatmaps that have much of their sum there. Subjects are cut off by edges, too, but in all classes alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Share of a heatmap's sum that must lie in a place. Uniform heat has 8% in a corner, 14% along an edge.
CONCENTRATED = 0.35
#: How often a place must be in its class for once elsewhere.
TIMES = 4.0
#: Fewer cells on a side than this have no rim.
_SMALLEST = 4
_FEWEST = 5                                     # images whose evidence lies there
_ROWS = 65_536                                  # heatmaps that are looked at together


@dataclass(frozen=True)
class Place:
    """Where the evidence of some images of a class lies.

    Attributes:
        label: The class.
        name: Of the place, after "in" or "along".
        inside: Share of the class's images whose evidence lies there.
        outside: Share of all other images.
        p: Probability of this many where the class has no more of them than `TIMES` the others, for one place.
        rows: Those images, the clearest first.
    """

    label: int
    name: str
    inside: float
    outside: float
    p: float
    rows: NDArray[np.intp]


def find_places(
    heat: NDArray[np.float16], labels: NDArray[np.intp], share: float, significance: float
) -> list[Place]:
    """The clearest place of each class that has one for at least this share of its images.

    Args:
        heat: (N, h, w) where the evidence for the given label lies; NaN where there is none.
        labels: (N,) -1 for images that do not count.
        share: Of the images of a class, in [0, 1].
        significance: Probability of any place where there is none.
    """
    from scipy.special import bdtrc  # `auditor why` does without

    if not len(heat) or min(heat.shape[1:]) < _SMALLEST:
        return []
    regions = dict(_regions(*heat.shape[1:]))
    shares = _shares(heat, np.stack(list(regions.values())))                            # (N, R)
    usable = np.isfinite(shares[:, 0]) & (labels >= 0)                                  # (N,)
    there = (shares > CONCENTRATED) & usable[:, None]                                   # (N, R)
    classes = int(labels.max()) + 1
    sizes = np.bincount(labels[usable], minlength=classes)                      # (C,)
    counts = np.stack(
        [np.bincount(labels[column], minlength=classes) for column in there.T], axis=1
    )                                                                                   # (C, R)
    rest = sizes.sum() - sizes                                                          # (C,)
    others = counts.sum(axis=0) - counts                                                # (C, R)
    chance = np.minimum(1.0, TIMES * (others + 1) / (rest[:, None] + 1))
    p = np.where(counts > 0, bdtrc(counts - 1, sizes[:, None], chance), 1.0)            # (C, R)
    tests = max(1, int((sizes > 0).sum())) * len(regions)
    found = (counts >= np.maximum(_FEWEST, share * sizes[:, None])) & (p * tests < significance) & (rest[:, None] > 0)
    places = []
    for label in np.flatnonzero(found.any(axis=1)):
        best = min(np.flatnonzero(found[label]), key=lambda place: (p[label, place], -counts[label, place]))
        rows = np.flatnonzero(there[:, best] & (labels == label))
        rows = rows[np.argsort(-shares[rows, best], kind="stable")]
        inside, outside = counts[label, best] / sizes[label], others[label, best] / rest[label]
        places.append(
            Place(int(label), list(regions)[best], float(inside), float(outside), float(p[label, best]), rows)
        )
    return places


def _regions(height: int, width: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Corners two sevenths wide, edges a seventh thick, and stretches of them four sevenths long; (h, w) each."""
    down, across = (max(2, round(side * 2 / 7)) for side in (height, width))
    for vertical, rows in (("top", slice(0, down)), ("bottom", slice(height - down, height))):
        for sideways, columns in (("left", slice(0, across)), ("right", slice(width - across, width))):
            yield f"in the {vertical} {sideways} corner", _cells(height, width, rows, columns)
    for name, side, length in (("top", 0, width), ("bottom", -1, width), ("left", 0, height), ("right", -1, height)):
        thick = max(1, round((height if name in ("top", "bottom") else width) / 7))
        stretch = max(2, round(length * 4 / 7))
        ends = slice(0, thick) if side == 0 else slice(-thick, None)
        for start in (None, *range(0, length - stretch + 1, max(1, round(length / 7)))):
            along = slice(None) if start is None else slice(start, start + stretch)
            part = "" if start is None else f", from {start / length:.0%} to {min(1, (start + stretch) / length):.0%}"
            cells = (ends, along) if name in ("top", "bottom") else (along, ends)
            yield f"along the {name} edge{part}", _cells(height, width, *cells)


def _cells(height: int, width: int, rows: slice, columns: slice) -> NDArray[np.bool_]:
    cells = np.zeros((height, width), bool)
    cells[rows, columns] = True
    return cells


def _shares(heat: NDArray[np.float16], regions: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N, R) share of each heatmap's sum in each region; NaN where there is no heat."""
    cells = regions.reshape(len(regions), -1).T.astype(np.float32)                      # (h w, R)
    shares = np.full((len(heat), len(regions)), np.nan, np.float32)
    for start in range(0, len(heat), _ROWS):
        block = heat[start : start + _ROWS].reshape(-1, cells.shape[0]).astype(np.float32)      # (n, h w)
        total = block.sum(axis=1, keepdims=True)                                        # NaN compares False
        np.divide(block @ cells, total, out=shares[start : start + _ROWS], where=total > 0)
    return shares
