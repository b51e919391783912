"""What will be shown of the model's inside, decided and checked before the first image is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.backends.layers import Layer, early_to_late, find_layer, find_layers
from auditor.errors import InputError
from auditor.explain.model import Model
from auditor.explain.request import ALL, Request, split_filters
from auditor.explain.sources import class_of


@dataclass(frozen=True)
class FilterPlan:
    """Filters of one layer; no channels are the most active ones on the image."""

    layer: Layer
    channels: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The layers to show.

    Attributes:
        features: Whose maps.
        cams: Where Grad-CAM is made.
        filters: Whose filters are maximised.
        label: Class asked for with `--label`; None where the image's folder decides.
    """

    features: tuple[Layer, ...]
    cams: tuple[Layer, ...]
    filters: tuple[FilterPlan, ...]
    label: int | None


def make_plan(request: Request, model: Model) -> Plan:
    """Finds the layers and the class that were asked for.

    Raises:
        InputError: there is no such layer, filter or class, or this kind of model cannot show it.
    """
    label = _label(request, model)
    if model.layers is None:
        if request.asked_inside:
            raise InputError(f"{request.asked_inside} cannot be shown: {model.no_layers}")
        return Plan((), (), (), label)
    layers = model.layers.layers
    features = find_layers(layers, request.layers) if request.layers else early_to_late(layers)
    return Plan(
        features=tuple(features) if request.maps else (),
        cams=_cams(request, model, layers),
        filters=tuple(_filters(text, model, layers) for text in request.filters),
        label=label,
    )


def _label(request: Request, model: Model) -> int | None:
    if request.label is None:
        return None
    outputs = _outputs(model)
    found = class_of(outputs, request.label)
    if found is None:
        few = ", ".join(outputs[:6]) + (f" and {len(outputs) - 6} more" if len(outputs) > 6 else "")
        raise InputError(f"--label {request.label!r} is no class of the model ({few or 'its classes have no names'})")
    return found


def _outputs(model: Model) -> list[str]:
    return [model.name(index) for index in range(len(model.classes))]


def _cams(request: Request, model: Model, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    if not request.cams:
        return ()
    every = any(text.strip() == ALL for text in request.cams)
    chosen = early_to_late(layers) if every else find_layers(layers, request.cams)
    assert model.layers is not None
    if model.backend.kind != "keras":
        reachable = model.layers.last if model.backend.head is not None else None
        if beyond := [layer for layer in chosen if layer != reachable]:
            here = f"only {reachable.name} (number {reachable.number}) can be had" if reachable else "none can be had"
            raise InputError(
                f"--cam-layer {ALL if every else beyond[0].name}: Grad-CAM inside a network needs gradients, which an "
                f"ONNX model has not; without them {here}. {_keras_way('--cam-layer')}"
            )
    return tuple(chosen)


def _filters(text: str, model: Model, layers: Sequence[Layer]) -> FilterPlan:
    if model.backend.kind != "keras":
        raise InputError(
            f"--filters {text}: gradient ascent needs gradients, which an ONNX model has not. {_keras_way('--filters')}"
        )
    channels: tuple[int, ...] = ()
    try:
        layer = find_layer(layers, text)                        # a name may end in `:3` itself
    except InputError:
        name, channels = split_filters(text)
        layer = find_layer(layers, name)
    if beyond := [channel for channel in channels if channel >= layer.channels]:
        raise InputError(f"--filters {text}: {layer.name} has filters 0 to {layer.channels - 1}, not {beyond[0]}")
    return FilterPlan(layer, channels)


def _keras_way(option: str) -> str:
    return f"Pass `--backend keras` with a model folder, or --model FILE.keras, for {option}."


def given_class(plan: Plan, model: Model, folder: str) -> int | None:
    """The class to explain beside the top ones: that of `--label`, else of the image's folder; None for none."""
    return plan.label if plan.label is not None else class_of(_outputs(model), folder)


