"""Which pictures are blurry."""

import cv2
import numpy as np
import pytest

from auditor.checks import StoredImage
from auditor.checks.blurry import Blurry
from tests.checks.pictured import recompressed, samples_from, samples_of
from tests.pictures import draw_photo


def scene(seed):
    """A drawn photograph with things in it that have edges in all directions."""
    photo, rng = draw_photo(seed, 128, 160), np.random.default_rng(seed)
    for _ in range(12):
        corners = rng.integers((0, 0), (160, 128)) + rng.integers(-30, 31, (3, 2))
        cv2.fillPoly(photo, [corners.astype(np.int32)], rng.integers(0, 256, 3).tolist(), cv2.LINE_AA)
    return photo


PHOTOS = [scene(seed) for seed in range(30)]
MOTION = np.eye(11) / 11
DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)) / 89.0




def enlarged(photo):
    height, width = photo.shape[:2]
    return cv2.resize(cv2.resize(photo, (width // 5, height // 5), interpolation=cv2.INTER_AREA), (width, height))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda photo: cv2.GaussianBlur(photo, (0, 0), 3),
        lambda photo: cv2.filter2D(photo, -1, MOTION),
        lambda photo: cv2.filter2D(photo, -1, DISC),
        enlarged,
        lambda photo: (90 + 0.4 * cv2.GaussianBlur(photo, (0, 0), 3)).astype(np.uint8),
        lambda photo: recompressed(cv2.GaussianBlur(photo, (0, 0), 3), 40),
    ],
    ids=["gaussian", "motion", "disc", "enlarged", "faint", "jpeg"],
)
def test_blur_of_every_kind_is_found_among_sharp_pictures(spoil):
    result = Blurry().run(samples_from([*PHOTOS, *map(spoil, PHOTOS[:4])]))

    assert np.flatnonzero(result.flagged).tolist() == [30, 31, 32, 33]
    assert ((result.score < 0.5) == result.flagged).all()
    assert result.messages[30].startswith("Blurred: ") and result.messages[0] == ""


def test_a_sharp_subject_before_a_blurred_background_is_not_blurry():
    picture = cv2.GaussianBlur(PHOTOS[0], (0, 0), 4)
    picture[40:100, 50:110] = PHOTOS[0][40:100, 50:110]

    assert not Blurry().run(samples_from([picture])).flagged[0]


def test_where_all_are_sharp_a_softer_one_is_an_outlier_and_where_all_are_soft_it_is_not():
    common = {"detail": [0.05] * 41, "sharpness_typical": [0.6] * 41}
    sharp = samples_of({**common, "sharpness": [*np.linspace(0.72, 0.8, 40), 0.53]})
    soft = samples_of({**common, "sharpness": [*np.linspace(0.5, 0.7, 40), 0.53]})

    assert np.flatnonzero(Blurry().run(sharp).flagged).tolist() == [40]
    assert not Blurry().run(soft).flagged.any()


def test_drawings_are_sharp_all_over_so_their_typical_edge_counts():
    drawings = samples_of(
        {"detail": [0.05] * 41, "sharpness": [0.8] * 41, "sharpness_typical": [*np.linspace(0.66, 0.72, 40), 0.42]}
    )
    result = Blurry().run(drawings)

    assert np.flatnonzero(result.flagged).tolist() == [40]
    assert "most of its edges make no more than 42%" in result.messages[40]
    assert result.value[40] < result.threshold[40] == Blurry.typical


def test_blank_and_unread_pictures_are_not_judged():
    nothing = [0.0, np.nan]
    result = Blurry().run(samples_of({"detail": nothing, "sharpness": nothing, "sharpness_typical": nothing}))

    assert np.isnan(result.score).all() and not result.flagged.any()


def test_pictures_of_a_few_pixels_are_not_judged():
    soft = {"detail": [0.05] * 2, "sharpness": [0.4] * 2, "sharpness_typical": [0.4] * 2}
    result = Blurry().run(samples_of({**soft, "width": [32, 64], "height": [64, 64]}))

    assert result.flagged.tolist() == [False, True] and np.isnan(result.score[0])
    thumbnail = {"sharpness": 0.4, "detail": 0.05, "width": 32, "height": 64}
    assert "a side is under 48 pixels" in Blurry.why_not(StoredImage(thumbnail, {}, False, False))


def test_it_says_why_not():
    say = Blurry.why_not

    assert "make 80% of their rise" in say(StoredImage({"sharpness": 0.8, "detail": 0.1}, {}, False, False))
    assert say(StoredImage({"sharpness": 0.0, "detail": 0.0}, {}, False, False)) == "not judged: it is blank."
    assert say(StoredImage({}, {}, False, False)).startswith("not judged")
