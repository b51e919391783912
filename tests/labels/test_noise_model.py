
import numpy as np
import pytest

from auditor.errors import InputError
from auditor.labels import find_label_issues

BASELINES = {  # measured with cleanlab 2.9: F1 of its default filter, F1 of disagreement, its best average precision
    "cifar10-synthetic20-resnet50d": (0.9525, 0.8937, 0.9907),
    "cifar10n-aggregate-resnet50d": (0.7006, 0.7664, 0.8916),
    "cifar10n-worst-resnet50d": (0.8838, 0.9167, 0.9710),
}

PAIR = [[0.9, 0.1], [0.2, 0.8]]


def mixture(seed, images=6000, classes=4, distance=4.0):
    """Gaussian classes at the corners of a simplex: the true classes, and the exact p(true | x)."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, images)
    x = rng.normal(size=(images, classes)) + distance / np.sqrt(2) * np.eye(classes)[true]
    logits = distance / np.sqrt(2) * x
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    return true, probs / probs.sum(axis=1, keepdims=True)


def relabel(true, transition, seed):
    rng = np.random.default_rng(seed)
    return (rng.random(len(true))[:, None] > np.cumsum(transition, axis=1)[true]).sum(axis=1)


def f1(flagged, wrong):
    return 2 * (flagged & wrong).sum() / (flagged.sum() + wrong.sum())


def average_precision(score, wrong):
    hits = wrong[np.argsort(score, kind="stable")]
    return (np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean()


def test_a_few_obvious_errors_are_found_with_their_true_class():
    probs = np.repeat(np.eye(3) * 0.94 + 0.02, 20, axis=0)
    labels = np.repeat([0, 1, 2], 20)
    labels[[3, 25]] = [1, 2]

    found = find_label_issues(probs, labels)

    assert np.flatnonzero(found.flagged).tolist() == [3, 25]
    assert found.suggested[[3, 25]].tolist() == [0, 1]
    assert set(np.argsort(found.score)[:2]) == {3, 25}
    low, middle, high = found.expected_errors
    assert low <= middle == 2 <= high


def test_the_flags_agree_with_the_bayes_rule_if_it_is_known():
    transition = np.array([[0.9, 0.1, 0, 0], [0, 0.8, 0.2, 0], [0, 0, 1.0, 0], [0.1, 0.1, 0.1, 0.7]])
    true, clean = mixture(seed=1)
    given = relabel(true, transition, seed=2)
    joint = clean * transition.T[given]
    exact = joint[np.arange(len(given)), given] / joint.sum(axis=1)
    network = clean @ transition                            # what a network trained on these labels learns

    found = find_label_issues(network, given)

    wrong = true != given
    assert f1(found.flagged, wrong) > f1(exact < 0.5, wrong) - 0.03
    assert f1(found.flagged, wrong) > f1(network.argmax(axis=1) != given, wrong)
    assert np.mean(found.flagged == (exact < 0.5)) > 0.97
    assert (found.suggested[found.flagged & wrong] == true[found.flagged & wrong]).mean() > 0.95


def test_a_network_that_understates_its_confidence_changes_no_flag():
    true, clean = mixture(seed=3)
    given = relabel(true, 0.85 * np.eye(4) + 0.05 * (1 - np.eye(4)), seed=4)
    unsure_probs = clean**0.25 / (clean**0.25).sum(axis=1, keepdims=True)

    sure, unsure = find_label_issues(clean, given), find_label_issues(unsure_probs, given)

    assert np.mean(sure.flagged == unsure.flagged) > 0.998


def test_noise_between_similar_classes_is_distinguished_from_noise_that_ignores_the_image():
    rng = np.random.default_rng(5)
    centres = 4 * np.repeat(np.eye(3), 2, axis=0) + np.tile([[0], [1.44]], (3, 1))      # three pairs of twins
    true = rng.integers(0, 6, 20000)
    x = centres[true] + rng.normal(size=(20000, 3))
    probs = np.exp(-((x[:, None] - centres) ** 2).sum(axis=2) / 2)
    probs /= probs.sum(axis=1, keepdims=True)
    person = relabel(true, 0.8 * np.eye(6) + 0.2 * np.eye(6)[[1, 0, 3, 2, 5, 4]], seed=7)      # confuses the twins
    script = relabel(true, 0.76 * np.eye(6) + 0.04, seed=7)

    assert find_label_issues(probs, person).shared_doubt > 0.6
    assert find_label_issues(probs, script).shared_doubt < 0.3


@pytest.mark.parametrize("classes", [2, 10])
def test_clean_labels_are_not_flagged(classes):
    true, clean = mixture(seed=8, images=20000, classes=classes, distance=4.5)

    found = find_label_issues(clean, true)

    assert (clean.argmax(axis=1) != true).sum() > 200
    assert found.flagged.sum() < 20
    assert found.expected_errors[0] == 0


def test_one_wrong_label_in_a_hundred_is_found_in_two_classes():
    true, clean = mixture(seed=9, images=20000, classes=2, distance=5.0)
    given = relabel(true, [[0.99, 0.01], [0.01, 0.99]], seed=10)
    wrong = true != given

    found = find_label_issues(clean, given)

    assert f1(found.flagged, wrong) > 0.85 > f1(clean.argmax(axis=1) != given, wrong)
    low, _, high = found.expected_errors
    assert low < wrong.sum() < high


def test_the_order_of_images_and_classes_does_not_matter():
    rng = np.random.default_rng(11)
    true, probs = mixture(seed=12, images=1000)
    given = relabel(true, 0.9 * np.eye(4) + 0.1 * np.roll(np.eye(4), 1, axis=1), seed=13)
    rows, columns = rng.permutation(len(given)), rng.permutation(4)

    before = find_label_issues(probs, given)
    after = find_label_issues(probs[rows][:, columns], np.argsort(columns)[given[rows]])

    np.testing.assert_allclose(after.score, before.score[rows], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(after.flagged, before.flagged[rows])
    np.testing.assert_array_equal(columns[after.suggested], before.suggested[rows])


def test_the_same_input_gives_the_same_bits_and_stays_unchanged():
    true, probs = mixture(seed=14, images=500)
    copy = probs.copy()

    first, second = find_label_issues(probs, true), find_label_issues(probs, true)

    assert first.score.tobytes() == second.score.tobytes()
    assert first.expected_errors == second.expected_errors
    np.testing.assert_array_equal(probs, copy)


def test_images_without_prediction_or_label_get_no_verdict_and_change_none():
    true, probs = mixture(seed=15, images=800)
    given = relabel(true, 0.9 * np.eye(4) + 0.1 * np.roll(np.eye(4), 1, axis=1), seed=16)
    with_gaps, gappy = np.insert(probs, [5, 50], np.nan, axis=0), np.insert(given, [5, 50], 2)
    with_gaps, gappy = np.insert(with_gaps, 100, probs[0], axis=0), np.insert(gappy, 100, -1)
    gaps = [5, 51, 100]

    found, plain = find_label_issues(with_gaps, gappy), find_label_issues(probs, given)

    assert np.flatnonzero(np.isnan(found.score)).tolist() == gaps
    assert np.isnan(found.p_correct[gaps]).all()
    assert not found.flagged[gaps].any()
    assert found.suggested[gaps].tolist() == [2, 2, -1]
    np.testing.assert_array_equal(np.delete(found.score, gaps), plain.score)


def test_scores_are_between_0_and_1_and_flagged_labels_are_more_likely_wrong():
    true, probs = mixture(seed=17)
    given = relabel(true, 0.8 * np.eye(4) + 0.2 * np.roll(np.eye(4), 1, axis=1), seed=18)

    found = find_label_issues(probs, given)

    assert found.score.min() >= 0
    assert found.score.max() <= 1
    assert (found.p_correct[found.flagged] < 0.5).all()
    assert (found.suggested != given)[found.flagged].all()
    assert (found.suggested == given)[~found.flagged].all()


@pytest.mark.parametrize(
    ("probs", "labels"),
    [
        (np.ones((5, 1)), np.zeros(5, int)),                          # one class in the model
        (np.full((6, 3), 1 / 3), np.zeros(6, int)),                   # one class used, a model that knows nothing
        (np.eye(4)[[0, 0, 1, 2]], np.array([0, 0, 1, 2])),            # a class without images, others with one
        (np.eye(2)[[0]], np.array([0])),                              # one image
        (np.full((3, 2), np.nan), np.array([0, 1, 0])),               # nothing readable
        (np.full((3, 2), 0.5), np.full(3, -1)),                       # nothing labelled
        (np.empty((0, 3)), np.empty(0, int)),                         # nothing at all
    ],
)
def test_small_and_empty_data_sets_give_a_result_without_flags(probs, labels):
    found = find_label_issues(probs, labels)

    assert len(found.score) == len(found.suggested) == len(labels)
    assert not found.flagged.any()
    np.testing.assert_array_equal(found.suggested, labels)


def test_a_thousand_classes():
    rng = np.random.default_rng(19)
    true = rng.integers(0, 1000, 5000)
    logits = rng.normal(size=(5000, 1000)).astype(np.float32)
    logits[np.arange(5000), true] += 10
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    given = np.where(rng.random(5000) < 0.1, rng.integers(0, 1000, 5000), true)

    found = find_label_issues(probs, given)

    assert f1(found.flagged, true != given) > 0.98


@pytest.mark.parametrize(
    ("probs", "labels", "message"),
    [
        (np.ones(4), np.zeros(4, int), r"shape \(4,\); expected \(images, classes\)"),
        (np.full((4, 2), 0.5), np.zeros(3, int), "one label per row"),
        (np.full((4, 2), 0.5), np.array([0, 1, 2, 0]), "label 2 in row 2; expected 0 to 1"),
        (np.full((4, 2), 0.5), np.array([0, -2, 1, 0]), "label -2 in row 1"),
        (np.full((4, 2), 0.5), np.array([0.0, 1.0, 0.5, 0.0]), "dtype float64; expected integers"),
        (np.full((4, 2), 0.5), np.array(["cat"] * 4), "Pass the index of each class"),
        (np.array([["a", "b"]]), np.array([0]), "expected floating point numbers"),
        (np.array([[0.5, 0.5], [2.0, -1.0]]), np.array([0, 1]), "row 1 of pred_probs.*minimum of -1"),
        (np.array([[0.5, 0.5], [0.9, 0.9]]), np.array([0, 1]), "row 1 .*sum of 1.8.*softmax"),
        (np.array([[0.5, 0.5], [np.inf, 0.0]]), np.array([0, 1]), "row 1 .*sum of inf"),
    ],
)
def test_errors_say_what_was_given_and_what_was_expected(probs, labels, message):
    with pytest.raises(InputError, match=message):
        find_label_issues(probs, labels)


class OnDevice:
    """As a tensor on a GPU answers."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


@pytest.mark.parametrize(
    ("probs", "labels", "message"),
    [
        ([[0.9, 0.1], [1.0]], [0, 1], "pred_probs is a list .*inhomogeneous.*of the same length"),
        (PAIR, [[0, 1], 1], "labels is a list .*inhomogeneous.*Pass one whole number per image"),
        (PAIR, [[0], [1]], r"labels has shape \(2, 1\).*one label per row"),
        (PAIR, [0, None], "labels has dtype object; expected integers, 0 to 1"),
        (PAIR, [0, np.nan], "labels has dtype float64"),
        (PAIR, ["0", "1"], "Pass the index of each class"),
        (PAIR, [True, False], "labels has dtype bool"),
        (PAIR, [], r"labels has shape \(0,\)"),
        (PAIR, {0, 1}, "labels is a set .*not a sequence"),
        (PAIR, OnDevice(), "labels is a OnDevice .*cuda:0"),
        (PAIR, np.array([0, 2**64 - 1], np.uint64), "label 18446744073709551615 in row 1"),      # not -1
        (PAIR, [0, 2**70], "labels has dtype object"),
        (None, [0], "pred_probs is a NoneType"),
        ([], [], r"pred_probs has shape \(0,\)"),
        ([[None, 0.1], [0.2, 0.8]], [0, 1], "pred_probs has dtype object; expected floating"),
        ([[0.5, 0.5], [1e300, 0.0]], [0, 1], "row 1 .*sum of inf"),
        ([[0.0, 0.0], [0.5, 0.5]], [0, 1], "row 0 .*sum of 0;"),
    ],
)
def test_what_is_no_table_of_probabilities_and_labels_is_named(probs, labels, message):
    with pytest.raises(InputError, match=message):
        find_label_issues(probs, labels)


@pytest.fixture(scope="module")
def measured(shared):
    """F1, average precision, and the number of wrong labels within its interval, by file."""
    results = {}
    for name in BASELINES:
        data = np.load(shared / "data" / "label-noise" / f"{name}.npz")
        wrong = data["given_labels"] != data["true_labels"]
        found = find_label_issues(data["pred_probs"], data["given_labels"])
        low, _, high = found.expected_errors
        results[name] = (
            f1(found.flagged, wrong),
            average_precision(found.score, wrong),
            low <= wrong.sum() <= high,
        )
    return results


def test_real_noise_is_found_as_well_as_by_the_better_of_cleanlab_and_disagreement(measured):
    margins = [measured[name][0] - max(baselines[:2]) for name, baselines in BASELINES.items()]

    assert min(margins) >= -0.003
    assert np.mean(margins) >= 0.010


def test_the_ranking_is_at_least_as_good_as_the_best_of_cleanlab(measured):
    for name, (_, _, best) in BASELINES.items():
        assert measured[name][1] >= best, name


def test_the_number_of_wrong_labels_lies_in_the_interval(measured):
    assert all(inside for _, _, inside in measured.values())
