"""Images that are unlike all others: off-topic, of another source, or broken in a way that no other rule knows."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind, Severity
from auditor.checks.base import CheckResult, about_images, nothing_judged
from auditor.checks.samples import Samples
from auditor.checks.stored import NO_MODEL, StoredImage
from auditor.configuration import Range
from auditor.labels.remoteness import remoteness
from auditor.text import decimal, shown

_SEVERITY: Severity = "medium"


@dataclass(frozen=True)
class Outlier:
    """An image that is unlike the images of the data set and of any class: a flower or a drawing among dogs.

    The distance of its embedding to the nearest tenth of all images, or to the nearest fifth of its class or of the
    class that it is most like, is unusually large, on the average of three ways to compare embeddings. A share rather
    than the nearest few, so that off-topic images that are like each other are found, too; a sample of the images is
    enough (Sugiyama and Borgwardt, NeurIPS 2013). docs/outliers.md compares it with single linkage (SelfClean), the
    nearest neighbours, Mahalanobis distance and LOF. An image that is usual for another class is a matter of
    `label_issue`.

    Args:
        spread: Robust standard deviations above the median distance from which an image is flagged, as one to three
            images in a thousand are in clean folders.
    """

    spread: Annotated[float, Range(0)] = 3.0

    rule: ClassVar[str] = "outlier"
    title: ClassVar[str] = "Outlier"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("outlier",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every image that has an embedding; (N,) float32 in [0, 1], 0.5 at the limit."""
        if not samples.embeddings.shape[1]:
            return nothing_judged(samples)
        distance = remoteness(samples.embeddings, samples.labels)                               # (N,)
        if not np.isfinite(distance).any():
            return nothing_judged(samples)
        flagged = distance > self.spread                                                        # NaN compares False

        def sentence(row: int) -> str:
            return (
                f"It lies {decimal(float(distance[row]))} standard deviations further than usual from the images most "
                f"like it, over {decimal(self.spread)}.{_nearest(samples, row)}"
            )

        return about_images(
            flagged,
            sentence,
            score=1 / (1 + np.exp(np.clip(distance - self.spread, -50, 50))),
            value=distance,
            threshold=self.spread,
            severity=(_SEVERITY,) * len(samples),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """The distance is not stored: it says where the limit was."""
        if image.modelless:
            return NO_MODEL
        spread = image.settings.get("spread")
        limit = "much further" if spread is None else f"{decimal(spread)} standard deviations further"
        return f"not flagged: it does not lie {limit} than usual, or too few images could be compared."


def _nearest(samples: Samples, row: int) -> str:
    """The most similar image and how similar it is."""
    if not samples.neighbours.shape[1] or samples.neighbours[row, 0] < 0:
        return ""
    name = shown(samples.files[samples.neighbours[row, 0]])
    return f" The most similar image is {name} (similarity {samples.similarity[row, 0]:.2f})."
