"""`auditor tfrecord pack` and `auditor tfrecord unpack`."""

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

tfrecord = typer.Typer(
    name="tfrecord", help="Images as TFRecord shards, and back.", no_args_is_help=True, rich_markup_mode=None
)


@tfrecord.command()
def pack(
    source: SourceArgument,
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to make.", show_default=False)],
    shards: Annotated[int | None, typer.Option(help="Shards of each split [default: of about 128 MB].")] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be decoded.")
    ] = False,
    label_from: LabelFromOption = None,
    file_column: FileColumnOption = None,
    label_column: LabelColumnOption = None,
    split_column: SplitColumnOption = None,
) -> None:
    """Write images as TFRecord shards, byte for byte, with labels, names and splits."""
    from auditor.progress import TerminalProgress
    from auditor.settings import Settings
    from auditor.training.packing import pack as run
    from auditor.training.packing_text import as_text

    settings = Settings.load(
        data=source,
        label_from=label_from,
        file_column=file_column,
        label_column=label_column,
        split_column=split_column,
    )
    packed = run(settings, target, shards, TerminalProgress(), skip_unreadable=skip_unreadable)
    for line in as_text(packed):
        typer.echo(line)


@tfrecord.command()
def unpack(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Folder of TFRecord shards, or one shard.", show_default=False)
    ],
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to make.", show_default=False)],
) -> None:
    """Write every image of TFRecord shards to its file: DST/[split/]class/name."""
    from auditor.folders import shown
    from auditor.progress import TerminalProgress
    from auditor.training.packing import unpack as run

    typer.echo(f"{run(source, target, TerminalProgress())} images")
    typer.echo(shown(str(target)))
