"""The machine-readable files of a run, one module per format."""

from pathlib import Path

from auditor.audit import Audit
from auditor.exports.jsonlines import write_findings
from auditor.exports.parquet import write_predictions
from auditor.exports.summary import summary, write_summary

__all__ = ["summary", "write_exports"]


def write_exports(audit: Audit, folder: Path) -> None:
    """Writes `summary.json`, `findings.jsonl` and `predictions.parquet` into the folder of the run."""
    write_summary(audit, folder / "summary.json")
    write_findings(audit, folder / "findings.jsonl")
    write_predictions(audit, folder / "predictions.parquet")
