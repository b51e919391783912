"""Bodies and poses. Units: a head at scale 1 has radius 1; y down. A pose combines tail, body, legs and head."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from auditor.demo.accessories import Outfit, heart_points, over_head, under_head
from auditor.demo.coats import INK, Coat, Species, paint_body
from auditor.demo.heads import draw_head
from auditor.demo.pen import Colour, Pen, mix, oval, smooth


@dataclass(frozen=True)
class Animal:
    """Everything about one animal that a pose needs to draw it."""

    species: Species
    coat: Coat
    expression: str
    outfit: Outfit


@dataclass(frozen=True)
class Pose:
    """One way to hold a body.

    Attributes:
        draw: Draws the animal.
        centre: What lies in the middle of the picture, in drawing units (x, y).
        half: Half the side of the square around it.
        tilt: Largest rotation in degrees.
        bottom: Whether the figure starts at the picture's lower edge.
    """

    draw: Callable[[Pen, Animal], None]
    centre: tuple[float, float]
    half: float
    tilt: float
    bottom: bool = False


def _head(pen: Pen, animal: Animal, x: float, y: float, scale: float = 1.0, angle: float = 0.0) -> None:
    head = pen.at(x, y, scale, angle)
    under_head(head, animal.outfit)
    draw_head(head, animal.species, animal.coat, animal.expression)
    over_head(head, animal.outfit, animal.species)


def _nod(pen: Pen, most: float = 9.0) -> float:
    return float(pen.rng.uniform(-most, most))


def draw_bust(pen: Pen, animal: Animal) -> None:
    """The head alone."""
    _head(pen, animal, 0, 0)


def draw_sitting(pen: Pen, animal: Animal) -> None:
    """Sitting, seen from the front."""
    cat, coat = animal.species == "cat", animal.coat
    broad = 0.72 if cat else 0.84
    if cat:
        knots = [(0.5, 1.55), (1.1, 1.6), (1.42, 1.2), (1.3, 0.72), (1.48, 0.3)]
        tail(pen, coat, knots, (0.17, 0.13))
    else:
        tail(pen, coat, [(0.5, 1.45), (1.05, 1.3), (1.38, 0.9), (1.45, 0.5)], (0.21, 0.08))
        wag(pen, 1.45, 0.5)
    for side in (-1, 1):
        thigh = oval(side * (broad - 0.04), 1.28, 0.42, 0.46)
        pen.shape(thigh, coat.base)
        paw(pen, side * (broad + 0.1), 1.62, 0.3, coat.paw)
    half = [(0.5, 0.2), (0.66, 0.75), (broad, 1.25), (0.6, 1.62)]
    body = smooth([(0, 0.1), *half, (0, 1.68), *((-x, y) for x, y in reversed(half))])
    pen.shaded(body, coat.base, 0.06)
    paint_body(pen, coat, body)
    with pen.clip(body):
        pen.fill(oval(0, 0.85, 0.36, 0.62), coat.light)
    pen.outline(body, coat.base)
    for side in (-1, 1):
        leg(pen, side * 0.27, 0.85, side * 0.29, 1.55, 0.19 if cat else 0.22, coat)
    _head(pen, animal, 0, -0.55, angle=_nod(pen))


def draw_standing(pen: Pen, animal: Animal) -> None:
    """Standing on four legs, seen from the side, with the face to the viewer."""
    cat, coat = animal.species == "cat", animal.coat
    if cat:
        curl = float(pen.rng.choice([-0.35, 0.4]))
        knots = [(0.95, 0.35), (1.4, 0.1), (1.5, -0.45), (1.42, -0.95), (1.5 + 0.5 * curl, -1.3), (1.55 + curl, -1.18)]
        tail(pen, coat, knots, (0.15, 0.12))
    else:
        tail(pen, coat, [(0.95, 0.3), (1.3, 0.1), (1.52, -0.3), (1.56, -0.7)], (0.22, 0.07))
        wag(pen, 1.56, -0.7)
    thick = 0.17 if cat else 0.2
    for x in (-0.42, 0.72):
        leg(pen, x, 0.7, x + 0.02, 1.36, thick, coat, far=True)
    deep = 0.82 if cat else 0.92
    body = smooth(
        [
            (-1.0, 0.3),
            (-0.7, -0.12),
            (0.1, -0.08),
            (0.8, -0.12),
            (1.14, 0.2),
            (1.1, 0.66),
            (0.8, 0.82),
            (0.1, deep - 0.06),
            (-0.55, deep),
            (-0.95, 0.72),
        ]
    )
    for x in (-0.72, 0.98):
        leg(pen, x, 0.6, x + 0.02, 1.45, thick + 0.02, coat)
    pen.shaded(body, coat.base, 0.1)
    paint_body(pen, coat, body)
    pen.outline(body, coat.base)
    for x in (-0.72, 0.98):  # the near legs again, over the body's edge
        leg(pen, x, 0.72, x + 0.02, 1.45, thick, coat, edge=False)
    _head(pen, animal, -0.72, -0.5, 0.86, _nod(pen))


def draw_lying(pen: Pen, animal: Animal) -> None:
    """A cat with hidden paws and its tail around it; a dog flat on its belly with the paws in front."""
    cat, coat = animal.species == "cat", animal.coat
    if not cat:
        tail(pen, coat, [(1.2, 0.8), (1.6, 0.72), (1.85, 0.42)], (0.2, 0.08))
        wag(pen, 1.85, 0.42)
    crown = -0.12 if cat else 0.12
    body = smooth(
        [
            (-1.1, 0.95),
            (-1.12, 0.4),
            (-0.6, crown + 0.05),
            (0.4, crown),
            (1.15, 0.22),
            (1.42, 0.75),
            (1.25, 1.04),
            (0.2, 1.08),
            (-0.8, 1.08),
        ]
    )
    pen.shaded(body, coat.base, 0.1)
    paint_body(pen, coat, body)
    pen.outline(body, coat.base)
    if cat:
        knots = [(1.22, 0.72), (1.3, 0.98), (0.7, 1.06), (0.1, 1.0), (-0.15, 0.86)]
        tail(pen, coat, knots, (0.16, 0.13))
        for x in (-0.85, -0.38):
            pen.shape(oval(x, 1.0, 0.24, 0.13), coat.paw)
    else:
        haunch = oval(0.92, 0.74, 0.42, 0.36)
        pen.shape(haunch, coat.base)
        paw(pen, 0.72, 1.02, 0.28, coat.paw)
        for x in (-1.12, -0.42):
            leg(pen, x + 0.05, 0.7, x, 1.0, 0.22, coat)
    _head(pen, animal, -0.62, -0.12 if cat else 0.0, 0.86, _nod(pen))


def draw_peeking(pen: Pen, animal: Animal) -> None:
    """Head and paws above the edge of a box."""
    edge = 0.84
    _head(pen, animal, 0, 0, angle=_nod(pen, 6))
    colour = BOXES[pen.rng.integers(len(BOXES))]
    dark = mix(colour, INK, 0.25)
    board = np.array([(-1.5, edge), (1.5, edge), (1.38, 2.6), (-1.38, 2.6)])
    pen.shape(board, colour)
    rim = np.array([(-1.6, edge - 0.02), (1.6, edge - 0.02), (1.6, edge + 0.2), (-1.6, edge + 0.2)])
    pen.shape(rim, mix(colour, (255, 255, 255), 0.25))
    if pen.rng.random() < 0.5:
        for x in (-0.7, 0.0, 0.7):
            pen.fill(
                np.array([(x - 0.12, edge + 0.22), (x + 0.12, edge + 0.22), (x + 0.11, 2.6), (x - 0.11, 2.6)]), dark
            )
    else:
        pen.fill(heart_points(0, edge + 0.55, 0.22), dark)
    for x in (-0.95, 0.95):
        paw(pen, x, edge + 0.02, 0.29, animal.coat.paw, tall=0.27)


BOXES: tuple[Colour, ...] = (
    (212, 170, 122),
    (120, 178, 214),
    (238, 140, 140),
    (140, 196, 150),
    (188, 160, 216),
    (246, 204, 106),
)

POSES: dict[str, Pose] = {
    "bust": Pose(draw_bust, (0, -0.08), 1.6, 14),
    "sitting": Pose(draw_sitting, (0.1, 0.06), 2.08, 7),
    "standing": Pose(draw_standing, (0.12, -0.1), 2.05, 5),
    "lying": Pose(draw_lying, (0.05, -0.05), 1.92, 5),
    "peeking": Pose(draw_peeking, (0, 0.1), 1.66, 3, bottom=True),
}


# --- parts -------------------------------------------------------------------------------------------------------


def tail(pen: Pen, coat: Coat, knots: list[tuple[float, float]], radii: tuple[float, float]) -> None:
    """A tail along `knots`, from the first radius to the second."""
    curve = smooth(knots, closed=False, steps=12)
    widths = np.linspace(*radii, len(curve))
    pen.tube(curve, widths, coat.tail)
    inset = widths - 0.02
    if coat.pattern == "stripes":
        for share in (0.35, 0.55, 0.75):
            i = int(share * len(curve))
            pen.tube(curve[i : i + 4], inset[i : i + 4], coat.mark, outlined=False)
    if coat.pattern in ("stripes", "tuxedo", "eye patch"):
        tip = coat.mark if coat.pattern == "stripes" else (252, 248, 240)
        pen.tube(curve[-6:], inset[-6:], tip, outlined=False)


def wag(pen: Pen, x: float, y: float) -> None:
    """Sometimes two small arcs beside the tip of a wagging tail."""
    if pen.rng.random() < 0.6:
        for reach in (0.2, 0.34):
            pen.above(oval(x - 0.05, y + 0.1, reach, reach, 0, -40, 40), (120, 108, 112), 4)


def leg(
    pen: Pen,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    radius: float,
    coat: Coat,
    far: bool = False,
    edge: bool = True,
) -> None:
    """A leg from (x0, y0) down to a paw at (x1, y1); a far one is darker, `edge=False` leaves out the outline."""
    fur = mix(coat.base, (40, 15, 50), 0.22) if far else coat.base
    line = np.linspace((x0, y0), (x1, y1), 14)
    if edge:
        pen.tube(line, radius, fur)
    else:
        pen.tube(line[:-2], radius - 0.04, fur, outlined=False)
    paw(pen, x1 - 0.03, y1 + 0.08, radius * 1.25, mix(coat.paw, (40, 15, 50), 0.22) if far else coat.paw)


def paw(pen: Pen, x: float, y: float, radius: float, colour: Colour, tall: float | None = None) -> None:
    """A foot with two lines between its toes."""
    high = tall or radius * 0.66
    pen.shape(oval(x, y, radius, high), colour)
    toes = mix(colour, INK, 0.55) if sum(colour) > 300 else mix(colour, (255, 255, 255), 0.35)
    for dx in (-0.33, 0.33):
        pen.stroke(
            np.array([(x + dx * radius, y + high * 0.25), (x + dx * radius, y + high * 0.8)]),
            toes,
            max(3.0, pen.line.width * 0.5),
        )
