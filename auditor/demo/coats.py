"""Coat colours and patterns, drawn from the same palette for cats and dogs so that no colour shows the species."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from auditor.demo.pen import Colour, Pen, Points, luminance, mix, oval, smooth

Species = Literal["cat", "dog"]

WHITE: Colour = (252, 248, 240)
INK: Colour = (52, 36, 40)

# (base, markings); patches, stripes and points are drawn in the colour of the markings.
PALETTE: tuple[tuple[Colour, Colour], ...] = (
    ((244, 166, 84), (206, 112, 44)),  # ginger
    ((250, 222, 176), (222, 164, 100)),  # cream
    ((226, 176, 112), (168, 108, 58)),  # golden
    ((164, 116, 82), (108, 70, 50)),  # brown
    ((112, 80, 66), (72, 48, 44)),  # chocolate
    ((166, 172, 184), (106, 112, 128)),  # silver
    ((122, 134, 156), (82, 90, 114)),  # blue
    ((84, 78, 88), (52, 46, 56)),  # black
    ((252, 246, 236), (92, 82, 88)),  # white and black
    ((252, 246, 236), (238, 160, 88)),  # white and ginger
    ((250, 240, 226), (150, 106, 78)),  # white and brown
    ((238, 224, 204), (124, 94, 82)),  # seal point
    ((216, 198, 180), (146, 120, 104)),  # sand
)
PATTERNS = ("solid", "stripes", "patches", "tuxedo", "points", "spots", "eye patch")
EYES: tuple[Colour, ...] = (
    (92, 168, 88),
    (232, 176, 48),
    (84, 156, 214),
    (150, 92, 50),
    (196, 124, 40),
    (70, 176, 164),
)


@dataclass(frozen=True)
class Coat:
    """The colours of one animal.

    Attributes:
        base: Main fur colour.
        mark: Colour of the markings.
        light: Belly, muzzle and toes.
        pattern: One of `PATTERNS`.
        eye: Iris colour.
        left_ear, right_ear: Fur colour of the ears.
    """

    base: Colour
    mark: Colour
    light: Colour
    pattern: str
    eye: Colour
    left_ear: Colour
    right_ear: Colour

    @property
    def dark(self) -> bool:
        """Whether black lines would be hard to see on this fur."""
        return luminance(self.base) < 100

    @property
    def paw(self) -> Colour:
        """Colour of the feet."""
        return {"tuxedo": WHITE, "points": self.mark}.get(self.pattern, self.base)

    @property
    def tail(self) -> Colour:
        """Colour of the tail."""
        return self.mark if self.pattern in ("points", "eye patch") else self.base


def draw_coat(species: Species, rng: np.random.Generator) -> Coat:
    """Draws colours and a pattern; only how often a pattern occurs depends a little on the species."""
    base, mark = PALETTE[rng.integers(len(PALETTE))]
    # Stripes are more frequent on cats and spots on dogs, but both species have both.
    weights = np.array([2, 4, 2, 2, 2, 0.7, 1.3] if species == "cat" else [3, 0.7, 1.6, 2.2, 1.6, 2, 2.4])
    pattern = str(rng.choice(PATTERNS, p=weights / weights.sum()))
    nudge = int(rng.integers(-10, 11))
    base = _shift(base, nudge)
    if luminance(base) > 235 and pattern == "tuxedo":
        base, mark = mark, base
    left, right = base, base
    if pattern == "points" or (species == "dog" and rng.random() < 0.55):
        left = right = mark
    elif pattern == "patches":
        left, right = (mark, base) if rng.random() < 0.5 else (mark, mix(mark, INK, 0.4))
    elif pattern == "eye patch":
        left = mark
    light = mix(base, WHITE, 0.85 if pattern == "tuxedo" else float(rng.choice([0.3, 0.55, 0.85])))
    return Coat(base, mark, light, pattern, EYES[rng.integers(len(EYES))], left, right)


def _shift(colour: Colour, by: int) -> Colour:
    r, g, b = (int(np.clip(value + by, 0, 255)) for value in colour)
    return r, g, b


def paint_head(pen: Pen, coat: Coat, head: Points) -> None:
    """Paints the coat's pattern on a head of radius about 1, clipped to its (N, 2) shape."""
    if coat.pattern == "solid":
        return
    rng = pen.rng
    with pen.clip(head):
        if coat.pattern == "stripes":
            for x, length in ((-0.26, 0.36), (0.0, 0.48), (0.26, 0.36)):
                pen.fill(wedge(x, -1.05, x * 0.75, -0.92 + length, 0.085), coat.mark)
            for side in (-1, 1):
                for y in (0.12, 0.4):
                    pen.fill(wedge(side * 1.3, y - 0.02, side * 0.74, y + 0.05, 0.085), coat.mark)
        elif coat.pattern == "patches":
            other = mix(coat.mark, INK, 0.45)
            pen.fill(_blot(rng, -0.72, -0.55, 0.6), coat.mark)
            pen.fill(_blot(rng, 0.8, -0.6, 0.45), other)
            pen.fill(_blot(rng, 0.95, 0.65, 0.32), coat.mark)
        elif coat.pattern == "tuxedo":
            top = float(rng.uniform(-0.75, -0.2))
            blaze = [
                (0, top),
                (0.1, top + 0.35),
                (0.22, 0.1),
                (0.62, 0.42),
                (0.66, 1.1),
                (-0.66, 1.1),
                (-0.62, 0.42),
                (-0.22, 0.1),
                (-0.1, top + 0.35),
            ]
            pen.fill(smooth(blaze), WHITE)
        elif coat.pattern == "points":
            pen.fill(oval(0, 0.42, 0.62, 0.5), mix(coat.base, coat.mark, 0.45))
            pen.fill(oval(0, 0.42, 0.48, 0.4), mix(coat.base, coat.mark, 0.8))
        elif coat.pattern == "spots":
            for x, y in (
                (-0.62, -0.62),
                (0.1, -0.76),
                (0.75, -0.4),
                (-0.9, 0.1),
                (0.86, 0.35),
                (-0.75, 0.62),
                (0.3, -0.4),
            ):
                if rng.random() < 0.8:
                    pen.fill(_blot(rng, x, y, float(rng.uniform(0.09, 0.18))), coat.mark)
        elif coat.pattern == "eye patch":
            pen.fill(_blot(rng, -0.45, -0.02, 0.42), coat.mark)


def paint_body(pen: Pen, coat: Coat, body: Points) -> None:
    """Paints the coat's pattern on a body, clipped to its (N, 2) shape, wherever it lies."""
    (x0, y0), (x1, y1) = body.min(axis=0), body.max(axis=0)
    rng, width = pen.rng, x1 - x0
    with pen.clip(body):
        if coat.pattern == "stripes":
            upright = width < 1.25 * (y1 - y0)
            for share in (0.3, 0.5, 0.7):
                if upright:  # seen from the front: from both flanks
                    y = y0 + (y1 - y0) * share
                    for edge, tip in ((x0, 0.26), (x1, -0.26)):
                        pen.fill(wedge(edge, y, edge + tip * width, y + 0.06, 0.1), coat.mark)
                else:  # from the side: down from the spine
                    x = x0 + width * (0.2 + share * 0.9)
                    pen.fill(wedge(x, y0 - 0.1, x - 0.1, y0 + 0.5 * (y1 - y0), 0.11), coat.mark)
        elif coat.pattern in ("patches", "spots", "eye patch"):
            count, low, high = {"patches": (3, 0.3, 0.42), "spots": (9, 0.08, 0.15)}.get(coat.pattern, (1, 0.4, 0.5))
            for _ in range(count):
                x, y = rng.uniform((x0, y0), (x1, y1))
                colour = coat.mark if coat.pattern != "patches" or rng.random() < 0.6 else mix(coat.mark, INK, 0.45)
                pen.fill(_blot(rng, float(x), float(y), float(rng.uniform(low, high))), colour)


def wedge(x0: float, y0: float, x1: float, y1: float, half: float) -> Points:
    """A stripe from a round base (x0, y0), `half` its width, to a point at (x1, y1)."""
    along = np.array([x1 - x0, y1 - y0])
    across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6) * half
    base, tip = np.array([x0, y0]), np.array([x1, y1])
    return smooth(
        [base - across, base + across, base + 0.55 * along + 0.8 * across, tip, base + 0.55 * along - 0.8 * across]
    )


def _blot(rng: np.random.Generator, x: float, y: float, radius: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    reach = radius * rng.uniform(0.82, 1.18, 8)
    return smooth(np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], axis=1))
