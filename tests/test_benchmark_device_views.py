"""Views made by Keras are those that OpenCV makes."""

import numpy as np
import pytest

from auditor.training.augment import Augmentation

pytest.importorskip("keras")
from benchmarks.device_views import NUMBERS, DeviceViews, numbers_of


@pytest.mark.parametrize("changed", [{}, {"erase": 1.0}, {"smallest_area": 0.25, "stretch": 2.0}, {"turn": 15.0}])
def test_they_are_what_opencv_makes(smooth, changed):
    still = {"smallest_area": 1.0, "stretch": 1.0, "turn": 0.0}
    augmentation = Augmentation(**{**still, "brightness": 0.25, "contrast": 0.4, "saturation": 0.4, **changed})
    views = [augmentation.draw(*image.shape[:2], np.random.default_rng(number)) for number, image in enumerate(smooth)]

    numbers = np.stack([numbers_of(view) for view in views])
    made = np.asarray(DeviceViews()(smooth, numbers))

    difference = np.abs(made - np.stack([view.of(image) for view, image in zip(views, smooth, strict=True)]))
    assert numbers.shape == (len(smooth), NUMBERS)
    assert made.dtype == np.float32
    assert difference.mean() < 0.6                              # half a level is rounding
    assert np.quantile(difference, 0.95) < 3                    # turned, the mirrored corners are a pixel apart


@pytest.fixture
def smooth():
    """(12, 64, 48, 3) uint8: waves, without edges on which a thirty-second of a pixel shows."""
    down, across = np.mgrid[:64, :48]
    phases = np.random.default_rng(0).uniform(0, 6, (12, 3))
    waves = np.sin(down[None, ..., None] / 9 + across[None, ..., None] / 13 + phases[:, None, None])
    return (127 + 100 * waves).astype(np.uint8)
