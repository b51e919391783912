"""Heatmaps as tiny pictures: stretched over a picture they show what an overlay shows."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.heatmaps.grad_cam import COLOUR_MAPS, contrast_overlay, overlay
from auditor.heatmaps.layers import contrast_layer, heat_layer
from tests.pictures import draw_photo

SPOT = np.zeros((7, 7), np.float32)
SPOT[2:4, 3:6] = [[0.4, 1.0, 0.3], [0.2, 0.6, 0.1]]


def pixels_of(layer: bytes) -> np.ndarray:
    """(H, W, 4) RGBA."""
    return np.asarray(Image.open(io.BytesIO(layer)).convert("RGBA"))


def laid_over(picture, layer):
    """(H, W, 3): as a browser stretches a layer over a picture, with its colours weighed by their opacity."""
    pixels = pixels_of(layer).astype(np.float32)
    share = pixels[..., 3:] / 255
    size = picture.shape[1::-1]
    colour = cv2.resize(pixels[..., :3] * share, size, interpolation=cv2.INTER_LINEAR)
    return picture * (1 - cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)[..., None]) + colour


@pytest.mark.parametrize("colours", COLOUR_MAPS)
def test_a_layer_over_a_picture_is_the_overlay(colours):
    photo = draw_photo(3, 224, 168)

    differs = np.abs(laid_over(photo, heat_layer(SPOT, colours)) - overlay(photo, SPOT, colours=colours))

    assert differs.mean() < 1.5 and np.quantile(differs, 0.99) < 20


def test_a_contrast_over_a_picture_is_its_overlay():
    photo, contrast = draw_photo(4, 168, 224), SPOT - SPOT[::-1] * 0.7

    differs = np.abs(laid_over(photo, contrast_layer(contrast)) - contrast_overlay(photo, contrast))

    assert differs.mean() < 1.5 and np.quantile(differs, 0.99) < 12


def test_hot_is_opaque_and_cold_is_clear():
    pixels = pixels_of(heat_layer(SPOT, "jet"))

    y, x = np.unravel_index(pixels[..., 3].argmax(), pixels.shape[:2])
    assert (y * 7 // len(pixels), x * 7 // len(pixels)) == (2, 4)
    assert pixels[y, x, 0] > 100 > pixels[y, x, 2]              # jet ends in dark red
    assert pixels[-6:, :6, 3].max() == 0
    assert pixels_of(heat_layer(np.zeros((7, 7)), "jet"))[..., 3].max() == 0
    assert pixels_of(contrast_layer(np.zeros((7, 7))))[..., 3].max() == 0


def test_for_and_against_have_their_colours():
    pixels = pixels_of(contrast_layer(np.array([[1.0, 0, 0, -1.0]])))

    red, _, blue, _ = pixels[0, 0].astype(int)
    assert red > blue
    red, _, blue, _ = pixels[0, -1].astype(int)
    assert blue > red


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (4, 9), (16, 16), (60, 40)])
def test_a_layer_has_less_than_a_kilobyte_whatever_the_map(shape):
    noise = np.random.default_rng(1).uniform(0, 1, shape)

    for layer in (heat_layer(noise, "inferno"), contrast_layer(2 * noise - 1)):
        assert len(layer) < 1000
        assert max(pixels_of(layer).shape[:2]) <= 28
