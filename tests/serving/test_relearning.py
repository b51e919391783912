"""What is learned from settled labels, on drawn points."""

import hashlib

import numpy as np
import pytest

from auditor.labels.probe import assign_folds, out_of_fold
from auditor.serving.live import rest_of
from auditor.serving.relearning import Order, Relearner

CLASSES, EACH = 4, 60
NOBODY = np.zeros(CLASSES * EACH, bool)


@pytest.fixture(scope="module")
def points():
    """(embeddings, true, given, contents): clouds that overlap a little; ten labels of the first one are wrong."""
    rng = np.random.default_rng(4)
    true = np.repeat(np.arange(CLASSES), EACH)
    centres = np.eye(CLASSES, 8) * 4
    embeddings = (centres[true] + rng.normal(0, 0.8, (len(true), 8))).astype(np.float16)
    given = true.copy()
    given[:10] = 1
    contents = [hashlib.sha256(str(row).encode()).hexdigest() for row in range(len(true))]
    return embeddings, true, given, contents


@pytest.fixture(scope="module")
def relearner(points):
    embeddings, _, given, contents = points
    unknown = np.full(len(given), np.nan, np.float32)
    return Relearner.fit(embeddings, given, contents, CLASSES, unknown)


def found(order, points, looked):
    _, true, given, _ = points
    first = np.argsort(np.where(order.rank == 0, len(given) + 1, order.rank), kind="stable")[:looked]
    return int((given[first] != true[first]).sum())


def test_wrong_labels_come_first_and_are_likely_wrong(points, relearner):
    order = relearner.order(points[2], NOBODY)

    assert found(order, points, 10) >= 9
    assert order.p_wrong[:10].mean() > 10 * order.p_wrong[10:].mean()


def test_settled_labels_change_what_is_said_about_the_others(points, relearner):
    _, true, given, _ = points
    settled = NOBODY.copy()
    settled[:5] = True
    before, after = relearner.order(given, NOBODY), relearner.order(np.where(settled, true, given), settled)

    assert (before.rank != after.rank).any()
    assert after.p_wrong[5:10].sum() >= before.p_wrong[5:10].sum() - 0.1


def test_the_same_decisions_give_the_same_order_whatever_came_before(points, relearner):
    _, true, given, _ = points
    settled = NOBODY.copy()
    settled[:3] = True
    labels = np.where(settled, true, given)
    once = relearner.order(labels, settled)
    relearner.order(np.where(np.arange(len(given)) < 8, -1, given), NOBODY | True)
    again = relearner.order(labels, settled)

    np.testing.assert_array_equal(once.rank, again.rank)
    np.testing.assert_array_equal(once.p_wrong, again.p_wrong)


def test_what_a_classifier_told_the_scan_is_not_forgotten(points):
    embeddings, _, given, contents = points
    rows, doubted = np.arange(len(given)), 100
    scanned = out_of_fold(embeddings, given, assign_folds(contents), CLASSES).probabilities[rows, given]
    scanned[doubted] = 1e-5
    relearner = Relearner.fit(embeddings, given, contents, CLASSES, scanned)

    assert relearner.order(given, NOBODY).rank[doubted] <= 11


def test_images_that_nothing_is_known_about_have_no_place(points):
    embeddings, _, given, contents = points
    embeddings, given = embeddings.copy(), given.copy()
    embeddings[50], given[51] = np.nan, -1
    order = Relearner.fit(embeddings, given, contents, CLASSES, np.full(len(given), np.nan)).order(given, NOBODY)

    assert order.rank[50] == order.rank[51] == 0
    assert order.p_wrong[50] == order.p_wrong[51] == 0


def drawn(p_wrong):
    return Order(np.arange(1, len(p_wrong) + 1), np.array(p_wrong, dtype=float))


def test_the_rest_is_worth_it_while_a_wrong_label_is_expected():
    order = drawn([0.9] * 3 + [0.01] * 60)

    assert rest_of(order, range(63), [], others=0, total=63).message == (
        "0 of 63 images decided. About 3 wrong labels expected among the next 50."
    )
    rest = rest_of(order, range(3, 63), [(row, True) for row in range(3)], others=2, total=65)
    assert rest.enough
    assert rest.message == (
        "3 of 65 images decided. Fewer than one wrong label is expected among the next 50: looking at them is hardly "
        "worth the time. 2 images left with findings of other kinds."
    )


def test_what_was_found_corrects_what_the_noise_model_expects():
    order = drawn([0.2] * 100)              # 10 expected among 50
    all_wrong = [(row, True) for row in range(50)]
    none_wrong = [(row, False) for row in range(50)]

    assert "About 37 wrong" in rest_of(order, range(50, 100), all_wrong, others=0, total=100).message    # 10 * 55 / 15
    assert "About 3 wrong" in rest_of(order, range(50, 100), none_wrong, others=0, total=100).message    # 10 * 5 / 15
