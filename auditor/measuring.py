"""`auditor evaluate` behind its options: load the model and the data, evaluate, publish the page."""

import re
from pathlib import Path

from auditor.backends import stated_backend
from auditor.curves import read_curves
from auditor.dataset import stated_dataset
from auditor.errors import InputError
from auditor.evaluation import EVALUATION_NAME, Evaluation, evaluate
from auditor.folders import shown
from auditor.progress import Progress
from auditor.report.training import write_training_page
from auditor.runfolder import LATEST, check_name, publish
from auditor.settings import Settings

#: The settings that the result depends on, which the page prints where they were stated.
_STATED = (
    "data", "model", "backend", "device", "preprocessing", "classes", "class_map", "label_from", "file_column",
    "label_column", "split_column", "batch_size", "threads", "max_pixels",
)  # fmt: skip
_LONGEST_PART = 48                              # characters of each name in `<model>-on-<data>`


def measure(settings: Settings, split: str | None = None, *, progress: Progress | None = None) -> Evaluation:
    """Evaluates the model that the settings name on the data that they name.

    Args:
        settings: What to evaluate and how; without a model, the bundled one.
        split: As in `evaluate`.
        progress: Watches the long loops.

    Raises:
        AuditorError: the data, the model or a setting cannot be used.
    """
    dataset = stated_dataset(settings)
    backend = stated_backend(settings)
    return evaluate(
        backend,
        dataset,
        split=split,
        class_map=settings.class_map,
        batch_size=settings.batch_size,
        threads=settings.threads,
        max_pixels=settings.max_pixels,
        settings=_stated(settings),
        progress=progress,
    )


def publish_evaluation(evaluation: Evaluation, settings: Settings, name: str | None = None) -> Path:
    """Writes page and `evaluation.json` to `out/<name>/<run>/` at once, with the model's learning curves if it has any.

    Returns:
        The page, by the link that always leads to the latest.

    Raises:
        InputError: the name cannot be a folder's, or the folder holds the runs of a scan.
    """
    name = name or f"{_safe(evaluation.model.name)}-on-{_safe(evaluation.data)}"
    check_target(settings.out, name)
    folder = settings.model
    curves = read_curves(folder) if folder is not None and folder.is_dir() else None
    with publish(settings.out, name, evaluation.run.id) as draft:
        write_training_page(evaluation, draft, curves)
    return settings.out / name / LATEST / "index.html"


def check_target(out: Path, name: str) -> None:
    """Raises InputError where an evaluation cannot be published as `out/name`: to be known before the work is done."""
    check_name(name)
    latest = out / name / LATEST
    if latest.is_dir() and not (latest / EVALUATION_NAME).is_file():
        raise InputError(f"{shown(str(latest.parent))} holds other runs than evaluations; choose another --name")


def _stated(settings: Settings) -> dict[str, object]:
    values = ((name, getattr(settings, name)) for name in _STATED)
    return {name: str(value) if isinstance(value, Path) else value for name, value in values if value is not None}


def _safe(name: str) -> str:
    """A name as a part of a folder's."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._-")[:_LONGEST_PART] or "model"
