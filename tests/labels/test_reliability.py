"""The curve of denied labels, for random verdicts from the same model that it fits."""

import numpy as np
import pytest

from auditor.labels.reliability import Verdicts, fit_lapse_curve, wrong_probability


def random_verdicts(images, classes, wrong, seed, *, certainty=3.0, only=None):
    """Calibrated probabilities (N, C), the given labels (N,), and which of them are wrong (N,).

    Args:
        images, classes, seed: Size and seed of the random data.
        wrong: Probability that a label is replaced by any other class.
        certainty: Mean log odds of the probe's top class.
        only: (true, given): only labels of the first class are wrong, and become the second.
    """
    rng = np.random.default_rng(seed)
    top = rng.integers(0, classes, images)
    odds = np.abs(rng.normal(certainty, 1.5, images))
    probabilities = rng.dirichlet(np.full(classes - 1, 0.5), images) / (1 + np.exp(odds))[:, None]      # (N, C - 1)
    probabilities = np.where(np.arange(classes) < top[:, None], np.pad(probabilities, ((0, 0), (0, 1))),
                             np.pad(probabilities, ((0, 0), (1, 0))))  # fmt: skip
    probabilities[np.arange(images), top] = 1 / (1 + np.exp(-odds))
    true = (rng.random(images)[:, None] > np.cumsum(probabilities, axis=1)).sum(axis=1).clip(0, classes - 1)
    changed = rng.random(images) < wrong
    other = (true + rng.integers(1, classes, images)) % classes
    if only is not None:
        changed &= true == only[0]
        other = np.full(images, only[1])
    return probabilities.astype(np.float32), np.where(changed, other, true), changed


def judged(probabilities, given):
    verdicts = Verdicts.of(probabilities, given.astype(np.int64))
    return fit_lapse_curve(verdicts), verdicts


def test_verdicts_follow_from_the_probabilities():
    verdicts = Verdicts.of(np.array([[0.9, 0.1], [0.25, 0.75]], np.float32), np.array([1, 1]))

    assert verdicts.predicted.tolist() == [0, 1]
    assert verdicts.denied.tolist() == [True, False]
    assert np.allclose(verdicts.log_odds, np.log([9, 3]), atol=1e-5)


@pytest.mark.parametrize(("classes", "share"), [(2, 0.03), (5, 0.03), (5, 0.15)])
def test_the_true_share_lies_in_the_interval(classes, share):
    curves, shares = [], []
    for seed in range(4):
        probabilities, given, changed = random_verdicts(3000, classes, share, seed)
        curves.append(judged(probabilities, given)[0])
        shares.append(changed.mean())

    assert sum(curve.low <= true <= curve.high for curve, true in zip(curves, shares, strict=True)) >= 3
    assert all(curve.low <= curve.wrong <= curve.high and curve.cautious <= curve.wrong for curve in curves)
    assert np.mean([curve.wrong for curve in curves]) == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("classes", [2, 5])
def test_without_wrong_labels_the_interval_begins_at_0(classes):
    lows, highs, flags = [], [], []
    for seed in range(3):
        curve, verdicts = judged(*random_verdicts(2000, classes, 0.0, seed)[:2])
        lows.append(curve.low)
        highs.append(curve.high)
        flags.append((wrong_probability(curve, verdicts) > 0.5).sum())

    assert lows.count(0) >= 2                                   # nearly all
    assert np.median(highs) < 0.02
    assert max(flags) <= 3


def test_if_no_label_is_denied_none_is_wrong():
    probabilities, _, _ = random_verdicts(500, 3, 0.0, 0, certainty=12.0)
    curve, verdicts = judged(probabilities, probabilities.argmax(axis=1))

    assert (curve.low, curve.wrong) == (0, 0)
    assert curve.high < 0.01
    assert not wrong_probability(curve, verdicts).any()


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_probe_that_is_never_confident_finds_no_wrong_labels(share):
    rng = np.random.default_rng(0)
    top = 0.5 + 0.02 * rng.random(2000)
    probabilities = np.stack([top, 1 - top], axis=1)
    true = (rng.random(2000) > top).astype(int)
    curve, verdicts = judged(probabilities, np.where(rng.random(2000) < share, 1 - true, true))

    assert curve.low == 0
    assert curve.high > 0.2
    assert curve.cautious < 0.01
    assert not (wrong_probability(curve, verdicts) > 0.5).any()


def test_wrong_labels_in_only_one_class_are_found():
    probabilities, given, changed = random_verdicts(4000, 5, 0.15, 1, only=(2, 0))
    curve, _ = judged(probabilities, given)

    assert curve.weights.argmax() == 2
    assert curve.weights[2] > 4 * np.delete(curve.weights, 2).max()
    assert curve.low <= changed.mean() <= curve.high


def test_classes_with_equal_error_rates_have_equal_weights():
    probabilities, given, _ = random_verdicts(3000, 5, 0.1, 2)

    assert np.allclose(judged(probabilities, given)[0].weights, 1)


@pytest.mark.parametrize("cautious", [False, True])
def test_a_label_that_is_not_denied_is_not_wrong(cautious):
    curve, verdicts = judged(*random_verdicts(3000, 5, 0.1, 3)[:2])
    found = wrong_probability(curve, verdicts, cautious=cautious)

    assert (found[~verdicts.denied] == 0).all()
    assert (found[verdicts.denied] > 0).all() and found.max() <= 1


def test_a_more_confident_denial_is_more_often_a_wrong_label():
    curve, verdicts = judged(*random_verdicts(3000, 2, 0.05, 4)[:2])
    probability = wrong_probability(curve, verdicts)

    for label in (0, 1):
        rows = np.flatnonzero(verdicts.denied & (verdicts.predicted == label))
        found, odds = probability[rows], verdicts.log_odds[rows]
        assert (np.diff(found[np.argsort(odds, kind="stable")]) >= -1e-6).all()
        assert found[odds < 1].max() < 0.3 < 0.7 < found[odds > 5.5].min()


def test_a_label_with_the_second_highest_probability_is_rather_a_mistake_of_the_probe():
    probabilities, given, _ = random_verdicts(3000, 3, 0.05, 5)
    probabilities[:2], given[:2] = [[0.9, 0.0999, 0.0001]] * 2, [1, 2]
    curve, verdicts = judged(probabilities, given)
    found = wrong_probability(curve, verdicts)

    assert found[1] > 0.8 > 0.5 > found[0]


@pytest.mark.parametrize(("only", "overall", "part"), [(None, 0.08, 0.12), ((1, 0), 0.12, 0.2)])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_probability_of_a_wrong_label_is_calibrated(classes, only, overall, part):
    """If only one class has wrong labels, the probabilities are too high: slightly at both ends, more in between."""
    probability, wrong = [], []
    for seed in range(3):
        probabilities, given, changed = random_verdicts(4000, classes, 0.1, seed, only=only)
        curve, verdicts = judged(probabilities, given)
        probability.append(wrong_probability(curve, verdicts, cautious=False)[verdicts.denied])
        wrong.append(changed[verdicts.denied])
    probability, wrong = np.concatenate(probability), np.concatenate(wrong)

    assert probability.mean() == pytest.approx(wrong.mean(), abs=overall)
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (probability >= low) & (probability <= low + 0.25)
        assert inside.sum() > 30
        assert probability[inside].mean() == pytest.approx(wrong[inside].mean(), abs=part)


def test_the_order_of_images_and_classes_does_not_matter():
    probabilities, given, _ = random_verdicts(1500, 4, 0.08, 6)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(1500), rng.permutation(4)
    before = wrong_probability(*judged(probabilities, given))
    after = wrong_probability(*judged(probabilities[rows][:, columns], np.argsort(columns)[given[rows]]))

    assert np.allclose(after, before[rows], atol=0.02)


@pytest.mark.parametrize("images", [1, 2, 7])
def test_a_handful_of_images(images):
    probabilities, given, _ = random_verdicts(images, 2, 0.0, 7)
    curve, verdicts = judged(probabilities, given)

    assert 0 <= curve.low <= curve.wrong <= curve.high <= 1
    assert np.isfinite(wrong_probability(curve, verdicts)).all()
