"""The trained classifier says another class than the folder."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.checks.base import CheckResult, Samples, for_flagged, nothing_judged, percent


@dataclass(frozen=True)
class ModelDisagrees:
    """The classifier's top class is not the given label.

    Only where the trained model knows the folder's classes. It is an independent view if it was trained on other
    images; where it has seen these (the report says "in sample"), it may have memorised wrong labels, and agrees
    with too many of them.

    Args:
        high: Confidence from which the severity is high.
    """

    high: float = 0.9

    rule: ClassVar[str] = "model_disagrees"
    title: ClassVar[str] = "Model disagrees"
    is_about_labels: ClassVar[bool] = True

    def run(self, samples: Samples) -> CheckResult:
        """Scores every labelled, readable image by the model's probability of its label; (N,) float32."""
        model = samples.model
        if model is None:
            return nothing_judged(samples)
        labelled = samples.labels >= 0
        given = model.probabilities[np.arange(len(samples)), np.maximum(samples.labels, 0)]      # (N,) p(given)
        score = np.where(labelled, given, np.nan).astype(np.float32)
        flagged = labelled & np.isfinite(given) & (model.predicted_class != samples.labels)

        def sentence(row: int) -> str:
            return (
                f"{model.name} sees {model.predicted[row]} ({percent(model.confidence[row])}), "
                f"the label says {samples.classes[samples.labels[row]]} ({percent(given[row])})."
            )

        return CheckResult(
            score=score,
            flagged=flagged,
            value=model.confidence,
            threshold=None,
            messages=for_flagged(flagged, sentence),
            severity=tuple("high" if value >= self.high else "medium" for value in model.confidence),
            suggested=np.where(flagged, model.predicted_class, -1).astype(np.intp),
        )
