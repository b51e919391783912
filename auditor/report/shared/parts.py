"""Records that several pages print: links, key numbers, pictures, bars, and the legend of the heatmaps."""

from dataclasses import dataclass

from auditor.heatmaps.grad_cam import legend

OCCLUSION = "occlusion"                                         # the method that must never be called Grad-CAM


@dataclass(frozen=True)
class Link:
    """An entry of the page's navigation."""

    anchor: str
    title: str
    count: str = ""


@dataclass(frozen=True)
class KeyFigure:
    """A key number with its name and a remark; `accent` marks the one that the verdict is about."""

    value: str
    name: str
    remark: str
    accent: bool = False


@dataclass(frozen=True)
class PagePicture:
    """An image as a data URI, its size in pixels, its alternative text, and a caption ending in a class."""

    source: str
    width: int
    height: int
    alt: str
    caption: str
    subject: str = ""


@dataclass(frozen=True)
class Bar:
    """A probability as a bar; `role` is "given", "suggested" or ""."""

    name: str
    role: str
    width: str
    text: str


@dataclass(frozen=True)
class Stop:
    """A colour of the heatmap's legend at its place; the cold end is transparent, like the overlay there."""

    offset: str
    colour: str
    opacity: str


def heat_stops(colours_named: str = "inferno") -> tuple[Stop, ...]:
    """The legend of the heatmaps in one of their colour maps, from cold to hot."""
    colours = legend(colours_named)
    places = [position / (len(colours) - 1) for position in range(len(colours))]
    return tuple(
        Stop(f"{at:.1%}", colour, f"{min(1.0, 2 * at):.3f}") for at, colour in zip(places, colours, strict=True)
    )
