"""Images whose class is not clear: two animals, neither of them, a drawing, too dark to tell."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import LOW, CheckResult, about_images, nothing_judged
from auditor.checks.samples import Samples
from auditor.checks.stored import NO_MODEL, StoredImage
from auditor.configuration import Range
from auditor.text import percent, whole_percent


@dataclass(frozen=True)
class LowConfidence:
    """The highest class probability is low: of the model where it knows the folder's classes, else of the probe.

    What is low depends on the folder: at most `at_most` of its images are undecided, those with the lowest
    probabilities, and none that reaches `minimum`.

    Args:
        minimum: Probability from which the top class always counts as decided.
        at_most: Share of the images that are flagged at most, in [0, 1].
    """

    minimum: Annotated[float, Range(0, 1)] = 0.7
    at_most: Annotated[float, Range(0, 1)] = 0.02

    rule: ClassVar[str] = "low_confidence"
    title: ClassVar[str] = "Undecided"
    kind: ClassVar[RuleKind] = "doubt"
    demo_faults: ClassVar[tuple[str, ...]] = ()

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
            best = whole_percent(confidence[row])
            return f"{classifier.name} gives its best class {best}, under {whole_percent(limit)}."

        return about_images(
            flagged,
            sentence,
            score=confidence,
            value=confidence,
            threshold=limit,
            severity=(LOW,) * len(samples),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """How sure the model is of its best class, or the probe where the model does not know the folder's classes."""
        if image.modelless:
            return NO_MODEL
        row, settings = image.row, image.settings
        name, column = ("the model", "predicted") if image.matched else ("the probe", "oof_predicted")
        predicted = row.get(column)
        if predicted is None:
            return f"not judged: {name} has no prediction for it."
        minimum, at_most = settings.get("minimum"), settings.get("at_most")
        limit = "under a set probability" if minimum is None else f"under {percent(minimum)}"
        if at_most is not None:
            limit += f", at most {percent(at_most)} of the images"
        own = row.get("oof_p_given") if predicted == row.get("label") else None     # the only one of the probe's stored
        best = row.get("confidence") if image.matched else own
        if best is None:
            return f"not flagged: {name} is sure enough of its best class; it flags {limit}."
        return f"not flagged: {name} gives its best class {percent(best)}; it flags {limit}."
