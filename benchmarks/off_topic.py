"""Pictures that are in no photograph collection of animals: drawn by programs, each kind in many variants."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.demo.stickers import draw_sticker

Picture = NDArray[np.uint8]
SIDE = 224
_WORDS = ["file", "edit", "view", "total", "invoice", "report", "error", "the", "of", "and", "number", "page", "server"]
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)


def flowers(rng: np.random.Generator) -> Picture:
    """Petals around a centre, before a blurred meadow, with shading."""
    green = rng.integers(30, 160, (14, 14, 3)) * np.array([0.5, 1.0, 0.4])
    picture = cv2.resize(green.astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(1, 7)):
        x, y, size = (int(rng.integers(low, high)) for low, high in ((30, SIDE - 30), (30, SIDE - 30), (16, 80)))
        colour, petals, turn = rng.integers(60, 256, 3), rng.integers(5, 16), rng.uniform(0, 360)
        cv2.line(picture, (x, y), (x + int(rng.integers(-30, 30)), SIDE), (40, 120, 40), 4, cv2.LINE_AA)
        for petal in range(petals):
            angle = turn + 360 * petal / petals
            centre = (int(x + size * 0.6 * np.cos(np.radians(angle))), int(y + size * 0.6 * np.sin(np.radians(angle))))
            for shade in (1.0, 0.85, 0.7):
                axes = (int(size * 0.5 * shade), max(2, int(size * 0.25 * shade)))
                tone = tuple(float(part * (1.45 - 0.45 * shade) / 1.2) for part in colour)
                cv2.ellipse(picture, centre, axes, angle, 0, 360, tone, -1, cv2.LINE_AA)
        cv2.circle(picture, (x, y), size // 4, tuple(int(part) for part in rng.integers(60, 230, 3)), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 1.2)), np.uint8)


def screens(rng: np.random.Generator) -> Picture:
    """Lines of text on a plain ground, with the bar of a window or without."""
    dark = rng.random() < 0.4
    ground, ink = (rng.integers(0, 50, 3), 220) if dark else (rng.integers(225, 256, 3), 30)
    picture = np.broadcast_to(ground.astype(np.uint8), (SIDE, SIDE, 3)).copy()
    scale, y = rng.uniform(0.3, 0.6), int(rng.integers(12, 40))
    if rng.random() < 0.5:
        cv2.rectangle(picture, (0, 0), (SIDE, 14), tuple(int(part) for part in rng.integers(60, 220, 3)), -1)
    font = _FONTS[rng.integers(len(_FONTS))]
    while y < SIDE:
        text = " ".join(rng.choice(_WORDS, rng.integers(2, 9)))
        place = (int(rng.integers(4, 24)), y)
        cv2.putText(picture, text, place, font, scale, (ink,) * 3, 1, cv2.LINE_AA)
        y += int(scale * rng.uniform(32, 42))
    return picture


def charts(rng: np.random.Generator) -> Picture:
    """Bars, lines or a pie, with axes."""
    picture = np.full((SIDE, SIDE, 3), rng.integers(235, 256), np.uint8)
    kind, count = rng.integers(3), int(rng.integers(4, 11))
    colours = [tuple(int(part) for part in row) for row in rng.integers(0, 230, (count, 3))]
    values = rng.integers(20, 170, count)
    if kind == 2:
        ends = np.concatenate([[0], np.cumsum(values) / values.sum() * 360])
        for colour, start, end in zip(colours, ends, ends[1:], strict=False):
            cv2.ellipse(picture, (112, 112), (85, 85), 0, float(start), float(end), colour, -1, cv2.LINE_AA)
    else:
        cv2.line(picture, (25, 10), (25, 200), (0, 0, 0), 1)
        cv2.line(picture, (25, 200), (215, 200), (0, 0, 0), 1)
        xs = np.linspace(35, 195, count).astype(int)
        if kind == 0:
            for x, value, colour in zip(xs, values, colours, strict=True):
                cv2.rectangle(picture, (int(x), 200 - int(value)), (int(x) + 11, 200), colour, -1)
        else:
            for colour in colours[:3]:
                line = np.stack([xs, 200 - rng.integers(20, 180, count)], 1).astype(np.int32)
                cv2.polylines(picture, [line], False, colour, 2, cv2.LINE_AA)
    cv2.putText(picture, "total", (80, 216), _FONTS[0], 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return picture


def textures(rng: np.random.Generator) -> Picture:
    """Noise of several scales, coloured, from a fog to a gravel."""
    grain = int(rng.integers(2, 120))
    noise = rng.integers(0, 256, (grain, grain, 3 if rng.random() < 0.5 else 1)).astype(np.uint8)
    noise = np.broadcast_to(noise, (grain, grain, 3)).copy()
    picture = cv2.resize(noise, (SIDE, SIDE), interpolation=int(rng.choice([cv2.INTER_CUBIC, cv2.INTER_NEAREST])))
    return np.asarray(cv2.addWeighted(picture, 0.7, np.full_like(picture, rng.integers(0, 256)), 0.3, 0), np.uint8)


def comics(rng: np.random.Generator) -> Picture:
    """A flat face with eyes and a mouth."""
    picture = np.broadcast_to(rng.integers(100, 256, 3).astype(np.uint8), (SIDE, SIDE, 3)).copy()
    skin = tuple(int(part) for part in rng.integers(120, 256, 3))
    size, hair = int(rng.integers(50, 90)), tuple(int(part) for part in rng.integers(0, 200, 3))
    cv2.circle(picture, (112, 100), size + 8, hair, -1, cv2.LINE_AA)
    cv2.ellipse(picture, (112, 118), (size - 6, size), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for side in (-1, 1):
        eye = (112 + side * size // 3, 105)
        cv2.circle(picture, eye, size // 6, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, eye, size // 12, (20, 20, 20), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (112, 138), (size // 3, size // 5), 0, 0, int(rng.choice([180, 360])), (40, 40, 160), 3)
    return picture


def maps(rng: np.random.Generator) -> Picture:
    """Land and water, roads and names."""
    field = cv2.resize(rng.random((7, 7)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    picture = np.where((field > 0.5)[..., None], np.array([235, 230, 210]), np.array([170, 205, 235])).astype(np.uint8)
    for width, colour in ((3, (250, 210, 90)), (2, (255, 255, 255)), (2, (200, 200, 190))):
        for _ in range(rng.integers(2, 7)):
            walk = np.cumsum(rng.normal(0, 16, (20, 2)), 0) + rng.integers(20, 200, 2)
            cv2.polylines(picture, [walk.astype(np.int32)], False, colour, width, cv2.LINE_AA)
    for _ in range(rng.integers(2, 6)):
        place = tuple(int(part) for part in rng.integers(10, 180, 2))
        cv2.putText(picture, str(rng.choice(_WORDS)).title(), place, _FONTS[0], 0.4, (60, 60, 60), 1, cv2.LINE_AA)
    return picture


def radiographs(rng: np.random.Generator) -> Picture:
    """Light bones and ribs on black, blurred and grainy."""
    picture = np.zeros((SIDE, SIDE), np.float32)
    cv2.ellipse(picture, (112, 120), (int(rng.integers(70, 100)), 105), 0, 0, 360, 60, -1)
    for side in (-1, 1):
        cv2.ellipse(picture, (112 + side * 42, 120), (30, int(rng.integers(55, 80))), 0, 0, 360, 25, -1)
        for rib in range(int(rng.integers(6, 10))):
            cv2.ellipse(picture, (112 + side * 40, 50 + rib * 18), (44, 14), side * 20, 180, 360, 130, 4)
    cv2.line(picture, (112, 10), (112 + int(rng.integers(-9, 9)), 215), 170, int(rng.integers(10, 18)))
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(2, 4)) + rng.normal(0, rng.uniform(2, 8), picture.shape)
    return np.repeat(np.clip(picture * rng.uniform(0.9, 1.4), 0, 255).astype(np.uint8)[..., None], 3, 2)


def stickers(rng: np.random.Generator) -> Picture:
    """The cats and dogs of `auditor demo`."""
    return draw_sticker(("cat", "dog")[rng.integers(2)], rng, SIDE)


def plans(rng: np.random.Generator) -> Picture:
    """Thin lines and boxes of a blueprint or a circuit."""
    blue = rng.random() < 0.5
    ground, ink = ((150, 60, 20)[::-1], (240, 240, 255)) if blue else ((250, 250, 250), (30, 30, 30))
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    for _ in range(rng.integers(5, 16)):
        x, y, width, height = (int(part) for part in (*rng.integers(5, 180, 2), *rng.integers(12, 90, 2)))
        cv2.rectangle(picture, (x, y), (x + width, y + height), ink, 1, cv2.LINE_AA)
        end = tuple(int(part) for part in rng.integers(0, SIDE, 2))
        cv2.line(picture, (x, y), (end[0], y), ink, 1, cv2.LINE_AA)
        cv2.line(picture, (end[0], y), end, ink, 1, cv2.LINE_AA)
        cv2.circle(picture, end, int(rng.integers(2, 12)), ink, 1, cv2.LINE_AA)
    return picture


def codes(rng: np.random.Generator) -> Picture:
    """Black squares or bars, as codes that a machine reads."""
    cells = int(rng.integers(17, 45))
    grid = rng.integers(0, 2, (1 if rng.random() < 0.4 else cells, cells)) * 255
    code = cv2.resize(grid.astype(np.uint8), (170, 170), interpolation=cv2.INTER_NEAREST)
    picture = np.full((SIDE, SIDE), 255, np.uint8)
    picture[27:197, 27:197] = code
    return np.repeat(picture[..., None], 3, 2)


def landscapes(rng: np.random.Generator) -> Picture:
    """A sky with a sun above hills, painted, with the grain of a photograph."""
    rows = np.linspace(0, 1, SIDE)[:, None, None]
    picture = (1 - rows) * rng.integers(60, 200, 3) + rows * rng.integers(150, 256, 3)
    picture = np.broadcast_to(picture, (SIDE, SIDE, 3)).copy().astype(np.float32)
    sun = (int(rng.integers(20, 200)), int(rng.integers(20, 90)))
    cv2.circle(picture, sun, int(rng.integers(8, 26)), (255, 240, 190), -1)
    x = np.arange(SIDE)
    for depth in range(int(rng.integers(2, 6))):
        height = 90 + depth * 25 + 18 * np.sin(x / rng.uniform(12, 60) + rng.uniform(0, 6)) + rng.normal(0, 1.5, SIDE)
        colour = rng.integers(20, 150, 3) * (0.6 + 0.1 * depth)
        picture[np.arange(SIDE)[:, None] > height[None]] = colour
    picture += cv2.GaussianBlur(rng.normal(0, 26, picture.shape).astype(np.float32), (0, 0), 1)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def cells(rng: np.random.Generator) -> Picture:
    """Round cells with dark kernels, as under a microscope."""
    ground = rng.integers(190, 245, 3).astype(np.float32)
    picture = np.broadcast_to(ground, (SIDE, SIDE, 3)).copy()
    body, kernel = ground * rng.uniform(0.7, 0.9, 3), rng.integers(40, 130, 3).astype(float)
    for _ in range(rng.integers(10, 60)):
        centre = tuple(int(part) for part in rng.integers(0, SIDE, 2))
        size, angle = int(rng.integers(8, 26)), float(rng.uniform(0, 180))
        cv2.ellipse(picture, centre, (size, int(size * 0.8)), angle, 0, 360, body.tolist(), -1, cv2.LINE_AA)
        cv2.ellipse(picture, centre, (size // 3, size // 4), angle, 0, 360, kernel.tolist(), -1, cv2.LINE_AA)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 2.0)) + rng.normal(0, 3, picture.shape)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


#: What the limits of the rule were looked at with, and what was only measured at the end.
LOOKED_AT: tuple[Callable[[np.random.Generator], Picture], ...] = (flowers, screens, charts, textures, comics)
HELD_OUT: tuple[Callable[[np.random.Generator], Picture], ...] = (
    maps, radiographs, stickers, plans, codes, landscapes, cells,
)  # fmt: skip
