"""Images that nothing can decide: both animals, neither, a drawing, too dark to tell."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.checks.base import LOW, CheckResult, Samples, for_flagged, nothing_judged, percent


@dataclass(frozen=True)
class LowConfidence:
    """The highest class probability is low: of the model where it knows the folder's classes, else of the probe.

    What is low depends on the folder: at most `at_most` of its images are undecided, those with the lowest
    probabilities, and none that reaches `minimum`.

    Args:
        minimum: Probability from which the top class always counts as decided.
        at_most: Share of the images that are flagged at most, in [0, 1].
    """

    minimum: float = 0.7
    at_most: float = 0.02

    rule: ClassVar[str] = "low_confidence"
    title: ClassVar[str] = "Undecided"
    is_about_labels: ClassVar[bool] = True

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable image by its top probability; (N,) float32 in [0, 1]."""
        classifier = samples.classifier
        if classifier is None:
            return nothing_judged(samples)
        confidence = classifier.confidence                                                      # (N,)
        judged = confidence[np.isfinite(confidence)]
        limit = self.minimum
        allowed = int(self.at_most * len(judged))
        if allowed < len(judged):
            limit = min(limit, float(np.partition(judged, allowed)[allowed]))                   # so many lie under it
        flagged = confidence < limit                                                            # NaN compares False

        def sentence(row: int) -> str:
            return f"{classifier.name} gives its best class {percent(confidence[row])}, under {percent(limit)}."

        return CheckResult(
            score=confidence,
            flagged=flagged,
            value=confidence,
            threshold=limit,
            messages=for_flagged(flagged, sentence),
            severity=(LOW,) * len(samples),
            suggested=np.full(len(samples), -1, dtype=np.intp),
        )
