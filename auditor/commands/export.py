"""`auditor export`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import (
    CLASSES,
    LIMITS,
    PREPROCESSING,
    ConfigOption,
    Given,
    JsonOption,
    Option,
    takes,
)
from auditor.commands.printing import echo


@takes(
    "int8",
    "fp16",
    Option(
        "calibration",
        Path,
        "Photographs to calibrate on, and to check on [default for --int8: what the model was trained on].",
    ),
    Option("images", int, "Photographs to use of them.  [default: 600]"),
    Option("out", Path, "Folder to write to [default: the model's].", ("--out", "-o")),
    "overwrite",
    PREPROCESSING,
    CLASSES,
    *LIMITS,
)
def export(
    model: Annotated[Path, typer.Argument(help="Model folder, FILE.keras or FILE.onnx.", show_default=False)],
    given: Given,
    int8: Annotated[bool, typer.Option("--int8", help="8-bit arithmetic, for CPUs.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Weights stored as float16: half the size.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an export that is there.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export a model to ONNX, checked against what it was made from before anything is written."""
    from auditor.errors import InputError
    from auditor.settings import ExportSettings

    if int8 and fp16:
        raise InputError("--int8 and --fp16 are two different exports; ask for one, then for the other")
    asked = ExportSettings.load(config=config, **given)
    from auditor.model_export.export import export_model
    from auditor.model_export.summary import as_json as to_json
    from auditor.model_export.summary import as_text
    from auditor.progress import TerminalProgress

    done = export_model(
        model,
        "int8" if int8 else "fp16" if fp16 else "float32",
        calibration=asked.calibration,
        images=asked.images,
        out=asked.out,
        overwrite=overwrite,
        preprocessing=asked.preprocessing,
        classes=asked.classes,
        limits=asked.limits,
        progress=TerminalProgress(),
    )
    echo(to_json(done) if as_json else as_text(done))
