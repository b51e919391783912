"""The order in which a person reviews the labels: wrong ones first, then images whose neighbours disagree."""

import numpy as np
from numpy.typing import NDArray


def review_order(
    label_score: NDArray[np.floating],
    vote_given: NDArray[np.floating],
    flagged: NDArray[np.bool_],
    denied: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """Gives each image its place in the order of review.

    The labels that the label rule flags come first, then the other labels that the probe disagrees with, both ordered
    by score. All others follow, ordered by the neighbour vote: a linear probe extrapolates, so it is often confident
    about pictures with no subject or with two, but their neighbours have different labels.

    Args:
        label_score: (N,) score of `find_label_issues`, 0 worst; NaN if the label was not judged.
        vote_given: (N,) share of the given label in the neighbour vote; where it is NaN, the score is used instead.
        flagged: (N,) bool, as in `LabelIssues`.
        denied: (N,) bool, whether the probe's top class differs from the label.

    Returns:
        (N,) rank, from 1; 0 for images that were not judged. Equal images keep the order of their rows.
    """
    judged = np.isfinite(label_score)
    tier = np.where(flagged, 0, np.where(denied, 1, 2))
    vote = np.where(np.isfinite(vote_given), vote_given, label_score)
    priority = np.where(tier < 2, label_score, vote)
    order = np.lexsort((label_score, priority, tier))                              # stable: files are sorted
    order = order[judged[order]]
    rank = np.zeros(len(label_score), dtype=np.intp)
    rank[order] = np.arange(1, len(order) + 1)
    return rank
