"""`auditor evaluate` after its options are read: loads the model and the data, and evaluates."""

from pathlib import Path

from auditor.backends import stated_backend
from auditor.backends.base import Backend
from auditor.data.sources import stated_dataset
from auditor.evaluation import Evaluation, evaluate
from auditor.progress import Progress
from auditor.settings import Settings

#: The settings that the result depends on; the page prints those that were stated.
_STATED = (
    "data", "model", "backend", "device", "preprocessing", "classes", "output", "class_map", "label_from",
    "file_column", "label_column", "split_column", "classes_at", "split_at", "exclude", "batch_size", "threads",
    "max_pixels", "max_bytes",
)  # fmt: skip


def measure(
    settings: Settings,
    split: str | None = None,
    *,
    backend: Backend | None = None,
    progress: Progress | None = None,
    run_id: str | None = None,
) -> Evaluation:
    """Evaluates the model that the settings name on the data that they name.

    Args:
        settings: What to evaluate and how; without a model, the bundled one.
        split: As in `evaluate`.
        backend: A classifier to use in place of the one that `settings` names.
        progress: Watches the long loops.
        run_id: Id of the run that was claimed for it; None makes one from the time.

    Raises:
        AuditorError: the data, the model or a setting cannot be used.
    """
    dataset = stated_dataset(settings)
    return evaluate(
        backend or stated_backend(settings),
        dataset,
        split=split,
        class_map=settings.class_map,
        batch_size=settings.batch_size,
        threads=settings.threads,
        limits=settings.limits,
        settings=_stated(settings),
        progress=progress,
        run_id=run_id,
    )


def _stated(settings: Settings) -> dict[str, object]:
    values = ((name, getattr(settings, name)) for name in _STATED)
    return {name: str(value) if isinstance(value, Path) else value for name, value in values if value not in (None, ())}
