"""The headline: how many labels are wrong, how soon a review finds them, and what correcting them is worth."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auditor.audit import LabelEstimate
from auditor.labels.verdict import LabelVerdict

#: The fewest images that the headline recommends to review.
SMALLEST_REVIEW = 50

#: Labels (N,), -1 where one is left out -> (N, C) out-of-fold probabilities learned from the others.
OutOfFold = Callable[[NDArray[np.intp]], NDArray[np.float32]]


def estimate_errors(
    verdict: LabelVerdict,
    rank: NDArray[np.intp],
    labels: NDArray[np.intp],
    probabilities: NDArray[np.float32],
    relearn: OutOfFold,
) -> LabelEstimate | None:
    """Summarises the verdicts on N labels; None if no label could be judged, or not well enough to give a number.

    Args:
        verdict: The verdict on every label.
        rank: (N,) place in the order of review, from 1; 0 if not judged.
        labels: (N,) the given classes; -1 for images without a label.
        probabilities: (N, C) out-of-fold probabilities, learned from all labels.
        relearn: Learns from other labels of the same images.
    """
    issues = verdict.issues
    judged = np.isfinite(issues.p_correct)                                  # (N,)
    if not judged.any() or not verdict.can_judge:
        return None
    low, middle, high = (round(number) for number in issues.expected_errors)
    review = min(max(SMALLEST_REVIEW, _round_up(2 * middle)), int((rank > 0).sum()))
    wrong = verdict.p_wrong                                                 # (N,) expected errors at each place
    inside = (rank > 0) & (rank <= review)
    kept = judged & ~issues.flagged
    without = None
    if issues.flagged.any():
        without = _accuracy(relearn(np.where(issues.flagged, -1, labels)), labels, kept)
    return LabelEstimate(
        low=low,
        middle=middle,
        high=high,
        judged=int(judged.sum()),
        review=review,
        found_in_review=float(wrong[inside].sum() / wrong.sum()) if wrong.sum() > 0 else 1.0,
        accuracy_now=_accuracy(probabilities, labels, kept),
        accuracy_without=without,
    )


def _accuracy(
    probabilities: NDArray[np.float32], labels: NDArray[np.intp], chosen: NDArray[np.bool_]
) -> float | None:
    """Share of the chosen labels that have the highest probability; None if there are none to compare."""
    usable = chosen & np.isfinite(probabilities).all(axis=1)
    if not usable.any():
        return None
    return float((probabilities[usable].argmax(axis=1) == labels[usable]).mean())


def _round_up(number: int) -> int:
    """Rounds up to a multiple of 50, because nobody reviews exactly 283 images."""
    return -(-number // 50) * 50
