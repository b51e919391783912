"""`auditor compare`."""

import json
from typing import Annotated

import typer

from auditor.commands.options import OUT, ConfigOption, Given, JsonOption, takes
from auditor.commands.printing import echo


@takes("first", "second", OUT, "name")
def compare(
    given: Given,
    first: Annotated[str, typer.Argument(metavar="RUN", help="The earlier run: its folder or id.", show_default=False)],
    second: Annotated[str, typer.Argument(metavar="RUN", help="The later run.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="The data set in the reports, where several have that id.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs by their folders: which findings are new, which persist, which are resolved."""
    from auditor.runs.compare import as_json as to_json
    from auditor.runs.compare import as_text, compare_runs, find_run
    from auditor.settings import Settings

    out = Settings.load(config=config, **given).out
    comparison = compare_runs(find_run(first, out, name), find_run(second, out, name))
    if as_json:
        echo(json.dumps(to_json(comparison), indent=2, ensure_ascii=False))
    else:
        for line in as_text(comparison):
            echo(line)
