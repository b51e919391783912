"""`auditor tfrecord pack` and `auditor tfrecord unpack`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import LIMITS, SOURCE, ConfigOption, Given, Option, SourceArgument, takes
from auditor.commands.printing import echo

tfrecord = typer.Typer(
    name="tfrecord", help="Images as TFRecord shards, and back.", no_args_is_help=True, rich_markup_mode=None
)


@tfrecord.command()
@takes(
    Option("shards", int, "Shards of each split [default: of about 128 MB]."),
    Option("skip_unreadable", bool, "Leave out images that cannot be decoded.", ("--skip-unreadable",)),
    *SOURCE,
    *LIMITS,
)
def pack(
    source: SourceArgument,
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to make.", show_default=False)],
    given: Given,
    config: ConfigOption = None,
) -> None:
    """Write images as TFRecord shards, byte for byte, with labels, names and splits."""
    from auditor.packing.shards import pack as run
    from auditor.packing.text import as_text
    from auditor.progress import TerminalProgress
    from auditor.settings import PackSettings

    asked = PackSettings.load(data=source, config=config, **given)
    packed = run(asked, target, asked.shards, TerminalProgress(), skip_unreadable=asked.skip_unreadable)
    for line in as_text(packed):
        echo(line)


@tfrecord.command()
def unpack(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Folder of TFRecord shards, or one shard.", show_default=False)
    ],
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to make.", show_default=False)],
) -> None:
    """Write every image of TFRecord shards to its file: DST/[split/]class/name."""
    from auditor.packing.shards import unpack as run
    from auditor.progress import TerminalProgress
    from auditor.text import shown

    echo(f"{run(source, target, TerminalProgress())} images")
    echo(shown(str(target)))
