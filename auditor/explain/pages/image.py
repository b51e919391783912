"""The page of an image as a view record: every sentence, number and picture arrives ready in the template."""

from dataclasses import dataclass

from auditor import __version__
from auditor.backends.layers import Layer
from auditor.explain.gallery import CamPictures, ClassPictures, ContrastPictures, Drawn, Gallery, Sheet
from auditor.explain.look import Class, Look
from auditor.explain.model import Model
from auditor.explain.pages.parts import STYLES, CaptionedPicture, figure_of, model_parts
from auditor.explain.pages.sentences import (
    CAM_STORY,
    GLOSSARY,
    TILES_STORY,
    filter_story,
    headline,
    method_story,
    model_facts,
    run_facts,
)
from auditor.explain.request import Request
from auditor.heatmaps.grad_cam import contrast_legend
from auditor.report.shared.facts import Fact, Term, facts
from auditor.report.shared.html import render
from auditor.report.shared.parts import Bar, Link, Stop, heat_stops
from auditor.text import number, percent, shown, visible

_WEAK = 0.5                                                     # of the evidence for the top class


@dataclass(frozen=True)
class ClassRow:
    """Three pictures of one class beside each other."""

    name: str
    tag: str
    share: str
    note: str
    figures: tuple[CaptionedPicture, ...]


@dataclass(frozen=True)
class Versus:
    """The contrast of two classes, with the colour of each."""

    towards: str
    against: str
    towards_colour: str
    against_colour: str
    figures: tuple[CaptionedPicture, ...]


@dataclass(frozen=True)
class Tiles:
    """Channels of one layer."""

    name: str
    traits: str
    file: str
    figures: tuple[CaptionedPicture, ...]


@dataclass(frozen=True)
class MapStrip:
    """Grad-CAM of one class, early to late."""

    name: str
    figures: tuple[CaptionedPicture, ...]


@dataclass(frozen=True)
class ImagePage:
    """Everything that `explain.html.j2` prints."""

    title: str
    name: str
    path: str
    size: str
    model: tuple[str, ...]
    headline: str
    rest: str
    also: str
    index: str
    links: tuple[Link, ...]
    original: CaptionedPicture
    bars: tuple[Bar, ...]
    method: str
    method_story: str
    rows: tuple[ClassRow, ...]
    colours: str
    heat: tuple[Stop, ...]
    versus: Versus | None
    features: tuple[Tiles, ...]
    features_story: str
    cams: tuple[MapStrip, ...]
    cams_story: str
    filters: tuple[Tiles, ...]
    filters_story: str
    model_facts: tuple[Fact, ...]
    guessed: tuple[Fact, ...]
    run: tuple[Fact, ...]
    glossary: tuple[Term, ...]
    version: str


def render_image(seen: Look, gallery: Gallery, model: Model, request: Request, index: str | None) -> str:
    """The page of one image as HTML; `index` is the link to the page of its folder."""
    name = visible(seen.read.source.file)
    first, rest, also = headline(seen)
    page = ImagePage(
        title=f"{name}: {first}",
        name=name,
        path=shown(str(request.source / seen.read.source.file if index else request.source)),
        size=_size(seen),
        model=model_parts(model),
        headline=first,
        rest=rest,
        also=also,
        index=index or "",
        links=_links(gallery),
        original=figure_of(gallery.original, f"The image {name}", "Image"),
        bars=_bars(seen),
        method=seen.method,
        method_story=method_story(seen.method, model),
        rows=tuple(
            _row(each, gallery.original, seen, peak) for each, peak in zip(gallery.classes, seen.peaks, strict=True)
        ),
        colours=request.colours,
        heat=heat_stops(request.colours),
        versus=None if gallery.contrast is None else _versus(gallery.contrast, gallery.original),
        features=tuple(_tiles(sheet) for sheet in gallery.features),
        features_story=TILES_STORY,
        cams=tuple(_strip(pictures) for pictures in gallery.cams),
        cams_story=CAM_STORY,
        filters=tuple(_filters(sheet) for sheet in gallery.filters),
        filters_story=filter_story(request),
        model_facts=model_facts(model),
        guessed=facts(model.backend.card.guessed),
        run=run_facts(request),
        glossary=GLOSSARY,
        version=visible(__version__),
    )
    return render("explain.html.j2", page, styles=STYLES)


def _links(gallery: Gallery) -> tuple[Link, ...]:
    links = [Link("evidence", "Evidence")]
    if gallery.cams:
        links.append(Link("cams", "By layer"))
    if gallery.features:
        links.append(Link("features", "Feature maps"))
    if gallery.filters:
        links.append(Link("filters", "Filters"))
    return (*links, Link("model", "Model"), Link("reading", "How to read"))


def _size(seen: Look) -> str:
    picture = seen.read.picture
    return f"{picture.format}, {number(picture.width)} \u00d7 {number(picture.height)} px"


def _bars(seen: Look) -> tuple[Bar, ...]:
    """The most probable classes; the given one is added where it is not among them."""
    classes = list(seen.ranked)
    given = seen.given
    if given is not None and given.index not in {each.index for each in classes}:
        classes.append(given)
    top = {each.index for each in seen.explained}

    def role(each: Class) -> str:
        if given is not None and each.index == given.index:
            return "given"
        return "suggested" if each.index == seen.ranked[0].index and each.index in top else ""

    return tuple(
        Bar(visible(each.name), role(each), f"{100 * each.probability:.2f}%", percent(each.probability))
        for each in classes
    )


def _row(pictures: ClassPictures, original: Drawn, seen: Look, peak: float) -> ClassRow:
    each, name = pictures.of, visible(pictures.of.name)
    cells = "{} \u00d7 {} cells".format(*seen.heatmaps.shape[1:])
    tags = []
    if seen.ranked[0].index == each.index:
        tags.append("predicted")
    if seen.given is not None and seen.given.index == each.index:
        tags.append("given")
    return ClassRow(
        name=name,
        tag=" and ".join(tags),
        share=percent(each.probability),
        note=_note(pictures, peak, visible(seen.ranked[0].name)),
        figures=(
            figure_of(original, "The image", "Image"),
            figure_of(pictures.heatmap, f"The heatmap of {name}, cell by cell", f"Heatmap, {cells}"),
            figure_of(pictures.overlay, f"The heatmap of {name} over the image", "Overlay"),
        ),
    )


def _note(pictures: ClassPictures, peak: float, best: str) -> str:
    """What the scale of a heatmap hides: that the evidence is zero or weak."""
    if pictures.blank:
        return "Nothing in the image speaks for this class."
    return f"Weak: its strongest cell is {percent(peak)} of that of {best}." if peak < _WEAK else ""


def _versus(pictures: ContrastPictures, original: Drawn) -> Versus:
    towards, against = visible(pictures.contrast.towards.name), visible(pictures.contrast.against.name)
    against_colour, towards_colour = contrast_legend()
    what = f"{towards} rather than {against}"
    return Versus(
        towards, against, towards_colour, against_colour,
        figures=(
            figure_of(original, "The image", "Image"),
            figure_of(pictures.heatmap, f"What speaks for {what}, cell by cell", "Contrast"),
            figure_of(pictures.overlay, f"What speaks for {what}, over the image", "Overlay"),
        ),
    )  # fmt: skip


def _traits(layer: Layer) -> str:
    shape = f"{number(layer.channels)} maps of {layer.height} \u00d7 {layer.width} cells"
    return f"{visible(layer.kind)}, {shape}"


def _tiles(sheet: Sheet) -> Tiles:
    name = visible(sheet.layer.name)
    return Tiles(
        name,
        f"{_traits(sheet.layer)}; the strongest {len(sheet.tiles)}",
        sheet.drawn.file,
        tuple(
            figure_of(Drawn("", pixels), f"Map {caption} of {name}", caption)
            for pixels, caption in zip(sheet.tiles, sheet.captions, strict=True)
        ),
    )


def _filters(sheet: Sheet) -> Tiles:
    name = visible(sheet.layer.name)
    return Tiles(
        name,
        f"{visible(sheet.layer.kind)}, {len(sheet.tiles)} of {number(sheet.layer.channels)} filters",
        sheet.drawn.file,
        tuple(
            figure_of(Drawn("", pixels), f"What filter {caption} of {name} answers to most", caption)
            for pixels, caption in zip(sheet.tiles, sheet.captions, strict=True)
        ),
    )


def _strip(pictures: CamPictures) -> MapStrip:
    name = visible(pictures.of.name)
    figures = []
    for layer, drawn in pictures.overlays:
        at = f"{visible(layer.name)}, {layer.height} \u00d7 {layer.width}"
        figures.append(figure_of(drawn, f"Grad-CAM of {name} at {visible(layer.name)}", at))
    return MapStrip(name, tuple(figures))
