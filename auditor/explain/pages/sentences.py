"""The sentences of the pages."""

from auditor.explain.look import Look
from auditor.explain.model import Model
from auditor.explain.request import Request
from auditor.heatmaps.saliency import Method
from auditor.report.shared.facts import Fact, Term
from auditor.text import percent, shown, visible

CAM_STORY = (
    "Cells of an early layer see a few pixels each, so they answer to edges and colours wherever those are, for any "
    "class; cells of a late layer see most of the image, so there the heat settles on the animal itself."
)
TILES_STORY = (
    "What single filters find in this image, early layers first: edges and colours, then textures, then parts of "
    "things. The strongest maps come first. Each runs from its own lowest value to its highest."
)

GLOSSARY = (
    Term("Heatmap", "Where the evidence for one class lies. Each has its own maximum: compare places, not classes."),
    Term("Contrast", "Heatmap of the predicted class minus that of the given one: why the one rather than the other."),
    Term("Given", "The class that the folder of the image names, or --label."),
    Term("Cells", "The network answers cell by cell, at last about 7 by 7. No heatmap is finer than its cells."),
    Term("Feature map", "What one filter of a layer answers, place by place. Its number is that of the filter."),
    Term("Grad-CAM", "Maps of a layer, weighed by how much each raises the logit. Selvaraju et al., ICCV 2017."),
)

_METHODS: dict[Method, str] = {
    "Grad-CAM": (
        "Grad-CAM on the last maps, on logits. Behind global average pooling the gradient follows from the weights of "
        "the head, so none had to be computed."
    ),
    "Grad-CAM by gradients": "Grad-CAM on the last maps, on logits, by automatic differentiation",
    "occlusion": (
        "Occlusion: how far the log odds of the class fall when a patch is covered with the mean colour. It shows "
        "where a cover changes the answer, not which features it comes from"
    ),
}


def headline(seen: Look) -> tuple[str, str, str]:
    """The top class, the rest of the sentence, and a remark on the given class."""
    best, given = seen.ranked[0], seen.given
    also = ""
    if given is not None:
        name, share = visible(given.name), percent(given.probability)
        also = "That is the given class." if given.index == best.index else f"The given class, {name}, gets {share}."
    return visible(best.name), f", {percent(best.probability)}", also


def method_story(method: Method, model: Model) -> str:
    """How the heatmaps were made, and why no other way was possible."""
    reason = model.backend.no_head
    return f"{_METHODS[method]}: {visible(reason)}." if reason and method != "Grad-CAM" else _ended(_METHODS[method])


def filter_story(request: Request) -> str:
    """How the pictures of filters were made."""
    return (
        "Pictures that a filter answers to most, made from noise by gradient ascent: Fourier coefficients in "
        "decorrelated colours, shifted, enlarged and blurred at every step, drawn towards grey "
        f"({request.steps} steps, seed {request.seed}; Olah et al., Distill 2017). The most active filters on this "
        "image come first, unless others were named."
    )


def model_facts(model: Model) -> tuple[Fact, ...]:
    """The model: its name, file and input."""
    backend, card = model.backend, model.backend.card
    height, width = card.input_size
    found = [
        Fact("name", visible(card.name)),
        Fact("file", visible(model.path.name)),
        Fact("runs in", f"{visible(backend.kind)} on {visible(backend.device)}"),
        Fact("input", f"{height} \u00d7 {width} px, preprocessing {card.preprocessing}"),
        Fact("sha256", visible(backend.sha256)),
    ]
    if model.note:
        found.append(Fact("note", visible(model.note)))
    if model.no_layers:
        found.append(Fact("layers", f"none shown: {visible(model.no_layers)}"))
    return tuple(found)


def run_facts(request: Request) -> tuple[Fact, ...]:
    """What the user asked for; options without a value are left out."""
    stated = {
        "source": shown(str(request.source)),
        "label": request.label,
        "layers": ", ".join(request.layers),
        "cam-layer": ", ".join(request.cam_layer),
        "filters": ", ".join(request.filters),
        "top": str(request.top),
        "maps": str(request.maps),
        "colours": request.colours,
    }
    return tuple(Fact(name, visible(value)) for name, value in stated.items() if value)


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
