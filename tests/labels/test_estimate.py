"""The numbers of the headline, in cases that are small enough to count by hand."""

import numpy as np

from auditor.labels import LabelIssues
from auditor.labels.estimate import estimate_errors
from auditor.labels.verdict import LabelVerdict, Power


def verdict(p_correct, flagged, expected=(1.0, 2.0, 4.0), *, found=95):
    p_correct = np.array(p_correct, dtype=float)
    issues = LabelIssues(p_correct, np.array(flagged), np.zeros(len(p_correct), int), p_correct, expected, 0.0)
    return LabelVerdict(issues, issues, np.nan_to_num(1 - p_correct), Power(0.99, 0.5, 100, found, 0.0))


def never(labels):
    raise AssertionError("nothing is flagged, so nothing must be learned again")


def test_the_first_images_to_review_contain_their_share_of_the_expected_errors():
    count = 200
    p_correct = np.full(count, 0.99)
    p_correct[:10] = 0.1                                        # 9 expected errors there, 1.9 elsewhere
    rank = np.arange(1, count + 1)
    probabilities = np.tile(np.array([[0.9, 0.1]], dtype=np.float32), (count, 1))

    issues = verdict(p_correct, p_correct < 0.5, (4.0, 10.0, 12.0))
    found = estimate_errors(issues, rank, np.zeros(count, int), probabilities, lambda _: probabilities)

    assert (found.low, found.middle, found.high) == (4, 10, 12)
    assert found.review == 50
    assert abs(found.found_in_review - (9 + 40 * 0.01) / (9 + 190 * 0.01)) < 1e-6


def test_accuracy_is_measured_on_unflagged_images_only():
    labels = np.array([0, 0, 0, 1, 1])
    before = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.2, 0.8], [0.9, 0.1]], dtype=np.float32)
    after = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.2, 0.8], [0.9, 0.1]], dtype=np.float32)
    asked = []

    def relearn(given):
        asked.append(given.tolist())
        return after

    found = estimate_errors(
        verdict([0.9, 0.6, 0.9, 0.9, 0.1], [False, False, False, False, True]), np.arange(1, 6), labels, before, relearn
    )

    assert asked == [[0, 0, 0, 1, -1]]
    assert found.accuracy_now == 0.75
    assert found.accuracy_without == 1.0


def test_without_flags_there_is_no_accuracy_without_them():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    issues = verdict([0.9, 0.9], [False, False], (0, 0, 1))
    found = estimate_errors(issues, np.array([2, 1]), np.array([0, 1]), probabilities, never)

    assert found.accuracy_without is None
    assert found.accuracy_now == 1.0
    assert found.review == 2


def test_without_judged_labels_there_is_no_estimate():
    empty = np.full((2, 2), np.nan, dtype=np.float32)

    assert estimate_errors(verdict([np.nan] * 2, [False] * 2), np.zeros(2, int), np.zeros(2, int), empty, never) is None


def test_a_probe_that_cannot_judge_gives_no_number():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    poor = verdict([0.9, 0.1], [False, True], found=20)

    assert estimate_errors(poor, np.array([2, 1]), np.array([0, 0]), probabilities, never) is None


def test_without_expected_errors_the_review_finds_all_of_them():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    found = estimate_errors(verdict([1.0, 1.0], [False, False], (0, 0, 2)), np.array([2, 1]), np.array([0, 1]),
                            probabilities, never)  # fmt: skip

    assert found.found_in_review == 1.0
    assert (found.low, found.middle, found.high) == (0, 0, 2)
