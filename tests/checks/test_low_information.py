"""Which pictures show nothing."""

import cv2
import numpy as np
import pytest

from auditor.checks import StoredImage
from auditor.checks.low_information import LowInformation
from tests.checks.pictured import recompressed, samples_from, samples_of
from tests.pictures import draw_photo

PHOTOS = [draw_photo(seed) for seed in range(8)]
RNG = np.random.default_rng(3)
ROWS, COLUMNS = np.mgrid[0:1:96j, 0:1:128j]
GRADIENT = np.stack([255 * ROWS, 255 * COLUMNS, 128 * (ROWS + COLUMNS)], axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    "nothing",
    [
        np.full((96, 128, 3), 200, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.clip(120 + RNG.normal(0, 3, (96, 128, 3)), 0, 255).astype(np.uint8),
        GRADIENT,
        recompressed(GRADIENT, 50),
    ],
    ids=["one colour", "one pixel", "noisy colour", "gradient", "compressed gradient"],
)
def test_blank_pictures_are_useless(nothing):
    result = LowInformation().run(samples_from([*PHOTOS, nothing]))

    assert np.flatnonzero(result.flagged).tolist() == [8]
    assert result.severity[8] in ("high", "medium") and result.score[8] < 0.5
    assert result.messages[8].startswith("It shows nothing: ")


@pytest.mark.parametrize("size", [96, 250, 700])
def test_static_noise_is_found_whatever_its_size(size):
    grey = np.random.default_rng(size).integers(0, 256, (size, size, 1)).astype(np.uint8)
    result = LowInformation().run(samples_from([*PHOTOS, np.repeat(grey, 3, axis=2)]))

    assert np.flatnonzero(result.flagged).tolist() == [8]
    assert result.score[8] < 0.5 and result.value[8] < result.threshold[8] == LowInformation.correlation


def test_a_page_with_a_line_of_text_shows_something():
    page = np.full((256, 200, 3), 255, np.uint8)
    cv2.putText(page, "It was a dark night", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)

    assert not LowInformation().run(samples_from([page])).flagged[0]


def test_unread_pictures_are_not_judged_and_it_says_why_not():
    assert np.isnan(LowInformation().run(samples_of({"detail": [np.nan], "correlation": [np.nan]})).score).all()
    say = LowInformation.why_not(StoredImage({"detail": 0.1}, {}, False, False))
    assert say == "not flagged: its details differ by 25.5 of 255 grey levels, not under 1.28, and it is no noise."
