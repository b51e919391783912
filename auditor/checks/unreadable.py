"""Files that cannot be decoded: empty, truncated, corrupt, too large or not an image."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, yes_or_no
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage


@dataclass(frozen=True)
class UnreadableImage:
    """The file is empty, truncated, corrupt or not an image. It was never shown to the model."""

    rule: ClassVar[str] = "unreadable"
    title: ClassVar[str] = "Cannot be read"
    kind: ClassVar[RuleKind] = "file"
    demo_faults: ClassVar[tuple[str, ...]] = ("truncated", "truncated_png", "zero_bytes", "not_an_image")

    def run(self, samples: Samples) -> CheckResult:
        """Score 0 for every file that failed, 1 for the others; (N,) float32."""
        flagged = np.array([failure is not None for failure in samples.failures], dtype=bool)

        def message(row: int) -> str:
            # An image that was decoded failed in the model, which gave no numbers for it.
            done = "read" if samples.formats[row] is None else "judged"
            return f"It cannot be {done}: {samples.failures[row]}."

        return yes_or_no(flagged, message, "high")

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """It was decoded."""
        return "not flagged: it was decoded." if image.row.get("outcome") == "ok" else "not flagged."
