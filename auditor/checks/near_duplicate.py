"""The same picture more than once, altered."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult
from auditor.checks.copy_groups import SAME_PICTURE, duplicates, group_result, groups_of, is_exact, of_no_other_rule
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.configuration import Range
from auditor.text import decimal


@dataclass(frozen=True)
class NearDuplicate:
    """Files that show the same picture saved again, resized, slightly cropped, framed, toned or mirrored.

    Candidates have near perceptual hashes (Zauner, 2010). They are confirmed by laying the one picture over the other
    (enhanced correlation coefficient; Evangelidis and Psarakis, PAMI 2008) and comparing them in windows by the
    structure term of SSIM (Wang et al., TIP 2004): the similarity is what nearly all windows reach. Every image of a
    finding is the same picture as its first one. Copies with two labels or in two splits have rules of their own.

    Args:
        minimum: Similarity from which two pictures are the same one, in [0, 1]; nothing under 0.6 is kept.
    """

    minimum: Annotated[float, Range(0, 1)] = SAME_PICTURE

    rule: ClassVar[str] = "near_duplicate"
    title: ClassVar[str] = "Near duplicate"
    kind: ClassVar[RuleKind] = "copies"
    demo_faults: ClassVar[tuple[str, ...]] = ("near_duplicate",)

    def run(self, samples: Samples) -> CheckResult:
        """Lists every picture with its altered copies; the score is 1 minus the lowest similarity."""
        copies = samples.copies
        kept = ~is_exact(copies) & of_no_other_rule(samples) & (copies.similarity >= self.minimum)
        found = [duplicates(group, "low", self.minimum) for group in groups_of(copies, kept)]
        return group_result(samples, found, self.minimum)

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """No other image is the same picture."""
        minimum = image.settings.get("minimum")
        limit = "" if minimum is None else f", with a similarity of {decimal(minimum)} or more"
        return (
            "not flagged: beside what other rules list, no image with its label and split is an altered copy of "
            f"it{limit}."
        )
