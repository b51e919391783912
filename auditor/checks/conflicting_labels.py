"""The same picture in two classes: one of the labels is wrong, whatever any model says."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, GroupFinding
from auditor.checks.copy_groups import SAME_PICTURE, between, group_result, how, in_conflict
from auditor.checks.samples import Samples
from auditor.checks.stored import NO_LABEL, StoredImage
from auditor.configuration import Range
from auditor.text import listing


@dataclass(frozen=True)
class ConflictingLabels:
    """The same picture, equal or altered, has two labels: at least one of them is wrong.

    Copies are found as for `exact_duplicate` and `near_duplicate`. The image that is named first has the label that
    fewer of the copies have; where they are equally many, the one that the probe doubts more (Northcutt et al.,
    "Confident learning", JAIR 2021, score labels in this way).

    Args:
        minimum: Similarity from which two pictures are the same one, in [0, 1]; nothing under 0.6 is kept.
    """

    minimum: Annotated[float, Range(0, 1)] = SAME_PICTURE

    rule: ClassVar[str] = "conflicting_labels"
    title: ClassVar[str] = "Conflicting labels"
    kind: ClassVar[RuleKind] = "conflict"
    demo_faults: ClassVar[tuple[str, ...]] = ("conflicting_labels",)

    def run(self, samples: Samples) -> CheckResult:
        """Names every image of which a copy has another label; the score is 1 minus the lowest similarity."""
        found = []
        doubt = samples.verdict.issues.score                                            # (N,)
        for group, place, others in in_conflict(samples, samples.labels, self.minimum, doubt):
            row = int(group.rows[place])
            labels = sorted({int(samples.labels[group.rows[other]]) for other in others})
            values, kinds = between(group, place, others)
            names = listing(samples.classes[label] for label in (int(samples.labels[row]), *labels))
            found.append(
                GroupFinding(
                    rows=(row, *(int(group.rows[other]) for other in others)),
                    score=1 - min(values),
                    message=f"The same picture is labelled {names}: {how(kinds, min(values))}.",
                    severity="high",
                    value=min(values),
                    threshold=self.minimum,
                    suggested=_preferred(samples, row, labels),
                    related_values=values,
                )
            )
        return group_result(samples, found, self.minimum)

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """No copy of it has another label."""
        if image.row.get("label") is None:
            return NO_LABEL
        return "not flagged: no image with another label is the same picture."


def _preferred(samples: Samples, row: int, labels: list[int]) -> int:
    """The class that the probe gives the image, if another copy has that label; -1 else."""
    probabilities = samples.out_of_fold[row]                                            # (C,)
    best = int(probabilities.argmax()) if np.isfinite(probabilities).all() and len(probabilities) else -1
    return best if best in labels else -1
