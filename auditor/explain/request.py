"""What `auditor explain` was asked for."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from auditor.configuration import Configured, Range, hints_of
from auditor.settings import MODEL, Colours, Seed, Settings, stated

ALL = "all"                                                     # for --cam-layer: layers from early to late
_FILTERS = re.compile(r"^(?P<layer>.+):(?P<channels>\d{1,9}(?:,\d{1,9})*)$")


@dataclass(frozen=True)
class Request(Configured):
    """What to explain, and how.

    Attributes:
        source: An image, or a folder of images.
        settings: Model, backend, device, preprocessing and classes, as for a scan.
        out: Folder that the pages are written to; None is `explain` in the folder of the reports.
        label: Class to explain beside the top ones; None takes the image's folder where the model knows such a class.
        top: Classes explained, the most probable first.
        layers: Layers whose maps are shown, by name or number; empty for some from early to late.
        maps: Maps shown of each layer, the strongest first; 0 shows none.
        cam_layer: Layers at which Grad-CAM is made, by name or number, or `all`.
        filters: Layers whose filters are maximised: `LAYER` or `LAYER:3,14`.
        steps: Steps of the gradient ascent.
        seed: Its seed.
        colours: "inferno", "viridis" or "jet".
        limit: Images of a folder that are explained.
    """

    source: Path
    settings: Settings
    out: Path | None = None
    label: str | None = None
    top: Annotated[int, Range(1)] = 3
    layers: tuple[str, ...] = ()
    maps: Annotated[int, Range(0)] = 16
    cam_layer: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    steps: Annotated[int, Range(1, 100_000)] = 64
    seed: Seed = 0
    colours: Colours = "inferno"
    limit: Annotated[int, Range(1)] = 50
    home: Path = field(init=False)

    section: ClassVar[str] = "explain"
    shared: ClassVar[tuple[str, ...]] = ("model", *MODEL, "max_pixels", "max_bytes", "colours")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "home", self.out or self.settings.out / "explain")

    @classmethod
    def load(cls, source: Path, *, config: Path | None = None, **given: Any) -> Self:
        """What the options that were given ask for, and the configuration file; raises errors as `Settings.load`."""
        values = stated(cls, config, given)
        of_model = {name: values.pop(name) for name in values.keys() - hints_of(cls).keys()}
        return cls(source, Settings.load(config=config, data=source, **of_model), **values)

    @property
    def asked_inside(self) -> str:
        """The first option that needs the model's layers; "" where none was given."""
        given = {"--layers": self.layers, "--cam-layer": self.cam_layer, "--filters": self.filters}
        return next((option for option, texts in given.items() if texts), "")


def split_filters(text: str) -> tuple[str, tuple[int, ...]]:
    """`LAYER:3,14` -> (LAYER, (3, 14)); `LAYER` -> (LAYER, ())."""
    match = _FILTERS.match(text.strip())
    if match is None:
        return text.strip(), ()
    return match["layer"], tuple(dict.fromkeys(int(number) for number in match["channels"].split(",")))
