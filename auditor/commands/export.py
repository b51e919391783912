"""`auditor export`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import JsonOption


def export(
    model: Annotated[Path, typer.Argument(help="Model folder, FILE.keras or FILE.onnx.", show_default=False)],
    int8: Annotated[bool, typer.Option("--int8", help="8-bit arithmetic, for CPUs.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Weights stored as float16: half the size.")] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Photographs to calibrate on, and to check on [default for --int8: what the model was trained on]."
        ),
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Photographs to use of them.")] = 600,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write to [default: the model's].")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an export that is there.")] = False,
    preprocessing: Annotated[
        str | None, typer.Option(help="How a bare model wants its pixels: raw, unit, tf, torch or caffe.")
    ] = None,
    classes: Annotated[Path | None, typer.Option(help="A bare model's class names, one a line, or JSON.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Export a model to ONNX, checked against what it was made from before anything is written."""
    from auditor.errors import InputError

    if int8 and fp16:
        raise InputError("--int8 and --fp16 are two different exports; ask for one, then for the other")
    from auditor.progress import TerminalProgress
    from auditor.training.exporter import export_model
    from auditor.training.summary import as_json as to_json
    from auditor.training.summary import as_text

    done = export_model(
        model,
        "int8" if int8 else "fp16" if fp16 else "float32",
        calibration=calibration,
        images=images,
        out=out,
        overwrite=overwrite,
        preprocessing=preprocessing,
        classes=classes,
        progress=TerminalProgress(),
    )
    typer.echo(to_json(done) if as_json else as_text(done))
