"""Uniform borders: frames, letterboxes, padding."""

import cv2
import numpy as np
from numpy.typing import NDArray

# A border may vary by so many grey levels, as JPEG leaves of one colour, and by this share of the picture's range.
_LEVELS, _SHARE = 12, 0.1
# To find copies more is taken for a border: a line that hardly varies, of the colour of the outermost line. In grey
# levels; JPEG makes that much of a sharp edge beside it. More of a side is no border: the picture itself is plain.
_SPREAD, _STEP, _MOST = 8.0, 12.0, 0.6


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


def without_border(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cuts a uniform border off a picture (H, W, 3), on each side what there is, also one that JPEG has made uneven."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)                                     # (H, W)
    top, bottom = _margins(grey)
    left, right = _margins(grey[top : len(grey) - bottom].T)
    height, width = grey.shape
    return np.ascontiguousarray(pixels[top : height - bottom, left : width - right])


def _margins(lines: NDArray[np.uint8]) -> tuple[int, int]:
    """How many of the first and of the last lines are a border; 0 and 0 where the picture itself is plain."""
    first, last = _alike(lines), _alike(lines[::-1])
    return (first, last) if first + last < _MOST * len(lines) else (0, 0)


def _alike(lines: NDArray[np.uint8]) -> int:
    """Number of lines that are uniform and like the first one, up to the first that is not."""
    outermost = float(lines[0].mean())
    for number, line in enumerate(lines):       # most pictures have no border: one line is looked at
        if line.std() > _SPREAD or abs(line.mean() - outermost) > _STEP:
            return number
    return len(lines)
