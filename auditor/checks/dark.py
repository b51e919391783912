"""Pictures that are too dark to show what is in them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, about_images
from auditor.checks.limits import NOT_MEASURED, fences, graded, low_score, measured, stored
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.configuration import Range
from auditor.text import whole_percent

#: Nothing but the lightest hundredth is lighter than this: black to the eye.
_BLACK = 0.06


@dataclass(frozen=True)
class Dark:
    """The picture is dark in its middle tones, and its lights do not make up for it.

    Measured is the geometric mean of the median luma and of the luma that one pixel in a hundred exceeds: 0.2 is a
    picture at a fifth of its light, or one that is black but for lamps. Up to `suspect` a picture is flagged where it
    is an outlier of its data set, in logarithms, so that a set of night scenes is not. Where more than half of the
    pictures are under `minimum`, as things on black are, only their lights count: nearly black pictures are flagged,
    and up to `minimum` outliers.

    Args:
        minimum: Brightness under which every picture is flagged where dark ones are not usual, in [0, 1].
        suspect: Brightness under which a picture is flagged where it is an outlier of its data set.
    """

    minimum: Annotated[float, Range(0, 1)] = 0.2
    suspect: Annotated[float, Range(0, 1)] = 0.25

    rule: ClassVar[str] = "dark"
    title: ClassVar[str] = "Dark"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("dark",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable picture; (N,) float32."""
        middle, lights = measured(samples, "brightness_p50"), measured(samples, "brightness_p99")     # (N,)
        value = np.sqrt(middle * lights)
        outlying = _lowest(value)
        on_black = outlying > 0 and np.nanmedian(value) <= self.minimum
        if on_black:
            value, limit = lights, float(np.clip(_lowest(lights), min(_BLACK, self.minimum), self.minimum))
        else:
            limit = float(np.clip(outlying, self.minimum, max(self.minimum, self.suspect)))
        flagged = value <= limit                                                        # NaN compares False

        def sentence(row: int) -> str:
            if on_black or lights[row] < _BLACK:
                said = f", not over {whole_percent(limit)}" if on_black else ""
                return f"Dark: even its lightest hundredth reaches only {whole_percent(lights[row])} of white{said}."
            return (
                f"Dark: half of it is darker than {whole_percent(middle[row])} of white, and only its lightest "
                f"hundredth is lighter than {whole_percent(lights[row])}; together {whole_percent(value[row])}, "
                f"not over {whole_percent(limit)}."
            )

        return about_images(
            flagged,
            sentence,
            score=low_score(value, limit),
            value=value,
            threshold=limit,
            severity=graded(lights < _BLACK, "high", "medium"),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """How light it is."""
        if (known := stored(image, "brightness_p50", "brightness_p99")) is None:
            return NOT_MEASURED
        middle, lights = known
        limit = image.settings.get("minimum", Dark.minimum)
        if (middle * lights) ** 0.5 <= limit:
            return (
                f"not flagged: half of it is darker than {whole_percent(middle)} of white, as is usual among the other "
                f"images, and its lightest hundredth is lighter than {whole_percent(lights)}."
            )
        return (
            f"not flagged: half of it is lighter than {whole_percent(middle)} of white, its lightest hundredth lighter "
            f"than {whole_percent(lights)}; together {whole_percent((middle * lights) ** 0.5)}, where dark is "
            f"{whole_percent(limit)} and less, or a little over that where the other images are lighter."
        )


def _lowest(luma: NDArray[np.float64]) -> float:
    """The lowest luma that is not an outlier, in logarithms; 0 where too few were measured."""
    return float(np.exp(fences(np.log(np.maximum(luma, 1 / 255)))[0]))
