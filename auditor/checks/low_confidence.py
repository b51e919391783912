"""Images that nothing can decide: both animals, neither, a drawing, too dark to tell."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.checks.base import LOW, CheckResult, Samples, for_flagged


@dataclass(frozen=True)
class LowConfidence:
    """The highest class probability is low: of the model, or of the probe where the model knows other classes.

    Args:
        minimum: Probability under which the top class counts as undecided.
    """

    minimum: float = 0.6

    rule: ClassVar[str] = "low_confidence"
    title: ClassVar[str] = "Undecided"
    is_about_labels: ClassVar[bool] = True

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable image by its top probability; (N,) float32 in [0, 1]."""
        if samples.model is not None:
            witness, confidence = "The model", samples.model.confidence                         # (N,)
        elif samples.out_of_fold.shape[1]:
            witness, confidence = "The out-of-fold probe", samples.out_of_fold.max(axis=1)      # (N,)
        else:
            witness, confidence = "", np.full(len(samples), np.nan, dtype=np.float32)
        flagged = confidence < self.minimum                                                     # NaN compares False

        def sentence(row: int) -> str:
            return f"{witness} gives its best class {confidence[row]:.0%}, under {self.minimum:.0%}."

        return CheckResult(
            score=confidence.astype(np.float32),
            flagged=flagged,
            value=confidence.astype(np.float32),
            threshold=self.minimum,
            messages=for_flagged(flagged, sentence),
            severity=(LOW,) * len(samples),
            suggested=np.full(len(samples), -1, dtype=np.intp),
        )
