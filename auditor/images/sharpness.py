"""How sharp the edges of a picture are, whatever their contrast."""

import cv2
import numpy as np
from numpy.typing import NDArray

# A step in the scene rises within one or two pixels of a sharp picture, and over several of a blurred one.
_NEAR, _FAR = 2, 8                              # pixels
_TILE = 16                                      # pixels
# Only edges of this share of the picture's strongest contrast count, and none under so many grey levels: the edges of
# JPEG blocks and noise are weaker.
_STRONG, _LEAST = 0.5, 8
# What is strongest and sharpest, but for the few tiles that dirt, a date stamp or chance may have made.
_STRONGEST, _SHARPEST, _TYPICAL = 0.95, 0.98, 0.5
# Down, right: both diagonals too, because blur by motion leaves the edges along its direction sharp.
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def sharpness(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """How much of their whole rise the edges of a picture make within two pixels: its sharpest, and its typical ones.

    In each tile and each of four directions, the largest difference of pixels two apart is divided by the largest of
    pixels eight apart. The ratio does not depend on the contrast: for an edge under Gaussian blur of s pixels it is
    erf(0.71 / s) / erf(2.83 / s), so 0.84 for 0.7 pixels, 0.5 for 1.5, 0.32 for 3. Tiles with strong edges count. The
    sharpest of them matter, since a blurred background says nothing against the subject; typical is their median. Of
    the directions it is the worst.

    After the widths of edges of Marziliano et al., *A no-reference perceptual blur metric*, ICIP 2002, and the
    gradients at two scales of Zhuo and Sim, *Defocus map estimation from a single image*, Pattern Recognition 2011.

    Args:
        grey: (h, w).

    Returns:
        Both in [0, 1]; 0 where there is no edge.
    """
    pairs = [_near_and_far(grey, down, right) for down, right in _DIRECTIONS]            # four times two (tiles,)
    strong = max(_LEAST, _STRONG * max(_ranked(far, _STRONGEST) for _, far in pairs))
    ratios = [near[far >= strong] / far[far >= strong] for near, far in pairs]
    sharpest, typical = (
        min((_ranked(ratio, share) for ratio in ratios if len(ratio)), default=0.0) for share in (_SHARPEST, _TYPICAL)
    )
    return min(sharpest, 1.0), min(typical, 1.0)


def _near_and_far(grey: NDArray[np.uint8], down: int, right: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(tiles,) largest difference over two pixels, and (tiles,) over eight around the same centres."""
    height, width = grey.shape
    length = 2**0.5 if down and right else 1.0  # of a step
    most = min(height // down if down else height * 2, width // abs(right) if right else width * 2) - 1
    steps = max(1, min(round(_FAR / length), most // 2 * 2))
    if most < _NEAR:
        return np.zeros(1, np.float32), np.zeros(1, np.float32)
    far = _differences(grey, steps * down, steps * right)
    margin = (steps - _NEAR) // 2
    near = _differences(grey, _NEAR * down, _NEAR * right)
    near = near[margin * down :, margin * abs(right) :][: far.shape[0], : far.shape[1]]
    return _largest(near) / np.float32(length), _largest(far)


def _differences(grey: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    """Between each pixel and the one so far below and to the right of it."""
    height, width = grey.shape
    left = max(0, -right)                       # where the first pixel of each row is
    end = width - abs(right)
    first, second = grey[: height - down, left : left + end], grey[down:, left + right : left + right + end]
    differences: NDArray[np.uint8] = cv2.absdiff(first, second)
    return differences


def _largest(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The largest value in each whole tile, or of all where none is whole; (tiles,)."""
    down, across = (max(1, side // _TILE) for side in values.shape)
    tall, wide = (min(_TILE, side) for side in values.shape)
    rows = values[: down * tall, : across * wide].reshape(down, tall, across * wide).max(axis=1)
    columns = np.ascontiguousarray(rows.T).reshape(across, wide, down)                   # for speed: long inner loops
    largest: NDArray[np.uint8] = columns.max(axis=1)                                     # (across, down)
    return largest.ravel().astype(np.float32)


def _ranked(values: NDArray[np.float32], share: float) -> float:
    """The value that this share of them does not exceed."""
    place = round(share * (len(values) - 1))
    return float(np.partition(values, place)[place])
