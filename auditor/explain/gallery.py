"""All pictures of one image, drawn, each with the name of its PNG file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.backends.layers import Layer
from auditor.explain.look import Cams, Class, Contrast, Look, Maps
from auditor.explain.pictures import SIDE, Pixels, cells, contrast_cells, fit, grid, png, tile
from auditor.explain.publish import FreeNames
from auditor.heatmaps.grad_cam import contrast_overlay, overlay


@dataclass(frozen=True)
class Drawn:
    """A picture (H, W, 3), and the file that it is written to."""

    file: str
    pixels: Pixels


@dataclass(frozen=True)
class ClassPictures:
    """The heatmap of a class, and its overlay."""

    of: Class
    heatmap: Drawn
    overlay: Drawn
    blank: bool


@dataclass(frozen=True)
class ContrastPictures:
    """The contrast of two classes, and its overlay."""

    contrast: Contrast
    heatmap: Drawn
    overlay: Drawn


@dataclass(frozen=True)
class Sheet:
    """Channels of a layer as tiles with captions, and all of them in one file."""

    layer: Layer
    tiles: tuple[Pixels, ...]
    captions: tuple[str, ...]
    drawn: Drawn


@dataclass(frozen=True)
class CamPictures:
    """Grad-CAM of a class, layer by layer."""

    of: Class
    overlays: tuple[tuple[Layer, Drawn], ...]


@dataclass(frozen=True)
class Gallery:
    """Everything that is drawn for one image."""

    original: Drawn
    classes: tuple[ClassPictures, ...]
    contrast: ContrastPictures | None
    features: tuple[Sheet, ...]
    cams: tuple[CamPictures, ...]
    filters: tuple[Sheet, ...]

    def write(self, folder: Path) -> tuple[str, ...]:
        """Writes every picture as PNG; returns the names of the files."""
        pairs = [picture for each in self.classes for picture in (each.heatmap, each.overlay)]
        if self.contrast is not None:
            pairs += [self.contrast.heatmap, self.contrast.overlay]
        strips = [picture for each in self.cams for _, picture in each.overlays]
        drawn = [self.original, *pairs, *(each.drawn for each in (*self.features, *self.filters)), *strips]
        for picture in drawn:
            (folder / picture.file).write_bytes(png(picture.pixels))
        return tuple(picture.file for picture in drawn)


def draw(
    seen: Look, filters: Mapping[int, tuple[Layer, tuple[int, ...], tuple[Pixels, ...]]], colours: str
) -> Gallery:
    """Draws what the model sees.

    Args:
        seen: The model's view of one image.
        filters: Layer number -> the layer, its channels and the picture of each.
        colours: One of `COLOUR_MAPS`.
    """
    names = FreeNames()
    original = fit(seen.read.picture.pixels, SIDE)
    size = original.shape[:2]

    def of_class(each: Class, heatmap: NDArray[np.float32]) -> ClassPictures:
        name = each.name if any(map(str.isalnum, each.name)) else f"class-{each.index}"
        return ClassPictures(
            each,
            Drawn(names.give("heatmap", name, suffix=".png"), cells(heatmap, size, colours)),
            Drawn(names.give("overlay", name, suffix=".png"), overlay(original, heatmap, colours=colours)),
            blank=not heatmap.any(),
        )

    return Gallery(
        original=Drawn(names.give("original", suffix=".png"), original),
        classes=tuple(of_class(each, heatmap) for each, heatmap in zip(seen.explained, seen.heatmaps, strict=True)),
        contrast=None if seen.contrast is None else _contrast(seen.contrast, original, names),
        features=tuple(_features(maps, colours, names) for maps in seen.features),
        cams=tuple(_cams(each, original, colours, names, first=each is seen.cams[0]) for each in seen.cams),
        filters=tuple(
            _sheet(names.give("filters", layer.name, suffix=".png"), layer, tiles, channels)
            for layer, channels, tiles in filters.values()
        ),
    )


def _contrast(contrast: Contrast, original: Pixels, names: FreeNames) -> ContrastPictures:
    pair = (contrast.towards.name, contrast.against.name)
    return ContrastPictures(
        contrast,
        Drawn(names.give("contrast", *pair, suffix=".png"), contrast_cells(contrast.map, original.shape[:2])),
        Drawn(names.give("contrast-overlay", *pair, suffix=".png"), contrast_overlay(original, contrast.map)),
    )


def _features(maps: Maps, colours: str, names: FreeNames) -> Sheet:
    tiles = tuple(tile(each, colours) for each in maps.maps)
    return _sheet(names.give("feature-maps", maps.layer.name, suffix=".png"), maps.layer, tiles, maps.channels)


def _sheet(file: str, layer: Layer, tiles: tuple[Pixels, ...], channels: tuple[int, ...]) -> Sheet:
    captions = tuple(str(channel) for channel in channels)
    return Sheet(layer, tiles, captions, Drawn(file, grid(tiles, captions)))


def _cams(cams: Cams, original: Pixels, colours: str, names: FreeNames, *, first: bool) -> CamPictures:
    """The files of the top class are named after the layer only, those of others after layer and class."""
    class_part = () if first else (cams.of.name,)
    overlays = []
    for layer, heatmap in cams.maps:
        file = names.give("cam", layer.name, *class_part, suffix=".png")
        overlays.append((layer, Drawn(file, overlay(original, heatmap, colours=colours))))
    return CamPictures(cams.of, tuple(overlays))
