"""Whether two pictures are the same one."""

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.checks.copy_groups import SAME_PICTURE
from auditor.duplicates.agreement import prepare, similarity
from auditor.duplicates.confirmation import CONFIRMED


def saved(picture, place, path, **options):
    return np.asarray(Image.open(place(picture, path, **options)).convert("RGB"))


def shine(picture, factor):
    return np.clip(picture.astype(np.float32) * factor, 0, 255).astype(np.uint8)


def alike(one, other):
    return similarity(prepare(one), prepare(other))


@pytest.mark.parametrize("alter", [
    lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    lambda picture: cv2.resize(picture, None, fx=0.7, fy=1, interpolation=cv2.INTER_AREA),
    lambda picture: picture[7:-7, 10:-10],
    lambda picture: picture[14:, 20:],
    lambda picture: cv2.copyMakeBorder(picture, 10, 10, 10, 10, cv2.BORDER_CONSTANT, value=(0, 0, 0)),
    lambda picture: cv2.copyMakeBorder(picture, 30, 30, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255)),
    lambda picture: shine(picture, 1.2),
    lambda picture: shine(picture, 0.5),
    lambda picture: (255 * (picture / 255.0) ** 0.6).astype(np.uint8),
    lambda picture: np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2),
    lambda picture: cv2.GaussianBlur(picture, (0, 0), 1),
])  # fmt: skip
def test_a_copy_stays_similar(draw, alter):
    picture = draw(1, 150, 200)

    assert alike(picture, alter(picture)) > SAME_PICTURE
    assert alike(alter(picture), picture) > SAME_PICTURE


def test_a_copy_saved_with_low_quality_stays_similar(draw, place, tmp_path):
    picture = draw(2, 150, 200)

    assert alike(picture, saved(picture, place, tmp_path / "a.jpg", quality=30)) > 0.8


def test_other_pictures_are_not_similar(draw):
    pictures = [draw(seed, 150, 200) for seed in range(6)]

    assert max(alike(pictures[i], pictures[j]) for i in range(6) for j in range(i)) < 0.3


def test_a_subject_that_moved_makes_another_picture(draw):
    scene = draw(3, 150, 200)
    first, second = scene.copy(), scene.copy()
    first[40:90, 50:100], second[40:90, 70:120] = draw(9, 50, 50), draw(9, 50, 50)

    assert alike(first, second) < CONFIRMED


def test_another_text_in_the_same_form_is_another_picture():
    def form(*lines):
        page = np.full((200, 150, 3), 255, np.uint8)
        cv2.rectangle(page, (5, 5), (145, 195), (0, 0, 0), 1)
        for number, line in enumerate(lines):
            cv2.putText(page, line, (12, 40 + 35 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
        return page

    assert alike(form("Invoice", "Smith", "12 May", "430"), form("Invoice", "Jones", "7 July", "1999")) < CONFIRMED


def test_other_colours_make_another_picture():
    red, green = np.full((2, 120, 120, 3), 255, np.uint8)
    cv2.circle(red, (60, 60), 30, (220, 20, 20), -1, cv2.LINE_AA)
    cv2.circle(green, (60, 60), 30, (20, 150, 20), -1, cv2.LINE_AA)

    assert alike(red, green) < CONFIRMED


@pytest.mark.parametrize("levels", [(0, 0), (255, 250), (0, 255)])
def test_blank_pictures_have_nothing_in_common(levels):
    one, other = (np.full((80, 100, 3), level, np.uint8) for level in levels)

    assert alike(one, other) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 2)])
def test_tiny_pictures_are_no_error(shape):
    rng = np.random.default_rng(0)

    assert 0 <= alike(rng.integers(0, 255, (*shape, 3), np.uint8), rng.integers(0, 255, (*shape, 3), np.uint8)) <= 1
