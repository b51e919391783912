"""Which pictures have no colour."""

import cv2
import numpy as np

from auditor.checks import StoredImage
from auditor.checks.grayscale import Grayscale
from tests.checks.pictured import recompressed, samples_from, samples_of
from tests.pictures import draw_photo

PHOTOS = [draw_photo(seed) for seed in range(10)]


def grey(photo):
    return np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def test_grey_pictures_stored_in_colour_are_found_also_after_compression():
    result = Grayscale().run(samples_from([*PHOTOS, grey(PHOTOS[0]), recompressed(grey(PHOTOS[1]), 50)]))

    assert np.flatnonzero(result.flagged).tolist() == [10, 11]
    assert result.messages[10].startswith("It has no colour: 99% of its pixels differ from grey by at most ")
    assert ((result.score < 0.5) | (result.score == 0.5) == result.flagged).all()


def test_sepia_counts_as_colour():
    sepia = np.clip(grey(PHOTOS[0]) * (1.0, 0.89, 0.69), 0, 255).astype(np.uint8)

    assert not Grayscale().run(samples_from([*PHOTOS, sepia])).flagged.any()


def test_in_a_grey_data_set_nothing_is_odd():
    all_grey = Grayscale().run(samples_from([grey(photo) for photo in PHOTOS]))
    mixed = Grayscale().run(samples_from([*PHOTOS[:5], *map(grey, PHOTOS)]))

    assert not all_grey.flagged.any() and all_grey.notes == ()
    assert not mixed.flagged.any() and mixed.score.min() > 0.5
    assert mixed.notes == ("67% of the images have no colour; they are not listed one by one.",)


def test_unread_pictures_are_not_judged_and_it_says_why_not():
    assert np.isnan(Grayscale().run(samples_of({"chroma": [np.nan]})).score).all()

    def say(chroma):
        return Grayscale.why_not(StoredImage({"chroma": chroma}, {}, False, False))

    assert say(0.2) == "not flagged: it has colour, up to 51 of 255 levels from grey."
    assert say(0.0).startswith("not flagged: it has no colour, and that is usual among these images")
