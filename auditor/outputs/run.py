"""A whole run on disk: of an audit that is there, or of a scan that is still to be made."""

from dataclasses import replace
from pathlib import Path

from auditor.audit import Audit
from auditor.data.dataset import name_of
from auditor.errors import AuditorError
from auditor.outputs import FILES, chosen, write_outputs
from auditor.outputs.deliver import check_deliveries
from auditor.progress import Progress
from auditor.report.history import write_history
from auditor.report.shared.html import check_templates
from auditor.runs.files import PAGE
from auditor.runs.folder import Run, claim, remove_old_runs
from auditor.scanning.scan import run_scan
from auditor.settings import Settings
from auditor.store import keep_run, keep_run_audit


def scan_to_disk(settings: Settings, *, progress: Progress | None = None) -> Audit:
    """Scans, and writes `settings.out/<name>/<run>/`; name and id are settled before the work.

    Raises:
        AuditorError: the source, the model or a setting cannot be used, or the run cannot be written.
    """
    check_deliveries(settings)
    check_templates(settings.template_dir)
    with claim(settings.out, settings.name or name_of(settings.data)) as run:
        remember = settings.out if settings.store else None
        audit = run_scan(settings, progress=progress, run_id=run.id, remember=remember)
        audit = _written(audit, run, settings)
        complete = settings.changed_since is None                   # what lists a part of the findings is no night
        told = _remembered(audit, settings.out) if settings.store and complete else ()
        if settings.keep_runs is not None:
            spare = () if settings.baseline is None else (settings.baseline,)
            remove_old_runs(run.folder.parent, settings.keep_runs, FILES, spare)
        if settings.store:
            told = (*told, *keep_run_audit(settings.out, audit))            # and forgets those that were removed
    news = (note for note in told if note not in audit.notes)   # a store out of reach is so before and after
    return replace(audit, notes=(*audit.notes, *news))          # the report was written without them


def _remembered(audit: Audit, out: Path) -> tuple[str, ...]:
    """Adds a published run to the history and draws its page anew; what went wrong, in sentences: the run stands."""
    if told := keep_run(out, audit):
        return told
    try:
        write_history(out, audit.name)
    except AuditorError as error:
        return (f"The page of the history was not written: {error}",)
    return ()


def write_run(audit: Audit, out: Path) -> Path:
    """Writes `out/<name>/<run>/` of an audit. Where another run has its id, the files get and say the next free one.

    Returns:
        The page, in the folder of this very run.

    Raises:
        InputError: the audit's name cannot be a folder's, or `out` cannot be written to.
        Incomplete: the disk is full.
    """
    with claim(out, audit.name, audit.run.id) as run:
        _written(audit, run, Settings())
    return run.folder / PAGE


def _written(audit: Audit, run: Run, settings: Settings) -> Audit:
    """The audit as every file of its run tells it: with the id that the run has."""
    told = replace(audit, run=replace(audit.run, id=run.id))
    with run.publish() as folder:
        write_outputs(told, folder, chosen(settings.outputs), settings)
    return told
