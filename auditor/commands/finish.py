"""How a command that scanned or measured ends: the run's folder is written, the verdict printed."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from auditor.atomic_write import check_out
from auditor.commands.printing import columns, echo, echo_page

if TYPE_CHECKING:
    from auditor.audit import Audit
    from auditor.progress import Progress
    from auditor.settings import EvaluateSettings, Settings


def scan_and_finish(settings: "Settings", *, as_json: bool, progress: "Progress") -> NoReturn:
    """Scans, writes the run's folder, prints the verdict and the report's path, exits with the audit's code."""
    check_out(settings.out)                                     # before anything is loaded
    from auditor.outputs import GITHUB, chosen
    from auditor.outputs.deliver import deliver
    from auditor.outputs.github import annotations
    from auditor.outputs.run import scan_to_disk

    audit = scan_to_disk(settings, progress=progress)
    for failure in filter(None, deliver(audit, settings)):
        print(f"auditor: {failure}", file=sys.stderr)
    if GITHUB in chosen(settings.outputs) and not as_json:
        for line in annotations(audit):
            echo(line)
    finish(audit, settings.out, as_json=as_json)


def finish(audit: "Audit", out: Path, *, as_json: bool) -> NoReturn:
    """Prints what a scan found whose run is published, and the report's path; exits with the audit's code."""
    from auditor.outputs import summary
    from auditor.outputs.terminal import as_text
    from auditor.runs.files import LATEST, PAGE

    if as_json:
        echo(json.dumps(summary(audit), indent=2, ensure_ascii=False))
    else:
        for line in as_text(audit, columns()):
            echo(line)
        echo()
        echo_page(out / audit.name / LATEST / PAGE)
    raise typer.Exit(audit.exit_code)


def evaluate_and_finish(settings: "EvaluateSettings", *, as_json: bool, progress: "Progress") -> None:
    """Measures a model, writes the run's folder, prints the figures and the page's path."""
    check_out(settings.out)
    from auditor.backends import stated_backend
    from auditor.data.dataset import name_of
    from auditor.evaluation import to_json
    from auditor.evaluation.measuring import measure
    from auditor.report.evaluation.publishing import check_target, evaluation_name, write_evaluation
    from auditor.report.evaluation.sentences import summary_lines
    from auditor.runs.folder import claim

    if settings.name is not None:
        check_target(settings.out, settings.name)               # before a model is loaded
    backend = stated_backend(settings)
    name = settings.name or evaluation_name(backend.card.name, name_of(settings.data))
    check_target(settings.out, name)
    with claim(settings.out, name) as run:
        evaluation = measure(settings, settings.split, backend=backend, progress=progress, run_id=run.id)
        page = write_evaluation(evaluation, settings, run)
    if as_json:
        echo(to_json(evaluation), end="")
    else:
        for line in summary_lines(evaluation):
            echo(line)
        echo_page(page)
