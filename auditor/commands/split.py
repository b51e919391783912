"""`auditor split`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import LIMITS, SOURCE, ConfigOption, Given, Option, SourceArgument, takes
from auditor.commands.printing import echo


@takes(
    Option("train", float, "Share of the images to train on.  [default: 0.8]"),
    Option("val", float, "Share to validate on.  [default: 0.1]"),
    Option("test", float, "Share to test on.  [default: 0.1]"),
    Option("seed", int, "Another seed, another split.  [default: 0]"),
    Option("by", str, "manifest (file,label,split), copy, or link (hard links).  [default: manifest]"),
    *SOURCE,
    *LIMITS,
)
def split(
    source: SourceArgument,
    given: Given,
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="DST",
            help="Manifest or folder to make [default: SRC-split.csv, or SRC-split, beside SRC].",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Divide images into train, val and test: per class, with copies of a picture in one part."""
    from auditor.progress import TerminalProgress
    from auditor.settings import SplitSettings
    from auditor.splitting.output import run_split
    from auditor.splitting.split import Shares
    from auditor.splitting.text import as_text
    from auditor.text import shown

    asked = SplitSettings.load(data=source, config=config, **given)
    shares = Shares(asked.train, asked.val, asked.test)
    plan, written = run_split(asked, target, shares, asked.seed, asked.by, TerminalProgress())
    for line in as_text(plan):
        echo(line)
    echo(shown(str(written)))
