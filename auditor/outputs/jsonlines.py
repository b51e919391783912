"""`findings.jsonl`: one finding a line, in the order of the report."""

import json
from dataclasses import asdict
from pathlib import Path

from auditor.audit import Audit
from auditor.runs.files import FINDINGS


def write_findings(audit: Audit, folder: Path) -> Path:
    """Writes every finding, also those that the report has no room to show; returns the file's path."""
    path = folder / FINDINGS
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for finding in audit.findings:
            file.write(json.dumps(asdict(finding), ensure_ascii=False, allow_nan=False) + "\n")
    return path
