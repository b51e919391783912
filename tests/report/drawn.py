"""Pictures for a report: cats and dogs of a few shapes, with heat where their ears and noses are."""

from collections.abc import Iterable, Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.audit import Evidence, Neighbour
from auditor.heatmaps.grad_cam import overlay

SIDE = 256

Picture = NDArray[np.uint8]


def draw(kind: str, seed: int) -> tuple[Picture, Picture]:
    """A cat or a dog of a few shapes, and the same with warm colours where its ears and nose are; (S, S, 3) BGR."""
    rng = np.random.default_rng(seed)
    ranges = ((150, 240), (60, 200), (15, 60))
    ground, coat, dark = (tuple(int(value) for value in rng.integers(low, high, 3)) for low, high in ranges)
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    for _ in range(14):
        centre = tuple(int(value) for value in rng.integers(0, SIDE, 2))
        shade = tuple(int(np.clip(value + rng.integers(-18, 18), 0, 255)) for value in ground)
        cv2.circle(picture, centre, int(rng.integers(8, 40)), shade, -1, cv2.LINE_AA)
    x, y = (int(value) for value in rng.integers(112, 144, 2))
    cv2.ellipse(picture, (x, y + 150), (95, 95), 0, 0, 360, coat, -1, cv2.LINE_AA)
    _ears(picture, kind, x, y, coat, dark)
    cv2.ellipse(picture, (x, y + 10), (66, 60), 0, 0, 360, coat, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(picture, (x + side * 26, y), 9, (250, 250, 250), -1, cv2.LINE_AA)
        cv2.circle(picture, (x + side * 26, y), 5, dark, -1, cv2.LINE_AA)
    cv2.ellipse(picture, (x, y + 30), (9, 6) if kind == "cats" else (17, 12), 0, 0, 360, dark, -1, cv2.LINE_AA)
    heat = np.zeros((SIDE, SIDE), np.float32)
    for spot, weight in (((x - 44, y - 50), 1.0), ((x + 44, y - 50), 0.8), ((x, y + 30), 0.6)):
        cv2.circle(heat, spot, 24, weight, -1)
    heat = cv2.GaussianBlur(heat, (0, 0), 18)
    warm = overlay(picture[..., ::-1], heat / heat.max())
    return picture, warm[..., ::-1]


def _ears(picture: Picture, kind: str, x: int, y: int, coat: tuple[int, ...], dark: tuple[int, ...]) -> None:
    for side in (-1, 1):
        if kind == "cats":
            ear = np.array([[x + side * 62, y - 72], [x + side * 14, y - 40], [x + side * 64, y + 2]], np.int32)
            cv2.fillPoly(picture, [ear], coat, cv2.LINE_AA)
        else:
            cv2.ellipse(picture, (x + side * 66, y + 6), (20, 52), side * -14, 0, 360, dark, -1, cv2.LINE_AA)


def jpeg(picture: Picture) -> bytes:
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def evidence(kind: str, seed: int, probabilities: tuple[tuple[str, float], ...], source: str = "model") -> Evidence:
    picture, overlay = draw(kind, seed)
    return Evidence(jpeg(picture), jpeg(overlay), probabilities[0][0], SIDE, SIDE, probabilities, source)


@cache
def small(kind: str, seed: int) -> bytes:
    """A thumbnail of another image: upright, wide or high."""
    height, width = ((96, 96), (64, 96), (96, 60))[seed % 3]
    return jpeg(cv2.resize(draw(kind, 300 + seed)[0], (width, height), interpolation=cv2.INTER_AREA))


def near(kind: str, seeds: Iterable[int], files: Sequence[str] = ()) -> tuple[Neighbour, ...]:
    """Neighbours that are labelled what they show, most similar first; the same seed is the same image."""
    names = [*files, *(f"{kind}/near-{seed:02}.jpg" for seed in seeds)]
    return tuple(
        Neighbour(name, kind, 0.97 - 0.031 * place, small(kind, seed))
        for place, (name, seed) in enumerate(zip(names, [*range(90, 90 + len(files)), *seeds], strict=True))
    )
