"""The page of an evaluation and `evaluation.json`, published as a run."""

import re
from dataclasses import replace
from pathlib import Path

from auditor.errors import InputError
from auditor.evaluation import Evaluation
from auditor.evaluation.training_history import read_history
from auditor.report.evaluation.page import write_training_page
from auditor.runs.files import EVALUATION, LATEST, PAGE
from auditor.runs.folder import Run, check_name, claim
from auditor.settings import Settings
from auditor.text import shown

_LONGEST_PART = 48                              # characters of each name in `<model>-on-<data>`


def evaluation_name(model: str, data: str) -> str:
    """The name that an evaluation's runs get where the user states none: `<model>-on-<data>`."""
    return f"{_safe(model)}-on-{_safe(data)}"


def check_target(out: Path, name: str) -> None:
    """Raises InputError where an evaluation cannot be published as `out/name`: to be known before the work is done."""
    check_name(name)
    latest = out / name / LATEST
    if latest.is_dir() and not (latest / EVALUATION).is_file():
        raise InputError(f"{shown(str(latest.parent))} holds other runs than evaluations; choose another --name")


def publish_evaluation(evaluation: Evaluation, settings: Settings, name: str | None = None) -> Path:
    """Writes an evaluation that is there to `out/<name>/<run>/`, as `write_evaluation` does.

    Where another run has its id, both files get and say the next free one.

    Returns:
        The page, by the link that always leads to the latest.

    Raises:
        InputError: the name cannot be a folder's, or the folder holds the runs of a scan.
    """
    name = name or evaluation_name(evaluation.model.name, evaluation.data)
    check_target(settings.out, name)
    with claim(settings.out, name, evaluation.run.id) as run:
        return write_evaluation(replace(evaluation, run=replace(evaluation.run, id=run.id)), settings, run)


def write_evaluation(evaluation: Evaluation, settings: Settings, run: Run) -> Path:
    """Publishes page and `evaluation.json` at once, with the model's learning curves if it has any.

    Returns:
        The page, by the link that always leads to the latest.
    """
    folder = settings.model
    history = read_history(folder) if folder is not None and folder.is_dir() else None
    with run.publish() as draft:
        write_training_page(evaluation, draft, history)
    return run.out / run.name / LATEST / PAGE


def _safe(name: str) -> str:
    """A name as a part of a folder's."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._-")[:_LONGEST_PART] or "model"
