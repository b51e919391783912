"""What a scan judges by, beside what was found out about the images."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from auditor.checks import Check
from auditor.data.changed import Changed
from auditor.data.dataset import Dataset
from auditor.engines import Task
from auditor.gates import Gating
from auditor.review.kept import Kept
from auditor.scanning.classifier import Classifier
from auditor.settings import Settings


@dataclass(frozen=True)
class Inputs:
    """Everything that decides on an audit, but the outcomes of the pass and the past.

    Attributes:
        settings: Of the scan.
        dataset: What is scanned, its classes merged as the user says.
        task: What was done with each image.
        classifier: The model; None for a scan without one.
        checks: The rules that run, in the registry's order.
        gating: Gates, accepted findings and the baseline.
        changed: The images whose findings are listed; None lists all.
        kept: The images that people kept in review, whose findings are not listed.
        today: What acceptances expire by.
    """

    settings: Settings
    dataset: Dataset
    task: Task
    classifier: Classifier | None
    checks: Sequence[Check]
    gating: Gating
    changed: Changed | None
    kept: Kept
    today: date

    @property
    def name(self) -> str:
        """Of the data set."""
        return self.settings.name or self.dataset.name
