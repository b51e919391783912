"""What auditor itself wrote is no data: it is told by its contents, wherever it lies and whatever it is called."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from auditor.text import read_json

OWN_OUTPUT = "auditor's own output"
STORE_DATABASE = "auditor.sqlite"               # what earlier scans found out, `auditor/store/`
REVIEW_MARK = "auditor-review.txt"              # beside what people decided and removed, `auditor/review/`

#: The document that a folder of each kind holds, and what only auditor's has in it: a scan, an evaluation, a model.
_DOCUMENTS: dict[str, frozenset[str]] = {
    "summary.json": frozenset({"format_version", "dataset", "findings", "outcomes", "run"}),
    "evaluation.json": frozenset({"format_version", "confusion", "calibration", "run"}),
    "model.json": frozenset({"format_version", "classes", "input_size", "preprocessing", "files"}),
}
_PAGES = "explain.json"
_TRUTH = "truth.json"                           # of `auditor demo`: stickers that are drawn to be scanned by themselves
_PLANTED = frozenset({"format_version", "seed", "faults", "clean"})

# Where the document is damaged, these tell the folder of a scan.
_SCAN = frozenset({"index.html", "findings.jsonl", "predictions.parquet"})


def is_own_output(folder: Path, names: Collection[str]) -> bool:
    """Whether auditor wrote a folder: a scan, an evaluation, pages of explanations, a model, the demo, the store,
    or what `auditor apply` keeps.

    Args:
        folder: The folder.
        names: The names of what it holds.
    """
    if set(names) >= _SCAN or STORE_DATABASE in names or REVIEW_MARK in names:
        return True
    if any(name in names and _record(folder / name).keys() >= keys for name, keys in _DOCUMENTS.items()):
        return True
    return bool(own_files(folder, names)) or (_TRUTH in names and _record(folder / _TRUTH).keys() >= _PLANTED)


def own_files(folder: Path, names: Collection[str]) -> frozenset[str]:
    """The files in and below a folder that `auditor explain` lists as its own; images can lie beside them."""
    record = _record(folder / _PAGES) if _PAGES in names else {}
    files = record.get("files")
    if record.get("written_by") != "auditor explain" or not isinstance(files, list):
        return frozenset()
    return frozenset({_PAGES, *map(str, files)})


def _record(path: Path) -> dict[str, Any]:
    """A JSON object; empty if it is none."""
    try:
        record = read_json(path) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
