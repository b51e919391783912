"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

# None means "not given": auditor.toml or the default in auditor/settings.py decides.
DataArgument = Annotated[
    Path, typer.Argument(help="Folder of class folders, CSV manifest, or TFRecords.", show_default=False)
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", "-m", help="Model folder, FILE.onnx or FILE.keras [default: the bundled one].")
]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the reports [default: reports].")]
NameOption = Annotated[str | None, typer.Option(help="Name of the data set there [default: parent and leaf of DATA].")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
BackendOption = Annotated[str | None, typer.Option(help="What runs a model folder: onnx or keras [default: onnx].")]
DeviceOption = Annotated[str | None, typer.Option(help="auto, cpu or cuda [default: auto].")]
PreprocessingOption = Annotated[
    str | None, typer.Option(help="How a bare model wants its pixels: raw, unit, tf, torch or caffe.")
]
ClassesOption = Annotated[Path | None, typer.Option(help="A bare model's class names, one a line, or JSON.")]
ConfigOption = Annotated[Path | None, typer.Option(help="Configuration file [default: auditor.toml, if there].")]
SourceArgument = Annotated[
    Path, typer.Argument(metavar="SRC", help="Folder of class folders, or a CSV manifest.", show_default=False)
]
LabelFromOption = Annotated[
    str | None, typer.Option(help="Where labels come from: folder, or name (cat.0.jpg) [default: folder].")
]
FileColumnOption = Annotated[str | None, typer.Option(help="Column of a manifest that names the files.")]
LabelColumnOption = Annotated[str | None, typer.Option(help="Column of a manifest that holds the labels.")]
SplitColumnOption = Annotated[str | None, typer.Option(help="Column of a manifest that holds the splits.")]
ClassMapOption = Annotated[
    str | None, typer.Option(help="Model class=folder class, comma separated; a .json or .csv file; or imagenet.")
]
BatchSizeOption = Annotated[int | None, typer.Option(help="Images per forward pass [default: 16].")]
ThreadsOption = Annotated[int | None, typer.Option(help="Threads [default: one per core].")]
