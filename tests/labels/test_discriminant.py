"""Discriminants without each fold, compared with the formula computed fold by fold, and with scikit-learn."""

import numpy as np
import pytest

from auditor.labels import discriminant
from auditor.labels.components import Standard
from auditor.labels.discriminant import Discriminants, FoldScatter
from auditor.labels.parallel import in_parallel
from auditor.labels.probe import assign_folds
from tests.labels.drawn import clusters, contents


def scatter_of(points, folds, *, rooted=False):
    return FoldScatter(points, Standard.fit(points, rooted=rooted), folds)


def of(points, labels, folds, shrinkage, *, classes=3, rooted=False):
    """(N, C) out-of-fold logits."""
    discriminants = Discriminants(scatter_of(points, folds, rooted=rooted), shrinkage)
    return discriminants.logits(discriminants.fit(labels, classes))


def written_out(points, labels, folds, shrinkage, classes=3, rooted=False):
    """(N, C) logits: the covariance of all points minus that of the class means, shrunk towards its mean variance."""
    values = points.astype(float)
    values = np.sign(values) * np.sqrt(np.abs(values)) if rooted else values
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    logits = np.full((len(labels), classes), -np.inf)
    for fold in np.unique(folds):
        seen, given = values[folds != fold], labels[folds != fold]
        mean = seen.mean(axis=0)
        total = (seen - mean).T @ (seen - mean) / len(seen)
        present = [label for label in range(classes) if (given == label).any()]
        share = np.array([(given == label).sum() for label in present]) / (given >= 0).sum()
        means = np.array([seen[given == label].mean(axis=0) for label in present])
        of_all = share * (given >= 0).mean()        # images without a label are not in any class mean
        within = total - sum(p * np.outer(m - mean, m - mean) for p, m in zip(of_all, means, strict=True))
        spread = np.trace(total) / len(total)
        covariance = (1 - shrinkage) * within + shrinkage * spread * np.eye(len(total))
        directions = np.linalg.solve(covariance, means.T)
        offsets = np.log(share) - 0.5 * np.einsum("cd,dc->c", means, directions)
        logits[np.ix_(folds == fold, present)] = values[folds == fold] @ directions + offsets
    return logits


def differences(logits):
    """Logits minus the largest of their row: only differences between classes have a meaning."""
    return logits - logits.max(axis=1, keepdims=True)


@pytest.mark.parametrize("rooted", [False, True])
@pytest.mark.parametrize("shrinkage", [0.003, 0.1, 0.8])
def test_they_agree_with_the_formula(shrinkage, rooted):
    points, labels = clusters(100)
    folds = assign_folds(contents(len(labels)))
    found, expected = (make(points, labels, folds, shrinkage, rooted=rooted) for make in (of, written_out))

    assert np.allclose(differences(found), differences(expected), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("shrinkage", [0.03, 0.3])
def test_they_nearly_agree_with_scikit_learn(shrinkage):
    discriminant = pytest.importorskip("sklearn.discriminant_analysis")
    points, labels = clusters(150)
    folds = assign_folds(contents(len(labels)))
    values = points.astype(float)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    expected = np.zeros((len(labels), 3))
    for fold in range(10):
        model = discriminant.LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
        model.fit(values[folds != fold], labels[folds != fold])
        expected[folds == fold] = model.decision_function(values[folds == fold])
    found = of(points, labels, folds, shrinkage)

    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.99
    assert np.corrcoef(differences(found).ravel(), differences(expected).ravel())[0, 1] > 0.999


def test_a_class_in_only_one_fold_is_unknown_there_and_known_elsewhere():
    points, labels = clusters(40)
    folds = np.arange(len(labels)) % 5
    labels[folds == 2] %= 2
    labels[(folds != 2) & (labels == 2)] = 0
    labels[np.flatnonzero(folds == 2)[:3]] = 2
    found, expected = of(points, labels, folds, 0.1), written_out(points, labels, folds, 0.1)

    assert (found[folds == 2, 2] == -np.inf).all() and np.isfinite(found[folds != 2]).all()
    assert np.allclose(differences(found)[folds != 2], differences(expected)[folds != 2], rtol=1e-3, atol=2e-2)
    assert np.allclose(found[folds == 2, 0] - found[folds == 2, 1], (expected[:, 0] - expected[:, 1])[folds == 2],
                       rtol=1e-3, atol=2e-2)  # fmt: skip


def test_if_the_other_folds_have_only_one_class_all_logits_are_minus_infinity():
    points, _ = clusters(10, classes=2)
    labels = np.repeat([0, 1], 10)
    folds = np.where(labels == 1, 3, np.arange(20) % 3)             # the whole second class is in fold 3
    found = of(points, labels, folds, 0.1, classes=2)

    assert (found[folds == 3] == -np.inf).all()


def test_learning_other_labels_equals_a_fresh_fit():
    points, labels = clusters(80)
    folds = assign_folds(contents(len(labels)))
    other = np.random.default_rng(0).permutation(labels)
    other[::7] = -1
    scatter = scatter_of(points, folds)
    kept, fresh = Discriminants(scatter, 0.1), Discriminants(scatter_of(points, folds), 0.1)
    before = kept.fit(labels, 3)

    again = kept.fit(other, 3)

    assert np.array_equal(again.directions, fresh.fit(other, 3).directions)
    assert np.array_equal(kept.fit(labels, 3).offsets, before.offsets)
    assert np.allclose(
        differences(kept.logits(again)), differences(written_out(points, other, folds, 0.1)), rtol=1e-3, atol=1e-2
    )


def test_images_without_a_label_have_no_class_but_are_judged():
    points, labels = clusters(60, distance=4.0)
    folds = assign_folds(contents(len(labels)))
    true = labels.copy()
    labels[::5] = -1
    found, expected = of(points, labels, folds, 0.1), written_out(points, labels, folds, 0.1)

    assert np.allclose(differences(found), differences(expected), rtol=1e-3, atol=1e-2)
    assert (found.argmax(axis=1) == true)[::5].mean() > 0.9


def test_with_many_unlabelled_images_every_variance_stays_positive():
    points, labels = clusters(60, distance=10.0)
    true = labels.copy()
    labels[np.random.default_rng(0).random(len(labels)) < 0.6] = -1
    found = of(points, labels, assign_folds(contents(len(labels))), 0.1)

    assert (found.argmax(axis=1) == true).mean() > 0.9
    assert np.abs(differences(found)).max() < 500


def test_a_label_does_not_affect_its_own_fold():
    points, labels = clusters(60, classes=2)
    folds = assign_folds(contents(len(labels)))
    other = labels.copy()
    other[7] = 1 - other[7]
    one, two = (of(points, each, folds, 0.1, classes=2) for each in (labels, other))

    assert np.allclose(one[folds == folds[7]], two[folds == folds[7]], atol=1e-3)
    assert not np.allclose(one[folds != folds[7]], two[folds != folds[7]], atol=1e-3)


def test_it_can_use_only_the_first_folds():
    points, labels = clusters(60)
    folds = np.arange(len(labels)) % 10
    scatter = scatter_of(points, folds)
    some, every = Discriminants(scatter, 0.1, folds=3), Discriminants(scatter, 0.1)
    found, expected = some.logits(some.fit(labels, 3)), every.logits(every.fit(labels, 3))

    assert np.array_equal(found[folds < 3], expected[folds < 3])
    assert np.isnan(found[folds >= 3]).all()


def test_rows_in_blocks_change_nothing(monkeypatch):
    points, labels = clusters(60)
    folds = assign_folds(contents(len(labels)))
    whole = of(points, labels, folds, 0.1)
    monkeypatch.setattr(discriminant, "ROWS", 7)

    assert np.allclose(of(points, labels, folds, 0.1), whole, atol=1e-3)


def test_more_dimensions_than_images():
    points, labels = clusters(20, dimension=600, distance=12.0)
    folds = assign_folds(contents(60))

    assert (of(points, labels, folds, 0.3).argmax(axis=1) == labels).mean() > 0.95


def test_work_in_parallel_keeps_its_order_and_its_errors():
    assert in_parallel(lambda number: number * number, range(20)) == [number * number for number in range(20)]
    with pytest.raises(ZeroDivisionError):
        in_parallel(lambda number: 1 / number, [1, 0])
