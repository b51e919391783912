"""`auditor scan`."""

from typing import Annotated

import typer

from auditor.commands.finish import finish
from auditor.commands.options import (
    BackendOption,
    BatchSizeOption,
    ClassesOption,
    ClassMapOption,
    ConfigOption,
    DataArgument,
    DeviceOption,
    FileColumnOption,
    JsonOption,
    LabelColumnOption,
    LabelFromOption,
    ModelOption,
    NameOption,
    OutOption,
    PreprocessingOption,
    SplitColumnOption,
    ThreadsOption,
)


def scan(
    data: DataArgument,
    model: ModelOption = None,
    out: OutOption = None,
    name: NameOption = None,
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
    max_cards: Annotated[int | None, typer.Option(help="Flagged images shown with pictures [default: 200].")] = None,
    max_occlusion: Annotated[
        int | None,
        typer.Option(help="Of those, at most so many with occlusion maps, where a model needs them [default: 24]."),
    ] = None,
    colours: Annotated[
        str | None, typer.Option(help="Heatmap colours: inferno, viridis or jet [default: inferno].")
    ] = None,
    doubtful: Annotated[
        bool | None,
        typer.Option("--doubtful", help="Show labels in doubt even where the model cannot judge the classes."),
    ] = None,
    skip_rules: Annotated[
        str | None, typer.Option(help="Rules that do not run: low_confidence,model_disagrees.")
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
        doubtful=doubtful,
        skip_rules=skip_rules,
    )
    audit = run_scan(settings, progress=TerminalProgress())
    finish(audit, settings.out, as_json=as_json)
