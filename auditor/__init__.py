"""auditor: which labels of an image folder are wrong, which images are doubtful or broken, and why."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from auditor import labels
    from auditor.audit import Audit, Finding
    from auditor.backends.base import Backend

__version__ = "0.1.0"

__all__ = ["Audit", "Finding", "__version__", "history", "labels", "scan", "show", "to_html", "write_report"]


def scan(path: str | Path, *, backend: "Backend | None" = None, **options: Any) -> "Audit":
    """Scans a folder of labelled images and returns what it found; writes nothing, but for a store where asked to.

    Args:
        path: Folder of class folders, or a CSV manifest.
        backend: A classifier to use; None loads the model that the options name, or the bundled one.
        **options: Fields of `auditor.settings.Settings`, such as `model`, `device` and `class_map`. With `store=True`
            and `out`, a folder, results are kept in `out/store` as by `auditor scan`, and taken from there.

    Raises:
        InputError: among others, `store=True` without `out`.

    Example:
        >>> audit = auditor.scan("data/train")
        >>> [finding.file for finding in audit.findings if finding.rule == "label_issue"]
    """
    from auditor.errors import InputError
    from auditor.scanning.scan import run_scan
    from auditor.settings import Settings

    settings = Settings.load(data=str(path), **options)
    remembers = options.get("store") is True    # the default is for the command, which writes anyway
    if remembers and "out" not in options:
        raise InputError("store=True keeps results on disk; say where: out=\"reports\" keeps them in reports/store")
    return run_scan(settings, backend=backend, remember=settings.out if remembers else None)


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


def history(
    name_or_path: str | Path | None = None, out: str | Path = "reports", *, findings: bool = False
) -> "pd.DataFrame":
    """The runs of a data set that `auditor scan` has published, as a table: a row for each, the oldest first.

    Args:
        name_or_path: Its name in the reports, or what was scanned; None is the only one there.
        out: Folder of the reports.
        findings: The findings instead, as intervals: the first and the last run that had each, and the one that did not
            find it any more, with the reason.

    Raises:
        InputError: there is no such history.

    Example:
        >>> auditor.history("data/train")[["started", "images", "new", "resolved"]]
    """
    from auditor.outputs.frames import findings_frame, runs_frame

    wanted = None if name_or_path is None else str(name_or_path)
    return (findings_frame if findings else runs_frame)(Path(out), wanted)


def to_html(audit: "Audit", path: str | Path | None = None) -> str:
    """The report of a scan as the text of one page.

    Args:
        audit: What `scan` returned.
        path: A file that it is written to as well, in place of one that is there.

    Raises:
        InputError: the file cannot be written.
        Incomplete: the disk is full.
    """
    from auditor.outputs.notebook import to_html as as_html

    return as_html(audit, None if path is None else Path(path))


def show(audit: "Audit", height: int = 800) -> None:
    """Shows the report of a scan in a notebook.

    Args:
        audit: What `scan` returned.
        height: Of the frame that it is shown in, in pixels.

    Raises:
        MissingDependency: there is no IPython, so this is no notebook.
    """
    from auditor.outputs.notebook import show as show_page

    show_page(audit, height)


def __getattr__(name: str) -> Any:
    """`Audit`, `Finding` and `labels` are imported when they are first asked for: `import auditor` stays light."""
    if name in ("Audit", "Finding"):
        return getattr(import_module("auditor.audit"), name)
    if name == "labels":
        return import_module("auditor.labels")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
