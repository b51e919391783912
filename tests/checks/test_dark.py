"""Which pictures are dark."""

import numpy as np
import pytest

from auditor.checks import StoredImage
from auditor.checks.dark import Dark
from tests.checks.pictured import samples_from, samples_of
from tests.pictures import draw_photo

PHOTOS = [draw_photo(seed) for seed in range(30)]


@pytest.mark.parametrize(
    ("spoil", "severity"),
    [
        (lambda photo: (photo * 0.2).astype(np.uint8), "medium"),
        (lambda photo: (255 * (photo / 255) ** 5).astype(np.uint8) // 2, "medium"),
        (lambda photo: photo // 40, "high"),
        (np.zeros_like, "high"),
    ],
    ids=["a fifth", "gamma", "nearly black", "black"],
)
def test_darkened_pictures_are_found(spoil, severity):
    result = Dark().run(samples_from([*PHOTOS, spoil(PHOTOS[0])]))

    assert np.flatnonzero(result.flagged).tolist() == [30]
    assert result.severity[30] == severity
    assert result.score[30] <= 0.5 < result.score[:30].min()
    begins = "half of it is darker than" if severity == "medium" else "even its lightest hundredth reaches only"
    assert result.messages[30].startswith(f"Dark: {begins}")


def test_a_night_with_lamps_and_a_set_of_nights_are_not_dark():
    night = (draw_photo(1) * 0.25).astype(np.uint8)
    night[10:20, 10:40] = 255

    assert not Dark().run(samples_from([*PHOTOS, night])).flagged.any()
    nights = {"brightness_p50": np.linspace(0.05, 0.1, 40), "brightness_p99": np.linspace(0.85, 1, 40)}
    assert not Dark().run(samples_of(nights)).flagged.any()


def test_where_all_lie_on_black_only_what_has_no_lights_is_dark():
    digits = {"brightness_p50": [0.0] * 42, "brightness_p99": [*np.linspace(0.5, 0.9, 40), 0.02, 0.15]}

    result = Dark().run(samples_of(digits))

    assert np.flatnonzero(result.flagged).tolist() == [40, 41]
    assert result.severity[40:] == ("high", "medium")
    assert result.messages[40] == "Dark: even its lightest hundredth reaches only 2% of white, not over 20%."
    row = {"brightness_p50": 0.0, "brightness_p99": 0.8}
    assert "as is usual among the other images" in Dark.why_not(StoredImage(row, {}, False, False))


def test_between_the_limits_only_outliers_are_dark():
    bright = {"brightness_p50": [*np.linspace(0.4, 0.6, 40), 0.06], "brightness_p99": [0.9] * 41}

    assert np.flatnonzero(Dark().run(samples_of(bright)).flagged).tolist() == [40]
    few = {name: values[-3:] for name, values in bright.items()}
    assert not Dark().run(samples_of(few)).flagged.any()        # too few to have outliers


def test_unread_pictures_are_not_judged_and_it_says_why_not():
    assert np.isnan(Dark().run(samples_of({"brightness_p50": [np.nan], "brightness_p99": [np.nan]})).score).all()
    row = {"brightness_p50": 0.49, "brightness_p99": 1.0}
    assert "together 70%, where dark is 20% and less" in Dark.why_not(StoredImage(row, {}, False, False))
