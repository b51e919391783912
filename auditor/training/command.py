"""What `auditor train` does: a run opened, Keras placed, an interruption told how to go on; and what it prints."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.atomic_write import DISK_FULL
from auditor.errors import Incomplete
from auditor.progress import Progress
from auditor.report.evaluation.sentences import in_sample
from auditor.text import count, duration, number, percent, shown
from auditor.training.runs import TrainingRun, open_run

if TYPE_CHECKING:
    from auditor.training.finish import Trained


def run_training(
    given: Mapping[str, Any],
    *,
    config: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> "Trained":
    """Trains a model and publishes its folder.

    Args:
        given: Settings of `TrainSettings` by name, None where not given; `data` and `out` always are.
        config: Configuration file of a new run; None takes `auditor.toml` of the working directory where there is one.
        resume: Whether to continue an unfinished run.
        overwrite: Whether to start anew where there is one, or a finished model.
        progress: Watches the long loops.

    Raises:
        InputError: the data, an option or the folder cannot be used.
        ModelError: the weights cannot be used.
        MissingDependency: Keras is not installed.
        DeviceUnavailable: the device that was asked for is not there.
        Incomplete: interrupted, or the disk is full; the run can be continued.
    """
    with open_run(given, config=config, resume=resume, overwrite=overwrite) as run:
        try:
            return _placed(run, progress or Progress())
        except (Incomplete, KeyboardInterrupt) as interruption:
            raise Incomplete(f"{str(interruption).partition(';')[0]}; {_continued(run)}") from None
        except OSError as error:
            if error.errno in DISK_FULL:
                raise Incomplete(f"the disk of {run.folder} is full; make room, then: {_continued(run)}") from None
            raise


def summary_lines(trained: "Trained") -> Iterator[str]:
    """What was measured, and last the path of the page; text that no name in it can break."""
    parts, evaluation = trained.parts, trained.evaluation
    held = f"{number(len(parts.val))} validation, {number(len(parts.test))} test"
    yield f"{'images':<18}{number(len(parts.train))} trained on, {held}"
    for phase in trained.history.phases:
        best = phase.best
        seconds = sum(epoch.seconds for epoch in phase.epochs)
        measured = "" if best is None else f", validation accuracy {percent(best.val_accuracy)} (epoch {best.number})"
        yield f"{phase.name:<18}{count(len(phase.epochs), 'epoch')} in {duration(seconds)}{measured}"
    accuracy = evaluation.accuracy
    yield (
        f"{'test accuracy':<18}{percent(accuracy.value)} of {count(accuracy.total, 'image')} "
        f"({percent(accuracy.low)} to {percent(accuracy.high)})"
    )
    if evaluation.unseen is not None:
        yield f"note: {in_sample(evaluation)}"
    for file, reason in parts.left_out[:5]:
        yield f"left out: {shown(file)}: {shown(reason)}"
    if len(parts.left_out) > 5:
        yield f"left out: {number(len(parts.left_out) - 5)} more"
    for note in trained.notes:
        yield f"note: {note}"
    yield str(trained.page)


def _placed(run: TrainingRun, progress: Progress) -> "Trained":
    """Trains on the device that was asked for."""
    from auditor.backends.keras.backend import import_keras, resolve_device

    keras = import_keras(None)
    device = resolve_device(keras, run.settings.device)
    from auditor.training.train import train

    with keras.device("gpu:0" if device == "cuda" else "cpu:0"):
        return train(run, progress)


def _continued(run: TrainingRun) -> str:
    settings = run.settings
    kept = (run.folder / "run.json").is_file()
    command = f"auditor train {shown(settings.data)} --out {shown(str(settings.out))}"
    return f"continue with `{command} --resume`" if kept else f"nothing was trained yet; start again with `{command}`"
