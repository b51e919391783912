"""The metrics, computed by hand and compared with scikit-learn."""

import math

import numpy as np
import pytest

from auditor.evaluation.metrics import (
    calibration,
    class_scores,
    confusion_matrix,
    log_loss,
    mean_known,
    ranking,
    wilson,
)


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(8, 10, 0.490162, 0.943318), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0), (95, 100, 0.888247, 0.978462)],
)
def test_the_interval_of_a_share_is_wilsons(right, total, low, high):
    share = wilson(right, total)

    assert (share.low, share.high) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))
    assert share.low <= share.value <= share.high


def test_a_share_of_nothing_is_nan():
    share = wilson(0, 0)

    assert math.isnan(share.value)
    assert (share.low, share.high) == (0, 1)


def test_the_interval_holds_the_true_share_19_times_in_20():
    rng = np.random.default_rng(0)
    hits = [wilson(int(right), 60) for right in rng.binomial(60, 0.9, 2000)]

    assert np.mean([share.low <= 0.9 <= share.high for share in hits]) == pytest.approx(0.95, abs=0.025)


def test_answers_that_are_none_of_the_classes_are_counted_separately():
    matrix, elsewhere = confusion_matrix(np.array([0, 0, 1, 1, 1]), np.array([0, -1, 1, 0, -1]), 2)

    assert matrix.tolist() == [[1, 0], [1, 1]]
    assert elsewhere.tolist() == [1, 1]


def test_a_class_that_is_never_predicted_has_no_precision_and_one_without_images_no_recall():
    never, absent, _ = class_scores(
        ("never", "absent", "rest"), np.array([[0, 0, 2], [0, 0, 0], [0, 1, 3]]), np.array([0, 0, 0])
    )

    assert math.isnan(never.precision) and never.recall == 0 and never.f1 == 0
    assert absent.precision == 0 and math.isnan(absent.recall) and math.isnan(absent.f1)


def test_scores_are_those_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    given, predicted = rng.integers(0, 6, 400), rng.integers(0, 6, 400)
    predicted = np.where(rng.random(400) < 0.6, given, predicted)

    matrix, elsewhere = confusion_matrix(given, predicted, 6)
    scores = class_scores(tuple("abcdef"), matrix, elsewhere)
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(given, predicted)

    np.testing.assert_array_equal(matrix, sklearn.confusion_matrix(given, predicted))
    np.testing.assert_allclose([score.precision for score in scores], precision)
    np.testing.assert_allclose([score.recall for score in scores], recall)
    np.testing.assert_allclose([score.f1 for score in scores], f1)
    assert [score.support for score in scores] == support.tolist()
    assert mean_known([score.f1 for score in scores]) == pytest.approx(
        sklearn.f1_score(given, predicted, average="macro")
    )


def test_calibration_by_hand():
    confidence = np.array([0.95, 0.95, 0.55, 0.55], dtype=np.float32)
    found = calibration(confidence, np.array([True, True, True, False]), bins=10)

    assert [(each.images, each.accuracy) for each in found.bins] == [(2, 0.5), (2, 1.0)]
    assert found.error == pytest.approx(0.5 * 0.05 + 0.5 * 0.05, abs=1e-6)
    assert found.confidence == pytest.approx(0.75)


def test_the_ends_of_the_scale_have_a_bin():
    found = calibration(np.array([0.0, 1.0]), np.array([False, True]), bins=15)

    assert [(each.low, each.high) for each in found.bins] == [(0.0, 1 / 15), (14 / 15, 1.0)]
    assert found.error == 0


def test_a_model_with_true_confidences_is_calibrated_and_one_with_too_high_ones_is_not():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.5, 1, 20_000)
    right = rng.random(20_000) < confidence

    assert calibration(confidence, right).error < 0.015
    assert calibration(np.minimum(confidence + 0.1, 1), right).error > 0.06


def test_log_loss_is_that_of_scikit_learn_and_never_infinite():
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(4), 200)
    given = rng.integers(0, 4, 200)

    ours = log_loss(probabilities[np.arange(200), given])

    assert ours == pytest.approx(sklearn.log_loss(given, probabilities, labels=range(4)))
    assert log_loss(np.array([0.0], dtype=np.float32)) == pytest.approx(-math.log(np.finfo(np.float32).eps))
    assert log_loss(np.array([1.0])) == 0 and math.copysign(1, log_loss(np.array([1.0]))) == 1


@pytest.mark.parametrize("digits", [1, 8])
def test_ranking_is_that_of_scikit_learn_with_ties_and_without(digits):
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(4)
    positive = rng.random(300) < 0.3
    score = np.round(rng.normal(0, 0.3, 300) + 0.3 * positive, digits)

    found = ranking(score, positive, "dog")

    assert found.roc_auc == pytest.approx(sklearn.roc_auc_score(positive, score))
    assert found.average_precision == pytest.approx(sklearn.average_precision_score(positive, score))


def test_one_class_alone_cannot_be_ranked():
    assert ranking(np.array([0.1, 0.9]), np.array([True, True]), "dog") is None
