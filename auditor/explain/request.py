"""What `auditor explain` was asked for."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from auditor.errors import InputError
from auditor.heatmap import COLOUR_MAPS
from auditor.settings import Settings

ALL = "all"                                                     # for --cam-layer: layers from early to late
_FILTERS = re.compile(r"^(?P<layer>.+):(?P<channels>\d+(?:,\d+)*)$")


@dataclass(frozen=True)
class Request:
    """What to explain, and how.

    Attributes:
        source: An image, or a folder of images.
        settings: Model, backend, device, preprocessing and classes, as for a scan.
        out: Folder that the pages are written to; None is `explain` in the folder of the reports.
        label: Class to explain beside the top ones; None takes the image's folder where the model knows such a class.
        top: Classes explained, the most probable first.
        layers: Layers whose maps are shown, by name or number; empty for some from early to late.
        maps: Maps shown of each layer, the strongest first; 0 shows none.
        cams: Layers at which Grad-CAM is made, by name or number, or `all`.
        filters: Layers whose filters are maximised: `LAYER` or `LAYER:3,14`.
        steps: Steps of the gradient ascent.
        seed: Its seed.
        colours: One of `COLOUR_MAPS`.
        limit: Images of a folder that are explained.
    """

    source: Path
    settings: Settings
    out: Path | None = None
    label: str | None = None
    top: int = 3
    layers: tuple[str, ...] = ()
    maps: int = 16
    cams: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    steps: int = 64
    seed: int = 0
    colours: str = COLOUR_MAPS[0]
    limit: int = 50
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.out or self.settings.out / "explain")
        for option, number, least in (
            ("top", self.top, 1), ("maps", self.maps, 0), ("steps", self.steps, 1), ("limit", self.limit, 1),
            ("seed", self.seed, 0),
        ):  # fmt: skip
            if number < least:
                raise InputError(f"--{option} is {number}; expected a number from {least} up")
        if self.colours not in COLOUR_MAPS:
            raise InputError(f"--colours {self.colours!r} is not known; expected one of {', '.join(COLOUR_MAPS)}")

    @property
    def asked_inside(self) -> str:
        """The first option that needs the model's layers; "" where none was given."""
        given = {"--layers": self.layers, "--cam-layer": self.cams, "--filters": self.filters}
        return next((option for option, texts in given.items() if texts), "")


def split_filters(text: str) -> tuple[str, tuple[int, ...]]:
    """`LAYER:3,14` -> (LAYER, (3, 14)); `LAYER` -> (LAYER, ())."""
    match = _FILTERS.match(text.strip())
    if match is None:
        return text.strip(), ()
    return match["layer"], tuple(dict.fromkeys(int(number) for number in match["channels"].split(",")))
