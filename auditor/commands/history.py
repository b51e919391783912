"""`auditor history`."""

import json
from typing import Annotated

import typer

from auditor.commands.options import OUT, ConfigOption, Given, JsonOption, takes
from auditor.commands.printing import echo, echo_page


@takes("data", OUT, "name")
def history(
    given: Given,
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="What was scanned, or its name in the reports.", show_default=False),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the data set in the reports.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs of a data set, with new and resolved findings, and draw their trends as a page."""
    from auditor.report.history import write_history
    from auditor.settings import Settings
    from auditor.store.nights import history_name, nights_of
    from auditor.store.nights_text import as_json as to_json
    from auditor.store.nights_text import as_text

    settings = Settings.load(config=config, **given)
    known = history_name(settings.out, name or data or settings.name or settings.data or None)
    nights = nights_of(settings.out, known)
    if as_json:
        echo(json.dumps(to_json(known, nights), indent=2, ensure_ascii=False))
        return
    for line in as_text(nights):
        echo(line)
    echo_page(write_history(settings.out, known))
