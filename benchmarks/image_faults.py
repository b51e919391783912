"""Faults of pictures to plant, several members of each kind: for `image_quality.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Spoil = Callable[[Pixels, np.random.Generator], Pixels]


@dataclass(frozen=True)
class FaultKind:
    """One way to spoil a picture.

    Attributes:
        rule: That is meant to find it.
        spoil: (H, W, 3) RGB -> the same spoilt.
        quality: Of the JPEG that it is stored as.
    """

    rule: str
    spoil: Spoil
    quality: int = 90


def _clipped(values: NDArray[np.floating[Any]]) -> Pixels:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def gaussian(sigma: float) -> Spoil:
    """Gaussian blur, in pixels."""
    return lambda pixels, _: cv2.GaussianBlur(pixels, (0, 0), sigma)


def _convolved(pixels: Pixels, kernel: NDArray[np.float32]) -> Pixels:
    convolved: Pixels = cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    return convolved


def motion(length: int) -> Spoil:
    """A line of so many pixels in any direction."""

    def spoil(pixels: Pixels, rng: np.random.Generator) -> Pixels:
        angle, side, scale = rng.uniform(0, np.pi), 2 * length + 1, 16                  # drawn 16 times as fine
        reach = (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
        first, last = (np.round(scale * (length + 0.5 + sign * reach)).astype(int).tolist() for sign in (-1, 1))
        fine = cv2.line(np.zeros((side * scale, side * scale), np.float32), first, last, 1.0, scale)
        return _convolved(pixels, cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA))

    return spoil


def out_of_focus(radius: float) -> Spoil:
    """A disc."""
    places = np.arange(-int(radius) - 1, int(radius) + 2)
    kernel = np.clip(radius + 0.5 - np.hypot(*np.meshgrid(places, places)), 0, 1).astype(np.float32)
    return lambda pixels, _: _convolved(pixels, kernel)


def enlarged(factor: int, how: int) -> Spoil:
    """Shrunk by a factor and enlarged again."""

    def spoil(pixels: Pixels, _: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        small = cv2.resize(pixels, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
        large: Pixels = cv2.resize(small, (width, height), interpolation=how)
        return large

    return spoil


def faded(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Blurred, and with little contrast."""
    return _clipped(128 + 0.4 * (cv2.GaussianBlur(pixels, (0, 0), 3).astype(np.float64) - 128))


def grainy(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Blurred, and with the noise of a sensor."""
    return _clipped(cv2.GaussianBlur(pixels, (0, 0), 3) + rng.normal(0, 5, pixels.shape))


def scaled(factor: float) -> Spoil:
    """Brightness times a factor."""
    return lambda pixels, _: _clipped(pixels.astype(np.float64) * factor)


def gamma(exponent: float) -> Spoil:
    """Brightness to a power."""
    return lambda pixels, _: _clipped(255 * (pixels / 255) ** exponent)


def washed_out(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """A quarter of the contrast, all of it light."""
    return _clipped(255 - 0.25 * (255.0 - pixels))


def constant(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One colour."""
    return np.broadcast_to(rng.integers(0, 256, 3).astype(np.uint8), pixels.shape).copy()


def nearly_constant(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One colour, with noise."""
    return _clipped(rng.uniform(20, 235, 3) + rng.normal(0, 3, pixels.shape))


def gradient(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """From one colour to another, in any direction."""
    height, width = pixels.shape[:2]
    angle, (first, second) = rng.uniform(0, 2 * np.pi), rng.uniform(0, 255, (2, 3))
    rows, columns = np.mgrid[0:1:height * 1j, 0:1:width * 1j]
    way = np.cos(angle) * columns + np.sin(angle) * rows
    way = (way - way.min()) / np.ptp(way)
    return _clipped(first + (second - first) * way[..., None])


def static_noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The noise of a screen without a signal."""
    grey = rng.integers(0, 256, pixels.shape[:2]).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def resized(factor: float) -> Spoil:
    """Another size."""
    return lambda pixels, _: cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def larger(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Enlarged as by an ordinary program."""
    enlarged: Pixels = cv2.resize(pixels, None, fx=1.6, fy=1.6, interpolation=cv2.INTER_CUBIC)
    return enlarged


def strip(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A fifth to a third as high, or as wide."""
    share = rng.uniform(0.2, 0.33)
    side = min(pixels.shape[:2])
    square = pixels[:side, :side]
    cut = square[: max(1, int(side * share))]
    return np.ascontiguousarray(cut if rng.random() < 0.5 else cut.transpose(1, 0, 2))


def grey(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Without colour, stored as RGB."""
    coloured: Pixels = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return coloured


KINDS: Mapping[str, FaultKind] = {
    "Gaussian, 3 px": FaultKind("blurry", gaussian(3)),
    "Gaussian, 3 px, JPEG 40": FaultKind("blurry", gaussian(3), 40),
    "Gaussian, 3 px, noise 5": FaultKind("blurry", grainy),
    "Gaussian, 3 px, contrast x 0.4": FaultKind("blurry", faded),
    "motion, 9 px": FaultKind("blurry", motion(9)),
    "motion, 15 px, JPEG 50": FaultKind("blurry", motion(15), 50),
    "out of focus, 4 px": FaultKind("blurry", out_of_focus(4)),
    "a quarter enlarged, linear": FaultKind("blurry", enlarged(4, cv2.INTER_LINEAR)),
    "a quarter enlarged, Lanczos": FaultKind("blurry", enlarged(4, cv2.INTER_LANCZOS4)),
    "brightness x 0.2": FaultKind("dark", scaled(0.2)),
    "brightness x 0.05": FaultKind("dark", scaled(0.05)),
    "gamma 3": FaultKind("dark", gamma(3)),
    "brightness x 3": FaultKind("bright", scaled(3)),
    "gamma 0.3": FaultKind("bright", gamma(0.3)),
    "washed out": FaultKind("bright", washed_out),
    "one colour": FaultKind("low_information", constant),
    "one colour and noise": FaultKind("low_information", nearly_constant),
    "gradient": FaultKind("low_information", gradient),
    "static noise": FaultKind("low_information", static_noise),
    "thumbnail, a quarter": FaultKind("odd_size", resized(0.25)),
    "four times as large": FaultKind("odd_size", resized(4)),
    "strip": FaultKind("odd_aspect_ratio", strip),
    "grey as RGB": FaultKind("grayscale", grey),
    "grey as RGB, JPEG 50": FaultKind("grayscale", grey, 50),
}

#: Pictures without a fault: what else may happen to a whole data set, and the quality of its JPEGs.
CLEAN: Mapping[str, tuple[Spoil, int]] = {
    "as they are": (lambda pixels, _: pixels, 95),
    "JPEG 40": (lambda pixels, _: pixels, 40),
    "enlarged 1.6 times": (larger, 90),
    "half size": (resized(0.5), 90),
    "noise 10": (lambda pixels, rng: _clipped(pixels + rng.normal(0, 10, pixels.shape)), 90),
    "contrast x 0.4": (lambda pixels, _: _clipped(128 + 0.4 * (pixels.astype(np.float64) - 128)), 90),
}
