"""Uniform borders: frames, letterboxes, padding."""

import cv2
import numpy as np
from numpy.typing import NDArray

# A border may vary by so many grey levels, as JPEG leaves of one colour, and by this share of the picture's range.
_LEVELS, _SHARE = 12, 0.1


def within_border(grey: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns of a picture (h, w) inside its uniform border; none where all of it is of one colour."""
    least, most, _, _ = cv2.minMaxLoc(grey)
    allowed = min(_LEVELS, _SHARE * (most - least))
    rows = _uneven(grey, allowed)
    return rows, _uneven(grey[rows].T, allowed) if grey[rows].size else rows


def _uneven(lines: NDArray[np.uint8], allowed: float) -> slice:
    """From the first to the last line (n, m) that differs from the outermost one on its side; empty where none does."""
    ends = []
    for order in (lines, lines[::-1]):
        least, most = 255, 0
        for count, line in enumerate(order):
            least, most = min(least, int(line.min())), max(most, int(line.max()))
            if most - least > allowed:
                ends.append(count)
                break
        else:
            return slice(0)
    return slice(ends[0], len(lines) - ends[1])
