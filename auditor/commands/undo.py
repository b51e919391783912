"""`auditor undo`."""

from typing import Annotated

import typer

from auditor.commands.options import OUT, ConfigOption, Given, takes
from auditor.commands.printing import echo


@takes("last", OUT, "name")
def undo(
    given: Given,
    journal: Annotated[
        str | None, typer.Argument(metavar="JOURNAL", help="Id that `auditor apply` printed.", show_default=False)
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="The last apply that was not undone.")] = False,
    name: Annotated[str | None, typer.Option(help="Data set in the reports, where several have journals.")] = None,
    config: ConfigOption = None,
) -> None:
    """Put everything back as it was before `auditor apply`, also after one that was killed."""
    from auditor.errors import Incomplete, InputError
    from auditor.review.home import only_home
    from auditor.review.text import told_undo
    from auditor.review.undo import undo as undo_journal
    from auditor.settings import Settings

    home = only_home(Settings.load(config=config, **given).out, name)
    if (journal is None) != last:
        raise InputError(f"undo needs the id of a journal, or --last alone; {home.hint()}")
    undone = undo_journal(home, journal)
    for line in told_undo(undone):
        echo(line)
    if undone.refused:
        raise typer.Exit(Incomplete.exit_code)
