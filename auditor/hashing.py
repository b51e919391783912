"""Perceptual hashes: 256 bits that stay nearly the same when a picture is scaled, recompressed or toned.

The signs of the 16 x 16 lowest frequencies of a small grey copy (discrete cosine transform; Zauner, *Implementation and
benchmarking of perceptual image hash functions*, 2010, who compares with the median, which for these is about zero).
With signs, mirroring a picture turns known bits over, so that its mirror image needs no hash of its own.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.images import resize

SIDE = 64                                       # pixels; the grey copy, squashed like a model's input
FREQUENCIES = 16                                # in each direction, the mean included
BITS = FREQUENCIES**2
WORDS = BITS // 64
#: A JPEG may be decoded at a reduced size down to this before it is hashed, in pixels.
DECODE_AT_LEAST = 2 * SIDE

# Where next to nothing is there, the sign is chance, noise of the arithmetic. In grey levels of one pixel.
_NOTHING = 0.5

# The odd horizontal frequencies: a mirror image has them with the other sign.
_MIRROR = np.packbits(np.tile([False, True], BITS // 2)).view(np.uint64)                # (4,)


def perceptual_hash(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The hash of a picture; pictures that look the same differ in few bits, unlike ones in about half.

    A picture without any structure, a blank page, has a hash too: all of them have the same.

    Args:
        pixels: (H, W, 3) RGB, upright, of any size.

    Returns:
        (4,) uint64: 256 bits, by vertical then horizontal frequency.
    """
    grey = cv2.cvtColor(resize(pixels, SIDE, SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    lowest = cv2.dct(grey)[:FREQUENCIES, :FREQUENCIES]                                  # (16, 16)
    hashed: NDArray[np.uint64] = np.packbits(lowest > _NOTHING).view(np.uint64)
    return hashed


def mirrored(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes (..., 4) of the same pictures, flipped left to right."""
    return hashes ^ _MIRROR
