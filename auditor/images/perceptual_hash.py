"""Perceptual hashes: 256 bits that stay nearly the same when a picture is scaled, recompressed or toned.

The bits are the signs of the 16 x 16 lowest frequencies of a small grey copy (discrete cosine transform; Zauner,
*Implementation and benchmarking of perceptual image hash functions*, 2010, compares with the median instead, which is
about zero here). Mirroring a picture flips known signs, so the hash of its mirror image follows from its own.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.images.decoding import resize

SIDE = 64                                       # pixels; the grey copy is resized to a square
FREQUENCIES = 16                                # in each direction, the mean included
BITS = FREQUENCIES**2
WORDS = BITS // 64
#: A JPEG may be decoded at a reduced size down to this before it is hashed, in pixels.
DECODE_AT_LEAST = 2 * SIDE

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
    grey = cv2.cvtColor(resize(pixels, SIDE, SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    lowest = cv2.dct(grey)[:FREQUENCIES, :FREQUENCIES]                                  # (16, 16)
    hashed: NDArray[np.uint64] = np.packbits(lowest > _NOTHING).view(np.uint64)
    return hashed


def mirrored(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Converts hashes (..., 4) to those of the same pictures flipped left to right."""
    return hashes ^ _MIRROR
