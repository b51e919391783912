"""`auditor explain`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import (
    BackendOption,
    ClassesOption,
    ConfigOption,
    DeviceOption,
    ModelOption,
    PreprocessingOption,
)


def explain(
    source: Annotated[
        Path | None, typer.Argument(metavar="IMAGE|FOLDER", help="An image, or a folder of images.", show_default=False)
    ] = None,
    model: ModelOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the pages [default: reports/explain].")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Class to explain beside the top ones [default: that of the image's folder].")
    ] = None,
    top: Annotated[int, typer.Option(help="Classes explained, the most probable first.")] = 3,
    layers: Annotated[
        list[str] | None,
        typer.Option(help="Layers whose maps are shown: NAME,NAME or numbers [default: some from early to late]."),
    ] = None,
    maps: Annotated[int, typer.Option(help="Maps shown of each layer, the strongest first; 0 shows none.")] = 16,
    list_layers: Annotated[bool, typer.Option("--list-layers", help="Print the layers of the model and exit.")] = False,
    cam_layer: Annotated[
        list[str] | None, typer.Option(help="Grad-CAM at these layers: NAME,NAME, numbers, or all (Keras models).")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(help="Maximise the filters of LAYER, or of LAYER:3,14 (Keras models); may be repeated."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of the gradient ascent of --filters.")] = 64,
    seed: Annotated[int, typer.Option(help="Seed of its noise.")] = 0,
    colours: Annotated[str, typer.Option(help="inferno, viridis or jet.")] = "inferno",
    limit: Annotated[int, typer.Option(help="Images of a folder that are explained.")] = 50,
    backend: BackendOption = None,
    device: DeviceOption = None,
    preprocessing: PreprocessingOption = None,
    classes: ClassesOption = None,
    config: ConfigOption = None,
) -> None:
    """Show where a model sees what it says, and what its layers see: one page per image, and PNG files."""
    from auditor.errors import InputError
    from auditor.explain import Request, layer_table
    from auditor.explain import explain as run_explain
    from auditor.progress import TerminalProgress
    from auditor.settings import Settings

    settings = Settings.load(
        config=config,
        data=source or Path(),
        model=model,
        backend=backend,
        device=device,
        preprocessing=preprocessing,
        classes=classes,
    )
    if list_layers:
        typer.echo(layer_table(settings))
        return
    if source is None:
        raise InputError("explain needs an image or a folder of images: `auditor explain IMAGE`")
    request = Request(
        source=source,
        settings=settings,
        out=out,
        label=label,
        top=top,
        layers=tuple(layers or ()),
        maps=maps,
        cams=tuple(cam_layer or ()),
        filters=tuple(filters or ()),
        steps=steps,
        seed=seed,
        colours=colours,
        limit=limit,
    )
    typer.echo(run_explain(request, TerminalProgress()))
