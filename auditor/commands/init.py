"""`auditor init`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import Given, takes
from auditor.commands.printing import echo
from auditor.commands.scan import SCAN_OPTIONS


@takes(*SCAN_OPTIONS)
def init(
    given: Given,
    data: Annotated[str | None, typer.Argument(help="What is to be scanned.", show_default=False)] = None,
    config: Annotated[Path | None, typer.Option(help="File to write [default: auditor.toml].")] = None,
) -> None:
    """Write an auditor.toml for a folder, every setting explained; nothing is written over."""
    from auditor.configuring.first_file import write_first_file

    path, seen = write_first_file(config, given if data is None else {**given, "data": data})
    for line in () if seen is None else seen.lines:
        echo(line)
    echo(path)
