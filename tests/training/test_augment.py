"""Views of training images: seeded, of the same size, and never changed in place."""

import numpy as np
import pytest

from auditor.training.augment import Augmentation

STILL = Augmentation(
    smallest_area=1.0, stretch=1.0, turn=0.0, mirror=False, brightness=0.0, contrast=0.0, saturation=0.0
)


def generator(seed=3):
    return np.random.default_rng(seed)


def test_the_same_seed_gives_the_same_view_and_another_seed_another_view(photo):
    one, same, other = (Augmentation().view(photo, generator(seed)) for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.shape == photo.shape
    assert one.dtype == np.uint8


def test_the_image_itself_is_not_changed(photo):
    before = photo.copy()

    Augmentation(erase=1.0).view(photo, generator())

    assert np.array_equal(photo, before)


def test_without_any_change_the_view_is_the_image(photo):
    assert np.array_equal(STILL.view(photo, generator()), photo)


def test_mirroring_mirrors_about_half_of_the_views(photo):
    mirror = Augmentation(**{**vars(STILL), "mirror": True})

    views = [mirror.view(photo, generator(seed)) for seed in range(40)]

    mirrored = sum(np.array_equal(view, photo[:, ::-1]) for view in views)
    assert mirrored + sum(np.array_equal(view, photo) for view in views) == 40
    assert 10 < mirrored < 30


def test_a_crop_shows_a_part_at_full_size():
    ramp = np.repeat(np.arange(0, 240, 2, dtype=np.uint8)[None, :, None], 60, axis=0).repeat(3, axis=2)   # (60, 120, 3)
    crop = Augmentation(**{**vars(STILL), "smallest_area": 0.25})

    spans = [int(np.ptp(crop.view(ramp, generator(seed))[30, :, 0])) for seed in range(30)]

    assert min(spans) >= 0.4 * np.ptp(ramp)     # a quarter of the area is half of each side
    assert min(spans) < 0.7 * np.ptp(ramp)
    assert max(spans) > 0.9 * np.ptp(ramp)


@pytest.mark.parametrize("changed", ["brightness", "contrast", "saturation"])
def test_light_and_colour_change_within_their_limits(changed):
    picture = np.full((8, 8, 3), (90, 120, 150), np.uint8)
    picture[::2] += 40
    relit = Augmentation(**{**vars(STILL), changed: 0.2})

    views = np.stack([relit.view(picture, generator(seed)).astype(int) for seed in range(50)])

    assert np.abs(views - picture).max() <= 0.2 * 255 + 1
    assert views.std(axis=0).max() > 1


def test_erasing_paints_over_a_quarter_at_most():
    white = np.full((40, 40, 3), 255, np.uint8)
    erasing = Augmentation(**{**vars(STILL), "erase": 1.0})

    painted = [(erasing.view(white, generator(seed)) != 255).any(axis=2).mean() for seed in range(20)]

    assert 0 < max(painted) <= 0.27
