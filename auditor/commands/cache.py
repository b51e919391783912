"""`auditor cache info`, `auditor cache prune`, `auditor cache verify`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.printing import echo

cache = typer.Typer(
    name="cache",
    help="Look at what scans keep about images (OUT/store), forget what is not needed, and check it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the reports.")]
_REPORTS = Path("reports")


@cache.command()
def info(out: _Out = _REPORTS) -> None:
    """List how many images are known, of which sources, what was kept by which model, and the bytes."""
    from auditor.store.upkeep import contents_of
    from auditor.store.upkeep_text import contents_text

    for line in contents_text(contents_of(out)):
        echo(line)


@cache.command()
def prune(
    out: _Out = _REPORTS,
    older_than: Annotated[
        int | None,
        typer.Option(min=0, help="Also forget models and sources not used for so many days [default: never]."),
    ] = None,
) -> None:
    """Forget images that no file of the last scan of any source has, and give their space back."""
    from auditor.store.pruning import prune as forget
    from auditor.store.upkeep_text import pruned_text

    echo(pruned_text(forget(out, older_than)))


@cache.command()
def verify(out: _Out = _REPORTS) -> None:
    """Compare everything that is kept with its checksum; what is damaged is removed, and computed again by a scan."""
    from auditor.store.upkeep import verify as check
    from auditor.store.upkeep_text import checked_text

    for line in checked_text(check(out)):
        echo(line)
