"""Occlusion maps: how much a class loses when a patch of the picture is covered (Zeiler & Fergus, ECCV 2014).

They need only the model's probabilities, once for each cell: 49 forward passes for a map of 7x7 cells, so they are for
the few pictures that are shown. They are not Grad-CAM: they show where a cover changes the answer, not which features
it comes from.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend
from auditor.heatmaps.grad_cam import heat

#: Pictures (B, H, W, 3) uint8 RGB -> (B, C) probabilities.
Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

CELLS = 7
_BATCH = 16
#: Side of the patch, in cells. One cell covers too little of an object to change the answer; much more blurs the map.
_PATCH = 1.5


def occlusion_maps(
    backend: Backend, images: NDArray[np.uint8], classes: NDArray[np.integer], cells: int = CELLS
) -> NDArray[np.float32]:
    """Occlusion maps of several classes per image, each in [0, 1] with maximum 1, or all zero.

    Args:
        backend: Any classifier; it runs `cells * cells + 1` times for each image.
        images: (B, H, W, 3) uint8 RGB at the model's input size. Not changed.
        classes: (B, n) model classes.
        cells: Cells of the map on each side.

    Returns:
        (B, n, cells, cells).
    """
    return heat(log_odds_lost(answers_of(backend), images, classes, cells))


def answers_of(backend: Backend) -> Answer:
    """The probabilities of a classifier."""
    return lambda images: backend.forward(images).probabilities


def log_odds_lost(
    answer: Answer, images: NDArray[np.uint8], classes: NDArray[np.integer], cells: int = CELLS
) -> NDArray[np.float32]:
    """How much each class's log odds fall when each cell is covered by the picture's mean colour.

    Log odds, log p - log(1 - p), because probabilities near 1 hardly move.

    Args:
        answer: Gives probabilities for pictures; it is called with `cells * cells + 1` of them for each image.
        images, classes, cells: As in `occlusion_maps`.

    Returns:
        (B, n, cells, cells), signed: below 0 where the class gains from the cover.
    """
    lost = np.empty((*classes.shape, cells * cells), np.float32)
    for row, (image, chosen) in enumerate(zip(images, classes, strict=True)):
        pictures = _covered(image, cells)
        odds = np.concatenate([_log_odds(answer, np.stack(part), chosen) for part in _batches(pictures)])
        lost[row] = (odds[0] - odds[1:]).T                      # (n, cells * cells)
    return lost.reshape(*classes.shape, cells, cells)


def _covered(image: NDArray[np.uint8], cells: int) -> Iterator[NDArray[np.uint8]]:
    """The image (H, W, 3), then copies with one cell after another covered, row by row."""
    yield image
    mean = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)    # (3,)
    rows, columns = (_spans(side, cells) for side in image.shape[:2])
    for row in rows:
        for column in columns:
            copy = image.copy()
            copy[row, column] = mean
            yield copy


def _spans(side: int, cells: int) -> list[slice]:
    """The pixels that the patch covers over each cell along one side."""
    step = side / cells
    margin = (_PATCH - 1) / 2 * step
    starts = [max(0, round(cell * step - margin)) for cell in range(cells)]
    ends = [min(side, max(round((cell + 1) * step + margin), start + 1)) for cell, start in enumerate(starts)]
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def _batches(pictures: Iterator[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.uint8]]]:
    batch: list[NDArray[np.uint8]] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _log_odds(answer: Answer, images: NDArray[np.uint8], classes: NDArray[np.integer]) -> NDArray[np.float64]:
    """(B, H, W, 3) -> (B, n). The other classes are summed: 1 - p would lose all digits where p is near 1."""
    probabilities = answer(images).astype(np.float64)                           # (B, C)
    for_class = probabilities[:, classes]                                       # (B, n)
    rest = np.stack([np.delete(probabilities, one, axis=1).sum(axis=1) for one in classes], axis=1)
    tiny = np.finfo(np.float32).tiny
    odds: NDArray[np.float64] = np.log(np.maximum(for_class, tiny)) - np.log(np.maximum(rest, tiny))
    return odds
