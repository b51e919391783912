"""`auditor models`, `auditor models card`."""

from pathlib import Path
from typing import Annotated

import typer

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
    from auditor.errors import AuditorError
    from auditor.modelshelf import list_models
    from auditor.modelshelf_text import as_json as to_json
    from auditor.modelshelf_text import as_text
    from auditor.resources import bundled_model

    try:
        bundled = bundled_model()
    except AuditorError:
        bundled = None
    found = list_models(folder, bundled)
    typer.echo(to_json(found) if as_json else as_text(found))


@models.command()
def card(
    file: Annotated[Path, typer.Argument(help="An .onnx or a .keras file.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Name of the model [default: the file's].")] = None,
    classes: Annotated[Path | None, typer.Option(help="Class names, one a line, or JSON.")] = None,
    preprocessing: Annotated[
        str | None, typer.Option(help="How it wants its pixels: raw, unit, tf, torch or caffe.")
    ] = None,
    input_size: Annotated[
        str | None, typer.Option(help="Pixels of its input where the file leaves them open: 224, or 192x256 (h x w).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the card that is there.")] = False,
) -> None:
    """Write model.json beside a bare model: what the file says, what you state, and what was guessed."""
    from auditor.modelcard import CARD_NAME
    from auditor.modelshelf import write_card
    from auditor.modelshelf_text import card_as_text

    written = write_card(
        file,
        name=name,
        classes=classes,
        preprocessing=preprocessing,
        input_size=input_size,
        overwrite=overwrite,
    )
    typer.echo(card_as_text(written))
    typer.echo(file.parent / CARD_NAME)
