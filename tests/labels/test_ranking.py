"""The order of review, for images whose order is obvious."""

import numpy as np

from auditor.labels.ranking import review_order

NAN = float("nan")
NONE = np.zeros(4, bool)


def test_flags_come_first_then_labels_that_the_probe_denies_then_the_vote():
    #                       divided  flagged  denied  united  worse flag
    rank = review_order(
        label_score=np.array([0.90, 0.20, 0.05, 0.60, 0.10]),
        vote_given=np.array([0.55, 0.30, 0.40, 1.00, 0.60]),
        flagged=np.array([False, True, False, False, True]),
        denied=np.array([False, True, True, False, True]),
    )

    assert rank.tolist() == [4, 2, 3, 5, 1]


def test_an_image_without_a_verdict_has_no_rank():
    rank = review_order(np.array([NAN, 0.5]), np.array([0.1, 0.5]), NONE[:2], NONE[:2])

    assert rank.tolist() == [0, 1]


def test_without_neighbours_the_score_is_used():
    rank = review_order(np.array([0.9, 0.2, 0.6]), np.full(3, NAN), NONE[:3], NONE[:3])

    assert rank.tolist() == [3, 1, 2]


def test_equal_images_keep_the_order_of_their_files():
    half = np.full(4, 0.5)

    assert review_order(half, half, NONE, NONE).tolist() == [1, 2, 3, 4]
