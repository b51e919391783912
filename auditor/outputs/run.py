"""A whole run on disk: of an audit that is there, or of a scan that is still to be made."""

from dataclasses import replace
from pathlib import Path

from auditor.audit import Audit
from auditor.data.dataset import name_of
from auditor.outputs import write_outputs
from auditor.progress import Progress
from auditor.runs.files import PAGE
from auditor.runs.folder import Run, claim
from auditor.scanning.scan import run_scan
from auditor.settings import Settings


def scan_to_disk(settings: Settings, *, progress: Progress | None = None) -> Audit:
    """Scans, and writes `settings.out/<name>/<run>/`; name and id are settled before the work.

    Raises:
        AuditorError: the source, the model or a setting cannot be used, or the run cannot be written.
    """
    with claim(settings.out, settings.name or name_of(settings.data)) as run:
        return _written(run_scan(settings, progress=progress, run_id=run.id), run)


def write_run(audit: Audit, out: Path) -> Path:
    """Writes `out/<name>/<run>/` of an audit. Where another run has its id, the files get and say the next free one.

    Returns:
        The page, in the folder of this very run.

    Raises:
        InputError: the audit's name cannot be a folder's, or `out` cannot be written to.
        Incomplete: the disk is full.
    """
    with claim(out, audit.name, audit.run.id) as run:
        _written(audit, run)
    return run.folder / PAGE


def _written(audit: Audit, run: Run) -> Audit:
    """The audit as every file of its run tells it: with the id that the run has."""
    told = replace(audit, run=replace(audit.run, id=run.id))
    with run.publish() as folder:
        write_outputs(told, folder)
    return told
