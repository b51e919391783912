"""`auditor evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.finish import evaluate_and_finish
from auditor.commands.options import (
    BACKEND,
    BATCH_SIZE,
    CLASS_MAP,
    CLASSES,
    DEVICE,
    LIMITS,
    OUT,
    OUTPUT,
    PREPROCESSING,
    SOURCE,
    THREADS,
    ConfigOption,
    DataArgument,
    Given,
    Option,
    takes,
)


@takes(
    Option("split", str, "train, val, test or all [default: test if there, else val, else all]."),
    OUT,
    Option("name", str, "Name of the folder there [default: MODEL-on-DATA]."),
    BACKEND,
    DEVICE,
    CLASS_MAP,
    PREPROCESSING,
    CLASSES,
    OUTPUT,
    *SOURCE,
    BATCH_SIZE,
    THREADS,
    *LIMITS,
)
def evaluate(
    model: Annotated[Path, typer.Argument(help="Model folder, FILE.onnx or FILE.keras.", show_default=False)],
    data: DataArgument,
    given: Given,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json instead.")] = False,
) -> None:
    """Measure a model on labelled images and write a page about it."""
    from auditor.progress import TerminalProgress
    from auditor.settings import EvaluateSettings

    settings = EvaluateSettings.load(model=model, data=data, config=config, **given)
    evaluate_and_finish(settings, as_json=as_json, progress=TerminalProgress())
