"""How far from the rest is odd, and that the rules about pictures bear every data set."""

import warnings

import numpy as np
import pytest

from auditor.checks.blurry import Blurry
from auditor.checks.bright import Bright
from auditor.checks.dark import Dark
from auditor.checks.grayscale import Grayscale
from auditor.checks.limits import FEWEST, fences, high_score, low_score
from auditor.checks.low_information import LowInformation
from auditor.checks.odd_aspect_ratio import OddAspectRatio
from auditor.checks.odd_size import OddSize
from auditor.images.properties import PROPERTIES
from tests.checks.pictured import samples_of

RULES = (Blurry, Dark, Bright, LowInformation, OddSize, OddAspectRatio, Grayscale)
NAMES = ("width", "height", *PROPERTIES)


def test_fences_are_robust_standard_deviations_and_a_fifth_of_faults_hardly_moves_them():
    values = np.random.default_rng(0).normal(10, 2, 10_000)

    assert fences(values) == pytest.approx((3, 17), abs=0.2)
    assert fences(np.concatenate([values, np.full(2500, 1e9), [np.nan]]))[1] < 22
    assert fences(values[: FEWEST - 1]) == (-np.inf, np.inf)


def test_scores_are_half_at_the_limit():
    values = np.array([0.0, 2.0, 4.0, np.nan])

    assert low_score(values, 2.0)[:3] == pytest.approx([0, 0.5, 2 / 3])
    assert high_score(values, 2.0)[:3] == pytest.approx([1, 0.5, 1 / 3])
    assert np.isnan(low_score(values, 2.0)[3])
    assert low_score(np.zeros(1), 0.0)[0] == 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule)
@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((len(NAMES), 0)),
        np.full((len(NAMES), 1), 0.5),
        np.full((len(NAMES), 3), np.nan),
        np.full((len(NAMES), 1000), 0.5),
        np.zeros((len(NAMES), 1000)) + np.array([1, 1] + [0] * len(PROPERTIES))[:, None],
    ],
    ids=["none", "one", "unread", "equal", "black pixels"],
)
def test_every_data_set_is_borne_without_a_warning(rule, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = rule().run(samples_of(dict(zip(NAMES, rows, strict=True))))

    assert len(result.flagged) == len(result.messages) == len(result.severity) == rows.shape[1]
    judged = ~np.isnan(result.score)
    assert ((result.score[judged] >= 0) & (result.score[judged] <= 1)).all()
    assert not result.flagged[~judged].any()
    assert result.score.dtype == result.value.dtype == np.float32
