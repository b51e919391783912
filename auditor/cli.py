"""The command line: the commands of `auditor/commands`, and the one place where an exception becomes an exit code."""

import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from auditor import __version__
from auditor.commands import COMMANDS
from auditor.errors import AuditorError, Incomplete

app = typer.Typer(
    name="auditor",
    help="Audits folders of labelled images: which labels are wrong, which images are doubtful or broken, and why.",
    no_args_is_help=True,
    rich_markup_mode=None,                      # its markup would swallow the defaults in brackets
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    if isinstance(command, typer.Typer):
        app.add_typer(command)
    else:
        app.command()(command)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Audits folders of labelled images: which labels are wrong, which images are doubtful or broken, and why."""
    if show:
        typer.echo(__version__)
        raise typer.Exit()


def main() -> None:
    """Runs the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        app()
    except AuditorError as error:
        typer.echo(f"auditor: {error}", err=True)
        sys.exit(error.exit_code)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise Incomplete(f"interrupted by {signal.Signals(number).name}; no report was written")
