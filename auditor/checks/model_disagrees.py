"""The trained classifier sees another class than the folder says."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, for_flagged, nothing_judged
from auditor.checks.samples import Samples
from auditor.checks.stored import NO_LABEL, NO_MODEL, StoredImage
from auditor.configuration import Range
from auditor.text import whole_percent


@dataclass(frozen=True)
class ModelDisagrees:
    """The classifier's top class is not the given label.

    It runs only where the trained model knows the folder's classes. The model is an independent view if it was trained
    on other images; where it was trained on these (the report says "in sample"), it may have memorised wrong labels,
    and then agrees with too many of them.

    Args:
        high: Confidence from which the severity is high.
    """

    high: Annotated[float, Range(0, 1)] = 0.9

    rule: ClassVar[str] = "model_disagrees"
    title: ClassVar[str] = "Model disagrees"
    kind: ClassVar[RuleKind] = "model"
    demo_faults: ClassVar[tuple[str, ...]] = ()

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
                f"The model sees {model.predicted[row]} ({whole_percent(model.confidence[row])}), "
                f"the label says {samples.classes[samples.labels[row]]} ({whole_percent(given[row])})."
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

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """The model sees the given class, or nobody asked it."""
        label, predicted = image.row.get("label"), image.row.get("predicted")
        if label is None:
            return NO_LABEL
        if image.modelless:
            return NO_MODEL
        if not image.matched:
            return "not judged: the model does not know the folder's classes."
        if predicted is None:
            return "not judged: the model has no prediction for it."
        if predicted == label:
            return f"not flagged: the model sees {predicted} too; it flags where that is not the given label."
        return f"not flagged: the model sees {predicted}."
