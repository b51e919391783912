"""One image through the model: top classes, their heatmaps, maps and Grad-CAM of its layers. Nothing is drawn here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.backends.abilities import HasGradients
from auditor.backends.layers import Layer
from auditor.explain.model import Model
from auditor.explain.plan import DisplayPlan, given_class
from auditor.explain.sources import Read
from auditor.heatmaps.grad_cam import heat, scale
from auditor.heatmaps.saliency import Method, signed_maps

BARS = 5                                                        # classes whose probability is shown


@dataclass(frozen=True)
class Class:
    """A class of the model: its output, its name, its probability for this image."""

    index: int
    name: str
    probability: float


@dataclass(frozen=True)
class Contrast:
    """The evidence for one class against another: (h, w) in [-1, 1], above 0 for the first."""

    towards: Class
    against: Class
    map: NDArray[np.float32]


@dataclass(frozen=True)
class Maps:
    """The strongest maps of a layer.

    Attributes:
        layer: The layer.
        channels: (n,), the strongest first.
        strength: (n,), the mean of the positive part.
        maps: (n, h, w).
    """

    layer: Layer
    channels: tuple[int, ...]
    strength: tuple[float, ...]
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class Cams:
    """Grad-CAM of one class at several layers, early to late: (h, w) each, in [0, 1]."""

    of: Class
    maps: tuple[tuple[Layer, NDArray[np.float32]], ...]


@dataclass(frozen=True)
class Look:
    """What the model sees in an image.

    Attributes:
        read: The image.
        ranked: The most probable classes, best first.
        explained: Those that have heatmaps: the top ones, then the given one where it is not among them.
        given: The class that the image's folder or `--label` names; None where the model knows no such class.
        heatmaps: (n, h, w) in [0, 1], of the explained classes.
        peaks: (n,) the strongest cell of each before scaling, as a share of that of the top class.
        method: How the heatmaps were made.
        contrast: Top class minus given class, where they differ.
        features: Maps of layers, early to late.
        cams: Grad-CAM by layer, of the top class and of the given one.
        active: Layer number -> its channels, the most active first; of the layers whose filters are maximised.
    """

    read: Read
    ranked: tuple[Class, ...]
    explained: tuple[Class, ...]
    given: Class | None
    heatmaps: NDArray[np.float32]
    peaks: tuple[float, ...]
    method: Method
    contrast: Contrast | None
    features: tuple[Maps, ...]
    cams: tuple[Cams, ...]
    active: dict[int, tuple[int, ...]]


def look(model: Model, plan: DisplayPlan, read: Read, top: int, maps: int) -> Look:
    """Runs the model on one image.

    Args:
        model: Loaded.
        plan: Layers to show.
        read: The image.
        top: How many classes are explained.
        maps: How many maps of each layer are shown.
    """
    image = read.image[None]                                    # (1, H, W, 3)
    probabilities = model.backend.forward(image).probabilities[0]           # (C,)
    order = [int(index) for index in np.argsort(-probabilities, kind="stable")]

    def named(index: int) -> Class:
        return Class(index, model.name(index), float(probabilities[index]))

    index = given_class(plan, model, read.source.path.parent.name)
    given = None if index is None else named(index)
    chosen = order[:top] if index is None or index in order[:top] else [*order[:top], index]
    signed, method = signed_maps(model.backend, image, np.array([chosen]))
    of_class = dict(zip(chosen, signed[0], strict=True))        # class -> (h, w)
    best = named(order[0])
    contrast = None
    if given is not None and given.index != best.index:
        contrast = Contrast(best, given, scale(of_class[best.index] - of_class[given.index]))
    activations = _activations(model, plan, read)
    return Look(
        read=read,
        ranked=tuple(named(each) for each in order[: max(BARS, top)]),
        explained=tuple(named(each) for each in chosen),
        given=given,
        heatmaps=heat(signed[0]),
        peaks=_peaks(signed[0]),
        method=method,
        contrast=contrast,
        features=tuple(_strongest(layer, activations[layer.number], maps) for layer in plan.features),
        cams=_cams(model, plan, image, [best] if contrast is None else [best, contrast.against], of_class),
        active={
            each.layer.number: each.channels or _by_strength(activations[each.layer.number]) for each in plan.filters
        },
    )


def _activations(model: Model, plan: DisplayPlan, read: Read) -> dict[int, NDArray[np.float32]]:
    """Layer number -> (h, w, K), of all layers that are shown, from one run."""
    wanted = {layer.number: layer for layer in plan.features}
    wanted |= {each.layer.number: each.layer for each in plan.filters if not each.channels}
    if model.layers is None or not wanted:
        return {}
    chosen = [wanted[number] for number in sorted(wanted)]
    answers = model.layers.activations(read.image, chosen)
    return {layer.number: answer for layer, answer in zip(chosen, answers, strict=True)}


def _peaks(signed: NDArray[np.float32]) -> tuple[float, ...]:
    """(n, h, w) -> (n,): largest positive value of each, as a share of the first one's; 1 where that has none."""
    largest = np.maximum(signed.max(axis=(1, 2)), 0)
    return tuple(float(each / largest[0]) if largest[0] > 0 else 1.0 for each in largest)


def _by_strength(features: NDArray[np.float32]) -> tuple[int, ...]:
    """(h, w, K) -> all channels, the most active first."""
    return tuple(int(channel) for channel in np.argsort(-_strength(features), kind="stable"))


def _strength(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, K) -> (K,): the mean of the positive part of each map, which is what a ReLU passes on."""
    return np.asarray(np.maximum(np.nan_to_num(features), 0).mean(axis=(0, 1)), np.float32)


def _strongest(layer: Layer, features: NDArray[np.float32], count: int) -> Maps:
    channels = _by_strength(features)[:count]
    strength = _strength(features)
    return Maps(
        layer,
        channels,
        tuple(float(strength[channel]) for channel in channels),
        np.ascontiguousarray(features[..., list(channels)].transpose(2, 0, 1)),
    )


def _cams(
    model: Model,
    plan: DisplayPlan,
    image: NDArray[np.uint8],
    classes: Sequence[Class],
    known: dict[int, NDArray[np.float32]],
) -> tuple[Cams, ...]:
    """Grad-CAM by layer. Without gradients the plan has only the layer that the head pools: its maps are known."""
    if not plan.cams:
        return ()
    backend = model.backend
    if not isinstance(backend, HasGradients):
        return tuple(Cams(each, tuple((layer, heat(known[each.index])) for layer in plan.cams)) for each in classes)
    chosen = np.array([[each.index for each in classes]])       # (1, n)
    by_layer = [                                                # (n, h, w) each
        (layer, heat(backend.grad_maps(image, chosen, layer.name)[0])) for layer in plan.cams
    ]
    return tuple(
        Cams(each, tuple((layer, found[place]) for layer, found in by_layer)) for place, each in enumerate(classes)
    )
