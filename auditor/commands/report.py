"""`auditor report`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import PAGES, ConfigOption, Given, takes
from auditor.commands.printing import echo_page


@takes("run", "to", *PAGES, "formats", "name")
def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run: its folder, or its id.", show_default=False)],
    given: Given,
    to: Annotated[
        Path | None, typer.Option("--out", "-o", help="A new folder to write to [default: the run's own folder].")
    ] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="Also write these formats, as a scan does; comma separated.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The data set in the reports, where several have that id.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write the report of an earlier run again, from stored results: no model, no image is needed."""
    from auditor.outputs.rewriting import rewrite_report
    from auditor.runs.compare import find_run
    from auditor.settings import Settings

    settings = Settings.load(config=config, **given)
    found = find_run(run, settings.out, name)
    echo_page(rewrite_report(found.folder, settings, formats or (), to))
