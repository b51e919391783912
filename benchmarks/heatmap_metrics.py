"""How good a heatmap is: removal by ROAD, heat in the right quarters of a mosaic, intervals of the means, tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from auditor.images.decoding import resize

STEPS = 10                              # how often cells are removed, from few to most
COARSE, GRAIN = 4, 2.5                  # imputation: pixels per unknown, and its noise in grey levels


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(values: NDArray[np.floating], draws: int = 10_000) -> Interval:
    """The mean of (N,) values, and the 2.5 and 97.5 percentiles of the means of N drawn from them with replacement."""
    chosen = np.random.default_rng(0).integers(len(values), size=(draws, len(values)))
    low, high = np.percentile(values[chosen].mean(axis=1), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def removal_order(heat: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.intp]:
    """(h, w) -> (h w,) cells, hottest first. Cells of equal heat, frequent after a ReLU, are in random order."""
    shuffled = rng.permutation(heat.size)
    return shuffled[np.argsort(-heat.ravel()[shuffled], kind="stable")]


def removal_counts(cells: int, steps: int = STEPS) -> NDArray[np.intp]:
    """(steps,) numbers of cells to remove: evenly spaced between none and all, both excluded."""
    return np.rint(np.linspace(0, cells, steps + 2)[1:-1]).astype(np.intp)


def removals(
    image: NDArray[np.uint8], heat: NDArray[np.floating], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The image with more and more cells removed: (steps, H, W, 3) coldest first, and the same hottest first."""
    hottest = removal_order(heat, rng)
    series = []
    for order in (hottest[::-1], hottest):
        images = []
        for count in removal_counts(heat.size):
            removed = np.zeros(heat.size, bool)
            removed[order[:count]] = True
            images.append(impute(image, removed.reshape(heat.shape), rng))
        series.append(np.stack(images))
    return series[0], series[1]


def road(coldest_first: NDArray[np.floating], hottest_first: NDArray[np.floating]) -> NDArray[np.floating]:
    """(..., steps) probabilities of the class -> (...,) half the mean difference, in [-.5, .5].

    Above 0: the class survives the loss of what the heatmap calls cold better than the loss of what it calls hot. LeRF
    minus MoRF over two (Rong et al., *A consistent and efficient evaluation strategy for attribution methods*, ICML
    2022).
    """
    difference: NDArray[np.floating] = (coldest_first - hottest_first).mean(axis=-1) / 2
    return difference


def removal_curves(
    answer: Callable[[NDArray[np.uint8]], NDArray[np.floating]],
    image: NDArray[np.uint8],
    heats: Mapping[str, NDArray[np.floating]],
    rng: np.random.Generator,
    batch: int,
) -> dict[str, NDArray[np.floating]]:
    """For every heatmap (2, steps) probabilities: coldest cells removed first, and hottest first.

    Args:
        answer: (B, H, W, 3) -> (B,), the probability that is watched.
        image: (H, W, 3).
        heats: Name -> (h, w).
        rng: Of ties and noise.
        batch: Images to ask about at once.
    """
    curves = {}
    for name, heat in heats.items():
        series = np.concatenate(removals(image, heat, rng))     # (2 steps, H, W, 3)
        parts = [answer(series[start : start + batch]) for start in range(0, len(series), batch)]
        curves[name] = np.concatenate(parts).reshape(2, STEPS)
    return curves


def print_removal(
    curves: Mapping[str, NDArray[np.floating]], ours: str, random: str, cells: int
) -> dict[str, NDArray[np.floating]]:
    """Prints curves (N, 2, steps) and scores of every method, and returns the scores (N,)."""
    print("(LeRF - MoRF) / 2 of the predicted class's probability: mean [95 % interval]")
    scores = {name: road(curve[:, 0], curve[:, 1]) for name, curve in curves.items()}
    print(f"  {'':32}{'score':26}{'minus random':26}{ours + ' minus this':26}")
    for name, score in scores.items():
        ahead = "" if name == random else str(bootstrap(score - scores[random]))
        behind = "" if name == ours else str(bootstrap(scores[ours] - score))
        print(f"  {name:32}{bootstrap(score)!s:26}{ahead:26}{behind}")
    print("mean probability of the predicted class when this share of the cells is gone")
    print(f"  {'':48}" + "".join(f"{count / cells:>6.0%}" for count in removal_counts(cells)))
    for name, curve in curves.items():
        for order, means in zip(("coldest first", "hottest first"), curve.mean(axis=0), strict=True):
            print(f"  {name:32}{order:16}" + "".join(f"{mean:6.2f}" for mean in means))
    return scores


def verdict(shown: bool, what: str) -> bool:
    """Prints whether a measure passes, and returns it."""
    print(f"  {'PASS' if shown else 'FAIL'} {what}", flush=True)
    return shown


def impute(image: NDArray[np.uint8], removed: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Noisy linear imputation (Rong et al., 2022): what was removed becomes the mean of its neighbours, plus noise.

    Every removed place equals the weighted mean of its eight neighbours, all at once: a sparse linear system. It is
    solved on an image `COARSE` times smaller and enlarged, because what it gives is smooth.

    Args:
        image: (H, W, 3). Not changed.
        removed: (h, w) cells, True where they go; not all of them.

    Returns:
        (H, W, 3).
    """
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // COARSE, height // COARSE), interpolation=cv2.INTER_AREA).astype(np.float64)
    values = small.reshape(-1, 3)                               # (P, 3), a view
    unknown = _enlarge(removed, *small.shape[:2]).ravel()       # (P,)
    rows = _minus_neighbours(*small.shape[:2])[unknown]         # (U, P)
    solver = splu(
        sparse.csc_array(rows[:, unknown]),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    values[unknown] = solver.solve(-(rows[:, ~unknown] @ values[~unknown]))
    filled = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) + rng.normal(0, GRAIN, image.shape)
    gone = _enlarge(removed, height, width)[..., None]          # (H, W, 1)
    return np.where(gone, np.clip(np.rint(filled), 0, 255).astype(np.uint8), image)


def mosaic(tiles: Sequence[NDArray[np.uint8]], places: Sequence[int], side: tuple[int, int]) -> NDArray[np.uint8]:
    """(height, width, 3) of four pictures; picture i is at place `places[i]`, numbered in reading order."""
    height, width = side
    middle_y, middle_x = height // 2, width // 2
    canvas = np.empty((height, width, 3), np.uint8)
    for tile, place in zip(tiles, places, strict=True):
        rows = slice(middle_y, height) if place >= 2 else slice(0, middle_y)
        columns = slice(middle_x, width) if place % 2 else slice(0, middle_x)
        canvas[rows, columns] = resize(tile, rows.stop - rows.start, columns.stop - columns.start)
    return canvas


def right_share(heat: NDArray[np.floating], right: NDArray[np.bool_]) -> NDArray[np.floating]:
    """The share of a map's positive heat that lies in the right quarters of a mosaic.

    Arias-Duart et al., *Focus! Rating XAI methods and finding biases*, 2022.

    Args:
        heat: (..., h, w). A cell that straddles quarters is divided by area.
        right: (..., 2, 2), True where a picture of the class lies.

    Returns:
        (...,) in [0, 1]; .5, as by chance, for a map without positive heat.
    """
    down, across = (_halves(size) for size in heat.shape[-2:])
    quarters = down @ np.maximum(heat, 0) @ across.T            # (..., 2, 2)
    inside, total = (quarters * right).sum(axis=(-2, -1)), quarters.sum(axis=(-2, -1))
    share: NDArray[np.floating] = np.divide(inside, total, out=np.full(total.shape, 0.5), where=total > 0)
    return share


def pointing_share(heat: NDArray[np.floating], right: NDArray[np.bool_]) -> NDArray[np.floating]:
    """The pointing game (Zhang et al., ECCV 2016): `right_share` of the hottest cell alone."""
    peak = heat.max(axis=(-2, -1), keepdims=True)
    return right_share(((heat == peak) & (peak > 0)).astype(np.float64), right)


def centre_blob(cells: int) -> NDArray[np.float32]:
    """(cells, cells): a Gaussian in the middle of the picture; its deviation is a quarter of the side."""
    line = np.exp(-0.5 * ((np.arange(cells) - (cells - 1) / 2) / (cells / 4)) ** 2)
    return np.outer(line, line).astype(np.float32)


@lru_cache(maxsize=4)
def _minus_neighbours(height: int, width: int) -> sparse.csr_array:
    """(P, P), P = height * width: each place's weight minus its neighbours', 1/6 beside it and 1/12 at a corner."""
    across, down = (sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n)) for n in (width, height))
    beside = sparse.kron(sparse.eye_array(height), across) + sparse.kron(down, sparse.eye_array(width))
    weights = beside / 6 + sparse.kron(down, across) / 12
    return sparse.csr_array(sparse.diags_array(weights.sum(axis=1)) - weights)


def _enlarge(cells: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """(h, w) -> (height, width): each cell becomes a block."""
    rows, columns = np.arange(height) * cells.shape[0] // height, np.arange(width) * cells.shape[1] // width
    return cells[np.ix_(rows, columns)]


def _halves(cells: int) -> NDArray[np.float64]:
    """(2, cells): how much of each cell of a line lies in its first half, and in its second."""
    first = np.clip(cells / 2 - np.arange(cells), 0, 1)
    return np.stack([first, 1 - first])
