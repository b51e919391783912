"""Stickers: the same generator gives the same picture, and no two look alike."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from auditor.demo.accessories import HEADWEAR, NECK, draw_outfit
from auditor.demo.backgrounds import BACKGROUNDS
from auditor.demo.bodies import POSES
from auditor.demo.coats import PALETTE, PATTERNS, Species, draw_coat
from auditor.demo.pen import Outline, Pen, Transparency, oval, smooth
from auditor.demo.stickers import draw_sticker, draw_style

SPECIES: tuple[Species, Species] = ("cat", "dog")


def sticker(species: Species, seed: int, size: int = 256) -> NDArray[np.uint8]:
    return draw_sticker(species, np.random.default_rng(seed), size)


@pytest.mark.parametrize("species", SPECIES)
def test_same_seed_gives_the_same_pixels(species: Species) -> None:
    for seed in range(6):
        np.testing.assert_array_equal(sticker(species, seed), sticker(species, seed))


@pytest.mark.parametrize("size", [64, 100, 256])
def test_a_sticker_is_rgb_of_the_size_asked_for(size: int) -> None:
    picture = sticker("dog", 3, size)

    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10  # not an empty page


def test_any_two_stickers_differ() -> None:
    small = [sticker(SPECIES[seed % 2], seed, 96).astype(np.float64) for seed in range(24)]
    apart = [np.abs(a - b).mean() for a, b in itertools.combinations(small, 2)]

    assert np.mean(apart) > 40  # grey levels per pixel and channel
    assert min(apart) > 8


def test_300_draws_use_every_background_pose_and_line() -> None:
    styles = [draw_style(np.random.default_rng(seed), 512) for seed in range(300)]

    assert {style.background for style in styles} == set(BACKGROUNDS)
    assert {style.pose for style in styles} == set(POSES)
    assert len({(style.line.width, style.line.sketchy) for style in styles}) == 5
    assert {style.soft for style in styles} == {"none", "blur", "jpeg"}
    assert {style.border > 0 for style in styles} == {True, False}


def test_300_draws_use_every_accessory() -> None:
    outfits = [draw_outfit(np.random.default_rng(seed)) for seed in range(300)]

    assert {outfit.neck for outfit in outfits} == set(NECK)
    assert {outfit.hat for outfit in outfits} == set(HEADWEAR)
    assert {outfit.glasses for outfit in outfits} == {True, False}


@pytest.mark.parametrize("species", SPECIES)
def test_each_species_wears_every_colour_and_pattern(species: Species) -> None:
    coats = [draw_coat(species, np.random.default_rng(seed)) for seed in range(500)]

    assert {coat.pattern for coat in coats} == set(PATTERNS)
    for base, _ in PALETTE:  # shaken by at most 10
        assert any(np.abs(np.subtract(coat.base, base)).max() <= 10 for coat in coats)


def test_mean_colour_does_not_show_the_species() -> None:
    means = {
        species: np.array([sticker(species, seed, 48).mean(axis=(0, 1)) for seed in range(120)]) for species in SPECIES
    }
    cats, dogs = means["cat"], means["dog"]  # (120, 3)

    gap = np.abs(cats.mean(axis=0) - dogs.mean(axis=0))
    assert np.all(gap < 0.5 * np.concatenate([cats, dogs]).std(axis=0))


def test_a_half_covered_pixel_is_half_opaque() -> None:
    layer = Transparency(np.zeros((8, 8, 4), dtype=np.uint8))
    pen = Pen(layer, np.eye(3), Outline(1, None), np.random.default_rng(0))

    pen.fill(oval(3.5, 3.5, 3, 3), (200, 100, 50))

    covered = layer.pixels[..., 3:].astype(np.float64) / 255
    assert np.any((covered > 0.1) & (covered < 0.9))
    np.testing.assert_allclose(layer.pixels[..., :3], covered * (200, 100, 50), atol=4)  # its rounding


def test_clip_keeps_paint_inside_the_shape() -> None:
    layer = Transparency(np.zeros((20, 20, 4), dtype=np.uint8))
    pen = Pen(layer, np.eye(3), Outline(1, None), np.random.default_rng(0))

    with pen.clip(np.array([(5.0, 5.0), (14.0, 5.0), (14.0, 14.0), (5.0, 14.0)])):
        pen.fill(np.array([(0.0, 0.0), (19.0, 0.0), (19.0, 19.0), (0.0, 19.0)]), (255, 0, 0))

    rows, columns = np.nonzero(layer.pixels[..., 3])
    assert min(rows.min(), columns.min()) >= 5
    assert max(rows.max(), columns.max()) <= 14
    assert layer.pixels[6:13, 6:13, 3].min() == 255


def test_a_spline_passes_through_its_points() -> None:
    knots = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0), (2.0, -1.0)])

    np.testing.assert_allclose(smooth(knots, steps=8)[::8], knots, atol=1e-12)
    np.testing.assert_allclose(smooth(knots, closed=False, steps=8)[::8], knots, atol=1e-12)
