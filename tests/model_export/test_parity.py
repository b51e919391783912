"""Which answers an int8 model may change: near ties of the float model, and nothing else."""

import numpy as np
import pytest

from auditor.errors import ModelError, ModelMismatch
from auditor.model_export.parity import FLOAT16, FLOAT32, INT8, Parity, compare, rounding_of


def softmax(logits):
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def logits_of(count=400, spread=1.0, seed=0):
    return np.random.default_rng(seed).normal(0, spread, (count, 5))


def compared(before, after, right=None):
    return compare(lambda _: softmax(before), lambda _: softmax(after), [before], right)


def noise(size, deviation, seed=1):
    return np.random.default_rng(seed).normal(0, deviation, size)


def test_an_unsure_model_may_change_near_ties():
    """Logits so close together that noise of a hundredth of their spread changes some answers."""
    before = logits_of(4000)
    parity = compared(before, before + noise(before.shape, 0.03))

    assert 0.95 < parity.same_class < 0.99
    assert parity.flips > 40 and parity.clear_flips == 0
    assert not INT8.broken(parity)
    assert "none by more than rounding" in str(parity)


def test_one_answer_that_was_clear_may_not_change():
    before = logits_of()
    after = before + noise(before.shape, 0.01)
    surest = int(np.argmax(np.sort(before)[:, -1] - np.sort(before)[:, -2]))
    after[surest] = -before[surest]

    parity = compared(before, after)

    assert parity.clear_flips == 1
    (complaint,) = INT8.broken(parity)
    assert complaint.startswith("another top class on 1 images by more than rounding explains")
    with pytest.raises(ModelMismatch, match=r"nothing was written: it .* on 400 images .*allowed 0.* Advice\."):
        INT8.check(parity, "it", "Advice.")


def test_rounding_is_four_deviations_of_the_noise_and_wrong_images_do_not_raise_it():
    before = logits_of(4000)
    after = before + noise(before.shape, 0.02)
    expected = 4 * 0.02 * np.sqrt(2)                            # of the difference between two logits

    assert rounding_of(softmax(before), softmax(after)) == pytest.approx(expected, rel=0.1)
    after[:200] = -before[:200]
    assert rounding_of(softmax(before), softmax(after)) == pytest.approx(expected, rel=0.2)


def test_large_noise_is_not_an_excuse():
    before = logits_of()
    parity = compared(before, before + noise(before.shape, 1.0))

    assert parity.rounding == pytest.approx(np.log(2))
    assert parity.clear_flips > 0
    assert len(INT8.broken(parity)) == 2                        # it also changes too many


def test_a_model_with_ties_only_may_not_answer_at_random():
    """No answer is clear, so no clear one can change; but if half of them change, it is not the same model."""
    before = logits_of(spread=0.01)
    parity = compared(before, before + noise(before.shape, 0.02))

    assert parity.clear_flips == 0
    (complaint,) = INT8.broken(parity)
    assert complaint.startswith("same top class") and complaint.endswith("wanted 95%")


def test_a_class_that_was_far_behind_may_not_win_either():
    """The first two are a tie; the third was far below."""
    before = np.tile([1.0, 0.99, -5.0, -6.0, -7.0], (100, 1)) + noise((100, 5), 0.001, seed=2)
    after = before + noise(before.shape, 0.02)
    after[0] = [1.0, 0.99, 3.0, -6.0, -7.0]

    assert compared(before, after).clear_flips == 1


def test_a_single_unit_has_two_classes():
    before, after = np.array([[0.9], [0.5001], [0.1]]), np.array([[0.9], [0.4999], [0.1]])
    parity = compare(lambda _: before, lambda _: after, [before])

    assert parity.flips == 1


def test_accuracy_counts_where_it_is_more_than_chance():
    fits = {"images": 1000, "largest_difference": 0.3, "same_class": 0.99}

    assert not INT8.broken(Parity(**fits, accuracy=0.895, source_accuracy=0.9))
    assert INT8.broken(Parity(**fits, accuracy=0.89, source_accuracy=0.9))
    one = Parity(**fits, accuracy=0.89, source_accuracy=0.9, labelled=100, lost=1)
    assert not INT8.broken(one)                                 # one answer of a hundred
    ten = Parity(**fits, accuracy=0.89, source_accuracy=0.9, labelled=1000, lost=10)
    assert INT8.broken(ten) == ["accuracy 89.00% against 90.00%, allowed 0.52 points less"]
    assert FLOAT16.broken(Parity(**{**fits, "largest_difference": 0.001}, accuracy=0.89, source_accuracy=0.9))


def test_accuracy_is_of_the_images_that_have_one():
    before = logits_of(60)
    truth = before.argmax(axis=1)[:10]
    after = before.copy()
    after[0, truth[0]] = -9

    parity = compared(before, after, lambda rows: rows[:10].argmax(axis=1) == truth)

    assert (parity.labelled, parity.lost, parity.gained) == (10, 1, 0)
    assert (parity.source_accuracy, parity.accuracy) == (1.0, 0.9)
    assert parity.record()["accuracy_images"] == 10
    assert parity.record()["clear_flips"] == 1


def test_no_images_and_nan_are_refused():
    with pytest.raises(ModelError, match="no image"):
        compare(lambda batch: batch, lambda batch: batch, [])
    broken = compare(lambda rows: rows, lambda rows: rows * np.nan, [np.eye(3)])
    assert FLOAT32.broken(broken) and INT8.broken(broken)
