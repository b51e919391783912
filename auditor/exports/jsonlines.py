"""`findings.jsonl`: one finding a line, in the order of the report."""

import json
from dataclasses import asdict
from pathlib import Path

from auditor.audit import Audit


def write_findings(audit: Audit, path: Path) -> None:
    """Writes every finding, also those that the report has no room to show."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for finding in audit.findings:
            file.write(json.dumps(asdict(finding), ensure_ascii=False, allow_nan=False) + "\n")
