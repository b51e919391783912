"""Pictures that are strips."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import LOW, CheckResult, about_images
from auditor.checks.limits import FAR, FEWEST, NOT_MEASURED, USUAL, fences, high_score, measured, stored
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.configuration import Range


@dataclass(frozen=True)
class OddAspectRatio:
    """The picture is a strip: one side is several times as long as the other, which is not usual in the data set.

    Longer over shorter side, so that pictures in portrait format are like those in landscape format. The limit is
    beyond cinema's widest common format (2.39), or where the data set's own outliers begin (3.5 robust standard
    deviations from the median, in logarithms), if that is further.

    Args:
        maximum: Times as long as wide up to which no picture is flagged.
        far: Robust standard deviations from which it is an outlier.
    """

    maximum: Annotated[float, Range(1)] = 2.5
    far: Annotated[float, Range(0)] = FAR

    rule: ClassVar[str] = "odd_aspect_ratio"
    title: ClassVar[str] = "Odd aspect ratio"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("odd_aspect_ratio",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable picture; (N,) float32."""
        width, height = measured(samples, "width"), measured(samples, "height")      # (N,)
        value = np.maximum(width, height) / np.minimum(width, height)
        usual = fences(np.log(value), self.far)[1]
        limit = max(self.maximum, float(np.exp(usual)) if np.isfinite(usual) else 0.0)
        flagged = value > limit                                                         # NaN compares False
        if len(value) >= FEWEST and flagged.sum() > USUAL * np.isfinite(value).sum():
            limit, flagged = float(np.nanmax(value)), np.zeros(len(value), bool)

        def sentence(row: int) -> str:
            return (
                f"A strip of {width[row]:.0f} x {height[row]:.0f} pixels: one side is {value[row]:.1f} times the "
                f"other, over {limit:.1f}."
            )

        return about_images(
            flagged,
            sentence,
            score=high_score(value, limit),
            value=value,
            threshold=limit,
            severity=(LOW,) * len(samples),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """How long it is."""
        if (known := stored(image, "width", "height")) is None:
            return NOT_MEASURED
        ratio = max(known) / min(known)
        limit = image.settings.get("maximum", OddAspectRatio.maximum)
        return (
            f"not flagged: one side is {ratio:.1f} times the other; over {limit:.1f} is odd, more where that is usual."
        )
