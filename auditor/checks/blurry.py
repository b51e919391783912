"""Pictures that are blurred all over: out of focus, shaken, or enlarged from few pixels."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, about_images
from auditor.checks.limits import BLANK, NOT_MEASURED, fences, graded, low_score, measured, stored
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.configuration import Range
from auditor.text import decimal, percent, whole_percent

#: Under this share of the limit no edge is near to sharp, and the finding matters more.
_SERIOUS = 0.8


@dataclass(frozen=True)
class Blurry:
    """The picture is blurred all over: even its sharpest edges rise over several pixels.

    How much of its rise an edge makes within two pixels (at 256 pixels at most on the longer side) does not depend on
    contrast; it is taken where the picture is sharpest, in its least sharp direction (after Marziliano et al., *A
    no-reference perceptual blur metric*, ICIP 2002). An edge under Gaussian blur of 1.5 pixels makes half of it.
    Where the other pictures are sharper the limit rises up to `suspect`; and where they are sharp all over, as drawings
    are, a picture is flagged for its typical edge, too. Both are outliers of the data set. Blank pictures are left to
    `low_information`, and small ones are not judged: photographs shrunk to 32 pixels have too few pixels beside an edge
    to tell, and a tenth of them would be flagged.

    Args:
        minimum: Share of the rise under which every picture is flagged.
        suspect: Share under which a picture is flagged where it is an outlier of its data set.
        typical: Share that its typical edge makes, under which a picture is flagged where that is an outlier.
        far: Robust standard deviations from which it is an outlier.
        smallest: Shorter side, in pixels, from which a picture is judged.
    """

    minimum: Annotated[float, Range(0, 1)] = 0.5
    suspect: Annotated[float, Range(0, 1)] = 0.54
    typical: Annotated[float, Range(0, 1)] = 0.48
    far: Annotated[float, Range(0)] = 3.0
    smallest: Annotated[float, Range(0)] = 48

    rule: ClassVar[str] = "blurry"
    title: ClassVar[str] = "Blurry"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("blurry",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every readable picture that is neither blank nor small; (N,) float32."""
        small = np.fmin(measured(samples, "width"), measured(samples, "height")) < self.smallest
        shows = (measured(samples, "detail") >= BLANK) & ~small
        sharpest, typical = (
            np.where(shows, measured(samples, name), np.nan) for name in ("sharpness", "sharpness_typical")
        )                                                                               # (N,) each
        limit = float(np.clip(fences(sharpest, self.far)[0], self.minimum, max(self.minimum, self.suspect)))
        all_over = float(np.clip(fences(typical, self.far)[0], 0, self.typical))
        blurred = sharpest < limit                                                      # NaN compares False
        unusual = ~blurred & (typical < all_over)

        def sentence(row: int) -> str:
            edges, value, at_least = (
                ("most of its edges", typical[row], all_over) if unusual[row]
                else ("even its sharpest edges", sharpest[row], limit)
            )  # fmt: skip
            return (
                f"Blurred: {edges} make no more than {whole_percent(value)} of their rise within two pixels, "
                f"under {whole_percent(at_least)}."
            )

        return about_images(
            blurred | unusual,
            sentence,
            score=np.fmin(low_score(sharpest, limit), low_score(typical, all_over)),
            value=np.where(unusual, typical, sharpest),
            threshold=np.where(unusual, all_over, limit),
            severity=graded(sharpest < _SERIOUS * limit, "medium", "low"),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """How sharp it is."""
        if (known := stored(image, "sharpness", "detail")) is None:
            return NOT_MEASURED
        sharpness, detail = known
        if detail < BLANK:
            return "not judged: it is blank."
        size, smallest = stored(image, "width", "height"), image.settings.get("smallest", Blurry.smallest)
        if size is not None and min(size) < smallest:
            return f"not judged: a side is under {decimal(smallest)} pixels, too few to tell whether it is blurred."
        limit = image.settings.get("minimum", Blurry.minimum)
        return (
            f"not flagged: its sharpest edges make {percent(sharpness)} of their rise within two pixels; "
            f"under {percent(limit)} it is blurry, or a little over that where the other images are sharper."
        )
