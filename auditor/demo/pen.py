"""A small vector pen over OpenCV: shapes in the drawing's own units, anti-aliased, on a transparent layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = tuple[int, int, int]
Points = NDArray[np.float64]  # (N, 2) x to the right, y down

SUBPIXEL = 4  # fractional bits of the coordinates handed to OpenCV


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blends two RGB colours; `share` in [0, 1] is how much of the second."""
    r, g, b = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return r, g, b


def luminance(colour: Colour) -> float:
    """Rec. 601 luma of an RGB colour, 0 to 255."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


@cache
def _catmull_rom(steps: int) -> Points:
    """(steps, 4) weights of the four points around a segment of the spline, along it."""
    t = np.linspace(0, 1, steps, endpoint=False)
    powers = np.stack([t**0, t, t**2, t**3], axis=1)
    basis = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
    return np.asarray(powers @ basis, dtype=np.float64)


@cache
def _unit_arc(start: float, end: float) -> Points:
    """(37, 2) points of the unit circle between two angles in degrees."""
    t = np.radians(np.linspace(start, end, 37))
    return np.stack([np.cos(t), np.sin(t)], axis=1)


def smooth(points: ArrayLike, closed: bool = True, steps: int = 8) -> Points:
    """Catmull-Rom spline through (N, 2) points; (N * steps, 2) closed, ((N - 1) * steps + 1, 2) open."""
    knots = np.asarray(points, dtype=np.float64)
    padded = (
        np.vstack([knots[-1:], knots, knots[:2]])
        if closed
        else np.vstack([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    )
    windows = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], axis=1)  # (S, 4, 2)
    flat = (_catmull_rom(steps) @ windows).reshape(-1, 2)  # (S * steps, 2)
    return flat if closed else np.vstack([flat, knots[-1:]])


def oval(
    x: float, y: float, rx: float, ry: float, angle: float = 0.0, start: float = 0.0, end: float = 360.0
) -> Points:
    """Ellipse (37, 2) around (x, y), turned by `angle` degrees, or its arc from `start` to `end` degrees."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned = _unit_arc(start, end) @ np.array([[rx * c, rx * s], [-ry * s, ry * c]])
    return np.asarray(turned + np.array([x, y]), dtype=np.float64)


@dataclass(frozen=True)
class Outline:
    """How outlines are drawn.

    Attributes:
        width: Outline width in pixels of the layer.
        colour: Outline colour; None takes a darker tone of the shape under it.
        tone: How much darker that tone is, in [0, 1].
        sketchy: Whether it is drawn twice, with small random offsets.
    """

    width: float
    colour: Colour | None
    tone: float = 0.32
    sketchy: bool = False

    def around(self, body: Colour) -> Colour:
        """The outline's colour on a shape of colour `body`."""
        return self.colour or mix(body, (30, 15, 20), self.tone)


@dataclass
class Transparency:
    """A premultiplied RGBA picture, and strokes that go above everything else.

    Attributes:
        pixels: (S, S, 4) uint8. Starting from zero, OpenCV's anti-aliasing leaves exactly colour times coverage.
        above: Strokes (points in pixels, colour, width) over the die-cut border, such as whiskers.
    """

    pixels: NDArray[np.uint8]
    above: list[tuple[Points, Colour, float]] = field(default_factory=list)


class Pen:
    """Draws on a layer through a (3, 3) affine map from the drawing's units to pixels."""

    def __init__(self, layer: Transparency, matrix: Points, line: Outline, rng: np.random.Generator) -> None:
        self.layer, self.matrix, self.line, self.rng = layer, matrix, line, rng

    def at(self, x: float, y: float, scale: float = 1.0, angle: float = 0.0, flip: bool = False) -> "Pen":
        """A pen on the same layer whose origin lies at (x, y), scaled, turned by `angle` degrees, mirrored."""
        c, s = np.cos(np.radians(angle)) * scale, np.sin(np.radians(angle)) * scale
        m = -1.0 if flip else 1.0
        local = np.array([[c * m, -s, x], [s * m, c, y], [0, 0, 1]])
        return Pen(self.layer, self.matrix @ local, self.line, self.rng)

    def to_pixels(self, points: Points) -> Points:
        """(N, 2) in the drawing's units to (N, 2) in pixels."""
        return points @ self.matrix[:2, :2].T + self.matrix[:2, 2]

    def fill(self, points: Points, colour: Colour) -> None:
        """Fills a closed shape, without an outline."""
        cv2.fillPoly(self.layer.pixels, [fixed(self.to_pixels(points))], (*colour, 255), cv2.LINE_AA, SUBPIXEL)

    def stroke(self, points: Points, colour: Colour, width: float, closed: bool = False) -> None:
        """Draws a line of `width` pixels; the layer's scale does not change it."""
        pixels = self.to_pixels(points)
        passes = 2 if self.line.sketchy else 1
        for _ in range(passes):
            shaken = pixels + self.tremble(len(pixels), closed) if self.line.sketchy else pixels
            thickness = max(1, round(width))
            cv2.polylines(self.layer.pixels, [fixed(shaken)], closed, (*colour, 255), thickness, cv2.LINE_AA, SUBPIXEL)

    def tremble(self, count: int, closed: bool) -> Points:
        """(count, 2) slow random offsets in pixels, as of a line drawn by hand."""
        knots = self.rng.normal(0, 1.7, (max(4, count // 9), 2))
        track = smooth(knots, closed=True, steps=16)
        index = np.linspace(0, len(track) - 1, count).astype(int)
        if closed:
            index[-1] = 0
        return np.asarray(track[index], dtype=np.float64)

    def outline(self, points: Points, body: Colour, closed: bool = True) -> None:
        """Draws the edge of a shape of colour `body` in the sticker's line style."""
        self.stroke(points, self.line.around(body), self.line.width, closed)

    def shape(self, points: Points, colour: Colour) -> None:
        """Fills and outlines a closed shape."""
        self.fill(points, colour)
        self.outline(points, colour)

    def shaded(self, points: Points, colour: Colour, depth: float = 0.1) -> None:
        """Fills a shape with a crescent of shade along its lower edge, `depth` units high. No outline."""
        self.fill(points, mix(colour, (40, 15, 50), 0.2))
        with self.clip(points):
            self.fill(points - [0.35 * depth, depth], colour)

    def tube(self, centres: Points, radii: ArrayLike, colour: Colour, outlined: bool = True) -> None:
        """Fills a limb or tail along (N, 2) centres with (N,) or one radius; it may cross itself."""
        pixels = self.to_pixels(centres)
        scale = float(np.sqrt(abs(np.linalg.det(self.matrix[:2, :2]))))
        widths = np.broadcast_to(np.asarray(radii, dtype=np.float64), len(pixels)) * scale
        if outlined:
            self._beads(pixels, widths + self.line.width / 2, self.line.around(colour))
            widths = widths - self.line.width / 2
        self._beads(pixels, widths, colour)

    def _beads(self, pixels: Points, radii: NDArray[np.float64], colour: Colour) -> None:
        one = 1 << SUBPIXEL
        for (x, y), radius in zip(pixels, np.maximum(radii, 1.0), strict=True):
            centre = (round(x * one), round(y * one))
            cv2.circle(self.layer.pixels, centre, round(radius * one), (*colour, 255), -1, cv2.LINE_AA, SUBPIXEL)

    @contextmanager
    def clip(self, points: Points) -> Iterator[None]:
        """What is drawn in the `with` block is visible only inside the shape."""
        before = self.layer.pixels.copy()
        yield
        inside = np.zeros(before.shape[:2], dtype=np.uint8)
        cv2.fillPoly(inside, [fixed(self.to_pixels(points))], 255, cv2.LINE_AA, SUBPIXEL)
        # Only whole pixels: those on the edge keep their anti-aliasing.
        cv2.threshold(inside, 254, 255, cv2.THRESH_BINARY, dst=inside)
        cv2.copyTo(self.layer.pixels, inside, before)
        self.layer.pixels[...] = before

    def tint(self, points: Points, colour: Colour, opacity: float) -> None:
        """Fills a shape with a see-through colour."""
        before = self.layer.pixels.copy()
        self.fill(points, colour)
        cv2.addWeighted(self.layer.pixels, opacity, before, 1 - opacity, 0, dst=self.layer.pixels)

    def above(self, points: Points, colour: Colour, width: float) -> None:
        """Draws a line later, above the die-cut border and outside its shape."""
        self.layer.above.append((self.to_pixels(points), colour, width))


def fixed(points: Points) -> NDArray[np.int32]:
    """(N, 2) pixels to OpenCV's fixed point."""
    return np.rint(points * (1 << SUBPIXEL)).astype(np.int32)
