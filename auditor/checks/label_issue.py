"""Wrong labels: what the images of the other folds say about this one's label."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.checks.base import CheckResult, Samples, for_flagged, nothing_judged
from auditor.labels import find_label_issues


@dataclass(frozen=True)
class LabelIssue:
    """The given label is probably wrong, by probabilities learned from the images of the other folds.

    Works for any folder with two classes or more, whatever classes the model knows: the probe learns the
    folder's own classes from the embeddings. `auditor.labels.find_label_issues` is the rule. The severity is
    high where the trained classifier, asked independently, also denies the given label.
    """

    rule: ClassVar[str] = "label_issue"
    title: ClassVar[str] = "Label probably wrong"
    is_about_labels: ClassVar[bool] = True

    def run(self, samples: Samples) -> CheckResult:
        """Scores every labelled, readable image; (N,) float32 in [0, 1], 0 worst, NaN not judged."""
        judged = (samples.labels >= 0) & np.isfinite(samples.out_of_fold).all(axis=1)           # (N,)
        if not judged.any():
            return nothing_judged(samples, _why_nothing(samples))
        issues = find_label_issues(samples.out_of_fold, samples.labels)
        given = samples.out_of_fold[np.arange(len(samples)), np.maximum(samples.labels, 0)]     # (N,)
        denied = np.zeros(len(samples), dtype=bool)
        if samples.model is not None:
            denied = samples.model.predicted_class != samples.labels

        def sentence(row: int) -> str:
            suggested = issues.suggested[row]
            return (
                f"Images of the other folds say {samples.classes[suggested]} "
                f"({samples.out_of_fold[row, suggested]:.0%}), not {samples.classes[samples.labels[row]]} "
                f"({given[row]:.0%}); label score {issues.score[row]:.2f}."
            )

        return CheckResult(
            score=issues.score.astype(np.float32),
            flagged=issues.flagged,
            value=given,
            threshold=None,
            messages=for_flagged(issues.flagged, sentence),
            severity=tuple("high" if row else "medium" for row in denied),
            suggested=np.where(issues.flagged, issues.suggested, -1).astype(np.intp),
            notes=_unjudged(samples, judged),
        )


def _why_nothing(samples: Samples) -> str:
    if len(samples.classes) < 2:
        return "With fewer than two classes there is no other class that a label could be mistaken for."
    return "No label could be judged: it takes readable images of two classes, in more than one fold."


def _unjudged(samples: Samples, judged: NDArray[np.bool_]) -> tuple[str, ...]:
    readable = np.array([failure is None for failure in samples.failures], dtype=bool)
    unjudged = readable & (samples.labels >= 0) & ~judged
    names = sorted({samples.classes[label] for label in samples.labels[unjudged]})
    if not names:
        return ()
    return (
        f"{unjudged.sum()} labels could not be judged, because their classes have too few images to learn from "
        f"without them: {', '.join(names)}.",
    )
