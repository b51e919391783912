"""`auditor evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import (
    BackendOption,
    BatchSizeOption,
    ClassesOption,
    ClassMapOption,
    ConfigOption,
    DataArgument,
    DeviceOption,
    FileColumnOption,
    LabelColumnOption,
    LabelFromOption,
    OutOption,
    PreprocessingOption,
    SplitColumnOption,
    ThreadsOption,
)


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
    class_map: ClassMapOption = None,
    preprocessing: PreprocessingOption = None,
    classes: ClassesOption = None,
    label_from: LabelFromOption = None,
    file_column: FileColumnOption = None,
    label_column: LabelColumnOption = None,
    split_column: SplitColumnOption = None,
    batch_size: BatchSizeOption = None,
    threads: ThreadsOption = None,
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
