"""Which sizes are odd."""

import numpy as np

from auditor.checks import StoredImage
from auditor.checks.odd_size import OddSize
from tests.checks.pictured import samples_of


def flagged(width, height, labels=None, **settings):
    result = OddSize(**settings).run(samples_of({"width": width, "height": height}, labels))
    assert [bool(message) for message in result.messages] == result.flagged.tolist()
    judged = ~np.isnan(result.score)
    assert ((result.score[judged] < 0.5) == result.flagged[judged]).all()
    return np.flatnonzero(result.flagged).tolist()


def test_thumbnails_and_giants_among_photographs_are_odd():
    assert flagged([640] * 40 + [128, 2560, 480], [480] * 40 + [96, 1920, 640]) == [40, 41]


def test_sizes_that_vary_by_nature_are_not():
    side = np.exp(np.random.default_rng(0).normal(6, 0.5, 1000))

    assert len(flagged(side, side)) <= 2


def test_each_class_is_compared_with_itself():
    width = [32] * 40 + [800] * 40 + [32]
    labels = [0] * 40 + [1] * 41

    assert flagged(width, width, labels) == [80]
    assert flagged(width, width) == []                          # one class of two sizes


def test_small_classes_are_compared_together():
    assert flagged([500] * 36 + [50], [500] * 36 + [50], [0, 1, 2, 3] * 9 + [0]) == [36]


def test_a_few_pixels_are_odd_in_any_data_set_and_a_data_set_of_small_pictures_is_not():
    assert flagged([1, 200], [1, 200]) == [0]
    assert flagged([28] * 50, [28] * 50) == []


def test_unread_pictures_are_not_judged_and_it_says_what_is_usual():
    width = [*[400] * 40, np.nan, 50]
    result = OddSize().run(samples_of({"width": width, "height": width}))

    assert np.isnan(result.score[40])
    assert result.messages[41] == (
        "50 x 50 pixels: 8 times smaller than usual among the images it is compared with (400 by 400), over 3."
    )
    assert "400 x 300 pixels" in OddSize.why_not(StoredImage({"width": 400, "height": 300}, {}, False, False))
