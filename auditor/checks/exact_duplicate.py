"""The same picture more than once, with equal pixels."""

from dataclasses import dataclass
from typing import ClassVar

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult
from auditor.checks.copy_groups import duplicates, group_result, groups_of, is_exact, of_no_other_rule
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage


@dataclass(frozen=True)
class ExactDuplicate:
    """Files whose pixels are all the same once they are upright: equal files, or one picture in two lossless formats.

    Files are compared by their sha256, pictures by the sha256 of all their pixels. One finding lists all copies of a
    picture. Copies with two labels or in two splits have rules of their own.
    """

    rule: ClassVar[str] = "exact_duplicate"
    title: ClassVar[str] = "Exact duplicate"
    kind: ClassVar[RuleKind] = "copies"
    demo_faults: ClassVar[tuple[str, ...]] = ("exact_duplicate",)

    def run(self, samples: Samples) -> CheckResult:
        """Lists every group of equal pictures; the score of their images is 0."""
        kept = is_exact(samples.copies) & of_no_other_rule(samples)
        found = [duplicates(group, "medium", None) for group in groups_of(samples.copies, kept)]
        return group_result(samples, found, None)

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """No other image has its pixels."""
        return "not flagged: beside what other rules list, no image with its label and split has the same pixels."
