"""Files that cannot be decoded: empty, truncated, corrupt, too large or no image."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.checks.base import CheckResult, Samples, yes_or_no


@dataclass(frozen=True)
class UnreadableImage:
    """The file is empty, truncated, corrupt or no image. It was never shown to the model."""

    rule: ClassVar[str] = "unreadable"
    title: ClassVar[str] = "Cannot be read"
    is_about_labels: ClassVar[bool] = False

    def run(self, samples: Samples) -> CheckResult:
        """Score 0 for every file that failed, 1 for the others; (N,) float32."""
        flagged = np.array([failure is not None for failure in samples.failures], dtype=bool)
        return yes_or_no(flagged, lambda row: f"It cannot be read: {samples.failures[row]}.", "high")
