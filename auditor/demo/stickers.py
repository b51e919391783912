"""Die-cut stickers of cats and dogs, drawn from a random generator.

Only the body shows the species: ears, muzzle, nose, whiskers, tail and build. Colours, clothes, poses, line styles and
backgrounds come from one distribution for both, so that a classifier cannot take a shortcut.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.demo.accessories import TALL_HATS, draw_mood, draw_outfit
from auditor.demo.backgrounds import BACKGROUNDS
from auditor.demo.bodies import POSES, Animal, Pose
from auditor.demo.coats import INK, Species, draw_coat
from auditor.demo.heads import EXPRESSIONS
from auditor.demo.pen import SUBPIXEL, Colour, Outline, Pen, Points, Transparency, fixed, mix

POSE_SHARES = {"bust": 0.3, "sitting": 0.22, "standing": 0.16, "lying": 0.16, "peeking": 0.16}
SUPERSAMPLING = 2


@dataclass(frozen=True)
class Style:
    """What is drawn around and over an animal; the same choices for every species.

    Attributes:
        background: A key of `BACKGROUNDS`.
        pose: A key of `POSES`.
        line: Outline style.
        border: Width of the white die-cut border as a share of the side; 0 for none.
        shadow: Whether the sticker casts a soft shadow.
        soft: "none", "blur" or "jpeg".
    """

    background: str
    pose: str
    line: Outline
    border: float
    shadow: bool
    soft: str


def draw_style(rng: np.random.Generator, side: int) -> Style:
    """Draws a style for a layer of `side` pixels."""
    unit = side / 512
    tints: tuple[Colour, ...] = (INK, (36, 34, 60), (70, 40, 30))
    ink = tints[rng.integers(len(tints))]
    lines = (
        Outline(10 * unit, ink),
        Outline(6 * unit, ink),
        Outline(5 * unit, None),  # a darker tone of each shape
        Outline(3 * unit, None, tone=0.17),  # hardly visible
        Outline(3.4 * unit, mix(ink, (120, 120, 120), 0.3), sketchy=True),
    )
    line = lines[rng.choice(len(lines), p=[0.3, 0.26, 0.18, 0.08, 0.18])]
    return Style(
        background=str(rng.choice(list(BACKGROUNDS))),
        pose=str(rng.choice(list(POSE_SHARES), p=list(POSE_SHARES.values()))),
        line=line,
        border=float(rng.uniform(0.018, 0.034)) if rng.random() < 0.75 else 0.0,
        shadow=bool(rng.random() < 0.75),
        soft=str(rng.choice(["none", "blur", "jpeg"], p=[0.65, 0.15, 0.2])),
    )


def draw_sticker(species: Species, rng: np.random.Generator, size: int = 256) -> NDArray[np.uint8]:
    """Draws one sticker.

    Args:
        species: "cat" or "dog".
        rng: All choices come from it: the same state gives the same pixels.
        size: Side in pixels.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    side = size * SUPERSAMPLING
    style = draw_style(rng, side)
    animal = Animal(species, draw_coat(species, rng), str(rng.choice(EXPRESSIONS)), draw_outfit(rng))
    layer = Transparency(np.zeros((side, side, 4), dtype=np.uint8))
    pose = POSES[style.pose]
    pen = Pen(layer, place(pose, rng, side, tall=animal.outfit.hat in TALL_HATS), style.line, rng)
    pose.draw(pen, animal)
    thin = replace(style.line, width=min(style.line.width, 5 * side / 512))
    draw_mood(Pen(layer, np.diag([side, side, 1.0]), thin, rng), animal.expression)
    drawing = np.asarray(cv2.resize(layer.pixels, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    canvas = compose(BACKGROUNDS[style.background](size, rng), drawing, style)
    for points, colour, width in layer.above:
        thickness = max(1, round(width / SUPERSAMPLING))
        cv2.polylines(canvas, [fixed(points / SUPERSAMPLING)], False, colour, thickness, cv2.LINE_AA, SUBPIXEL)
    return finish(canvas, style, rng)


def place(pose: Pose, rng: np.random.Generator, side: int, tall: bool = False) -> Points:
    """The (2, 3) map from drawing units to pixels: random size, place, tilt and mirroring within the picture."""
    zoom = float(rng.uniform(0.82, 1.0))
    scale = side / 2 / pose.half * zoom * (0.9 if tall else 1.0)  # room for a hat
    free = side / 2 * (1 - zoom)
    dx, dy = rng.uniform(-free, free, 2) * 0.7
    if pose.bottom:
        dy = free + side * (0.07 if tall else 0.02)
    elif tall:
        dy += side * 0.04
    angle = np.radians(rng.uniform(-pose.tilt, pose.tilt))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[c * mirror, -s], [s * mirror, c]])
    shift = np.array([side / 2 + dx, side / 2 + dy]) - turn @ np.array(pose.centre)
    # The third row lets maps be multiplied; to_pixels ignores it.
    return np.vstack([np.hstack([turn, shift[:, None]]), [0.0, 0.0, 1.0]])


def compose(background: NDArray[np.uint8], drawing: NDArray[np.uint8], style: Style) -> NDArray[np.uint8]:
    """Lays shadow, die-cut border and the premultiplied (S, S, 4) drawing on the (S, S, 3) background."""
    side = background.shape[0]
    alpha = np.ascontiguousarray(drawing[..., 3])
    cut = alpha
    if style.border > 0:
        # Distance to the drawing: the border's edge is round and anti-aliased.
        distance = cv2.distanceTransform((alpha <= 127).astype(np.uint8), cv2.DIST_L2, 5)
        cut = np.maximum(np.clip((side * style.border + 0.5 - distance) * 255, 0, 255).astype(np.uint8), alpha)
    canvas = background
    if style.shadow:
        shift = round(side * 0.012)
        moved = np.zeros_like(cut)
        moved[shift:, shift // 2 :] = _soften(cut, side)[: side - shift, : side - shift // 2]
        canvas = _over(canvas, (40, 30, 50), moved, 0.42)
    if style.border > 0:
        canvas = _over(canvas, (255, 255, 255), cut)
    rest = 255 - alpha[..., None].astype(np.uint16)
    return np.minimum(drawing[..., :3] + (canvas * rest + 127) // 255, 255).astype(np.uint8)


def _soften(mask: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    small = cv2.resize(mask, (side // 4, side // 4), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), side / 4 * 0.014)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _over(
    canvas: NDArray[np.uint8], colour: Colour, mask: NDArray[np.uint8], opacity: float = 1.0
) -> NDArray[np.uint8]:
    weight = mask * np.float32(opacity / 255)  # (S, S)
    paint = np.full_like(canvas, colour)
    return np.asarray(cv2.blendLinear(paint, canvas, weight, 1 - weight), dtype=np.uint8)


def finish(image: NDArray[np.uint8], style: Style, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Colour jitter, softness and paper grain on (S, S, 3)."""
    if style.soft == "blur":
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 0.7))), dtype=np.uint8)
    gain = rng.uniform(0.975, 1.015, 3) * rng.uniform(0.95, 1.02)
    grain = rng.standard_normal(image.shape[:2], dtype=np.float32) * np.float32(rng.uniform(1.0, 4.0))
    tinted = cv2.transform(image, np.diag(gain))
    image = np.asarray(cv2.add(tinted, cv2.merge([grain] * 3), dtype=cv2.CV_8U), dtype=np.uint8)
    if style.soft == "jpeg":
        quality = int(rng.integers(35, 70))
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return image
