"""`auditor evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import BackendOption, ConfigOption, DataArgument, DeviceOption, OutOption


def evaluate(
    model: Annotated[Path, typer.Argument(help="Model folder, FILE.onnx or FILE.keras.", show_default=False)],
    data: DataArgument,
    split: Annotated[
        str | None, typer.Option(help="train, val, test or all [default: test if there, else val, else all].")
    ] = None,
    out: OutOption = None,
    name: Annotated[str | None, typer.Option(help="Name of the folder there [default: MODEL-on-DATA].")] = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    class_map: Annotated[
        str | None, typer.Option(help="Model class=folder class, comma separated; a .json or .csv file, or imagenet.")
    ] = None,
    preprocessing: Annotated[
        str | None, typer.Option(help="How a bare model wants its pixels: raw, unit, tf, torch or caffe.")
    ] = None,
    classes: Annotated[Path | None, typer.Option(help="A bare model's class names, one a line, or JSON.")] = None,
    label_from: Annotated[
        str | None, typer.Option(help="Where labels come from: folder, or name (cat.0.jpg) [default: folder].")
    ] = None,
    file_column: Annotated[str | None, typer.Option(help="Column of a manifest that names the files.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of a manifest that holds the labels.")] = None,
    split_column: Annotated[str | None, typer.Option(help="Column of a manifest that holds the splits.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per forward pass [default: 16].")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads [default: one per core].")] = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json instead.")] = False,
) -> None:
    """Measure a model on labelled images and write a page about it."""
    from auditor.evaluation import to_json
    from auditor.measuring import check_target, measure, publish_evaluation
    from auditor.progress import TerminalProgress
    from auditor.report.words import summary_lines
    from auditor.settings import Settings

    settings = Settings.load(
        config=config,
        data=data,
        model=model,
        out=out,
        backend=backend,
        device=device,
        class_map=class_map,
        preprocessing=preprocessing,
        classes=classes,
        label_from=label_from,
        file_column=file_column,
        label_column=label_column,
        split_column=split_column,
        batch_size=batch_size,
        threads=threads,
    )
    if name is not None:
        check_target(settings.out, name)
    evaluation = measure(settings, split, progress=TerminalProgress())
    page = publish_evaluation(evaluation, settings, name)
    if as_json:
        typer.echo(to_json(evaluation), nl=False)
    else:
        for line in summary_lines(evaluation):
            typer.echo(line)
        typer.echo(page)
