"""Drawn photographs, and files of them."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

#: What tinted pictures are drawn for; to the rules about pixels they show nothing but grain.
LABEL_RULES = "label_issue,model_disagrees,low_confidence,unreadable,format_mismatch"

GREY, RED, BETWEEN = (0, 0, 0), (110, 0, 0), (38, 0, 0)     # tints: for FakeBackend the first class, the second, either


def draw_photo(seed: int = 0, height: int = 96, width: int = 128) -> Pixels:
    """(height, width, 3): soft light, a few shapes and a little grain, so that it compresses like a photograph."""
    rng = np.random.default_rng(seed)
    light = cv2.resize(
        rng.uniform(40, 215, (4, 5, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    picture = np.ascontiguousarray(light)
    for _ in range(4):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        colour = tuple(float(value) for value in rng.uniform(0, 255, 3))
        cv2.circle(picture, centre, int(rng.integers(5, 5 + max(1, height // 4))), colour, -1, cv2.LINE_AA)
    picture += rng.normal(0, 3, picture.shape).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def draw_tinted(tint: tuple[int, int, int], seed: int, height: int = 64, width: int = 64) -> Pixels:
    """(height, width, 3): a grey with grain, darker or lighter by the seed, plus so much red, green and blue."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(60, 90) + rng.normal(0, 6, (height, width, 3)) + np.array(tint)
    return np.clip(picture, 0, 255).astype(np.uint8)


def place_image(pixels: Pixels, path: Path, **options: object) -> Path:
    """Writes pixels as the format that the extension names, with Pillow's options; makes the folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path
