"""Layers of a Keras model, nested models included: their maps, and gradients through them.

`KerasBackend` has called all layers again on one input, so the graph behind its scores is flat and can be walked.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor.backends.abilities import LayerFunction
from auditor.backends.base import preprocess
from auditor.backends.card import Preprocessing
from auditor.backends.keras.graph import activation_of, node_of, without_activation
from auditor.backends.keras.names import OURS
from auditor.backends.layers import Layer, unique
from auditor.errors import MissingDependency, ModelError

if TYPE_CHECKING:
    from auditor.backends.keras.backend import KerasBackend

# Layers that pass their input on, and the input itself: their maps are listed already.
_PASSING = frozenset({"InputLayer", "Dropout", "SpatialDropout2D", "Identity", "GaussianNoise", "GaussianDropout"})
_RELUS = frozenset({"relu", "relu6", "leaky_relu"})
_UNASKED = frozenset({"ZeroPadding2D", "Cropping2D", "Rescaling", "Normalization", "Resizing", "UpSampling2D"})


class KerasLayers:
    """Implements `Layers` and `FilterGradients` for a Keras model.

    Args:
        backend: The loaded model.

    Raises:
        ModelError: the layers cannot be reached.
    """

    def __init__(self, backend: "KerasBackend") -> None:
        self._backend, self._keras = backend, backend.keras
        self._model = backend.model
        self._parts: dict[tuple[int, ...], Any] = {}
        calls = [call for call in _calls(self._model.outputs[0]) if _has_maps(call)]
        if not calls:
            raise ModelError(
                "the layers of this Keras model cannot be reached: it is a subclassed model, or has no convolutions. "
                "Build it from Sequential or functional parts."
            )
        pairs = zip(calls, self._shapes([tensor for _, tensor in calls]), strict=True)
        kept = [(operation, tensor, shape) for (operation, tensor), shape in pairs if shape[0] * shape[1] > 1]
        kinds = [type(operation).__name__ for operation, *_ in kept]
        stated = [backend.names.get(operation.name, operation.name) for operation, *_ in kept]
        names = unique(stated, kinds)
        self._tensors = {number: tensor for number, (_, tensor, _) in enumerate(kept, start=1)}
        self.layers = tuple(
            Layer(number, name, kind, *shape, tensor=full, stage=kind not in _UNASKED)
            for number, (name, full, kind, (*_, shape)) in enumerate(zip(names, stated, kinds, kept, strict=True), 1)
        )
        pooled = self._model.outputs[2] if len(self._model.outputs) > 2 else None       # the maps that the head pools
        while pooled is not None and type(node_of(pooled).operation).__name__ in _PASSING:
            pooled = next(iter(node_of(pooled).input_tensors), None)
        self.last = next((layer for layer in self.layers if self._tensors[layer.number] is pooled), None)

    def activations(self, image: NDArray[np.uint8], chosen: Sequence[Layer]) -> list[NDArray[np.float32]]:
        """The maps of the chosen layers for an image: (H, W, 3) uint8 RGB at the input size -> (h, w, K) each."""
        pixels = preprocess(image[None], self._backend.card.preprocessing)              # (1, H, W, 3)
        numbers = tuple(layer.number for layer in chosen)
        if numbers not in self._parts:
            self._parts[numbers] = self._part([self._tensors[number] for number in numbers])
        return self._answers(self._parts[numbers], pixels)

    def tensor(self, layer: Layer) -> Any:
        """The symbolic output (B, h, w, K) of one of `layers`, for models whose outputs are inner tensors."""
        return self._tensors[layer.number]

    def differentiable_part(self, layer: Layer, side: int) -> tuple[LayerFunction, tuple[int, int]]:
        """The part of the model up to a layer, before its ReLU: as `FilterGradients` says.

        Raises:
            MissingDependency: Keras does not run on TensorFlow.
        """
        if self._keras.backend.backend() != "tensorflow":
            raise MissingDependency(
                f"gradients need TensorFlow, but Keras runs on {self._keras.backend.backend()}; "
                "set KERAS_BACKEND=tensorflow and install auditor[tensorflow]"
            )
        part = self._part(self._before_relu(self._tensors[layer.number]))
        height, width = self._backend.card.input_size
        how = self._backend.card.preprocessing
        if side < min(height, width):
            image = self._keras.Input((side, side, 3), dtype=self._model.inputs[0].dtype, name=f"{OURS}crop")
            try:                                                # the same layers, with the same weights
                part = self._keras.models.clone_model(part, input_tensors=image, clone_function=lambda each: each)
                height = width = side
            except (ValueError, TypeError, ArithmeticError):    # a layer accepts only the model's own size
                pass
        return lambda pixels: part(_scaled(pixels, how), training=False), (height, width)

    def _before_relu(self, tensor: Any) -> Any:
        """The input of a ReLU layer; the output before the ReLU of a layer that contains one; else the tensor."""
        operation = node_of(tensor).operation
        kind, activation = type(operation).__name__, activation_of(operation)
        if kind == "ReLU" or (kind == "Activation" and activation in _RELUS):
            return node_of(tensor).input_tensors[0]
        return without_activation(tensor) if activation in _RELUS and operation.weights else tensor

    def _part(self, outputs: Any) -> Any:
        """The model from its image to inner tensors."""
        return self._keras.Model(self._model.inputs[0], outputs)

    def _answers(self, part: Any, pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """(1, H, W, 3) preprocessed -> (h, w, K) for each output of a part."""
        with self._backend.placed():
            found = part(pixels, training=False)
        found = found if isinstance(found, (list, tuple)) else [found]
        arrays = [np.asarray(self._keras.ops.convert_to_numpy(array), np.float32) for array in found]
        return [np.ascontiguousarray(array[0]) for array in arrays]

    def _shapes(self, tensors: Sequence[Any]) -> list[tuple[int, int, int]]:
        """(h, w, K) of each; a model for pictures of any size is run to find them."""
        stated = [tuple(tensor.shape[1:]) for tensor in tensors]
        if any(None in shape for shape in stated):
            grey = np.full((1, *self._backend.card.input_size, 3), 128, np.float32)
            stated = [answer.shape for answer in self._answers(self._part(list(tensors)), grey)]
        return [(int(height), int(width), int(maps)) for height, width, maps in stated]


def _calls(scores: Any) -> list[tuple[Any, Any]]:
    """Every (operation, its output tensor) that the scores depend on, inputs before outputs."""
    found: list[tuple[Any, Any]] = []
    seen: set[int] = set()
    pending = [(scores, False)]
    while pending:
        tensor, ready = pending.pop()
        node = node_of(tensor)
        if ready:
            found.append((node.operation, tensor))
            continue
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        pending.append((tensor, True))
        pending.extend((source, False) for source in reversed(node.input_tensors) if id(source) not in seen)
    return found


def _has_maps(call: tuple[Any, Any]) -> bool:
    operation, tensor = call
    last = getattr(operation, "data_format", "channels_last") != "channels_first"
    return len(tensor.shape) == 4 and last and type(operation).__name__ not in _PASSING


def _scaled(pixels: Any, how: Preprocessing) -> Any:
    """`preprocess` on tensors: it is affine, so its results for black, red, green and blue determine it."""
    basis = preprocess(np.array([[[[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]]], np.uint8), how)[0, 0]
    offset = basis[0]                                           # (3,)
    matrix = (basis[1:] - offset) / np.float32(255)             # (3, 3): RGB -> what the model takes
    return pixels @ matrix + offset
