"""`auditor apply`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import CLASS_MAP, OUT, SOURCE, ConfigOption, Given, Option, takes
from auditor.commands.printing import echo


@takes(
    Option("data", str, "What was scanned [default: as the decisions say]."),
    OUT,
    "by",
    "into",
    "manifest",
    "dry_run",
    "author",
    "new_class",
    *SOURCE,
    CLASS_MAP,
)
def apply(
    decisions: Annotated[
        Path,
        typer.Argument(metavar="DECISIONS.json", help="What the report of a scan exported.", show_default=False),
    ],
    given: Given,
    by: Annotated[str, typer.Option(help="move the files; or link: a tree of hard links, in --into.")] = "move",
    into: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="New folder for the tree of --by link.", show_default=False)
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write a corrected table; move nothing.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    author: Annotated[str, typer.Option(help="Who decided, where the decisions name nobody.", show_default=False)] = "",
    new_class: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Allow a class that no image has; may be repeated.", show_default=False),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Carry out what was decided in a report: move relabelled images, set removed ones aside, remember kept ones."""
    from auditor.review.apply import Request, apply_decisions
    from auditor.review.text import told_apply

    request = Request(by, into, manifest, dry_run, author, tuple(new_class or ()))
    applied = apply_decisions(decisions, request, config=config, given=given)
    for line in told_apply(applied, request):
        echo(line)
