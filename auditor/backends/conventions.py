"""How well-known exporters say what their models expect: one table, and how its rows are read.

    exporter               says it by                                               pixels
    Ultralytics            metadata author, task, names, imgsz                      0 to 1
    Azure Custom Vision    metadata Image.BitmapPixelFormat, .NominalPixelRange     as stated; BGR mostly
    timm                   metadata or config.json: mean, std                       nearest of the known ones
    Hugging Face           preprocessor_config.json: image_mean, image_std          nearest of the known ones
    Teachable Machine      labels.txt with lines like "0 cat"                       -1 to 1
    torchvision            PyTorch as producer, channels first                      ImageNet's mean and deviation
    Keras                  a Rescaling layer, which lies in the graph               as they are

What lies in the graph itself is read by `onnx/scaling.py`; what nothing states is guessed by `guessed_card`.
"""

import ast
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auditor.backends.base import TORCH_MEAN, TORCH_STD
from auditor.backends.card import Preprocessing
from auditor.backends.class_lists import read_class_list
from auditor.errors import InputError, ModelError
from auditor.text import read_text

LONGEST = 1_000_000                                             # characters; metadata is untrusted, and is parsed
_LARGEST_FILE = 4 * 1024**2                                     # bytes of a file beside a model that is read unasked
#: Files beside a model that may list its classes, in the order in which they are tried.
NAME_FILES = ("labels.txt", "classes.txt", "class_names.txt", "labels.json", "class_indices.json", "config.json")
_SETTING_FILES = ("config.json", "preprocessor_config.json")
# Mean and standard deviation that a normalisation to [0, 1] first is followed by.
_KNOWN: tuple[tuple[Preprocessing, tuple[float, ...], tuple[float, ...]], ...] = (
    ("unit", (0, 0, 0), (1, 1, 1)),
    ("tf", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ("torch", tuple(TORCH_MEAN.tolist()), tuple(TORCH_STD.tolist())),
)
# Image.NominalPixelRange of Windows ML.
_PIXEL_RANGES: Mapping[str, Preprocessing] = {
    "nominalrange_0_255": "raw", "nominalrange_16_235": "raw", "normalized_0_1": "unit", "normalized_1_1": "tf",
}  # fmt: skip


@dataclass(frozen=True)
class Stated:
    """What a model's maker says about it, other than by its graph.

    Attributes:
        pixels: Metadata or a file's settings -> the preprocessing and why; None where they do not say.
        exporter: Whose convention it is.
        of_input: Whether it says what the graph itself takes.
    """

    exporter: str
    pixels: Callable[[Mapping[str, Any]], tuple[Preprocessing, str] | None]
    of_input: bool = False


def literal(text: object) -> object:
    """The value of a text that is a JSON or Python literal; None where it is neither. Other values are themselves."""
    if not isinstance(text, str):
        return text
    if not text or len(text) > LONGEST:
        return None
    parsers: tuple[Callable[[str], object], ...] = (json.loads, ast.literal_eval)
    for parse in parsers:
        try:
            return parse(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None


def refuse_other_task(metadata: Mapping[str, str]) -> None:
    """Refuses a model whose metadata say that it is no classifier.

    Raises:
        ModelError: it is for detection, segmentation or the like.
    """
    task = str(metadata.get("task", "")).strip().strip("'\"")
    if task in ("detect", "segment", "pose", "obb", "object-detection", "semantic-segmentation", "image-segmentation"):
        raise ModelError(
            f"the model is for another task ({task!r}, by its metadata): it gives boxes, masks or points, not one "
            "score for each class; expected a classifier, in Ultralytics' terms task 'classify'"
        )


def stated_pixels(
    path: Path, metadata: Mapping[str, str], graph: tuple[Preprocessing, str] | None
) -> tuple[Preprocessing, str] | None:
    """The preprocessing that a model, its metadata or the files beside it indicate, and why; None where they do not.

    Args:
        path: The model.
        metadata: Of the file.
        graph: What the layers at its beginning indicate. Only metadata about the very pixels that it takes are asked
            before: others are about what came before the layers were added.
    """
    for source in (metadata, *(_settings(path.parent / name) for name in _SETTING_FILES)):
        for row in CONVENTIONS:
            if graph is not None and not row.of_input:
                continue
            if (found := row.pixels(source)) is not None:
                return found[0], f"{row.exporter}: {found[1]}"
    if graph is not None:
        return graph
    if _is_numbered(path.parent / NAME_FILES[0]):
        return "tf", f"Teachable Machine: {NAME_FILES[0]} beside it has lines like '0 cat'"
    return None


def names_beside(path: Path, columns: int) -> tuple[tuple[str, ...], str] | None:
    """Class names from a file beside a model that lists as many as it has scores, and what to say of it; else None."""
    for name in NAME_FILES:
        beside = path.parent / name
        if not beside.is_file() or beside.stat().st_size > _LARGEST_FILE:
            continue
        try:
            found = read_class_list(beside)
        except InputError:
            continue                                            # a file of some other program
        if len(found.names) == max(columns, 2):
            return found.names, f"those in {name} beside the model, which lists as many; state others with --classes"
    return None


def _ultralytics(said: Mapping[str, Any]) -> tuple[Preprocessing, str] | None:
    is_theirs = any("ultralytics" in str(said.get(key, "")).lower() for key in ("author", "description"))
    return ("unit", "pixels from 0 to 1") if is_theirs or said.get("task") == "classify" else None


def _windows(said: Mapping[str, Any]) -> tuple[Preprocessing, str] | None:
    """Azure Custom Vision and Windows ML. BGR in 0-255 is `bgr`; other ranges of BGR have no name here."""
    order, span = str(said.get("Image.BitmapPixelFormat", "")), str(said.get("Image.NominalPixelRange", ""))
    if not order and not span:
        return None
    how = _PIXEL_RANGES.get(span.lower(), "raw")
    if how == "raw" and order.lower().startswith("bgr"):
        how = "bgr"
    return how, f"its metadata say {', '.join(filter(None, (order, span)))}"


def _normalised(said: Mapping[str, Any]) -> tuple[Preprocessing, str] | None:
    """Mean and standard deviation of pixels from 0 to 1: the nearest of the known ones."""
    inner = said.get("pretrained_cfg")
    said = inner if isinstance(inner, Mapping) else said
    if said.get("do_normalize") is False:
        return ("unit", "it does not normalise") if said.get("do_rescale", True) else ("raw", "it does not rescale")
    for keys in (("mean", "std"), ("image_mean", "image_std")):
        mean, std = (_three(literal(said.get(key))) for key in keys)
        if mean is not None and std is not None:
            how, away = _nearest(mean, std)
            near = "" if away < 0.02 else f" (the nearest that is known, {away:.2f} away; export without normalisation)"
            return how, f"mean {_few(mean)} and deviation {_few(std)}{near}"
    return None


def _nearest(mean: Iterable[float], std: Iterable[float]) -> tuple[Preprocessing, float]:
    """The known normalisation that is nearest, and the largest difference of a mean or a deviation."""
    mean, std = np.array(tuple(mean)), np.array(tuple(std))
    if mean.max() > 2:                                          # of pixels from 0 to 255
        mean, std = mean / 255, std / 255
    gaps = {how: float(max(np.abs(mean - m).max(), np.abs(std - s).max())) for how, m, s in _KNOWN}
    best = min(gaps, key=lambda how: gaps[how])
    return best, gaps[best]


def _three(value: object) -> tuple[float, ...] | None:
    if isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(each, int | float) for each in value):
        return tuple(float(each) for each in value)
    return None


def _few(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:.3g}" for number in numbers)


def _settings(path: Path) -> Mapping[str, Any]:
    """A JSON object beside a model; empty where there is none."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return {}
        record = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, Mapping) else {}


def _is_numbered(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= _LARGEST_FILE and read_class_list(path).numbered
    except InputError:
        return False


#: In the order in which they are asked.
CONVENTIONS: tuple[Stated, ...] = (
    Stated("Ultralytics", _ultralytics),
    Stated("Azure Custom Vision, Windows ML", _windows, of_input=True),
    Stated("timm, Hugging Face", _normalised),
)
