"""The gradient of a head by its matrices equals the gradient by small steps."""

import numpy as np
import pytest

from auditor.backends.head import Dense, Head, linear_head

RNG = np.random.default_rng(21)


def dense(inputs, outputs, ceiling=np.inf):
    weights = RNG.normal(0, 1 / np.sqrt(inputs), (inputs, outputs)).astype(np.float32)
    return Dense(weights, RNG.normal(0, 0.3, outputs).astype(np.float32), ceiling)


HEADS = {
    "linear": Head((dense(9, 4),)),
    "one hidden layer": Head((dense(9, 30), dense(30, 4))),
    "three hidden layers": Head((dense(9, 40), dense(40, 20), dense(20, 10), dense(10, 4))),
    "relu6": Head((dense(9, 30, ceiling=0.4), dense(30, 4))),
}


@pytest.mark.parametrize("name", HEADS)
def test_the_jacobian_equals_small_steps(name):
    head, step = HEADS[name], 1e-6
    embedding = RNG.normal(0, 1, (5, 9))                        # (B, K) float64
    classes = np.array([[0, 3], [1, 1], [2, 0], [3, 2], [0, 1]])                    # (B, n)

    found = head.jacobian(embedding, classes)                   # (B, n, K)

    for row, chosen in enumerate(classes):
        ahead, behind = (head.logits(embedding[row] + sign * step * np.eye(9)) for sign in (1, -1))     # (K, C)
        by_steps = (ahead - behind) / (2 * step)
        np.testing.assert_allclose(found[row], by_steps[:, chosen].T, atol=1e-4)


def test_logits_by_hand():
    first = Dense(np.array([[1.0, -1.0]], np.float32), np.array([0.0, 1.0], np.float32), ceiling=2.0)
    head = Head((first, Dense(np.array([[3.0], [5.0]], np.float32), np.array([10.0], np.float32))))

    np.testing.assert_allclose(head.logits(np.array([[0.5], [4.0], [-3.0]])), [[14.0], [16.0], [20.0]])
    # Open are both units, none (the first is full, the second shut), none (the first shut, the second full).
    slopes = head.jacobian(np.array([[0.5], [4.0], [-3.0]]), np.array([0]))[:, 0, 0]
    np.testing.assert_allclose(slopes, [3 - 5, 0, 0])


def test_one_image_and_the_same_classes_for_all():
    head = HEADS["one hidden layer"]
    embedding = RNG.normal(0, 1, (3, 9)).astype(np.float32)

    together = head.jacobian(embedding, np.arange(4))           # (B, C, K)

    assert together.shape == (3, 4, 9) and together.dtype == np.float32
    np.testing.assert_allclose(head.jacobian(embedding[1], np.array([2])), together[1, [2]], atol=1e-6)
    assert head.jacobian(embedding, np.zeros(0, int)).shape == (3, 0, 9)


def test_a_single_unit_becomes_two_opposite_columns():
    head = Head((dense(9, 6), dense(6, 1)))
    embedding = RNG.normal(0, 1, (4, 9))

    both = head.two_sided()

    assert (both.channels, both.classes) == (9, 2)
    logit = head.logits(embedding)                              # (B, 1)
    np.testing.assert_allclose(both.logits(embedding), np.concatenate([-logit, logit], axis=1))
    assert HEADS["linear"].two_sided() is HEADS["linear"]


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"layers of \(9, 6\) and \(5, 2\) weights do not fit"):
        Head((dense(9, 6), dense(5, 2)))
    with pytest.raises(ValueError, match="without layers"):
        Head(())
    with pytest.raises(ValueError, match=r"weights \(3, 2\) and bias \(3,\)"):
        linear_head(np.zeros((3, 2)), np.zeros(3))
