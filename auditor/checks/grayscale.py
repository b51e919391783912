"""Grey pictures among coloured ones, also where they are stored in colour."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import LOW, CheckResult, about_images
from auditor.checks.limits import BLANK, LEVELS, NOT_MEASURED, USUAL, low_score, measured, stored
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.configuration import Range
from auditor.text import decimal, whole_percent


@dataclass(frozen=True)
class Grayscale:
    """The picture has no colour, in a data set where most have: it is grey, also if it is stored as RGB.

    All but a hundredth of its pixels are within a few levels of grey, measured as the larger of JPEG's two colour
    differences, so that neither compression nor a coloured date on an old photograph hides it. Sepia and other tints
    count as colour: warm scenes in one colour cannot be told from them. Where more than `at_most` of the images are
    grey, that is how the data set is, and none is listed.

    Args:
        chroma: Up to this distance from grey a pixel counts as grey, in [0, 1]: two of 255 levels.
        at_most: Share of grey images, in [0, 1], from which they are usual.
    """

    chroma: Annotated[float, Range(0, 1)] = 0.008
    at_most: Annotated[float, Range(0, 1)] = USUAL

    rule: ClassVar[str] = "grayscale"
    title: ClassVar[str] = "No colour"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("grayscale",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable picture; (N,) float32."""
        value = measured(samples, "chroma")                                            # (N,)
        blank = measured(samples, "detail") < BLANK                                     # left to `low_information`
        grey = ~blank & (value <= self.chroma)                                          # NaN compares False
        share = grey.sum() / max(1, np.isfinite(value).sum())
        usual = share > self.at_most
        flagged = grey & (not usual)
        notes: tuple[str, ...] = ()
        if usual and share < 1:
            notes = (f"{whole_percent(share)} of the images have no colour; they are not listed one by one.",)

        def sentence(row: int) -> str:
            return (
                f"It has no colour: 99% of its pixels differ from grey by at most {value[row] * LEVELS:.1f} of "
                f"{LEVELS} levels; up to {self.chroma * LEVELS:.1f} counts as grey."
            )

        return about_images(
            flagged,
            sentence,
            score=np.where(blank | (grey & usual), np.float32(1), low_score(value, self.chroma)),
            value=value,
            threshold=self.chroma,
            severity=(LOW,) * len(samples),
            notes=notes,
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """How far from grey it is."""
        if (known := stored(image, "chroma")) is None:
            return NOT_MEASURED
        if known[0] <= image.settings.get("chroma", Grayscale.chroma):
            return "not flagged: it has no colour, and that is usual among these images, or it shows nothing at all."
        return f"not flagged: it has colour, up to {decimal(known[0] * LEVELS)} of {LEVELS} levels from grey."
