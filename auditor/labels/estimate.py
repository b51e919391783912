"""The headline: how many labels are wrong, where they are in the order of review, and what mending them is worth."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auditor.audit import LabelEstimate
from auditor.labels.verdict import LabelVerdict

#: A first sitting: the review that the headline speaks of is never shorter than this many images.
SITTING = 50

OutOfFold = Callable[[NDArray[np.intp]], NDArray[np.float32]]


def estimate_errors(
    verdict: LabelVerdict,
    rank: NDArray[np.intp],
    labels: NDArray[np.intp],
    probabilities: NDArray[np.float32],
    relearn: OutOfFold,
) -> LabelEstimate | None:
    """Sums up what was found about N labels; None where none could be judged, or not well enough to give a number.

    Args:
        verdict: On every label.
        rank: (N,) place in the order of review, 1 first, 0 not judged.
        labels: (N,) the given classes, -1 without a label.
        probabilities: (N, C) out of fold, learned from all labels.
        relearn: Labels (N,), -1 where one is left out -> (N, C) out-of-fold probabilities learned from the others.
    """
    issues = verdict.issues
    judged = np.isfinite(issues.p_correct)                                  # (N,)
    if not judged.any() or not verdict.can_judge:
        return None
    low, middle, high = (round(number) for number in issues.expected_errors)
    review = min(max(SITTING, _round_up(2 * middle)), int((rank > 0).sum()))
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
    """Share of the chosen labels that the probabilities give first; None where there is none to compare."""
    usable = chosen & np.isfinite(probabilities).all(axis=1)
    if not usable.any():
        return None
    return float((probabilities[usable].argmax(axis=1) == labels[usable]).mean())


def _round_up(number: int) -> int:
    """To the next multiple of 50: nobody reviews 283 images."""
    return -(-number // 50) * 50
