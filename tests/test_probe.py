"""Out-of-fold probabilities, against planted classes and an independent fit."""

import hashlib

import numpy as np
import pytest

from auditor.components import standardise
from auditor.probe import FORMS, _Moments, assign_folds, out_of_fold


def clusters(per_class, dimension=40, classes=3, seed=0, distance=3.0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (classes, dimension))
    centres *= distance / np.linalg.norm(centres, axis=1, keepdims=True)
    labels = np.repeat(np.arange(classes), per_class)
    return (centres[labels] + rng.normal(0, 1, (len(labels), dimension))).astype(np.float16), labels


def contents(count):
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def test_separable_classes_are_judged_right():
    points, labels = clusters(200, distance=6.0)
    probe = out_of_fold(points, labels, assign_folds(contents(len(labels))), 3)

    assert (probe.probabilities.argmax(axis=1) == labels).mean() > 0.98
    assert np.allclose(probe.probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_wrong_label_is_not_learned_by_heart():
    points, labels = clusters(100, distance=6.0)
    labels[[5, 150]] = [1, 0]
    probe = out_of_fold(points, labels, assign_folds(contents(len(labels))), 3)

    assert (probe.probabilities[[5, 150], labels[[5, 150]]] < 0.1).all()


def test_probabilities_are_calibrated():
    points, labels = clusters(2000, distance=2.0, classes=2)
    probe = out_of_fold(points, labels, assign_folds(contents(len(labels))), 2)

    confident = probe.probabilities.max(axis=1)
    right = probe.probabilities.argmax(axis=1) == labels
    assert abs(confident.mean() - right.mean()) < 0.02


def test_it_agrees_with_a_discriminant_fitted_fold_by_fold():
    discriminant = pytest.importorskip("sklearn.discriminant_analysis")
    points, labels = clusters(150, classes=2)
    folds = assign_folds(contents(len(labels)))
    probe = out_of_fold(points, labels, folds, 2)
    values = points.astype(float)
    values = np.sign(values) * np.sqrt(np.abs(values)) if probe.form.rooted else values
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    expected = np.zeros((len(labels), 2))
    for fold in range(10):
        model = discriminant.LinearDiscriminantAnalysis(solver="lsqr", shrinkage=probe.form.shrinkage)
        model.fit(standard[folds != fold], labels[folds != fold])
        expected[folds == fold] = model.predict_proba(standard[folds == fold])

    assert (probe.probabilities.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.98


def test_a_fold_is_the_contents_own_and_copies_share_it():
    names = contents(1000)
    folds = assign_folds(names)

    assert (assign_folds([*names[:10], *names])[10:] == folds).all()
    assert assign_folds([names[3], names[3]]).tolist() == [folds[3]] * 2
    assert np.bincount(folds, minlength=10).min() > 60


def test_more_dimensions_than_images():
    points, labels = clusters(20, dimension=600, distance=12.0)
    probe = out_of_fold(points, labels, assign_folds(contents(60)), 3)

    assert (probe.probabilities.argmax(axis=1) == labels).mean() > 0.9


def test_an_image_alone_in_its_class_is_not_judged():
    points, labels = clusters(30)
    labels[0] = 3
    probe = out_of_fold(points, labels, assign_folds(contents(len(labels))), 4)

    assert np.isnan(probe.probabilities[0]).all()
    assert np.isfinite(probe.probabilities[1:]).all()


def test_unreadable_and_unlabelled_images():
    points, labels = clusters(30)
    points[4] = np.nan
    labels[7] = -1
    probe = out_of_fold(points, labels, assign_folds(contents(len(labels))), 3)

    assert np.isnan(probe.probabilities[4]).all()
    assert probe.probabilities[7].argmax() == 0


@pytest.mark.parametrize("labels", [np.zeros(5, int), np.full(5, -1)])
def test_without_two_classes_nothing_is_judged(labels):
    probe = out_of_fold(np.ones((5, 3), np.float16), labels, np.arange(5), 2)

    assert np.isnan(probe.probabilities).all()


def test_a_witness_that_knows_is_trusted_and_one_that_guesses_is_not():
    points, labels = clusters(100, distance=1.5, classes=2)
    folds = assign_folds(contents(len(labels)))
    knows = np.where(np.eye(2)[labels] > 0, 0.95, 0.05).astype(np.float32)
    guesses = np.random.default_rng(0).dirichlet([1, 1], len(labels)).astype(np.float32)

    assert out_of_fold(points, labels, folds, 2, witnesses=[knows]).trust[0] > 0.5
    assert out_of_fold(points, labels, folds, 2, witnesses=[guesses]).trust[0] < 0.2


def test_a_witness_says_nothing_about_images_it_has_seen():
    points, labels = clusters(100, distance=3.0, classes=2)
    folds = assign_folds(contents(len(labels)))
    witness = np.full((len(labels), 2), np.nan, dtype=np.float32)

    alone, beside = out_of_fold(points, labels, folds, 2), out_of_fold(points, labels, folds, 2, witnesses=[witness])
    assert np.array_equal(alone.probabilities, beside.probabilities)


def test_a_label_has_no_say_in_its_own_logits():
    points, labels = clusters(60, classes=2, distance=3.0)
    folds = assign_folds(contents(len(labels)))
    other = labels.copy()
    other[7] = 1 - other[7]
    space = standardise(points, rooted=False)
    one, two = (_Moments.of(space, each, folds, 2) for each in (labels, other))
    logits = [each.logits(0.1) for each in (one, two)]

    assert np.allclose(logits[0][folds == folds[7]], logits[1][folds == folds[7]], atol=1e-3)


@pytest.mark.parametrize("power", [1, 4])
def test_roots_are_taken_where_they_help(power):
    points, labels = clusters(300, classes=2, distance=3.0)
    values = points.astype(np.float32)
    probe = out_of_fold(np.sign(values) * np.abs(values) ** power, labels, assign_folds(contents(len(labels))), 2)

    assert probe.form.rooted == (power == 4)


def test_a_form_can_be_stated():
    points, labels = clusters(100, distance=6.0)
    probe = out_of_fold(points, labels, assign_folds(contents(len(labels))), 3, forms=FORMS[-1:])

    assert probe.form == FORMS[-1]


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_classes_that_are_single_points(size):
    labels = np.tile([0, 1, 2], 20)
    points = np.random.default_rng(0).normal(0, size, (3, 30)).astype(np.float16)[labels]
    probe = out_of_fold(points, labels, assign_folds(contents(60)), 3)

    assert (probe.probabilities.argmax(axis=1) == labels).all()
