"""Images whose class is not clear: two animals, neither of them, a drawing, too dark to tell."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import LOW, CheckResult, about_images, nothing_judged
from auditor.checks.samples import MODEL, OTHER_IMAGES, Samples
from auditor.checks.stored import NO_MODEL, StoredImage
from auditor.configuration import Range
from auditor.text import percent, whole_percent


@dataclass(frozen=True)
class LowConfidence:
    """The highest class probability is low: by the model where it knows the folder's classes, else by the other images.

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
            return f"By {classifier.name} the most probable class has {best}, under {whole_percent(limit)}."

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
        """How probable the best class is: by the model, or by the other images where it does not know the classes."""
        if image.modelless:
            return NO_MODEL
        row, settings = image.row, image.settings
        name, column = (MODEL, "predicted") if image.matched else (OTHER_IMAGES, "oof_predicted")
        predicted = row.get(column)
        if predicted is None:
            return f"not judged: by {name} nothing can be said about it."
        minimum, at_most = settings.get("minimum"), settings.get("at_most")
        limit = "under a set probability" if minimum is None else f"under {percent(minimum)}"
        if at_most is not None:
            limit += f", at most {percent(at_most)} of the images"
        own = row.get("oof_p_given") if predicted == row.get("label") else None     # the only one of the probe's stored
        best = row.get("confidence") if image.matched else own
        if best is None:
            return f"not flagged: by {name} one class is probable enough; it flags {limit}."
        return f"not flagged: by {name} the most probable class has {percent(best)}; it flags {limit}."
