"""`auditor why`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import OUT, Given, takes
from auditor.commands.printing import echo


@takes("run", OUT)
def why(
    file: Annotated[str, typer.Argument(help="An image of a scanned data set.", show_default=False)],
    given: Given,
    run: Annotated[Path | None, typer.Option(help="Folder of the run to ask; else the latest with FILE.")] = None,
    name: Annotated[str | None, typer.Option(help="Ask the latest run of this data set only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Explain the verdict on one image, flagged or not, from what a scan stored."""
    from auditor.settings import Settings
    from auditor.why import as_json as to_json
    from auditor.why import as_text, explain

    explanation = explain(file, Settings.load(data="", **given).out, name, run)
    echo(to_json(explanation) if as_json else as_text(explanation))
