"""Files whose name claims another image format than their bytes are in."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.audit import RuleKind
from auditor.checks.base import CheckResult, yes_or_no
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage
from auditor.images.formats import extension_matches


@dataclass(frozen=True)
class FormatMismatch:
    """The file's bytes are in another image format than its name says; it was decoded by its bytes."""

    rule: ClassVar[str] = "format_mismatch"
    title: ClassVar[str] = "Wrong extension"
    kind: ClassVar[RuleKind] = "file"
    demo_faults: ClassVar[tuple[str, ...]] = ("wrong_extension",)

    def run(self, samples: Samples) -> CheckResult:
        """Score 0 for every file whose extension names another format, 1 for the others; (N,) float32."""
        named = zip(samples.files, samples.formats, strict=True)
        flagged = np.array([found is not None and not extension_matches(file, found) for file, found in named], bool)

        def sentence(row: int) -> str:
            extension = samples.files[row].rpartition(".")[2]
            return f"The name ends in .{extension}, but the file is {samples.formats[row]}."

        return yes_or_no(flagged, sentence, "low")

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """The name claims no other format."""
        found = image.row.get("format")
        if found is None:
            return "not judged: it cannot be read."
        return f"not flagged: the file is {found}, and its name claims nothing else."
