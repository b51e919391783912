"""The parts of a Keras classifier: one flat graph, its scores, logits, embedding, features and head.

A nested model (transfer learning: a ResNet50 as one layer) hides its inner tensors. So the layers are called again,
one by one, on a new input: the weights stay shared, and inner tensors become outputs beside the scores.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.backends.head import Head
from auditor.backends.head_steps import Diagonal, Linear, NoHead, Rectifier, Step, compose, normalisation
from auditor.backends.keras.names import OURS

# Layers that pass their input on unchanged at inference, apart from axes of length 1.
_PASSING = frozenset({"Dropout", "Flatten", "Identity", "Reshape", "SpatialDropout2D"})
_FINAL = frozenset({"softmax", "sigmoid"})                      # activations that turn logits into scores


@dataclass(frozen=True)
class KerasGraphParts:
    """The parts of a model.

    Attributes:
        model: With the outputs scores, embedding and, where there is a head, features.
        logits: The symbolic tensor (B, C) before the final softmax or sigmoid; None where it cannot be reached.
        are_logits: Whether the scores are logits themselves.
        head: Two columns for a single unit; None where the model has no head that starts with global average pooling.
        no_head: Why there is no head, as a clause; "" where there is one.
        pooling: The layer that the head starts with; None where there is none.
    """

    model: Any
    logits: Any
    are_logits: bool
    head: Head | None
    no_head: str
    pooling: Any = None


def take_apart(keras: Any, model: Any) -> KerasGraphParts:
    """Finds the parts of a classifier whose names `name_apart` has made different; its layers keep their weights."""
    dtype = model.inputs[0].dtype
    # Pixels arrive as float in any case, and there is no gradient through a cast to whole numbers.
    image = keras.Input(model.input_shape[1:], dtype="float32" if "int" in dtype else dtype, name=f"{OURS}image")
    try:
        scores = _call_anew(keras, model, image)
    except (AttributeError, NotImplementedError):               # a subclassed model has no graph
        scores = model(image)
        model = keras.Model(image, [scores, scores])
        return KerasGraphParts(model, None, False, None, "it is a subclassed Keras model")
    tensor, activations = _before_final(scores)
    are_logits = not _FINAL.intersection(activations)
    logits = _logits(keras, tensor)
    inputs = None
    steps: list[Step] = []
    try:
        while (layer := node_of(tensor).operation) and type(layer).__name__ != "GlobalAveragePooling2D":
            is_final = inputs is None and activation_of(layer) in _FINAL
            steps += _steps(keras, layer, is_final=is_final)[::-1]
            tensor = node_of(tensor).input_tensors[0]
            if inputs is None and isinstance(steps[-1] if steps else None, Linear):
                inputs = tensor
        if layer.data_format != "channels_last":
            raise NoHead("its global average pooling takes channels first")
        head = compose(steps[::-1], tensor.shape[-1])
        if head.channels != tensor.shape[-1]:
            raise NoHead(f"its last layers take {head.channels} features, but its pooling gives {tensor.shape[-1]}")
    except NoHead as reason:
        embedding = scores if inputs is None else keras.layers.Flatten(name=f"{OURS}embedding")(inputs)
        return KerasGraphParts(keras.Model(image, [scores, embedding]), logits, are_logits, None, str(reason))
    features = node_of(tensor).input_tensors[0]
    model = keras.Model(image, [scores, tensor, features])
    return KerasGraphParts(model, logits, are_logits, head.two_sided(), "", layer)


def _call_anew(keras: Any, model: Any, tensor: Any) -> Any:
    """Calls a model's layers on a new tensor, including the layers of nested models."""

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nested = isinstance(layer, keras.Model) and len(args) == 1 and len(layer.inputs) == 1
        return _call_anew(keras, layer, args[0]) if nested else layer(*args, **kwargs)

    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            tensor = call(layer, tensor)
        return tensor
    # What keras.models.clone_model uses; that function itself does not look into nested models.
    return model._run_through_graph(tensor, operation_fn=lambda layer: partial(call, layer))


def _before_final(scores: Any) -> tuple[Any, list[str]]:
    """Walks back over softmax, sigmoid and passing layers; returns the tensor there, and the activations on the way."""
    tensor, activations = scores, []
    while True:
        layer = node_of(tensor).operation
        name = type(layer).__name__
        activations.append("softmax" if name == "Softmax" else activation_of(layer))
        is_final = name in ("Softmax", "Activation") and activations[-1] in ("linear", *_FINAL)
        if name not in _PASSING and not is_final:
            return tensor, activations
        tensor = node_of(tensor).input_tensors[0]


def _logits(keras: Any, tensor: Any) -> Any:
    """The logits behind this tensor: where the layer that computes it has a softmax, its output without the softmax."""
    layer = node_of(tensor).operation
    if activation_of(layer) in _FINAL:
        if type(layer).__name__ not in ("Dense", "Conv2D"):
            return None
        tensor = without_activation(tensor)
    return tensor if len(tensor.shape) == 2 else keras.layers.Flatten(name=f"{OURS}logits")(tensor)


def without_activation(tensor: Any) -> Any:
    """The output of a layer before its activation: of a copy of the layer that shares the input and has none.

    Args:
        tensor: Output of a layer with weights and an activation.
    """
    layer = node_of(tensor).operation
    config = {**layer.get_config(), "activation": "linear", "name": f"{OURS}linear_{layer.name}", "trainable": False}
    copy = type(layer).from_config(config)
    output = copy(node_of(tensor).input_tensors[0])
    copy.set_weights(layer.get_weights())
    return output


def _steps(keras: Any, layer: Any, *, is_final: bool) -> list[Step]:
    """What a layer does to pooled features, in order.

    Raises:
        NoHead: the layer cannot be part of a head.
    """
    name = type(layer).__name__
    if name in _PASSING:
        if name == "Reshape" and sum(side != 1 for side in layer.target_shape) > 1:
            raise NoHead("its pooled features are reshaped into a table")
        return []
    if name == "Activation":
        return _activated(activation_of(layer))
    if name == "ReLU" and not layer.negative_slope and not layer.threshold:
        return [Rectifier(np.inf if layer.max_value is None else float(layer.max_value))]
    if name == "BatchNormalization" and layer.axis in (-1, 1, [-1], [1]):
        return [_normalised(keras, layer)]
    if name == "Rescaling" and np.isscalar(layer.scale) and np.isscalar(layer.offset):
        scale, offset = (np.array([value], np.float32) for value in (layer.scale, layer.offset))
        return [Diagonal(scale, offset)]
    if name == "Dense" or (name == "Conv2D" and tuple(layer.kernel.shape[:2]) == (1, 1) and layer.groups == 1):
        kernel = _numbers(keras, layer.kernel)
        bias = _numbers(keras, layer.bias) if layer.use_bias else np.zeros(1, np.float32)
        after = [] if is_final else _activated(activation_of(layer))
        return [Linear(kernel.reshape(kernel.shape[-2:]), bias), *after]
    raise NoHead(f"its last layers follow {name}, not a global average pooling")


def _normalised(keras: Any, layer: Any) -> Diagonal:
    mean, variance = _numbers(keras, layer.moving_mean), _numbers(keras, layer.moving_variance)
    gain = _numbers(keras, layer.gamma) if layer.scale else np.ones_like(mean)
    offset = _numbers(keras, layer.beta) if layer.center else np.zeros_like(mean)
    return normalisation(gain, offset, mean, variance, layer.epsilon)


def _activated(activation: str) -> list[Step]:
    if activation not in ("linear", "relu", "relu6"):
        raise NoHead(f"its last layers are joined by {activation}, not by ReLU")
    return [] if activation == "linear" else [Rectifier(6.0 if activation == "relu6" else np.inf)]


def _numbers(keras: Any, variable: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def node_of(tensor: Any) -> Any:
    """The call that computes a symbolic tensor: it has `operation` and `input_tensors`."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def activation_of(layer: Any) -> str:
    """The name of a layer's activation; "linear" where it has none."""
    return getattr(getattr(layer, "activation", None), "__name__", "linear")
