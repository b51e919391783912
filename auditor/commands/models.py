"""`auditor models`, `auditor models card`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import OUTPUT, Given, Option, takes
from auditor.commands.printing import echo

models = typer.Typer(
    name="models",
    help="List the models that are there; write down what a bare one is.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@models.callback()
def list_(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Folder of model folders.")] = Path("models"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the models that are there, with accuracy, size and hash; `auditor models card` writes down a bare one."""
    if context.invoked_subcommand is not None:
        return
    from auditor.backends.catalogue import list_models
    from auditor.backends.catalogue_text import as_json as to_json
    from auditor.backends.catalogue_text import as_text
    from auditor.errors import AuditorError
    from auditor.resources import bundled_model

    try:
        bundled = bundled_model()
    except AuditorError:
        bundled = None
    found = list_models(folder, bundled)
    echo(to_json(found) if as_json else as_text(found))


@models.command()
@takes(
    Option("name", str, "Name of the model [default: the file's]."),
    Option("classes", Path, "Class names, one a line, or JSON."),
    Option("preprocessing", str, "How it wants its pixels: raw, unit, tf, torch, caffe or bgr."),
    OUTPUT,
    Option("input_size", str, "Pixels of its input where the file leaves them open: 224, or 192x256 (h x w)."),
)
def card(
    file: Annotated[Path, typer.Argument(help="An .onnx or a .keras file.", show_default=False)],
    given: Given,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the card that is there.")] = False,
) -> None:
    """Write model.json beside a bare model: what the file says, what you state, and what was guessed."""
    from auditor.backends.card import CARD_NAME
    from auditor.backends.catalogue import write_card
    from auditor.backends.catalogue_text import card_as_text

    echo(card_as_text(write_card(file, overwrite=overwrite, **given)))
    echo(file.parent / CARD_NAME)
