"""Heads: what a cat and a dog differ in. Units: the head's radius is about 1, its centre the origin, y down."""

import numpy as np

from auditor.demo.coats import INK, WHITE, Coat, Species, paint_head
from auditor.demo.pen import Colour, Pen, luminance, mix, oval, smooth

PINK: Colour = (250, 170, 176)
NOSES: tuple[Colour, ...] = ((44, 34, 40), (58, 42, 40), (50, 50, 66), (84, 54, 48))  # of dogs: dark
TONGUE: Colour = (244, 112, 128)
EXPRESSIONS = ("content", "happy", "sleepy", "wink", "surprised", "laughing")


def draw_head(pen: Pen, species: Species, coat: Coat, expression: str) -> None:
    """Draws ears, head, coat pattern and face of one animal."""
    (draw_cat_head if species == "cat" else draw_dog_head)(pen, coat, expression)


# --- cat ---------------------------------------------------------------------------------------------------------


def draw_cat_head(pen: Pen, coat: Coat, expression: str) -> None:
    """Pointed ears, round cheeks, a small pink nose, a mouth like a 'w', whiskers."""
    rng = pen.rng
    width, tip, tuft = rng.uniform(1.02, 1.14), rng.uniform(1.3, 1.5), rng.uniform(0.0, 0.1)
    blend = float(rng.uniform(0.05, 0.5))  # how little pink the ears are inside
    for flip, fur in ((False, coat.left_ear), (True, coat.right_ear)):
        _cat_ear(pen.at(0, 0, flip=flip), fur, float(tip), float(rng.uniform(-5, 5)), blend)
    side = [(0.55, -0.78), (0.94, -0.36), (1.0, 0.05), (1.02 + tuft, 0.36), (0.8, 0.66), (0.42, 0.85)]
    right = [(x * width, y) for x, y in side]
    head = smooth([(0, -0.86), *right, (0, 0.9), *((-x, y) for x, y in reversed(right))])
    pen.shaded(head, coat.base)
    paint_head(pen, coat, head)
    pen.outline(head, coat.base)
    if coat.pattern not in ("tuxedo", "points"):
        for x in (-0.16, 0.16):
            pen.fill(oval(x, 0.42, 0.23, 0.18), coat.light)
        pen.fill(oval(0, 0.55, 0.17, 0.13), coat.light)
    blush(pen, 0.72, 0.34)
    _cat_mouth(pen, coat, expression)
    eyes(pen, coat, expression, spread=0.46, height=-0.03, size=float(rng.uniform(0.2, 0.27)), slit=True)
    whiskers(pen, coat)


def _cat_ear(pen: Pen, fur: Colour, tip: float, lean: float, blend: float) -> None:
    ear = pen.at(-0.58, -0.55, angle=lean)
    top = -(tip - 0.55)
    outer = smooth(
        [
            (-0.42, 0.28),
            (-0.4, -0.2),
            (-0.34, top + 0.12),
            (-0.27, top),
            (-0.16, top + 0.06),
            (0.14, -0.4),
            (0.4, -0.1),
            (0.1, 0.3),
        ]
    )
    ear.shaded(outer, fur, 0.05)
    ear.outline(outer, fur)
    inner = smooth([(-0.28, 0.15), (-0.29, -0.2), (-0.235, top + 0.25), (-0.15, top + 0.26), (0.06, -0.25), (0.2, 0.0)])
    ear.fill(inner, mix(PINK, fur, blend))
    ear.fill(smooth([(-0.3, 0.2), (-0.13, -0.12), (-0.1, 0.02), (0.0, -0.1), (0.1, 0.2)]), mix(fur, WHITE, 0.45))


def _cat_mouth(pen: Pen, coat: Coat, expression: str) -> None:
    ink, width = mouth_ink(coat), max(4.0, pen.line.width * 0.75)
    if expression == "surprised":
        pen.fill(oval(0, 0.54, 0.09, 0.11), (150, 60, 70))
    if expression in ("laughing", "happy"):
        mouth = smooth([(-0.15, 0.47), (0, 0.42), (0.15, 0.47), (0.1, 0.64), (0, 0.7), (-0.1, 0.64)])
        pen.fill(mouth, (150, 50, 62))
        with pen.clip(mouth):
            pen.fill(oval(0, 0.68, 0.1, 0.12), TONGUE)
    if expression != "surprised":
        pen.stroke(smooth([(-0.29, 0.39), (-0.2, 0.48), (-0.08, 0.47), (0, 0.37)], closed=False), ink, width)
        pen.stroke(smooth([(0.29, 0.39), (0.2, 0.48), (0.08, 0.47), (0, 0.37)], closed=False), ink, width)
    nose = smooth([(-0.12, 0.22), (0, 0.2), (0.12, 0.22), (0.06, 0.31), (0, 0.355), (-0.06, 0.31)])
    tone = mix((236, 122, 138), (150, 84, 84), float(pen.rng.choice([0.0, 0.15, 0.5])))
    pen.fill(nose, tone)
    pen.fill(oval(-0.04, 0.235, 0.035, 0.015), mix(tone, WHITE, 0.6))


def whiskers(pen: Pen, coat: Coat) -> None:
    """Three whiskers on each side, drawn above everything so that they cross the die-cut border."""
    colour: Colour = (158, 150, 154) if coat.dark else mix(INK, coat.base, 0.2)
    droop = float(pen.rng.uniform(-0.08, 0.12))
    for side in (-1, 1):
        for start, end in ((0.32, 0.14), (0.41, 0.42), (0.5, 0.68)):
            curve = smooth(
                [(side * 0.62, start), (side * 1.02, (start + end) / 2 - 0.03), (side * 1.42, end + droop)],
                closed=False,
            )
            pen.above(curve, colour, max(3.0, pen.line.width * 0.4))


# --- dog ---------------------------------------------------------------------------------------------------------

DOG_EARS = ("drop", "drop", "long", "fluffy", "folded", "button", "mixed")


def draw_dog_head(pen: Pen, coat: Coat, expression: str) -> None:
    """Hanging ears, a prominent muzzle, a big dark nose, brows, often a tongue."""
    rng = pen.rng
    kind = str(rng.choice(DOG_EARS))
    left, right = ("folded", "drop") if kind == "mixed" else (kind, kind)
    ears = ((False, coat.left_ear, left), (True, coat.right_ear, right))
    for flip, fur, ear in ears:
        if ear == "folded":
            _dog_ear(pen.at(0, 0, flip=flip), fur, ear)
    wide, jowl = float(rng.uniform(0.84, 0.97)), float(rng.uniform(0.66, 0.8))
    half = [(0.5, -0.84), (wide * 0.92, -0.42), (wide, 0.1), (jowl + 0.08, 0.58), (jowl * 0.66, 0.92)]
    head = smooth([(0, -0.92), *half, (0, 1.02), *((-x, y) for x, y in reversed(half))])
    pen.shaded(head, coat.base)
    paint_head(pen, coat, head)
    pen.outline(head, coat.base)
    for flip, fur, ear in ears:
        if ear != "folded":
            _dog_ear(pen.at(0, 0, flip=flip), fur, ear)
    _muzzle(pen, coat, expression)
    blush(pen, 0.68, 0.3)
    eyes(pen, coat, expression, spread=0.38, height=-0.16, size=float(rng.uniform(0.16, 0.2)), slit=False)
    _brows(pen, coat, expression)


def _dog_ear(pen: Pen, fur: Colour, kind: str) -> None:
    ear = pen.at(-0.62, -0.66, angle=float(pen.rng.uniform(-7, 9)))
    if kind == "folded":
        base = smooth([(-0.3, 0.35), (-0.34, -0.2), (-0.3, -0.5), (0.0, -0.42), (0.3, -0.02), (0.2, 0.35)])
        ear.shape(base, fur)
        flap = smooth(
            [(-0.34, -0.48), (-0.1, -0.54), (0.1, -0.4), (-0.08, -0.08), (-0.34, 0.16), (-0.47, 0.14), (-0.44, -0.2)]
        )
        ear.shape(flap, mix(fur, INK, 0.14))
        return
    shapes: dict[str, list[tuple[float, float]]] = {
        "drop": [
            (0.2, -0.24),
            (-0.2, -0.28),
            (-0.5, 0.04),
            (-0.64, 0.55),
            (-0.5, 0.98),
            (-0.24, 0.96),
            (-0.12, 0.5),
            (0.04, 0.14),
        ],
        "long": [
            (0.14, -0.2),
            (-0.2, -0.2),
            (-0.46, 0.2),
            (-0.64, 0.85),
            (-0.58, 1.4),
            (-0.28, 1.52),
            (-0.08, 1.2),
            (-0.1, 0.6),
            (0, 0.15),
        ],
        "button": [
            (0.3, -0.26),
            (-0.12, -0.36),
            (-0.44, -0.12),
            (-0.56, 0.3),
            (-0.42, 0.48),
            (-0.18, 0.3),
            (0.04, 0.06),
        ],
        "fluffy": [
            (0.2, -0.28),
            (-0.22, -0.34),
            (-0.5, -0.08),
            (-0.52, 0.2),
            (-0.74, 0.42),
            (-0.64, 0.72),
            (-0.76, 1.0),
            (-0.52, 1.2),
            (-0.28, 1.14),
            (-0.1, 0.95),
            (-0.14, 0.7),
            (-0.04, 0.5),
            (-0.1, 0.25),
        ],
    }
    flap = smooth(shapes[kind])
    ear.shaded(flap, fur, 0.08)
    ear.outline(flap, fur)


def _muzzle(pen: Pen, coat: Coat, expression: str) -> None:
    rng = pen.rng
    fur = (
        WHITE
        if coat.pattern == "tuxedo"
        else mix(coat.mark, coat.base, 0.2)
        if coat.pattern == "points"
        else coat.light
    )
    ink = (244, 228, 216) if luminance(fur) < 100 else INK
    width = max(4.0, pen.line.width * 0.75)
    reach, drop = float(rng.uniform(0.44, 0.54)), float(rng.uniform(0.0, 0.06))
    if expression in ("laughing", "happy") or (expression in ("content", "wink") and rng.random() < 0.65):
        _tongue(pen, ink, width, wide_open=expression == "laughing", lower=drop)
    elif expression == "surprised":
        pen.fill(oval(0, 0.8 + drop, 0.14, 0.15), (120, 40, 50))
    muzzle = smooth(
        [
            (0, 0.02),
            (0.26, 0.1),
            (reach, 0.42),
            (reach * 0.82, 0.68 + drop),
            (0.2, 0.76 + drop),
            (0, 0.68 + drop),
            (-0.2, 0.76 + drop),
            (-reach * 0.82, 0.68 + drop),
            (-reach, 0.42),
            (-0.26, 0.1),
        ]
    )
    pen.fill(muzzle, fur)
    half = muzzle[len(muzzle) // 4 : 3 * len(muzzle) // 4 + 1]  # the lips: the lower edge from cheek to cheek
    pen.stroke(half, ink, width)
    pen.stroke(np.array([(0, 0.36), (0, 0.68 + drop)]), ink, width)
    for side in (-1, 1):
        for x, y in ((0.2, 0.46), (0.29, 0.55), (0.31, 0.42)):
            pen.fill(oval(side * x, y, 0.022, 0.022), mix(ink, fur, 0.35))
    nose = smooth(
        [(0, 0.04), (0.19, 0.06), (0.25, 0.17), (0.13, 0.33), (0, 0.38), (-0.13, 0.33), (-0.25, 0.17), (-0.19, 0.06)]
    )
    pen.fill(nose, NOSES[rng.integers(len(NOSES))])
    if luminance(fur) < 90:
        pen.stroke(nose, mix(fur, WHITE, 0.35), 3, closed=True)
    pen.fill(oval(-0.08, 0.12, 0.075, 0.035, -12), (150, 140, 150))


def _tongue(pen: Pen, ink: Colour, width: float, wide_open: bool, lower: float) -> None:
    if wide_open:
        mouth = smooth([(-0.34, 0.66), (0, 0.66), (0.34, 0.66), (0.26, 0.9), (0, 1.0), (-0.26, 0.9)])
        pen.fill(mouth, (136, 44, 56))
        pen.stroke(mouth, ink, width, closed=True)
    shift = float(pen.rng.choice([0.0, -0.1, 0.1]))
    length = float(pen.rng.uniform(0.98, 1.14)) + lower
    tongue = smooth(
        [
            (shift - 0.16, 0.64),
            (shift + 0.16, 0.64),
            (shift + 0.18, length - 0.14),
            (shift, length),
            (shift - 0.18, length - 0.14),
        ]
    )
    pen.fill(tongue, TONGUE)
    pen.outline(tongue, TONGUE)
    pen.stroke(
        np.array([(shift, 0.7), (shift, length - 0.16)]), mix(TONGUE, (120, 20, 40), 0.35), max(3.0, width * 0.6)
    )


def _brows(pen: Pen, coat: Coat, expression: str) -> None:
    if coat.dark and coat.pattern != "eye patch":  # black and tan: pale dots for brows
        for side in (-1, 1):
            pen.fill(oval(side * 0.36, -0.48, 0.12, 0.075, side * 14), mix((216, 150, 90), coat.base, 0.1))
        return
    lift = 0.12 if expression == "surprised" else 0.0
    for side in (-1, 1):
        brow = smooth(
            [(side * 0.24, -0.5 - lift), (side * 0.38, -0.56 - lift), (side * 0.52, -0.5 - lift)], closed=False
        )
        pen.stroke(brow, mix(coat.base, INK, 0.6), max(4.0, pen.line.width * 0.8))


# --- shared ------------------------------------------------------------------------------------------------------


def mouth_ink(coat: Coat) -> Colour:
    """A colour for the cat's mouth that can be seen on the muzzle's fur."""
    around = coat.mark if coat.pattern == "points" else WHITE if coat.pattern == "tuxedo" else coat.light
    return (248, 232, 222) if luminance(around) < 105 else INK


def blush(pen: Pen, x: float, y: float) -> None:
    """Rosy cheeks."""
    for side in (-1, 1):
        pen.tint(oval(side * x, y, 0.15, 0.09), (255, 120, 130), 0.4)


def eyes(pen: Pen, coat: Coat, expression: str, spread: float, height: float, size: float, slit: bool) -> None:
    """Draws both eyes, open or closed as the expression says, at (+-spread, height)."""
    glossy = bool(pen.rng.random() < 0.4)
    pupil = float(pen.rng.uniform(0.3, 0.75)) if slit else 0.7
    for side in (-1, 1):
        fur = coat.mark if coat.pattern == "eye patch" and side < 0 else coat.base
        ink = (244, 228, 216) if luminance(fur) < 105 else INK
        closed = expression in ("sleepy", "laughing") or (expression == "wink" and side > 0)
        eye = pen.at(side * spread, height, scale=size * (1.15 if expression == "surprised" else 1.0))
        if closed:
            up = expression != "sleepy"
            arc = oval(0, 0.35 if up else -0.3, 0.95, 0.8, 0, 190 if up else 10, 350 if up else 170)
            eye.stroke(arc, ink, max(5.0, pen.line.width * 0.95))
        else:
            _open_eye(eye, coat.eye, ink, fur, glossy, pupil, slit)


def _open_eye(eye: Pen, iris: Colour, ink: Colour, fur: Colour, glossy: bool, pupil: float, slit: bool) -> None:
    tall = 1.15
    if glossy and luminance(fur) > 105:
        eye.fill(oval(0, 0, 0.85, tall * 0.9), INK)
        eye.fill(smooth([(-0.6, 0.35), (0, 0.3), (0.6, 0.35), (0, 0.9)]), mix(INK, iris, 0.5))
    else:
        eye.fill(oval(0, 0, 1.08, tall + 0.08), INK if luminance(fur) > 70 else (20, 14, 18))
        eye.fill(oval(0, 0.02, 0.92, tall - 0.08), iris if slit else WHITE)
        if slit:
            eye.fill(oval(0, 0.45, 0.66, 0.55), mix(iris, WHITE, 0.35))
            eye.fill(oval(0, 0, 0.72 * pupil, tall * 0.82), (24, 16, 22))
        else:
            eye.fill(oval(0, 0.04, 0.74, 0.86), mix(iris, INK, 0.35))
            eye.fill(oval(0, 0.04, 0.5, 0.6), (24, 16, 22))
    eye.fill(oval(-0.3, -0.42, 0.3, 0.34), (255, 255, 255))
    eye.fill(oval(0.32, 0.4, 0.15, 0.17), (255, 255, 255))
