"""`auditor explain`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import (
    BACKEND,
    CLASSES,
    DEVICE,
    LIMITS,
    MODEL,
    OUTPUT,
    PREPROCESSING,
    ConfigOption,
    Given,
    Option,
    takes,
)
from auditor.commands.printing import echo, echo_page


@takes(
    MODEL,
    Option("out", Path, "Folder for the pages [default: reports/explain].", ("--out", "-o")),
    Option("label", str, "Class to explain beside the top ones [default: that of the image's folder]."),
    Option("top", int, "Classes explained, the most probable first.  [default: 3]"),
    Option(
        "layers",
        list[str],
        "Layers whose maps are shown: NAME,NAME or numbers [default: some from early to late].",
    ),
    Option("maps", int, "Maps shown of each layer, the strongest first; 0 shows none.  [default: 16]"),
    "list_layers",
    Option(
        "cam_layer",
        list[str],
        "Grad-CAM at these layers: NAME,NAME, numbers, or all (Keras models).",
        ("--cam-layer",),
    ),
    Option("filters", list[str], "Maximise the filters of LAYER, or of LAYER:3,14 (Keras models); may be repeated."),
    Option("steps", int, "Steps of the gradient ascent of --filters.  [default: 64]"),
    Option("seed", int, "Seed of its noise.  [default: 0]"),
    Option("colours", str, "inferno, viridis or jet.  [default: inferno]"),
    Option("limit", int, "Images of a folder that are explained.  [default: 50]"),
    BACKEND,
    DEVICE,
    PREPROCESSING,
    CLASSES,
    OUTPUT,
    *LIMITS,
)
def explain(
    given: Given,
    source: Annotated[
        Path | None, typer.Argument(metavar="IMAGE|FOLDER", help="An image, or a folder of images.", show_default=False)
    ] = None,
    list_layers: Annotated[bool, typer.Option("--list-layers", help="Print the layers of the model and exit.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show where a model sees what it says, and what its layers see: one page per image, and PNG files."""
    from auditor.atomic_write import check_out
    from auditor.errors import InputError
    from auditor.explain import Request, layer_table
    from auditor.explain import explain as run_explain
    from auditor.progress import TerminalProgress

    request = Request.load(source or Path(), config=config, **given)
    if list_layers:
        echo(layer_table(request.settings))
        return
    if source is None:
        raise InputError("explain needs an image or a folder of images: `auditor explain IMAGE`")
    check_out(request.home)
    echo_page(run_explain(request, TerminalProgress()))
