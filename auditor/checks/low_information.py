"""Pictures that show nothing: of one colour, a smooth gradient, or static noise."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, about_images
from auditor.checks.limits import BLANK, LEVELS, NOT_MEASURED, graded, low_score, measured, stored
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.configuration import Range
from auditor.text import decimal


@dataclass(frozen=True)
class LowInformation:
    """The picture shows nothing: it is of one colour, a smooth gradient, or noise.

    Detail is what is left of a copy of 64 x 64 pixels without its smooth part, 16 x 16, as a standard deviation: fine
    noise and slow changes of light both vanish in it, where the entropy of grey levels counts a gradient as rich. Noise
    is told by neighbouring pixels that have nothing to do with each other; in photographs their correlation is 0.9.

    Args:
        detail: Under this a picture is flagged, in [0, 1]: about one of 255 grey levels.
        correlation: Under this correlation of neighbouring pixels a picture is noise.
    """

    detail: Annotated[float, Range(0, 1)] = BLANK
    correlation: Annotated[float, Range(-1, 1)] = 0.4

    rule: ClassVar[str] = "low_information"
    title: ClassVar[str] = "Shows nothing"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("low_information",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable picture by its detail, noise by its correlation; (N,) float32."""
        detail, correlation = measured(samples, "detail"), measured(samples, "correlation")           # (N,)
        blank = detail < self.detail                                                    # NaN compares False
        noise = ~blank & (correlation < self.correlation)

        def sentence(row: int) -> str:
            if noise[row]:
                return (
                    f"Noise: neighbouring pixels have a correlation of {correlation[row]:.2f}, "
                    f"under {self.correlation:.2f}."
                )
            return (
                f"It shows nothing: its details differ by {decimal(detail[row] * LEVELS)} of {LEVELS} grey levels, "
                f"under {decimal(self.detail * LEVELS)}."
            )

        of_noise = low_score(np.maximum(correlation, 0), self.correlation)
        return about_images(
            blank | noise,
            sentence,
            score=np.where(noise, of_noise, low_score(detail, self.detail)),
            value=np.where(noise, correlation, detail),
            threshold=np.where(noise, self.correlation, self.detail),
            severity=graded(detail < self.detail / 2, "high", "medium"),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """How much detail it has."""
        if (known := stored(image, "detail")) is None:
            return NOT_MEASURED
        limit = image.settings.get("detail", BLANK)
        return (
            f"not flagged: its details differ by {decimal(known[0] * LEVELS)} of {LEVELS} grey levels, "
            f"not under {decimal(limit * LEVELS)}, and it is no noise."
        )
