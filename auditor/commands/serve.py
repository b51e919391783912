"""`auditor serve`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.printing import echo


def serve(
    reports: Annotated[
        Path | None,
        typer.Argument(help="Folder of the reports [default: out in auditor.toml, or reports].", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1; 0 takes a free one.")] = 0,
    browse: Annotated[bool, typer.Option("--open", help="Open the address in a browser.")] = False,
) -> None:
    """Show all reports to the browsers of this machine, save the decisions made in them, and order the rest anew."""
    from auditor.serving import serve as serve_reports
    from auditor.settings import Settings

    folder = Settings.load(data="").out if reports is None else reports
    serve_reports(folder, port, echo, browse=browse)
