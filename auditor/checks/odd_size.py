"""Pictures with far fewer or far more pixels than the others."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, about_images
from auditor.checks.limits import FAR, NOT_MEASURED, USUAL, fences, graded, groups, measured, stored
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.configuration import Range
from auditor.text import decimal


@dataclass(frozen=True)
class OddSize:
    """The picture has far fewer or far more pixels than the others of its class, as a thumbnail among photographs.

    Sides are compared, as the square root of width times height, in logarithms: an outlier (3.5 robust standard
    deviations from the median) that also differs from the median by a factor. Classes with fewer than 30 images are
    compared together, and what more than a quarter of the images share is usual. A picture with a side under `tiny`
    pixels is flagged in any data set.

    Args:
        factor: How many times smaller or larger than the median its side must be.
        far: Robust standard deviations from which it is an outlier.
        tiny: Pixels of the shorter side.
    """

    factor: Annotated[float, Range(1)] = 3.0
    far: Annotated[float, Range(0)] = FAR
    tiny: Annotated[float, Range(0)] = 8

    rule: ClassVar[str] = "odd_size"
    title: ClassVar[str] = "Odd size"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("odd_size",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable picture by its distance from the median, 0.5 where it counts as odd; (N,) float32."""
        width, height = measured(samples, "width"), measured(samples, "height")      # (N,)
        side = np.log(width * height) / 2
        median, allowed = np.full(len(side), np.nan), np.full(len(side), np.inf)
        for rows in groups(samples):
            known = side[rows][np.isfinite(side[rows])]
            if not len(known):
                continue
            low, high = fences(known, self.far)
            median[rows] = middle = np.median(known)
            if (np.abs(known - middle) > np.log(self.factor)).mean() <= USUAL:
                spread = np.where(side[rows] < middle, middle - low, high - middle)
                allowed[rows] = np.maximum(spread, np.log(self.factor))
        distance = np.abs(side - median)
        tiny = np.minimum(width, height) < self.tiny
        flagged = tiny | (distance > allowed + 1e-9)                                    # NaN compares False

        def sentence(row: int) -> str:
            size = f"{width[row]:.0f} x {height[row]:.0f} pixels"
            if tiny[row]:
                return f"Tiny: {size}, a side under {decimal(self.tiny)}."
            relation = "smaller" if side[row] < median[row] else "larger"
            return (
                f"{size}: {decimal(np.exp(distance[row]))} times {relation} than usual among the images it is compared "
                f"with ({np.exp(median[row]):.0f} by {np.exp(median[row]):.0f}), over {decimal(np.exp(allowed[row]))}."
            )

        near = np.where(np.isfinite(allowed), distance / allowed, 0)
        return about_images(
            flagged,
            sentence,
            score=np.where(tiny, 0, np.where(np.isnan(side), np.nan, 1 / (1 + near))),
            value=np.exp(side),
            threshold=None,
            severity=graded(tiny, "medium", "low"),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """Its size."""
        if (known := stored(image, "width", "height")) is None:
            return NOT_MEASURED
        width, height = known
        return f"not flagged: {width:.0f} x {height:.0f} pixels are usual among the images it is compared with."
