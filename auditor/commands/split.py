"""`auditor split`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import (
    FileColumnOption,
    LabelColumnOption,
    LabelFromOption,
    SourceArgument,
    SplitColumnOption,
)


def split(
    source: SourceArgument,
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="DST",
            help="Manifest or folder to make [default: SRC-split.csv, or SRC-split, beside SRC].",
            show_default=False,
        ),
    ] = None,
    train: Annotated[float, typer.Option(help="Share of the images to train on.")] = 0.8,
    val: Annotated[float, typer.Option(help="Share to validate on.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share to test on.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Another seed, another split.")] = 0,
    by: Annotated[str, typer.Option(help="manifest (file,label,split), copy, or link (hard links).")] = "manifest",
    label_from: LabelFromOption = None,
    file_column: FileColumnOption = None,
    label_column: LabelColumnOption = None,
    split_column: SplitColumnOption = None,
) -> None:
    """Divide images into train, val and test: per class, with copies of a picture in one part."""
    from auditor.folders import shown
    from auditor.progress import TerminalProgress
    from auditor.settings import Settings
    from auditor.training.split import Shares
    from auditor.training.split_output import run_split
    from auditor.training.split_text import as_text

    settings = Settings.load(
        data=source,
        label_from=label_from,
        file_column=file_column,
        label_column=label_column,
        split_column=split_column,
    )
    plan, written = run_split(settings, target, Shares(train, val, test), seed, by, TerminalProgress())
    for line in as_text(plan):
        typer.echo(line)
    typer.echo(shown(str(written)))
