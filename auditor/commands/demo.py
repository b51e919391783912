"""`auditor demo`."""

from pathlib import Path

import typer

from auditor.commands.finish import finish
from auditor.commands.options import JsonOption, ModelOption, OutOption


def demo(
    out: OutOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a folder of cat and dog stickers with planted faults, scan it, and count what was found."""
    from auditor.demo.run import run_demo
    from auditor.progress import TerminalProgress
    from auditor.settings import Settings

    folder = Settings.load(data=Path(), out=out).out
    audit, lines = run_demo(folder, model, TerminalProgress())
    if not as_json:
        for line in lines:
            typer.echo(line)
        typer.echo()
    finish(audit, folder, as_json=as_json)
