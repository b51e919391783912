"""Options that several commands share, and how a command takes those of its options that are settings."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

#: The settings that were given, by name; the others are for auditor.toml or the default in auditor/settings.py.
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Option:
    """A setting as an option.

    Attributes:
        name: Of the setting.
        kind: What the command line reads.
        help: For `--help`.
        flags: Where they are not the name with dashes; a bool always needs its own.
        joined: Of an option that may be repeated, whose setting is one text: what stands between the parts there.
    """

    name: str
    kind: Any
    help: str
    flags: tuple[str, ...] = ()
    joined: str | None = None

    def parameter(self) -> inspect.Parameter:
        """Of the command's function; None where the option is not given."""
        default = typer.Option(None, *self.flags, help=self.help)
        return inspect.Parameter(
            self.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=self.kind | None
        )


def takes(*options: Option | str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Puts options in the place of a command's parameter `given`, which gets those that were given as one mapping.

    Args:
        *options: In the order of `--help`. A text is the name of another parameter of the command, to stand there.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = {
            name: parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in inspect.signature(command).parameters.items()
        }
        placed = [own[each] if isinstance(each, str) else each.parameter() for each in options]
        settings = {each.name: each for each in options if isinstance(each, Option)}
        parameters = [
            each
            for name, parameter in own.items()
            if name not in options
            for each in (placed if name == "given" else [parameter])
        ]

        @wraps(command)
        def run(**values: Any) -> None:
            given = {name: values.pop(name) for name in settings}
            for name, option in settings.items():
                if option.joined is not None and given[name]:
                    given[name] = option.joined.join(given[name])
            # A list that is not given is empty.
            command(**values, given={name: value for name, value in given.items() if value not in (None, [])})

        signature = inspect.Signature(parameters, return_annotation=None)
        vars(run).update(__signature__=signature, __annotations__={each.name: each.annotation for each in parameters})
        return run

    return decorate


DataArgument = Annotated[
    str, typer.Argument(help="Folder of class folders, CSV manifest, or TFRecords.", show_default=False)
]
ScannedArgument = Annotated[
    str | None,
    typer.Argument(
        help="Folder of class folders, CSV manifest, or TFRecords [default: data in [scan] of auditor.toml].",
        show_default=False,
    ),
]
SourceArgument = Annotated[
    str, typer.Argument(metavar="SRC", help="Folder of class folders, or a CSV manifest.", show_default=False)
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(help="Configuration file [default: auditor.toml, or [tool.auditor] of pyproject.toml, if there]."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]

MODEL = Option("model", Path, "Model folder, FILE.onnx or FILE.keras [default: the bundled one].", ("--model", "-m"))
OUT = Option("out", Path, "Folder for the reports [default: reports].", ("--out", "-o"))
BACKEND = Option("backend", str, "What runs a model folder: onnx or keras [default: onnx].")
DEVICE = Option("device", str, "auto, cpu or cuda [default: auto].")
PREPROCESSING = Option("preprocessing", str, "How a bare model wants its pixels: raw, unit, tf, torch, caffe or bgr.")
CLASSES = Option("classes", Path, "A bare model's class names, one a line, or JSON.")
OUTPUT = Option("output", str, "Output with the class scores, of an ONNX model with several [default: recognised].")
CLASS_MAP = Option("class_map", str, "Model class=folder class, comma separated; a .json or .csv file; or imagenet.")
BATCH_SIZE = Option("batch_size", int, "Images per forward pass [default: 16].")
THREADS = Option("threads", int, "Threads [default: one per core].")
SOURCE = (
    Option("label_from", str, "Where labels come from: folder, or name (cat.0.jpg) [default: folder]."),
    Option("file_column", str, "Column of a manifest that names the files."),
    Option("label_column", str, "Column of a manifest that holds the labels."),
    Option("split_column", str, "Column of a manifest that holds the splits."),
    Option("classes_at", int, "Depth of the class folders, 1 directly below DATA [default: recognised]."),
    Option("split_at", int, "Depth of the folders that are splits [default: recognised]."),
    Option("exclude", list[str], "Leave out files and folders that match GLOB (*_mask.png, masks); may be repeated."),
)
LIMITS = (
    Option("max_pixels", int, "Images with more pixels are refused undecoded [default: 178956970]."),
    Option("max_bytes", int, "Files with more bytes are not read [default: 536870912]."),
)
PAGES = (
    Option("max_size", float, "Megabytes of one page; the rest goes to further pages [default: 3]."),
    Option("assets", str, "Pictures of pages: inline, or folder for files in assets/ [default: inline]."),
    Option("template_dir", Path, "Folder of templates and stylesheets of your own, instead of those of the same name."),
)
