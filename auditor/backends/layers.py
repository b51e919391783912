"""The layers inside a model that hold maps: how they are named, found, and picked from early to late."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError


@dataclass(frozen=True)
class Layer:
    """A layer whose output is a stack of maps.

    Attributes:
        number: Its position among the layers, from 1.
        name: A short name, unique in the model.
        kind: Its operator or class: "Conv", "ReLU".
        height, width, channels: Shape of its output for one image: K maps of h x w cells.
        tensor: Its full name in the file.
        stage: Whether its maps are shown by default. Those of paddings and input scalings are not.
    """

    number: int
    name: str
    kind: str
    height: int
    width: int
    channels: int
    tensor: str
    stage: bool = True


class Layers(Protocol):
    """The layers of one model, in the order in which it computes them.

    Attributes:
        layers: All layers whose output has more than one cell.
        last: The layer whose maps the head pools; class heatmaps are made from them. None where there is no such head.
    """

    layers: tuple[Layer, ...]
    last: Layer | None

    def activations(self, image: NDArray[np.uint8], chosen: Sequence[Layer]) -> list[NDArray[np.float32]]:
        """The maps of the chosen layers for an image: (H, W, 3) uint8 RGB at the input size -> (h, w, K) each."""
        ...


def find_layer(layers: Sequence[Layer], text: str) -> Layer:
    """The layer of this name, full name or number.

    Raises:
        InputError: there is none; the message names the closest.
    """
    wanted = text.strip()
    for layer in layers:
        if wanted in (layer.name, layer.tensor):
            return layer
    if re.fullmatch("[0-9]{1,9}", wanted) and 1 <= int(wanted) <= len(layers):
        return layers[int(wanted) - 1]
    close = difflib.get_close_matches(wanted, [layer.name for layer in layers], n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else f"; it has {len(layers)} layers with maps."
    raise InputError(f"the model has no layer {wanted!r}{hint} `--list-layers` prints their numbers and names.")


def find_layers(layers: Sequence[Layer], texts: Sequence[str]) -> list[Layer]:
    """The layers of several names, in the model's order, each once; a text may hold several, with commas between."""
    found = {}
    for text in texts:
        whole = any(text.strip() in (layer.name, layer.tensor) for layer in layers)     # names may hold commas
        for part in [text] if whole else [part for part in text.split(",") if part.strip()]:
            layer = find_layer(layers, part)
            found[layer.number] = layer
    return [found[number] for number in sorted(found)]


def early_to_late(layers: Sequence[Layer], least: int = 4, most: int = 5) -> list[Layer]:
    """A few layers from the first to the last: the end of each stage. Layers with maps of one size are a stage.

    Args:
        layers: All layers of a model, in its order.
        least: Where there are fewer stages, further layers are added in the widest gaps.
        most: Where there are more stages, evenly spaced ones are kept, the first and the last included.
    """
    candidates = [layer for layer in layers if layer.stage] or list(layers)
    ends = sorted({(layer.height, layer.width): place for place, layer in enumerate(candidates)}.values())
    if len(ends) > most:
        ends = [ends[round(place)] for place in np.linspace(0, len(ends) - 1, most)]
    while len(ends) < min(least, len(candidates)):
        gaps = [min(abs(place - end) for end in ends) for place in range(len(candidates))]
        ends = sorted([*ends, int(np.argmax(gaps))])
    return [candidates[place] for place in ends]


def unique(names: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Short names made different: by their kind where that is enough, else by a number."""
    repeated = {name for name in names if names.count(name) > 1}
    longer = [f"{name}/{kind}" if name in repeated else name for name, kind in zip(names, kinds, strict=True)]
    seen: dict[str, int] = {}
    result = []
    for name in longer:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result
