"""Images that nothing can decide: both animals, neither, a drawing, too dark to tell."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.checks.base import LOW, CheckResult, Samples, for_flagged, nothing_judged, percent


@dataclass(frozen=True)
class LowConfidence:
    """The highest class probability is low: of the model where it knows the folder's classes, else of the probe.

    Args:
        minimum: Probability under which the top class counts as undecided.
    """

    minimum: float = 0.7

    rule: ClassVar[str] = "low_confidence"
    title: ClassVar[str] = "Undecided"
    is_about_labels: ClassVar[bool] = True

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable image by its top probability; (N,) float32 in [0, 1]."""
        classifier = samples.classifier
        if classifier is None:
            return nothing_judged(samples, "There are no classes that an image could be undecided between.")
        confidence = classifier.confidence                                                      # (N,)
        flagged = confidence < self.minimum                                                     # NaN compares False

        def sentence(row: int) -> str:
            return f"{classifier.name} gives its best class {percent(confidence[row])}, under {percent(self.minimum)}."

        return CheckResult(
            score=confidence,
            flagged=flagged,
            value=confidence,
            threshold=self.minimum,
            messages=for_flagged(flagged, sentence),
            severity=(LOW,) * len(samples),
            suggested=np.full(len(samples), -1, dtype=np.intp),
        )
