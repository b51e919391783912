"""One order in which a person looks at the labels: wrong ones first, then what nothing like it surrounds."""

import numpy as np
from numpy.typing import NDArray


def review_order(
    label_score: NDArray[np.floating],
    vote_given: NDArray[np.floating],
    flagged: NDArray[np.bool_],
    denied: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """Places each image in the order of review.

    First what the label rule flags, then the other labels that the probe denies, each by score. Then all others by
    the neighbours' vote: a linear probe extrapolates, and is often sure of pictures with no subject or with two;
    their neighbours are divided.

    Args:
        label_score: (N,) of `find_label_issues`, 0 worst; NaN where the label was not judged.
        vote_given: (N,) share of the given label in the neighbours' vote; where it is NaN, the score stands in.
        flagged: (N,) of `find_label_issues`.
        denied: (N,) whether the probe's top class is another one.

    Returns:
        (N,) rank, 1 first; 0 for images that were not judged. Among equals, the earlier row.
    """
    judged = np.isfinite(label_score)
    tier = np.where(flagged, 0, np.where(denied, 1, 2))
    vote = np.where(np.isfinite(vote_given), vote_given, label_score)
    worth = np.where(tier < 2, label_score, vote)
    order = np.lexsort((label_score, worth, tier))                              # stable: files are sorted
    order = order[judged[order]]
    rank = np.zeros(len(label_score), dtype=np.intp)
    rank[order] = np.arange(1, len(order) + 1)
    return rank
