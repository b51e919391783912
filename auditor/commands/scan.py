"""`auditor scan`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.finish import finish
from auditor.commands.options import (
    BackendOption,
    ConfigOption,
    DataArgument,
    DeviceOption,
    JsonOption,
    ModelOption,
    NameOption,
    OutOption,
)


def scan(
    data: DataArgument,
    model: ModelOption = None,
    out: OutOption = None,
    name: NameOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    class_map: Annotated[
        str | None, typer.Option(help="Model class=folder class, comma separated; a .json or .csv file; or imagenet.")
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
    max_cards: Annotated[int | None, typer.Option(help="Flagged images shown with pictures [default: 200].")] = None,
    max_occlusion: Annotated[
        int | None,
        typer.Option(help="Of those, at most so many with occlusion maps, where a model needs them [default: 24]."),
    ] = None,
    colours: Annotated[
        str | None, typer.Option(help="Heatmap colours: inferno, viridis or jet [default: inferno].")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Audit a folder of labelled images and write a report."""
    from auditor.progress import TerminalProgress
    from auditor.scanning import run_scan
    from auditor.settings import Settings

    settings = Settings.load(
        config=config,
        data=data,
        model=model,
        out=out,
        name=name,
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
        max_cards=max_cards,
        max_occlusion=max_occlusion,
        colours=colours,
    )
    audit = run_scan(settings, progress=TerminalProgress())
    finish(audit, settings.out, as_json=as_json)
