"""What both species wear: bow ties, collars, scarves, glasses, hats. Drawn in the head's units."""

from dataclasses import dataclass

import numpy as np

from auditor.demo.coats import INK, Species
from auditor.demo.pen import Colour, Pen, Points, mix, oval, smooth

CLOTH: tuple[Colour, ...] = (
    (226, 76, 84),
    (64, 132, 206),
    (250, 190, 60),
    (90, 176, 120),
    (168, 110, 200),
    (244, 130, 170),
    (60, 186, 186),
    (246, 138, 66),
)
NECK = ("none", "none", "none", "collar", "bow tie", "scarf", "bandana")
HEADWEAR = ("none", "none", "none", "none", "party hat", "beanie", "crown", "flower", "bow", "beret")
TALL_HATS = ("party hat", "beanie", "crown")


@dataclass(frozen=True)
class Outfit:
    """What an animal wears: around the neck, on the head, glasses or not, and in which two colours."""

    neck: str
    hat: str
    glasses: bool
    cloth: Colour
    trim: Colour


def draw_outfit(rng: np.random.Generator) -> Outfit:
    """Draws an outfit from the same distribution for every species."""
    first, second = rng.choice(len(CLOTH), 2, replace=False)
    return Outfit(
        str(rng.choice(NECK)), str(rng.choice(HEADWEAR)), bool(rng.random() < 0.12), CLOTH[first], CLOTH[second]
    )


def under_head(pen: Pen, outfit: Outfit) -> None:
    """Collar, scarf or bandana; the chin covers a part of it."""
    if outfit.neck == "collar":
        pen.shape(smooth([(-0.66, 0.62), (0, 0.9), (0.66, 0.62), (0.64, 0.92), (0, 1.2), (-0.64, 0.92)]), outfit.cloth)
        pen.shape(oval(0, 1.28, 0.16, 0.16), (250, 206, 80))
    elif outfit.neck == "scarf":
        tail = smooth([(0.28, 0.85), (0.66, 0.9), (0.74, 1.5), (0.36, 1.55)])
        pen.shape(tail, mix(outfit.cloth, INK, 0.12))
        wrap = smooth([(-0.86, 0.6), (0, 0.86), (0.86, 0.6), (0.84, 0.98), (0, 1.24), (-0.84, 0.98)])
        pen.fill(wrap, outfit.cloth)
        with pen.clip(wrap):
            for x in np.arange(-0.8, 0.9, 0.32):
                pen.fill(np.array([(x, 0.5), (x + 0.12, 0.5), (x + 0.2, 1.3), (x + 0.08, 1.3)]), outfit.trim)
        pen.outline(wrap, outfit.cloth)
    elif outfit.neck == "bandana":
        cloth = smooth([(-0.7, 0.62), (0, 0.8), (0.7, 0.62), (0.6, 0.9), (0.1, 1.42), (-0.1, 1.42), (-0.6, 0.9)])
        pen.fill(cloth, outfit.cloth)
        with pen.clip(cloth):
            for x, y in ((-0.4, 0.9), (0.4, 0.9), (0, 1.0), (-0.2, 1.18), (0.2, 1.18), (0, 1.36)):
                pen.fill(oval(x, y, 0.06, 0.06), (255, 255, 255))
        pen.outline(cloth, outfit.cloth)


def over_head(pen: Pen, outfit: Outfit, species: Species) -> None:
    """Bow tie, glasses and hat. The species only decides where the eyes and the top of the head are."""
    if outfit.neck == "bow tie":
        _bow(pen.at(0, 1.12), outfit.cloth, 0.42)
    if outfit.glasses:
        spread, height = (0.46, -0.03) if species == "cat" else (0.4, -0.15)
        for side in (-1, 1):
            pen.stroke(oval(side * spread, height, 0.36, 0.36), outfit.cloth, 8, closed=True)
        pen.stroke(np.array([(-spread + 0.36, height), (spread - 0.36, height)]), outfit.cloth, 8)
    if outfit.hat != "none":
        _hat(pen.at(0, -0.84 if species == "cat" else -0.88), outfit)


def _bow(pen: Pen, colour: Colour, size: float) -> None:
    for flip in (False, True):
        wing = pen.at(0, 0, size, flip=flip)
        wing.shape(smooth([(0, -0.15), (0.75, -0.6), (1.1, -0.5), (1.15, 0.5), (0.75, 0.6), (0, 0.15)]), colour)
        wing.stroke(np.array([(0.3, 0.0), (0.62, -0.12)]), mix(colour, INK, 0.4), 4)
    pen.shape(oval(0, 0, 0.3 * size, 0.34 * size), mix(colour, INK, 0.18))


def _hat(pen: Pen, outfit: Outfit) -> None:
    cloth, trim = outfit.cloth, outfit.trim
    if outfit.hat == "party hat":
        cone = np.array([(-0.36, 0.1), (0.36, 0.1), (0.03, -0.78), (-0.03, -0.78)])
        pen.fill(cone, cloth)
        with pen.clip(cone):
            for y in (-0.6, -0.3, 0.0):
                pen.fill(np.array([(-0.5, y + 0.12), (0.5, y - 0.08), (0.5, y + 0.04), (-0.5, y + 0.24)]), trim)
        pen.outline(cone, cloth)
        pen.shape(oval(0, -0.8, 0.13, 0.13), (255, 250, 240))
    elif outfit.hat == "beanie":
        dome = smooth([(-0.5, 0.1), (-0.46, -0.25), (0, -0.52), (0.46, -0.25), (0.5, 0.1), (0, 0.04)])
        pen.shaded(dome, cloth, 0.05)
        pen.outline(dome, cloth)
        pen.shape(smooth([(-0.56, 0.02), (0, -0.08), (0.56, 0.02), (0.56, 0.22), (0, 0.12), (-0.56, 0.22)]), trim)
        pen.shape(oval(0, -0.54, 0.14, 0.14), trim)
    elif outfit.hat == "crown":
        gold: Colour = (250, 200, 66)
        pen.shape(
            np.array(
                [(-0.42, 0.14), (-0.48, -0.36), (-0.22, -0.12), (0, -0.46), (0.22, -0.12), (0.48, -0.36), (0.42, 0.14)]
            ),
            gold,
        )
        for x in (-0.24, 0.0, 0.24):
            pen.fill(oval(x, 0.0, 0.06, 0.06), cloth)
    elif outfit.hat == "flower":
        flower = pen.at(0.42, 0.06)
        for angle in range(0, 360, 72):
            petal = (0.19 * np.cos(np.radians(angle)), 0.19 * np.sin(np.radians(angle)))
            flower.shape(oval(*petal, 0.16, 0.16), cloth)
        flower.fill(oval(0, 0, 0.12, 0.12), (255, 222, 96))
    elif outfit.hat == "bow":
        _bow(pen.at(0.4, 0.04, angle=18), cloth, 0.34)
    elif outfit.hat == "beret":
        pen.shape(smooth([(-0.56, 0.06), (-0.6, -0.2), (0, -0.4), (0.62, -0.26), (0.6, 0.04), (0, 0.1)]), cloth)
        pen.stroke(np.array([(0.02, -0.38), (0.06, -0.52)]), mix(cloth, INK, 0.4), 7)


# --- mood ----------------------------------------------------------------------------------------------------------

SPOTS = ((0.86, 0.16), (0.14, 0.16), (0.88, 0.4), (0.12, 0.4), (0.84, 0.82), (0.15, 0.8))


def draw_mood(pen: Pen, expression: str) -> None:
    """Sometimes hearts, sparkles or snores in a free corner. The pen's unit is the picture's side."""
    rng, side = pen.rng, pen.layer.pixels.shape[0]
    if rng.random() > 0.4:
        return
    for i in rng.permutation(len(SPOTS)):
        x, y = SPOTS[i]
        top, left, reach = round((y - 0.1) * side), round((x - 0.1) * side), round(0.2 * side)
        if not pen.layer.pixels[top : top + reach, left : left + reach, 3].any():
            break
    else:
        return
    colour = CLOTH[rng.integers(len(CLOTH))]
    if expression == "sleepy":
        for dx, dy, size in ((-0.058, 0.06, 0.015), (-0.008, 0.012, 0.021), (0.056, -0.052, 0.028)):
            z = np.array([(-size, -size), (size, -size), (-size, size), (size, size)]) + np.array([x + dx, y + dy])
            pen.stroke(z, colour, side / 80)
    elif expression in ("happy", "laughing", "wink"):
        for dx, dy, size in ((-0.03, 0.03, 0.045), (0.045, -0.045, 0.03)):
            pen.shape(heart_points(x + dx, y + dy, size), colour)
    else:
        for dx, dy, size in ((-0.025, 0.02, 0.06), (0.05, -0.05, 0.035)):
            pen.shape(sparkle_points(x + dx, y + dy, size), (255, 218, 92))


def heart_points(x: float, y: float, size: float) -> Points:
    """Outline (40, 2) of a heart around (x, y), `size` half its width."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    u = 16 * np.sin(t) ** 3
    v = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack([x + u * size / 16, y + v * size / 16], axis=1)


def sparkle_points(x: float, y: float, size: float) -> Points:
    """Outline (48, 2) of a four-pointed star around (x, y), `size` its radius."""
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([x + size * np.cos(t) ** 3, y + size * np.sin(t) ** 3], axis=1)
