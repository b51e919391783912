"""The same picture in two splits, so that a model is measured on what it was trained on."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated, ClassVar

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, GroupFinding
from auditor.checks.copy_groups import SAME_PICTURE, between, group_result, how, in_conflict
from auditor.checks.samples import Samples
from auditor.checks.statistics.splits import splits_of
from auditor.checks.stored import StoredImage
from auditor.configuration import Range


@dataclass(frozen=True)
class SplitLeakage:
    """The same picture, equal or altered, is in two splits: what is measured on the one was learned from the other.

    Such leaks raise published scores (Barz and Denzler, "Do we train on test data?", Journal of Imaging 2020). Copies
    are found as for `exact_duplicate` and `near_duplicate`. Where their labels differ too, the rule is
    `conflicting_labels`.

    Args:
        minimum: Similarity from which two pictures are the same one, in [0, 1]; nothing under 0.6 is kept.
    """

    minimum: Annotated[float, Range(0, 1)] = SAME_PICTURE

    rule: ClassVar[str] = "split_leakage"
    title: ClassVar[str] = "Leak between splits"
    kind: ClassVar[RuleKind] = "copies"
    demo_faults: ClassVar[tuple[str, ...]] = ("split_leakage",)

    def run(self, samples: Samples) -> CheckResult:
        """Names every image of which a copy is in another split; the score is 1 minus the lowest similarity."""
        names, splits = splits_of(samples)                                              # (S,), (N,)
        found = []
        for group, place, others in in_conflict(samples, splits, self.minimum, among_one_label=True):
            by_split = defaultdict(list)
            for other in others:
                by_split[int(splits[group.rows[other]])].append(other)
            for split, some in sorted(by_split.items()):
                values, kinds = between(group, place, some)
                found.append(
                    GroupFinding(
                        rows=(int(group.rows[place]), *(int(group.rows[other]) for other in some)),
                        score=1 - min(values),
                        message=(
                            f"The same picture is in {names[splits[group.rows[place]]]} and in {names[split]}: "
                            f"{how(kinds, min(values))}."
                        ),
                        severity="high",
                        value=min(values),
                        threshold=self.minimum,
                        related_values=values,
                    )
                )
        return group_result(samples, found, self.minimum)

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """No other split has its picture."""
        if image.row.get("split") is None:
            return "not judged: it is in no split."
        return "not flagged: no image with its label in another split is the same picture."
