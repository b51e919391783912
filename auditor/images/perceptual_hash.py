"""Perceptual hashes: 256 bits that stay nearly the same when a picture is scaled, recompressed or toned.

The bits are the signs of the 16 x 16 lowest frequencies of a small grey copy (discrete cosine transform; Zauner,
*Implementation and benchmarking of perceptual image hash functions*, 2010, compares with the median instead, which is
about zero here). Mirroring a picture flips known signs, so the hash of its mirror image follows from its own; and the
small copy, the miniature, is large enough to compute from it what the hash of a part of the picture would be.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.images.decoding import resize

MINIATURE_SIDE = 32                             # pixels; the grey copy is resized to a square
FREQUENCIES = 16                                # in each direction, the mean included
BITS = FREQUENCIES**2
WORDS = BITS // 64
#: A JPEG may be decoded at a reduced size down to this before it is hashed, in pixels.
DECODE_AT_LEAST = 4 * MINIATURE_SIDE

# The sign of a smaller frequency would be rounding noise. In grey levels of one pixel.
_NOTHING = 0.5

# The odd horizontal frequencies have the opposite sign in a mirror image.
_MIRROR = np.packbits(np.tile([False, True], BITS // 2)).view(np.uint64)                # (4,)


def perceptual_hash(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Computes the hash of a picture; similar pictures differ in few bits, different ones in about half.

    Blank pictures, which have no structure, all have the same hash.

    Args:
        pixels: (H, W, 3) RGB, upright, of any size.

    Returns:
        (4,) uint64: 256 bits, ordered by vertical, then horizontal frequency.
    """
    hashed: NDArray[np.uint64] = hash_miniatures(miniature(pixels)[None])[0]
    return hashed


def miniature(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Squeezes a picture (H, W, 3) into a grey square (32, 32)."""
    grey: NDArray[np.uint8] = cv2.cvtColor(resize(pixels, MINIATURE_SIDE, MINIATURE_SIDE), cv2.COLOR_RGB2GRAY)
    return grey


def hash_miniatures(
    miniatures: NDArray[np.uint8], cut: tuple[float, float, float, float] = (0, 0, 0, 0)
) -> NDArray[np.uint64]:
    """Computes the hashes (N, 4) of pictures, or of a part of each, from their miniatures (N, 32, 32).

    Args:
        miniatures: Of whole pictures.
        cut: Share of the picture that is left out at the top, bottom, left and right.
    """
    top, bottom, left, right = cut
    rows, columns = _transform(top, bottom), _transform(left, right)                    # (16, 32) each
    halfway = miniatures.astype(np.float32) @ columns.T                                 # (N, 32, 16)
    lowest = rows @ halfway                                                             # (N, 16, 16)
    bits = (lowest > _NOTHING).reshape(len(miniatures), BITS)
    hashes: NDArray[np.uint64] = np.packbits(bits, axis=1).view(np.uint64).reshape(len(miniatures), WORDS)
    return hashes


@cache
def _transform(before: float, behind: float) -> NDArray[np.float32]:
    """(16, 32): the cosine transform of 32 pixels without what is cut off, which is resampled to 32 pixels."""
    side = MINIATURE_SIDE
    pixel = np.arange(side) + 0.5
    frequency = np.arange(FREQUENCIES)[:, None]
    waves = np.cos(np.pi * pixel * frequency / side) * np.where(frequency == 0, np.sqrt(1 / side), np.sqrt(2 / side))
    if before == behind == 0:
        return waves.astype(np.float32)
    place = np.clip((before + pixel / side * (1 - before - behind)) * side - 0.5, 0, side - 1)
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(side)))               # (32, 32), linear interpolation
    both: NDArray[np.float32] = (waves @ weights).astype(np.float32)
    return both


def mirrored(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Converts hashes (..., 4) to those of the same pictures flipped left to right."""
    return hashes ^ _MIRROR
