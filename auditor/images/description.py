"""Everything that is kept of an image's pixels, from one small working copy: it is taken while they are in memory."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.images.border import without_border
from auditor.images.decoding import resize
from auditor.images.perceptual_hash import miniature, perceptual_hash
from auditor.images.properties import measure

#: Pixels of the longer side of the working copy; a smaller picture is not enlarged.
WORKING_SIDE = 256
#: A JPEG may be decoded at a reduced size down to this before it is described, in pixels of the shorter side.
DESCRIBE_AT_LEAST = 448


@dataclass(frozen=True)
class Description:
    """What is kept of the pixels of an image.

    Attributes:
        properties: (P,) float32, in the order of `auditor.images.properties.PROPERTIES`.
        hash: (4,) uint64, 256 bits of a perceptual hash: near for pictures that look the same. It is that of the
            picture without its uniform border, where it has one.
        miniature: (32, 32) uint8, the whole grey picture squeezed into a square.
    """

    properties: NDArray[np.float32]
    hash: NDArray[np.uint64]
    miniature: NDArray[np.uint8]


def describe(pixels: NDArray[np.uint8]) -> Description:
    """Describes a picture (H, W, 3) RGB, upright, of any size."""
    working = _working_copy(pixels)                                                     # (h, w, 3)
    return Description(measure(working), perceptual_hash(without_border(working)), miniature(working))


def _working_copy(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrinks a picture to `WORKING_SIDE`: by whole pixels first, whose means are fast, then by the rest, under two."""
    height, width = pixels.shape[:2]
    longer = max(height, width)
    if longer <= WORKING_SIDE:
        return pixels
    at_once = longer // WORKING_SIDE
    pixels = resize(pixels, max(1, height // at_once), max(1, width // at_once))
    size = max(1, round(width * WORKING_SIDE / longer)), max(1, round(height * WORKING_SIDE / longer))
    shrunk: NDArray[np.uint8] = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    return shrunk
