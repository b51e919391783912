"""From an image or a folder to pages: the order of the steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor import __version__
from auditor.backends.abilities import FilterGradients
from auditor.backends.layers import Layer, early_to_late
from auditor.errors import InputError
from auditor.explain.gallery import Gallery, draw
from auditor.explain.look import Look, look
from auditor.explain.model import Model, load
from auditor.explain.pages.image import render_image
from auditor.explain.pages.index import IndexEntry, render_index
from auditor.explain.pictures import Pixels
from auditor.explain.plan import DisplayPlan, make_plan
from auditor.explain.publish import FreeNames, choose_target, replaced
from auditor.explain.request import Request
from auditor.explain.sources import Found, ImageSource, find, read
from auditor.images import Unreadable
from auditor.progress import Progress
from auditor.report.shared.html import write_page
from auditor.settings import Settings
from auditor.text import absolute, shown

FILTERS = 16                                                    # shown of a layer, where the user names none
_FILTER_SIDE = 96                                               # pixels; the time grows with its square

Filters = dict[int, tuple[Layer, tuple[int, ...], tuple[Pixels, ...]]]


@dataclass
class _Explainer:
    """What stays the same for all images."""

    request: Request
    model: Model
    plan: DisplayPlan
    progress: Progress
    maximised: dict[tuple[int, int], Pixels] = field(default_factory=dict)      # (layer, channel) -> picture

    def image(self, source: ImageSource, folder: Path, index: str | None) -> tuple[Look, Gallery, Path]:
        """Writes the page of one image into an empty folder; `index` links back to the page of all images.

        Raises:
            Unreadable: with the reason; nothing is written then.
        """
        settings = self.request.settings
        taken = read(source, self.model.backend.card.input_size, settings.limits)
        seen = look(self.model, self.plan, taken, self.request.top, self.request.maps)
        gallery = draw(seen, self._filters(seen), self.request.colours)
        folder.mkdir(exist_ok=True)
        gallery.write(folder)
        page = write_page(render_image(seen, gallery, self.model, self.request, index), folder)
        return seen, gallery, page

    def _filters(self, seen: Look) -> Filters:
        """The pictures of the filters; one that was made for an earlier image is not made again."""
        found: Filters = {}
        for each in self.plan.filters:
            channels = seen.active[each.layer.number][: len(each.channels) or FILTERS]
            self._maximise(each.layer, tuple(c for c in channels if (each.layer.number, c) not in self.maximised))
            tiles = tuple(self.maximised[each.layer.number, channel] for channel in channels)
            found[each.layer.number] = (each.layer, channels, tiles)
        return found

    def _maximise(self, layer: Layer, channels: tuple[int, ...]) -> None:
        if not channels:
            return
        from auditor.explain.ascent import Ascent, maximise

        layers = self.model.layers
        assert isinstance(layers, FilterGradients)              # else the plan would have no filters
        part, size = layers.differentiable_part(layer, _FILTER_SIDE)
        how = Ascent(steps=self.request.steps, seed=self.request.seed)
        pictures = maximise(part, size, channels, how, self.progress, f"filters of {layer.name}")
        for channel, picture in zip(channels, pictures, strict=True):
            self.maximised[layer.number, channel] = picture


def explain(request: Request, progress: Progress) -> Path:
    """Writes the pages of an image, or of the images of a folder.

    Returns:
        The page to open: that of the image, or the one that lists them all.

    Raises:
        AuditorError: the source, the model or an option cannot be used; the image cannot be read; the folder of the
            pages was written by somebody else.
    """
    found = find(request.source, request.limit)
    target = choose_target(request.home, _name(request.source), request.source)
    model = load(request.settings)
    worker = _Explainer(request, model, make_plan(request, model), progress)
    if request.source.is_file():
        return _one(worker, found.sources[0], target)
    return _many(worker, found, target)


def layer_table(settings: Settings) -> str:
    """The layers of a model that have maps, as a table to print; a star marks those shown by default.

    Raises:
        InputError: they cannot be reached.
    """
    model = load(settings)
    if model.layers is None:
        raise InputError(f"the layers of {shown(str(model.path))} cannot be listed: {model.no_layers}")
    layers = model.layers.layers
    chosen = early_to_late(layers)
    width = max(len(shown(layer.name)) for layer in layers)
    kinds = max(len(layer.kind) for layer in layers)
    lines = []
    for layer in layers:
        called = f"{shown(layer.name):<{width}}  {shown(layer.kind):<{kinds}}"
        shape = f"{layer.height} x {layer.width} x {layer.channels}"
        lines.append(f"{'*' if layer in chosen else ' '} {layer.number:>4}  {called}  {shape}")
    if model.layers.last is not None:
        lines.append(f"\nClass heatmaps are made of layer {model.layers.last.number}.")
    return "\n".join(lines)


def _one(worker: _Explainer, source: ImageSource, target: Path) -> Path:
    record: dict[str, Any] = {}
    with replaced(target, record) as folder:
        try:
            seen, _, page = worker.image(source, folder, None)
        except Unreadable as reason:
            raise InputError(f"{shown(str(worker.request.source))} cannot be read: {reason}") from None
        record |= {"source": _identity(worker.request.source), **_model_record(worker.model), **_record(seen)}
    return target / page.name


def _many(worker: _Explainer, found: Found, target: Path) -> Path:
    request, names, entries = worker.request, FreeNames(), []
    unread = list(found.unread)
    record: dict[str, Any] = {"source": _identity(request.source), **_model_record(worker.model), "images": []}
    with replaced(target, record) as folder:
        for source in worker.progress.track(found.sources, len(found.sources), "images"):
            name = names.give("", *Path(source.file).with_suffix("").parts)
            try:
                seen, gallery, _ = worker.image(source, folder / name, "../index.html")
            except Unreadable as reason:
                unread.append((source.file, str(reason)))
                continue
            entries.append(IndexEntry.of(seen, gallery, f"{name}/index.html"))
            record["images"].append({"page": f"{name}/index.html", **_record(seen)})
        record["unreadable"] = [{"file": file, "reason": reason} for file, reason in sorted(unread)]
        text = render_index(request, worker.model, entries, found.total, sorted(unread))
        page = write_page(text, folder)
    return target / page.name


def _name(source: Path) -> str:
    return absolute(source).stem if source.is_file() else absolute(source).name


def _identity(source: Path) -> str:
    """By this a later run recognises that it explains the same image or folder."""
    return shown(str(absolute(source)))


def _model_record(model: Model) -> Mapping[str, Any]:
    backend = model.backend
    about = {"name": backend.card.name, "file": model.path.name, "backend": backend.kind, "sha256": backend.sha256}
    return {"auditor": __version__, "model": about}


def _record(seen: Look) -> dict[str, Any]:
    """What the marker says about an image, for scripts."""
    return {
        "file": seen.read.source.file,
        "sha256": seen.read.sha256,
        "method": seen.method,
        "given": None if seen.given is None else seen.given.name,
        "classes": [
            {"name": each.name, "output": each.index, "probability": round(each.probability, 6)} for each in seen.ranked
        ],
    }
