"""Which pictures are bright."""

import numpy as np
import pytest

from auditor.checks import StoredImage
from auditor.checks.bright import Bright
from tests.checks.pictured import samples_from, samples_of
from tests.pictures import draw_photo

PHOTOS = [draw_photo(seed) for seed in range(30)]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda photo: np.clip(photo * 4.0, 0, 255).astype(np.uint8),
        lambda photo: (255 - (255 - photo) * 0.2).astype(np.uint8),
        lambda photo: np.full_like(photo, 255),
    ],
    ids=["overexposed", "washed out", "white"],
)
def test_overexposed_and_washed_out_pictures_are_found(spoil):
    result = Bright().run(samples_from([*PHOTOS, spoil(PHOTOS[0])]))

    assert np.flatnonzero(result.flagged).tolist() == [30]
    assert result.score[30] <= 0.5 < result.score[:30].min()
    assert result.messages[30].startswith("Bright: ")


def test_things_on_white_are_usual_in_a_catalogue():
    white, darkest = np.linspace(0.5, 0.9, 60), np.linspace(0.4, 0.1, 60)

    assert not Bright().run(samples_of({"white": white, "brightness_p5": darkest})).flagged.any()


def test_pages_of_text_are_light_and_one_without_text_is_bright():
    white, darkest = np.linspace(0.8, 0.91, 60), np.linspace(0.68, 0.78, 60)
    pages = {"white": [*white, 1.0], "brightness_p5": [*darkest, 1.0]}

    assert np.flatnonzero(Bright().run(samples_of(pages)).flagged).tolist() == [60]


def test_what_is_all_white_is_bright_in_any_set():
    assert Bright().run(samples_of({"white": [1.0] * 40, "brightness_p5": [1.0] * 40})).flagged.all()
    assert Bright().run(samples_of({"white": [1.0], "brightness_p5": [1.0]})).severity == ("medium",)


def test_unread_pictures_are_not_judged_and_it_says_why_not():
    assert np.isnan(Bright().run(samples_of({"white": [np.nan], "brightness_p5": [np.nan]})).score).all()
    assert "together 0.30" in Bright.why_not(StoredImage({"white": 0.1, "brightness_p5": 0.2}, {}, False, False))
