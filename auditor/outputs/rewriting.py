"""The report of an earlier run written again: from what the store kept of it, without a model and without an image."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from auditor.atomic_write import new_folder
from auditor.audit import Audit
from auditor.errors import InputError
from auditor.outputs import FORMATS, GITHUB, chosen, report_as
from auditor.report.shared.html import check_templates
from auditor.runs.files import PAGE
from auditor.runs.renewal import renew
from auditor.scanning.scan import ADDITIONS
from auditor.settings import Settings
from auditor.store import run_audit


def rewrite_report(folder: Path, settings: Settings, formats: Sequence[str] = (), to: Path | None = None) -> Path:
    """Writes the page of a run again, and further formats that are asked for.

    Args:
        folder: Of the run; `latest` is followed.
        settings: How the page is written: `max_size`, `assets`, `template_dir`.
        formats: As `--format` takes them.
        to: A new folder to write to; None replaces the pages in the run's own folder.

    Returns:
        The first page.

    Raises:
        InputError: the store does not have the run, or a format, a template or a folder cannot be used.
        Incomplete: the disk is full.
    """
    names = chosen(formats)
    if GITHUB in names:
        raise InputError(f"--format {GITHUB} tells a job about a scan; `auditor report` writes {', '.join(FORMATS)}")
    check_templates(settings.template_dir)
    audit = run_audit(folder, ADDITIONS)
    if to is not None:
        with new_folder(to) as draft:
            _write(audit, draft, settings, names)
        return to / PAGE
    with TemporaryDirectory(prefix="auditor-report-") as draft:
        _write(audit, Path(draft), settings, names)
        renew(folder.resolve(), Path(draft))
    return folder / PAGE


def _write(audit: Audit, folder: Path, settings: Settings, formats: Sequence[str]) -> None:
    for output in (report_as(settings), *(FORMATS[name] for name in formats)):
        output.write(audit, folder)
