"""What will be shown of the model's inside, decided and checked before the first image is read."""

from dataclasses import dataclass

from auditor.backends.abilities import FilterGradients, HasGradients
from auditor.backends.layers import Layer, Layers, early_to_late, find_layer, find_layers
from auditor.errors import InputError
from auditor.explain.model import Model
from auditor.explain.request import ALL, Request, split_filters
from auditor.explain.sources import class_of


@dataclass(frozen=True)
class FilterPlan:
    """Filters of one layer; without channels, the most active ones on the image are taken."""

    layer: Layer
    channels: tuple[int, ...]


@dataclass(frozen=True)
class DisplayPlan:
    """The layers to show.

    Attributes:
        features: Layers whose maps are shown.
        cams: Layers at which Grad-CAM is made.
        filters: Layers whose filters are maximised.
        label: Class asked for with `--label`; None where the image's folder decides.
    """

    features: tuple[Layer, ...]
    cams: tuple[Layer, ...]
    filters: tuple[FilterPlan, ...]
    label: int | None


def make_plan(request: Request, model: Model) -> DisplayPlan:
    """Finds the layers and the class that were asked for.

    Raises:
        InputError: there is no such layer, filter or class, or this kind of model cannot show it.
    """
    label = _label(request, model)
    if model.layers is None:
        if request.asked_inside:
            raise InputError(f"{request.asked_inside} cannot be shown: {model.no_layers}")
        return DisplayPlan((), (), (), label)
    layers = model.layers.layers
    features = find_layers(layers, request.layers) if request.layers else early_to_late(layers)
    return DisplayPlan(
        features=tuple(features) if request.maps else (),
        cams=_cams(request, model, model.layers),
        filters=tuple(_filters(text, model, model.layers) for text in request.filters),
        label=label,
    )


def _label(request: Request, model: Model) -> int | None:
    if request.label is None:
        return None
    outputs = _outputs(model)
    found = class_of(outputs, request.label)
    if found is None:
        few = ", ".join(outputs[:6]) + (f" and {len(outputs) - 6} more" if len(outputs) > 6 else "")
        known = few or "its classes have no names"
        raise InputError(f"--label {request.label!r} is not a class of the model ({known})")
    return found


def _outputs(model: Model) -> list[str]:
    return [model.name(index) for index in range(len(model.classes))]


def _cams(request: Request, model: Model, layers: Layers) -> tuple[Layer, ...]:
    if not request.cam_layer:
        return ()
    every = any(text.strip() == ALL for text in request.cam_layer)
    chosen = early_to_late(layers.layers) if every else find_layers(layers.layers, request.cam_layer)
    if not isinstance(model.backend, HasGradients):
        reachable = layers.last if model.backend.head is not None else None
        if beyond := [layer for layer in chosen if layer != reachable]:
            here = f"only at {reachable.name} (number {reachable.number})" if reachable else "at no layer of it"
            raise InputError(
                f"--cam-layer {ALL if every else beyond[0].name}: Grad-CAM inside a network needs gradients, which the "
                f"{model.backend.kind} backend does not compute; without them it is possible {here}. "
                f"{_other_backend('--cam-layer')}"
            )
    return tuple(chosen)


def _filters(text: str, model: Model, layers: Layers) -> FilterPlan:
    if not isinstance(layers, FilterGradients):
        raise InputError(
            f"--filters {text}: gradient ascent needs gradients, which the {model.backend.kind} backend does not "
            f"compute. {_other_backend('--filters')}"
        )
    channels: tuple[int, ...] = ()
    try:
        layer = find_layer(layers.layers, text)                 # a name may end in `:3` itself
    except InputError:
        name, channels = split_filters(text)
        layer = find_layer(layers.layers, name)
    if beyond := [channel for channel in channels if channel >= layer.channels]:
        raise InputError(f"--filters {text}: {layer.name} has filters 0 to {layer.channels - 1}, not {beyond[0]}")
    return FilterPlan(layer, channels)


def _other_backend(option: str) -> str:
    return f"Pass `--backend keras` with a model folder, or --model FILE.keras, for {option}."


def given_class(plan: DisplayPlan, model: Model, folder: str) -> int | None:
    """The class to explain beside the top ones: that of `--label`, else of the image's folder; None for none."""
    return plan.label if plan.label is not None else class_of(_outputs(model), folder)


