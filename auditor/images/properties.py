"""Numbers about a picture that need its pixels."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.images.border import within_border
from auditor.images.sharpness import sharpness

_PERCENTILES = (1, 5, 50, 95, 99)
_CHANNELS = ("red", "green", "blue")

#: What `measure` gives, in its order.
PROPERTIES = (
    "brightness",                               # mean luma, 0 black, 1 white
    *(f"brightness_p{share}" for share in _PERCENTILES),
    "white",                                    # share of the pixels that are nearly white
    "contrast",                                 # standard deviation of the luma
    "sharpness",                                # of the sharpest edges: see `images/sharpness.py`
    "sharpness_typical",                        # of the median edge
    "entropy",                                  # of the luma, in bits
    "detail",                                   # what is left of the luma without its smooth part and its noise
    "correlation",                              # of neighbouring pixels: 1 smooth, 0 noise
    "colourfulness",                            # Hasler and Suesstrunk 2003, about 0 grey to 100 and more
    "chroma",                                   # how far colours are from grey, 0 none to 0.5
    *_CHANNELS,                                 # means
    "border",                                   # share of the area that is a uniform border
    "border_brightness",                        # of the outer tenth on each side
    *(f"border_{channel}" for channel in _CHANNELS),
)

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)         # ITU-R BT.601, as OpenCV and JPEG have it
_OPPONENTS = np.array([[1, -1, 0], [0.5, 0.5, -1]], np.float32)     # red to green, yellow to blue
_CHROMA = np.array([[0.5, -0.4187, -0.0813], [-0.1687, -0.3313, 0.5]], np.float32)
#: Luma from which a pixel is nearly white, of 255.
_WHITE = 235
#: So many rows and columns at least are enough for how colours vary.
_LINES = 64
#: Share of the pixels that may have more colour than `chroma` says: a date stamped on a grey photograph.
_STAMPED = 0.01


def measure(working: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Measures the working copy of a picture (h, w, 3) RGB; (P,) float32 in the order of `PROPERTIES`."""
    grey = cv2.cvtColor(working, cv2.COLOR_RGB2GRAY)                                    # (h, w)
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel() / np.float32(grey.size)
    levels = np.arange(256, dtype=np.float32)
    percentiles = np.searchsorted(counts.cumsum(), np.array(_PERCENTILES) / 100 - 1e-6)
    mean, deviation = (float(value.item()) for value in cv2.meanStdDev(grey))
    present = counts[counts > 0]
    means = np.array(cv2.mean(working)[:3], np.float32)
    colours = _some_colours(working)                                                    # (3, n)
    inside = within_border(grey)
    values = (
        mean / 255,
        *(levels[percentiles] / 255),
        counts[_WHITE:].sum(),
        deviation / 255,
        *sharpness(grey[inside]),
        abs(float((present * np.log2(present)).sum())),
        _detail(grey) / 255,
        _correlation(grey),
        _colourfulness(colours),
        _chroma(colours) / 255,
        *(means / 255),
        1 - grey[inside].size / grey.size,
        *_ring(working, means),
    )
    return np.array(values, np.float32)


def _some_colours(working: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(3, n) of the pixels: enough for how colours vary."""
    every = max(1, min(working.shape[:2]) // _LINES)
    return np.ascontiguousarray(working[::every, ::every].reshape(-1, 3).T, np.float32)


def _colourfulness(colours: NDArray[np.float32]) -> float:
    """Length of the standard deviations of both opponent colours, and 0.3 of that of their means."""
    opponents = _OPPONENTS @ colours                                                    # (2, n)
    return float(np.linalg.norm(opponents.std(axis=1)) + 0.3 * np.linalg.norm(opponents.mean(axis=1)))


def _chroma(colours: NDArray[np.float32]) -> float:
    """The larger of JPEG's two colour differences, but for the most colourful pixels."""
    far = np.maximum(*np.abs(_CHROMA @ colours))                                        # (n,)
    place = int((1 - _STAMPED) * (len(far) - 1))
    return float(np.partition(far, place)[place])


def _detail(grey: NDArray[np.uint8]) -> float:
    """Standard deviation, in levels, of structure between a sixteenth and a sixty-fourth of the picture's sides."""
    small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    smooth = cv2.resize(cv2.resize(small, (16, 16), interpolation=cv2.INTER_AREA), (64, 64))
    inner = (small - smooth)[4:-4, 4:-4]                                                # without the ends of slopes
    return float(cv2.meanStdDev(inner)[1].item())


def _correlation(grey: NDArray[np.uint8]) -> float:
    """Between each pixel and the next one of its row and of its column; 1 for a constant picture."""
    variance = float(cv2.meanStdDev(grey)[1].item()) ** 2
    if variance == 0:
        return 1.0
    steps = [
        cv2.norm(one, other, cv2.NORM_L2SQR) / one.size
        for one, other in ((grey[1:], grey[:-1]), (grey[:, 1:], grey[:, :-1]))
        if one.size
    ]
    return 1 - float(np.mean(steps)) / (2 * variance)


def _ring(working: NDArray[np.uint8], means: NDArray[np.float32]) -> tuple[Any, ...]:
    """Luma, red, green and blue of the outer tenth of each side, 0 to 1."""
    height, width = working.shape[:2]
    down, across = max(1, height // 10), max(1, width // 10)
    inner = working[down : height - down, across : width - across]
    if inner.size:
        whole, within = height * width, inner.shape[0] * inner.shape[1]
        means = (means * whole - np.array(cv2.mean(inner)[:3], np.float32) * within) / (whole - within)
    ring = np.clip(means / 255, 0, 1)
    return float(ring @ _LUMA), *ring
