"""`auditor accept`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import OUT, ConfigOption, Given, Option, takes
from auditor.commands.printing import echo


@takes(
    "rule",
    "reason",
    "author",
    "expires",
    "run",
    OUT,
    "name",
    Option("accepted", Path, "File to add to [default: auditor-accepted.toml, beside the configuration file]."),
)
def accept(
    target: Annotated[
        str, typer.Argument(metavar="FINDING|FILE", help="Id of a finding, or a flagged file.", show_default=False)
    ],
    reason: Annotated[str, typer.Option(help="Why; for those who review the file.", show_default=False)],
    given: Given,
    rule: Annotated[str | None, typer.Option(help="Of FILE, only the findings of this rule.")] = None,
    author: Annotated[str, typer.Option(help="Who accepts.", show_default=False)] = "",
    expires: Annotated[str | None, typer.Option(help="Last day on which it holds: 2026-12-31.")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of the run; else the latest with the finding.")] = None,
    name: Annotated[str | None, typer.Option(help="Look in the latest run of this data set only.")] = None,
    config: ConfigOption = None,
) -> None:
    """Accept a finding: it no longer fails a gate, and a file that git can show says why."""
    from datetime import UTC, date, datetime

    from auditor.errors import InputError
    from auditor.gates.accepting import Acceptance, accept_findings, searched_runs
    from auditor.settings import Settings, accepted_file
    from auditor.text import shown

    try:
        until = None if expires is None else date.fromisoformat(expires)
    except ValueError:
        raise InputError(f"--expires is {expires!r}; expected a date: 2026-12-31") from None
    settings = Settings.load(config=config, **given)
    path = settings.accepted or accepted_file(config)
    said = Acceptance(reason, author, until)
    runs = searched_runs(settings.out, name, run)
    done = accept_findings(target, said, path, runs=runs, rule=rule, today=datetime.now(UTC).date())
    for line in done.added:
        echo(f"accepted: {line}")
    for line in done.there:
        echo(f"accepted before: {line}")
    echo(shown(str(path)))
