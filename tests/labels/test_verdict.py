"""The verdict on random classes whose wrong labels are known, and its measured power."""

import numpy as np
import pytest

from auditor.labels.probe import assign_folds, out_of_fold
from auditor.labels.verdict import Power, decide
from tests.labels.drawn import clusters, contents


def changed(true, share, classes, seed=0):
    """Labels, a share of which is replaced by any other class, and which ones are replaced."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(true)) < share
    return np.where(wrong, (true + rng.integers(1, classes, len(true))) % classes, true), wrong


def judged(points, labels, classes=3, names=None):
    names = names or contents(len(labels))
    probe = out_of_fold(points, labels, assign_folds(names), classes)
    return decide(probe.probabilities, labels, names, probe.relearn)


@pytest.mark.parametrize(("classes", "per_class", "distance"), [(3, 150, 5.0), (2, 150, 5.0), (10, 60, 8.0)])
def test_changed_labels_are_found_and_few_others(classes, per_class, distance):
    points, true = clusters(per_class, classes=classes, distance=distance, seed=1)
    labels, wrong = changed(true, 0.05, classes)

    verdict = judged(points, labels, classes)

    flagged, power = verdict.issues.flagged, verdict.power
    recall = (flagged & wrong).sum() / wrong.sum()
    assert verdict.can_judge and power.suffices
    assert recall > 0.7
    assert (flagged & ~wrong).sum() <= 2
    assert (verdict.issues.suggested[flagged & wrong] == true[flagged & wrong]).mean() > 0.9
    low, middle, high = verdict.issues.expected_errors
    assert low <= wrong.sum() <= high and low <= middle <= high
    assert verdict.p_wrong.sum() == pytest.approx(wrong.sum(), rel=0.35)
    assert power.swapped > 100
    assert power.found / power.swapped == pytest.approx(recall, abs=0.2)
    assert power.disturbed < 0.01
    assert power.knows > 0.95
    assert power.chance == pytest.approx(1 / classes, abs=0.05)


def test_flagged_labels_and_no_others_have_a_probability_below_one_half():
    points, true = clusters(100, distance=4.0)
    issues = judged(points, changed(true, 0.05, 3)[0]).issues

    assert (issues.p_correct[issues.flagged] < 0.5).all() and (issues.p_correct[~issues.flagged] >= 0.5).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_clean_labels_are_not_flagged(seed):
    points, true = clusters(120, distance=4.5, seed=seed)
    verdict = judged(points, true)

    assert verdict.can_judge
    assert verdict.issues.flagged.mean() <= 0.01
    assert verdict.issues.expected_errors[0] == 0


def test_random_embeddings_cannot_judge_and_flag_nothing():
    points = np.random.default_rng(0).normal(size=(150, 30))
    labels = np.tile([0, 1, 2], 50)
    verdict = judged(points, labels)

    assert not verdict.can_judge
    assert verdict.power.chance == pytest.approx(1 / 3)
    assert verdict.power.skill < 0.3
    assert not verdict.issues.flagged.any() and np.array_equal(verdict.issues.suggested, labels)
    assert verdict.doubtful.flagged.any()                       # shown on request
    assert not verdict.p_wrong.any()
    assert np.isfinite(verdict.issues.score).all()              # there is still an order of review


@pytest.mark.parametrize("seed", [0, 7])
def test_random_embeddings_cannot_judge_if_one_class_is_larger(seed):
    points = np.random.default_rng(seed).normal(size=(200, 30))

    assert not judged(points, np.tile([0, 1, 2, 1], 50)).can_judge


def test_shuffled_labels_cannot_be_judged():
    points, true = clusters(80, distance=6.0)
    labels = np.random.default_rng(0).permutation(true)

    assert not judged(points, labels).can_judge


def test_the_same_folder_gives_the_same_verdict_and_keeps_its_labels():
    points, true = clusters(80, distance=5.0)
    labels, _ = changed(true, 0.05, 3)
    copy = labels.copy()
    first, second = judged(points, labels), judged(points, labels)

    assert np.array_equal(labels, copy)
    assert first.issues.p_correct.tobytes() == second.issues.p_correct.tobytes()
    assert first.power == second.power


def test_the_order_of_the_rows_does_not_matter():
    points, true = clusters(80, distance=5.0)
    labels, _ = changed(true, 0.05, 3)
    names = contents(len(labels))
    order = np.random.default_rng(0).permutation(len(labels))

    straight = judged(points, labels, names=names)
    mixed = judged(points[order], labels[order], names=[names[row] for row in order])

    assert np.array_equal(mixed.issues.flagged, straight.issues.flagged[order])
    assert np.array_equal(mixed.issues.suggested, straight.issues.suggested[order])
    assert np.allclose(mixed.p_wrong, straight.p_wrong[order], atol=0.02)
    assert mixed.power.swapped == straight.power.swapped
    assert abs(mixed.power.found - straight.power.found) <= 2


def test_labels_of_every_class_are_swapped_and_only_in_memory():
    points, labels = clusters(60, distance=6.0)
    names = contents(len(labels))
    probe = out_of_fold(points, labels, assign_folds(names), 3)
    seen = []

    def relearn(given):
        seen.append(given.copy())
        return probe.relearn(given)

    power = decide(probe.probabilities, labels, names, relearn).power

    differs = np.array(seen) != labels                          # (rounds, N)
    assert power.swapped == differs.sum() == len(labels) // 2
    assert differs.sum(axis=0).max() == 1                       # none twice
    assert differs.sum(axis=1).max() <= 0.03 * len(labels)      # few at a time
    assert np.bincount(labels[differs.any(axis=0)]).tolist() == [30, 30, 30]
    assert all(given.min() >= 0 and given.max() <= 2 for given in seen)


def test_images_that_cannot_be_judged_have_no_verdict():
    points, true = clusters(60, distance=6.0)
    points[4] = np.nan
    labels = true.copy()
    labels[9] = -1
    verdict = judged(points, labels)

    assert np.flatnonzero(np.isnan(verdict.issues.p_correct)).tolist() == [4, 9]
    assert verdict.issues.suggested[[4, 9]].tolist() == [0, -1]
    assert verdict.p_wrong[[4, 9]].tolist() == [0, 0]
    assert verdict.can_judge


@pytest.mark.parametrize(("labels", "classes"), [(np.zeros(5, int), 1), (np.zeros(5, int), 2), (np.full(5, -1), 2)])
def test_with_fewer_than_two_classes_there_is_no_power(labels, classes):
    verdict = judged(np.random.default_rng(0).normal(size=(5, 3)), labels, classes)

    assert verdict.power is None and not verdict.can_judge
    assert not verdict.issues.flagged.any()


def test_no_images():
    assert judged(np.empty((0, 3)), np.empty(0, int)).power is None


def test_a_folder_of_twelve_images():
    points, labels = clusters(6, classes=2, distance=12.0)
    clean = judged(points, labels, 2)
    labels = labels.copy()
    labels[3] = 1
    one_wrong = judged(points, labels, 2)

    assert not clean.issues.flagged.any()
    assert clean.power.swapped == 6
    assert set(np.flatnonzero(one_wrong.issues.flagged)) <= {3}
    assert np.isfinite(one_wrong.p_wrong).all()


@pytest.mark.parametrize(
    ("knows", "found", "enough"), [(0.99, 90, True), (0.89, 90, False), (0.99, 49, False), (0.99, 50, True)]
)
def test_the_flags_are_reliable_with_enough_skill_and_enough_power(knows, found, enough):
    assert Power(knows, 0.5, 100, found, 0.0).suffices is enough


def test_without_swapped_labels_there_is_no_power():
    assert Power(1.0, 0.5, 0, 0, 0.0).share == 0
    assert Power(1.0, 1.0, 0, 0, 0.0).skill == 0
