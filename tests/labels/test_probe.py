"""Out-of-fold probabilities, compared with known classes and an independent fit."""

import numpy as np
import pytest

from auditor.labels.probe import SHRINKAGES, Form, assign_folds, out_of_fold
from tests.labels.drawn import clusters, contents


def probe_of(points, labels, classes=3, **options):
    return out_of_fold(points, labels, assign_folds(contents(len(labels))), classes, **options)


def test_separable_classes_are_judged_right():
    points, labels = clusters(200, distance=6.0)
    probe = probe_of(points, labels)

    assert (probe.probabilities.argmax(axis=1) == labels).mean() > 0.98
    assert np.allclose(probe.probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_wrong_label_is_not_memorised():
    points, labels = clusters(100, distance=6.0)
    labels[[5, 150]] = [1, 0]
    probe = probe_of(points, labels)

    assert (probe.probabilities[[5, 150], labels[[5, 150]]] < 0.1).all()


def test_probabilities_are_calibrated():
    points, labels = clusters(2000, distance=2.0, classes=2)
    probe = probe_of(points, labels, 2)

    confident = probe.probabilities.max(axis=1)
    right = probe.probabilities.argmax(axis=1) == labels
    assert abs(confident.mean() - right.mean()) < 0.02


def test_a_fold_depends_only_on_content_and_copies_share_it():
    names = contents(1000)
    folds = assign_folds(names)

    assert (assign_folds([*names[:10], *names])[10:] == folds).all()
    assert assign_folds([names[3], names[3]]).tolist() == [folds[3]] * 2
    assert np.bincount(folds, minlength=10).min() > 60


def test_more_dimensions_than_images():
    points, labels = clusters(20, dimension=600, distance=12.0)
    probe = probe_of(points, labels)

    assert (probe.probabilities.argmax(axis=1) == labels).mean() > 0.9


def test_an_image_alone_in_its_class_is_not_judged():
    points, labels = clusters(30)
    labels[0] = 3
    probe = probe_of(points, labels, 4)

    for verdict in (probe.probabilities, probe.relearn(labels)):
        assert np.isnan(verdict[0]).all()
        assert np.isfinite(verdict[1:]).all()


def test_unreadable_and_unlabelled_images():
    points, labels = clusters(30)
    points[4] = np.nan
    labels[7] = -1
    probe = probe_of(points, labels)

    assert np.isnan(probe.probabilities[4]).all()
    assert probe.probabilities[7].argmax() == 0
    assert np.isnan(probe.relearn(labels)[4]).all()


@pytest.mark.parametrize("labels", [np.zeros(5, int), np.full(5, -1)])
def test_without_two_classes_nothing_is_judged(labels):
    probe = out_of_fold(np.ones((5, 3), np.float16), labels, np.arange(5), 2)

    assert np.isnan(probe.probabilities).all()
    assert not probe.can_explain
    assert np.isnan(probe.relearn(labels)).all()


def test_a_classifier_that_knows_is_trusted_and_one_that_guesses_is_not():
    points, labels = clusters(100, distance=1.5, classes=2)
    knows = np.where(np.eye(2)[labels] > 0, 0.95, 0.05).astype(np.float32)
    guesses = np.random.default_rng(0).dirichlet([1, 1], len(labels)).astype(np.float32)

    assert probe_of(points, labels, 2, classifiers=[knows]).trust[0] > 0.5
    assert probe_of(points, labels, 2, classifiers=[guesses]).trust[0] < 0.2


def test_a_classifier_does_not_affect_images_it_has_seen():
    points, labels = clusters(100, classes=2)
    seen = np.full((len(labels), 2), np.nan, dtype=np.float32)

    alone, beside = probe_of(points, labels, 2), probe_of(points, labels, 2, classifiers=[seen])

    assert np.array_equal(alone.probabilities, beside.probabilities)


@pytest.mark.parametrize("power", [1, 4])
def test_roots_are_taken_where_they_help(power):
    points, labels = clusters(300, classes=2, distance=3.0)
    values = points.astype(np.float32)
    probe = probe_of(np.sign(values) * np.abs(values) ** power, labels, 2)

    assert probe.form.rooted == (power == 4)


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_classes_that_are_single_points(size):
    labels = np.tile([0, 1, 2], 20)
    points = np.random.default_rng(0).normal(0, size, (3, 30)).astype(np.float16)[labels]
    probe = probe_of(points, labels)

    assert (probe.probabilities.argmax(axis=1) == labels).all()


def test_the_form_is_one_of_the_candidates():
    points, labels = clusters(100, distance=6.0)

    assert probe_of(points, labels).form in {Form(rooted, value) for rooted in (False, True) for value in SHRINKAGES}


def test_the_same_images_give_the_same_bits_and_stay_unchanged():
    points, labels = clusters(60)
    copies = points.copy(), labels.copy()
    first, second = probe_of(points, labels), probe_of(points, labels)

    assert first.probabilities.tobytes() == second.probabilities.tobytes()
    assert np.array_equal(points, copies[0]) and np.array_equal(labels, copies[1])


def test_the_order_of_the_rows_does_not_matter():
    points, labels = clusters(60)
    names = contents(len(labels))
    order = np.random.default_rng(0).permutation(len(labels))
    straight = out_of_fold(points, labels, assign_folds(names), 3)
    mixed = out_of_fold(points[order], labels[order], assign_folds([names[row] for row in order]), 3)

    assert straight.form == mixed.form
    assert np.allclose(mixed.probabilities, straight.probabilities[order], atol=2e-3)


def test_learning_the_same_labels_again_changes_nothing():
    points, labels = clusters(60, distance=2.0)
    probe = probe_of(points, labels)

    assert np.allclose(probe.relearn(labels), probe.probabilities, atol=1e-6)


def test_learning_other_labels_equals_a_fresh_fit():
    points, labels = clusters(100)
    knows = np.where(np.eye(3)[labels] > 0, 0.8, 0.1).astype(np.float32)
    other = labels.copy()
    other[[3, 120]] = [1, 0]
    probe, fresh = (probe_of(points, each, classifiers=[knows]) for each in (labels, other))
    before = probe.probabilities.copy()

    again = probe.relearn(other)

    assert probe.form == fresh.form
    assert np.allclose(again, fresh.probabilities, atol=1e-5)
    assert np.array_equal(probe.probabilities, before)
    assert not np.array_equal(again, before)


def test_an_image_without_its_label_is_still_judged():
    points, labels = clusters(60, distance=6.0)
    without = np.where(np.arange(len(labels)) % 10 == 0, -1, labels)
    again = probe_of(points, labels).relearn(without)

    assert (again.argmax(axis=1) == labels).mean() > 0.98
    assert np.isfinite(again).all()


def away_from_0(values):
    """Values away from 0, where a root is steep."""
    return np.where(np.abs(values) < 0.3, 0.3, values)


@pytest.mark.parametrize(("dimension", "power"), [(12, 1), (12, 4), (150, 1)])      # 150: more than images
def test_the_feature_weights_are_the_gradient_of_the_answer(dimension, power):
    points, labels = clusters(40, dimension=dimension, distance=2.0)
    values = points.astype(np.float64)
    values = away_from_0(np.sign(values) * np.abs(values) ** power)
    values[9] = np.nan                                          # an image without an embedding
    probe = probe_of(values, labels)
    rows, classes = np.array([4, 50, 117]), np.array([[0, 1], [2, 0], [1, 2]])

    weights = probe.feature_weights(rows, classes, values[rows])                            # (3, 2, D)

    for place, row in enumerate(rows):
        for feature in range(0, dimension, 5):
            step = 1e-2 * max(1.0, abs(values[row, feature]))
            moved = np.tile(values[row], (2, 1))
            moved[0, feature] += step
            moved[1, feature] -= step
            logs = np.log(probe.answer(row, moved))[:, classes[place]]                      # (2, 2)
            slope = ((logs[0, 0] - logs[0, 1]) - (logs[1, 0] - logs[1, 1])) / (2 * step)
            assert weights[place, 0, feature] - weights[place, 1, feature] == pytest.approx(slope, rel=0.03, abs=2e-3)


def test_the_answer_to_an_image_itself_is_its_out_of_fold_verdict():
    points, labels = clusters(60, distance=2.0)
    points[9] = np.nan
    probe = probe_of(points, labels)

    for row in (0, 70, 170):
        assert np.allclose(probe.answer(row, points[row][None])[0], probe.probabilities[row], atol=1e-4)
