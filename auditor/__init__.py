"""auditor: which labels of an image folder are wrong, which images are doubtful or broken, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditor.audit import Audit
    from auditor.backends.base import Backend

__version__ = "0.1.0"

__all__ = ["__version__", "scan"]


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
    from auditor.scanning import run_scan
    from auditor.settings import Settings

    return run_scan(Settings.load(data=Path(path), **options), backend=backend)
