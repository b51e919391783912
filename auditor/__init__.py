"""auditor: which labels of an image folder are wrong, which images are doubtful or broken, and why."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditor import labels
    from auditor.audit import Audit, Finding
    from auditor.backends.base import Backend

__version__ = "0.1.0"

__all__ = ["Audit", "Finding", "__version__", "labels", "scan", "write_report"]


def scan(path: str | Path, *, backend: "Backend | None" = None, **options: Any) -> "Audit":
    """Scans a folder of labelled images and returns what it found; writes nothing.

    Args:
        path: Folder of class folders, or a CSV manifest.
        backend: A classifier to use; None loads the model that the options name, or the bundled one.
        **options: Fields of `auditor.settings.Settings`, such as `model`, `device` and `class_map`.

    Example:
        >>> audit = auditor.scan("data/train")
        >>> [finding.file for finding in audit.findings if finding.rule == "label_issue"]
    """
    from auditor.scanning.scan import run_scan
    from auditor.settings import Settings

    return run_scan(Settings.load(data=str(path), **options), backend=backend)


def write_report(audit: "Audit", out: str | Path = "reports") -> Path:
    """Writes a run of what a scan found, with the report and every other file, as `auditor scan` does.

    Args:
        audit: What `scan` returned.
        out: Folder of the reports: the run is `out/<name of the data set>/<run>`, and `latest` beside it points at it.

    Returns:
        The page: `index.html` in the folder of the run.

    Raises:
        InputError: `out` cannot be written to.
        Incomplete: the disk is full.

    Example:
        >>> auditor.write_report(auditor.scan("data/train"))
        PosixPath('reports/data-train/20250131T020000Z/index.html')
    """
    from auditor.outputs.run import write_run

    return write_run(audit, Path(out))


def __getattr__(name: str) -> Any:
    """`Audit`, `Finding` and `labels` are imported when they are first asked for: `import auditor` stays light."""
    if name in ("Audit", "Finding"):
        return getattr(import_module("auditor.audit"), name)
    if name == "labels":
        return import_module("auditor.labels")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
