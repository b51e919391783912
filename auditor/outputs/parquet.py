"""`predictions.parquet`: one row per file that was found."""

from pathlib import Path

from auditor.audit import Audit
from auditor.runs.files import PREDICTIONS


def write_predictions(audit: Audit, folder: Path) -> Path:
    """Writes the table with zstd, which pandas, DuckDB, Polars and Spark all read; returns the file's path."""
    path = folder / PREDICTIONS
    audit.predictions.to_parquet(path, engine="pyarrow", compression="zstd", index=False)
    return path
