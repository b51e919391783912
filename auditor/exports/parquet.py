"""`predictions.parquet`: one row per file that was found."""

from pathlib import Path

from auditor.audit import Audit


def write_predictions(audit: Audit, path: Path) -> None:
    """Writes the table with zstd, which pandas, DuckDB, Polars and Spark all read."""
    audit.predictions.to_parquet(path, engine="pyarrow", compression="zstd", index=False)
