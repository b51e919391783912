"""Which aspect ratios are odd."""

import numpy as np

from auditor.checks import StoredImage
from auditor.checks.odd_aspect_ratio import OddAspectRatio
from tests.checks.pictured import samples_of


def run(width, height):
    return OddAspectRatio().run(samples_of({"width": width, "height": height}))


def test_strips_are_odd_and_portraits_among_landscapes_are_not():
    result = run([400] * 40 + [300, 400, 100, 1200], [300] * 40 + [400, 168, 300, 100])

    assert np.flatnonzero(result.flagged).tolist() == [42, 43]
    assert result.messages[43] == "A strip of 1200 x 100 pixels: one side is 12.0 times the other, over 2.5."
    assert result.score[41] > 0.5 > result.score[42] > result.score[43]


def test_where_strips_are_usual_only_longer_ones_are_odd():
    width = [*np.linspace(400, 600, 40), 3000]

    assert np.flatnonzero(run(width, [100] * 41).flagged).tolist() == [40]


def test_what_many_share_is_usual():
    assert not run([500] * 40 + [100] * 60, [100] * 100).flagged.any()


def test_one_strip_alone_is_judged_by_the_limit_and_unread_pictures_are_not():
    result = run([1000, np.nan], [100, np.nan])

    assert result.flagged.tolist() == [True, False]
    assert np.isnan(result.score[1])
    say = OddAspectRatio.why_not(StoredImage({"width": 400, "height": 300}, {}, False, False))
    assert say == "not flagged: one side is 1.3 times the other; over 2.5 is odd, more where that is usual."
