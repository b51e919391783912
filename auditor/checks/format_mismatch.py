"""Files whose name claims another image format than their bytes are in."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.checks.base import CheckResult, Samples, yes_or_no


@dataclass(frozen=True)
class FormatMismatch:
    """The file's bytes are in another image format than its name says; it was decoded by its bytes."""

    rule: ClassVar[str] = "format_mismatch"
    title: ClassVar[str] = "Wrong extension"
    is_about_labels: ClassVar[bool] = False

    def run(self, samples: Samples) -> CheckResult:
        """Score 0 for every file whose extension names another format, 1 for the others; (N,) float32."""
        flagged = np.array([mismatch is not None for mismatch in samples.mismatches], dtype=bool)

        def sentence(row: int) -> str:
            extension = samples.files[row].rpartition(".")[2]
            return f"The name ends in .{extension}, but the file is {samples.mismatches[row]}."

        return yes_or_no(flagged, sentence, "low")
