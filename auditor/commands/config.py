"""`auditor config`."""

from typing import Annotated

import typer

from auditor.commands.options import ConfigOption, Given, ScannedArgument, takes
from auditor.commands.printing import echo
from auditor.commands.scan import SCAN_OPTIONS


@takes(*SCAN_OPTIONS)
def config(
    given: Given,
    data: ScannedArgument = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the settings as JSON.")] = False,
) -> None:
    """Print every setting of a scan with these options, and where each comes from."""
    from auditor.configuring.holding import as_json as to_json
    from auditor.configuring.holding import as_text, what_holds

    held = what_holds(config, {**given, "data": data})
    echo(to_json(held) if as_json else as_text(held))
