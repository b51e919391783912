"""Scenes behind a sticker. Both species share one distribution, so that no background shows the label."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.demo.pen import SUBPIXEL, Colour, fixed, mix, oval

Pixels = NDArray[np.uint8]  # (S, S, 3) RGB
PASTELS: tuple[Colour, ...] = (
    (255, 214, 214),
    (255, 231, 196),
    (255, 247, 200),
    (214, 240, 208),
    (200, 238, 232),
    (204, 228, 252),
    (222, 214, 250),
    (250, 216, 240),
    (246, 150, 140),
    (250, 200, 110),
    (130, 200, 180),
    (120, 180, 230),
    (170, 150, 220),
    (240, 160, 196),
    (150, 206, 130),
    (240, 234, 222),
)


def pick(rng: np.random.Generator) -> Colour:
    """One background colour, changed a little at random."""
    r, g, b = (
        int(v) for v in np.clip(np.array(PASTELS[rng.integers(len(PASTELS))]) + rng.integers(-12, 13, 3), 0, 255)
    )
    return r, g, b


def plain(side: int, rng: np.random.Generator) -> Pixels:
    """One colour."""
    return np.full((side, side, 3), pick(rng), dtype=np.uint8)


def gradient(side: int, rng: np.random.Generator) -> Pixels:
    """Four corner colours, two of them alike, blended."""
    first, second = pick(rng), pick(rng)
    corners = np.array([[first, mix(first, second, 0.5)], [mix(first, second, 0.6), second]], dtype=np.uint8)
    return _grow(corners, side)


def dots(side: int, rng: np.random.Generator) -> Pixels:
    """Polka dots in offset rows."""
    canvas, colour = _two(side, rng)
    step = side / float(rng.uniform(5, 11))
    radius = step * float(rng.uniform(0.16, 0.3))
    for row in range(int(side / step * 1.2) + 3):
        for column in range(int(side / step) + 3):
            x, y = (column - 0.5 * (row % 2)) * step, row * step * 0.87
            _disc(canvas, x, y, radius, colour)
    return canvas


def stripes(side: int, rng: np.random.Generator) -> Pixels:
    """Stripes of one width at some angle."""
    canvas, colour = _two(side, rng)
    angle, step = np.radians(rng.choice([0, 30, 45, 90, 135, 150])), side / float(rng.uniform(5, 12))
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    for i in np.arange(-side, side, step):
        start = np.array([side / 2, side / 2]) + across * i
        band = np.array(
            [
                start - along * side,
                start + along * side,
                start + along * side + across * step / 2,
                start - along * side + across * step / 2,
            ]
        )
        _polygon(canvas, band, colour)
    return canvas


def checker(side: int, rng: np.random.Generator) -> Pixels:
    """A gingham cloth or a checker board."""
    canvas, colour = _two(side, rng)
    count = int(rng.integers(5, 10))
    cells = np.add.outer(np.arange(count), np.arange(count)) % 2
    return _pick_cells(canvas, colour, cells.astype(bool), side)


def paper(side: int, rng: np.random.Generator) -> Pixels:
    """Craft paper: fibres and slow blotches around one pale colour."""
    base = mix(pick(rng), (246, 238, 222), 0.6)
    slow = cv2.resize(rng.normal(0, 5, (9, 9)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, 4, (side, side)).astype(np.float32)
    shades = np.array(base, dtype=np.float32) + (slow + fine)[..., None]
    return np.asarray(np.clip(shades, 0, 255), dtype=np.uint8)


def confetti(side: int, rng: np.random.Generator) -> Pixels:
    """Scraps of paper on one colour."""
    canvas = plain(side, rng)
    for _ in range(int(rng.integers(40, 80))):
        x, y, turn = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0, 360)
        colour = mix(pick(rng), (230, 60, 110), 0.25)
        if rng.random() < 0.5:
            _disc(canvas, float(x), float(y), side / 70, colour)
        else:
            _polygon(canvas, oval(float(x), float(y), side / 45, side / 110, float(turn)), colour)
    return canvas


def meadow(side: int, rng: np.random.Generator) -> Pixels:
    """Sky, clouds, perhaps a sun, hills and blades of grass."""
    sky = np.array([[(120, 190, 240)], [(214, 240, 252)]], dtype=np.uint8)
    canvas = _grow(sky, side)
    if rng.random() < 0.6:
        _disc(canvas, float(rng.choice([0.15, 0.85])) * side, 0.15 * side, side * 0.08, (255, 226, 110))
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0.1, 0.9) * side, rng.uniform(0.06, 0.32) * side
        for dx, size in ((-0.06, 0.035), (0, 0.055), (0.07, 0.04)):
            _polygon(canvas, oval(float(x + dx * side), float(y), size * side * 1.3, size * side), (255, 255, 255))
    horizon = float(rng.uniform(0.58, 0.75)) * side
    green = mix((112, 184, 92), pick(rng), float(rng.uniform(0, 0.3)))
    _polygon(
        canvas,
        oval(side * float(rng.uniform(0.1, 0.3)), side * 1.15, side * 0.8, side * 1.15 - horizon + side * 0.05),
        mix(green, (60, 130, 90), 0.3),
    )
    _polygon(canvas, oval(side * 0.75, side * 1.25, side * 1.1, side * 1.25 - horizon), green)
    for _ in range(40):
        x, y = float(rng.uniform(0, side)), float(rng.uniform(horizon + side * 0.12, side))
        blade = np.array(
            [(x - side / 160, y), (x + side / 160, y), (x + side * float(rng.uniform(-0.012, 0.012)), y - side * 0.035)]
        )
        _polygon(canvas, blade, mix(green, (40, 100, 60), 0.45))
    return canvas


def night(side: int, rng: np.random.Generator) -> Pixels:
    """Stars and a moon; the sky is bright enough not to be a dark photo."""
    top, low = mix((66, 72, 138), pick(rng), 0.15), mix((142, 120, 190), pick(rng), 0.25)
    canvas = _grow(np.array([[top], [low]], dtype=np.uint8), side)
    for _ in range(int(rng.integers(25, 50))):
        _disc(
            canvas,
            float(rng.uniform(0, side)),
            float(rng.uniform(0, side)),
            side * float(rng.uniform(0.003, 0.009)),
            (255, 246, 206),
        )
    x, y, r = float(rng.choice([0.16, 0.84])) * side, 0.16 * side, 0.09 * side
    _disc(canvas, x, y, r, (255, 240, 190))
    if rng.random() < 0.6:
        _disc(canvas, x + r * 0.5, y - r * 0.2, r * 0.85, top)
    return canvas


def bokeh(side: int, rng: np.random.Generator) -> Pixels:
    """A blurred room with sensor noise, as in a photo."""
    blobs = np.array([pick(rng) for _ in range(25)], dtype=np.float32).reshape(5, 5, 3)
    scene = cv2.resize(blobs * float(rng.uniform(0.6, 0.9)), (side, side), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, 8, (side, side)).astype(np.float32)
    canvas: Pixels = np.clip(scene + grain[..., None], 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(4, 10))):
        layer = canvas.copy()
        _disc(
            layer,
            float(rng.uniform(0, side)),
            float(rng.uniform(0, side)),
            side * float(rng.uniform(0.03, 0.09)),
            (255, 244, 220),
        )
        canvas = np.asarray(cv2.addWeighted(layer, 0.3, canvas, 0.7, 0), dtype=np.uint8)
    return canvas


def rays(side: int, rng: np.random.Generator) -> Pixels:
    """A sunburst, as in a comic."""
    canvas, colour = _two(side, rng)
    count, middle, turn = int(rng.integers(8, 15)), side / 2, float(rng.uniform(0, 1))
    for i in range(count):
        a, b = (2 * np.pi * (i + turn + w) / count for w in (0.0, 0.5))
        edge = [(middle + side * np.cos(t), middle + side * np.sin(t)) for t in (a, b)]
        _polygon(canvas, np.array([(middle, middle), *edge]), colour)
    return canvas


BACKGROUNDS: dict[str, Callable[[int, np.random.Generator], Pixels]] = {
    "plain": plain,
    "gradient": gradient,
    "dots": dots,
    "stripes": stripes,
    "checker": checker,
    "paper": paper,
    "confetti": confetti,
    "meadow": meadow,
    "night": night,
    "bokeh": bokeh,
    "rays": rays,
}


def _two(side: int, rng: np.random.Generator) -> tuple[Pixels, Colour]:
    base = pick(rng)
    return np.full((side, side, 3), base, dtype=np.uint8), mix(
        base, (255, 255, 255) if rng.random() < 0.6 else pick(rng), 0.5
    )


def _grow(small: Pixels, side: int) -> Pixels:
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _pick_cells(canvas: Pixels, colour: Colour, cells: NDArray[np.bool_], side: int) -> Pixels:
    mask = cv2.resize(cells.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    canvas[mask > 0] = colour
    return canvas


def _disc(canvas: Pixels, x: float, y: float, radius: float, colour: Colour) -> None:
    one = 1 << SUBPIXEL
    cv2.circle(canvas, (round(x * one), round(y * one)), round(radius * one), colour, -1, cv2.LINE_AA, SUBPIXEL)


def _polygon(canvas: Pixels, points: NDArray[np.float64], colour: Colour) -> None:
    cv2.fillPoly(canvas, [fixed(points)], colour, cv2.LINE_AA, SUBPIXEL)
