"""Pictures that are overexposed or washed out."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, about_images
from auditor.checks.limits import NOT_MEASURED, fences, graded, high_score, measured, stored
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.configuration import Range
from auditor.text import whole_percent

#: What is measured of a picture that is white all over, the most there is.
_WHITE = 2.0


@dataclass(frozen=True)
class Bright:
    """Much of the picture is burnt out to white, or even its darkest parts are light.

    Measured is the share of pixels that are nearly white plus the luma that one pixel in twenty is darker than: about
    0.15 for a photograph, 1 for one at three times its light, 0.8 for one that is washed out to a quarter of its
    contrast. From `suspect` on a picture is flagged where it is an outlier of its data set, so that things photographed
    on white are not, where that is usual. Where more than half of the pictures reach `suspect`, as pages of text and
    line drawings do, only outliers and what is white all over are flagged.

    Args:
        maximum: From this on every picture is flagged where light ones are not usual; 1.6 is white with darkest parts
            at 0.6 or more.
        suspect: From this on a picture is flagged where it is an outlier of its data set.
        far: Robust standard deviations from which it is an outlier: more than for other rules, as light pictures are
            many in most sets.
    """

    maximum: Annotated[float, Range(0, 2)] = 1.6
    suspect: Annotated[float, Range(0, 2)] = 0.72
    far: Annotated[float, Range(0)] = 4.5

    rule: ClassVar[str] = "bright"
    title: ClassVar[str] = "Bright"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("bright",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable picture; (N,) float32."""
        white, darkest = measured(samples, "white"), measured(samples, "brightness_p5")               # (N,)
        value = white + darkest
        outlying = fences(value, self.far)[1]
        usual = np.isfinite(outlying) and np.nanmedian(value) >= self.suspect
        limit = float(np.clip(outlying, min(self.suspect, self.maximum), _WHITE if usual else self.maximum))
        flagged = value >= limit                                                        # NaN compares False

        def sentence(row: int) -> str:
            return (
                f"Bright: {whole_percent(white[row])} of it is white, and its darkest twentieth reaches "
                f"{whole_percent(darkest[row])} of white; together {value[row]:.2f}, the limit is {limit:.2f}."
            )

        return about_images(
            flagged,
            sentence,
            score=high_score(value, limit),
            value=value,
            threshold=limit,
            severity=graded(value >= self.maximum, "medium", "low"),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """How much of it is white."""
        if (known := stored(image, "white", "brightness_p5")) is None:
            return NOT_MEASURED
        white, darkest = known
        limit = image.settings.get("suspect", Bright.suspect)
        return (
            f"not flagged: {whole_percent(white)} of it is white, and its darkest twentieth reaches "
            f"{whole_percent(darkest)} of white; together {white + darkest:.2f}, where {limit:.2f} and more is bright "
            "unless it is usual among the other images."
        )
