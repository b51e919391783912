"""Keras -> ONNX, float32: any classifier that Keras can trace, flat or with whole models as layers.

Keras model -> as_classifier (float32, ends in probabilities) -> to_onnx -> [store_as_float16 | int8.to_int8]
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from auditor.backends.keras.names import fresh, operations
from auditor.data.tensorflow_log import without_log
from auditor.errors import MissingDependency, ModelError

OPSET = 17
INPUT, OUTPUT = "image", "probabilities"
HALF_AT_LEAST = 256                                             # numbers in a tensor that is worth storing as float16
_MIXED = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16")
#: Layers that do not change their input's values at inference.
_PASSING = frozenset({"Activation", "Dropout", "Flatten", "Identity", "Reshape", "SpatialDropout2D"})


def to_onnx(model: Any, name: str) -> onnx.ModelProto:
    """Converts a Keras classifier. Batch normalisation after a convolution is folded into it.

    Args:
        model: Maps preprocessed images (B, H, W, 3) to scores (B, C). Further outputs are kept, under the names of
            their layers, if the first output already gives probabilities.
        name: Of the graph.

    Returns:
        A graph of opset 17 from `image` (B, H, W, 3) float32, preprocessed, to `probabilities` (B, C), any B;
        weights as float32, under Keras' names (`<layer>/kernel`, `<layer>/bias`) where that is unambiguous.

    Raises:
        MissingDependency: TensorFlow or tf2onnx is not installed, or Keras does not run on TensorFlow.
        ModelError: a layer has no counterpart in ONNX, or a further output has the name of the input or the scores.
    """
    keras, tf, tf2onnx = import_tools()
    model = as_classifier(model)
    others = model.output_names[1:] if len(model.outputs) > 1 else []                  # a Sequential has no names
    if taken := {INPUT, OUTPUT}.intersection(others):
        raise ModelError(f"{name} has a further output {taken.pop()!r}, a name of auditor's own; give it another one")
    height, width = model.input_shape[1:3]
    function = tf.function(lambda image: model(image, training=False))
    signature = [tf.TensorSpec((None, height, width, 3), tf.float32, name=INPUT)]
    try:
        traced = function.get_concrete_function(*signature)
        with _collecting_often():
            proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    except Exception as error:  # tf2onnx raises whatever a layer's conversion raises
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{name} cannot be converted to ONNX: {type(error).__name__}: {reason}. Replace the layer that it names."
        ) from None
    proto.graph.name = name
    _keep_constants(proto.graph, traced.graph)
    for entry, new in zip(list(proto.graph.output), [OUTPUT, *others], strict=True):
        _rename(proto.graph, entry.name, new)
    _drop_ones(proto.graph)
    for entry in (proto.graph.input[0], *proto.graph.output):
        entry.type.tensor_type.shape.dim[0].dim_param = "batch"
    _name_as_in_keras(proto.graph, {layer.name for layer in _layers(keras, model)})
    onnx.checker.check_model(proto, full_check=True)
    return proto


@contextmanager
def _collecting_often() -> Iterator[None]:
    """Frees reference cycles early.

    tf2onnx copies the graph with all weights for each of its optimizers, and the copies are reference cycles that only
    the garbage collector frees. At its default pace those of a ResNet50 grow to 6 GB; like this, to half of that.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()                                 # existing objects need not be searched each time
    gc.set_threshold(700, 10, 1)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def as_classifier(model: Any) -> Any:
    """The model, computing in float32 and ending in probabilities; unchanged if it already does.

    Mixed precision is for training: its float16 activations differ between machines by more than an export may.
    """
    keras, _, _ = import_tools()
    if any(layer.dtype_policy.name in _MIXED for layer in _layers(keras, model)):
        weights = model.get_weights()
        model = keras.saving.deserialize_keras_object(_in_float32(keras.saving.serialize_keras_object(model)))
        model.set_weights(weights)
    ending = _missing_ending(keras, model)
    if ending:
        name = fresh(OUTPUT, {each.name for each in operations(model)})
        model = keras.Model(model.inputs[0], keras.layers.Activation(ending, name=name)(model.outputs[0]))
    return model


def store_as_float16(proto: onnx.ModelProto, *, exactly: bool = False) -> int:
    """Halves the graph's size: large weights are stored as float16 and cast to float32 when a session starts.

    Biases and other small tensors stay unchanged, and so does a tensor with values outside the range of float16.

    Args:
        proto: The graph; changed in place.
        exactly: Only matrices that lose nothing: for a quantised graph, whose scales must not change.

    Returns:
        The number of tensors that are now stored as float16.
    """
    graph, casts = proto.graph, []
    kept = {entry.name for entry in (*graph.input, *graph.output)} | set(_read_in_subgraphs(graph))
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or tensor.name in kept or np.prod(tensor.dims) < HALF_AT_LEAST:
            continue
        values = numpy_helper.to_array(tensor)
        if not np.abs(values).max() <= np.finfo(np.float16).max:
            continue
        if exactly and (values.ndim < 2 or not np.array_equal(values, values.astype(np.float16))):
            continue
        wide = tensor.name + ":float32"
        _reroute(graph, tensor.name, wide)
        casts.append(helper.make_node("Cast", [tensor.name], [wide], name=wide, to=onnx.TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), tensor.name))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return len(casts)


def session(path: Path, threads: int = 0) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """A function from preprocessed batches (B, H, W, 3) to probabilities (B, C), run by ONNX Runtime on the CPU.

    Args:
        path: A file of `to_onnx`, or one that was made from it.
        threads: 0 is one per core.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    run = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run
    return lambda batch: np.asarray(run([OUTPUT], {INPUT: batch})[0], dtype=np.float32)


def import_tools() -> tuple[Any, Any, Any]:
    """Imports Keras, TensorFlow and tf2onnx, without TensorFlow's log.

    Raises:
        MissingDependency: one of them is not installed, or Keras does not run on TensorFlow.
    """
    try:
        with without_log():
            import keras
            import tensorflow as tf
            import tf2onnx
    except ImportError as error:
        raise MissingDependency(
            f"exporting needs {error.name or 'TensorFlow'}, which is not installed: pip install 'auditor[tensorflow]'"
        ) from None
    if keras.backend.backend() != "tensorflow":
        raise MissingDependency(
            f"Keras runs on {keras.backend.backend()} here, and only TensorFlow's graphs can be converted to ONNX. "
            "Save the model as .keras and export it with KERAS_BACKEND=tensorflow."
        )
    return keras, tf, tf2onnx


def _layers(keras: Any, model: Any) -> Iterator[Any]:
    """All layers, including those of nested models and wrappers, without the models themselves."""
    return (layer for layer in model._flatten_layers(include_self=False) if not isinstance(layer, keras.Model))


def _missing_ending(keras: Any, model: Any) -> str:
    """The activation that turns a model's scores into probabilities: "softmax", "sigmoid", or "" if none is missing."""
    tensor = model.outputs[0]
    while True:
        history = tensor._keras_history
        layer = history.operation
        if isinstance(layer, keras.Model):
            tensor = layer.outputs[0]
            continue
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if type(layer).__name__ == "Softmax" or activation in ("softmax", "sigmoid"):
            return ""
        if type(layer).__name__ not in _PASSING or activation != "linear":
            break
        tensor = layer._inbound_nodes[history.node_index].input_tensors[0]
    if model.output_shape[-1] == 1:
        return "sigmoid"
    shape = (4, *(side or 64 for side in model.input_shape[1:]))
    noise = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    rows = np.asarray(model(noise, training=False), np.float64)                         # (4, C)
    averaged = bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3))  # for example of softmaxes
    return "" if averaged else "softmax"


def _keep_constants(graph: onnx.GraphProto, traced: Any) -> None:
    """Turns the tensors that a layer holds beside its weights (Normalization: mean, variance) into initialisers.

    tf2onnx turns them into inputs.
    """
    held = {inner.name: outer for outer, inner in traced.captures if outer.dtype != "resource"}
    for entry in [entry for entry in graph.input if entry.name in held]:
        graph.initializer.append(numpy_helper.from_array(np.asarray(held[entry.name].numpy()), entry.name))
        graph.input.remove(entry)


def _drop_ones(graph: onnx.GraphProto) -> None:
    """Removes the multiplications by 1 that folded batch normalisation leaves after a convolution.

    On some processors the factor differs from 1 in the last digit, and tf2onnx removes it only if it is exactly 1.
    """
    floats = [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    ones = {tensor.name for tensor in floats if np.abs(numpy_helper.to_array(tensor) - 1).max(initial=0) < 3e-7}
    given = {entry.name for entry in graph.output}
    made = {node.output[0] for node in graph.node if node.op_type == "Conv"}
    dropped = [
        node
        for node in graph.node
        if node.op_type == "Mul" and node.input[0] in made and node.input[1] in ones and node.output[0] not in given
    ]
    for node in dropped:
        _reroute(graph, node.output[0], node.input[0])
        graph.node.remove(node)
    read = {name for node in graph.node for name in node.input} | given | set(_read_in_subgraphs(graph))
    unread = {node.input[1] for node in dropped} - read
    for tensor in [tensor for tensor in graph.initializer if tensor.name in unread]:
        graph.initializer.remove(tensor)


def _in_float32(config: Any) -> Any:
    """A serialised model with every policy of reduced precision replaced."""
    if isinstance(config, dict):
        return {key: _in_float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_in_float32(value) for value in config)
    return "float32" if isinstance(config, str) and config in _MIXED else config


def _name_as_in_keras(graph: onnx.GraphProto, layers: set[str]) -> None:
    """Renames initialisers to `<layer>/kernel` and `<layer>/bias`.

    tf2onnx names one after the op that read it: `functional_1/conv1_conv_1/convolution/ReadVariableOp:0`, in which
    Keras has added `_1` to the layer's name. Two tensors that would get the same name keep their old names.
    """
    wanted: dict[str, list[str]] = {}
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or not tensor.dims:
            continue
        parts = [part.rpartition("_")[0] for part in tensor.name.split("/")]
        layer = next((part for part in reversed(parts) if part in layers), None)
        if layer is not None:
            wanted.setdefault(f"{layer}/{'kernel' if len(tensor.dims) > 1 else 'bias'}", []).append(tensor.name)
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    for new, olds in wanted.items():
        if len(olds) == 1 and new not in taken:
            _rename(graph, olds[0], new)


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    _reroute(graph, old, new)
    for node in graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
    for value in (*graph.initializer, *graph.output, *graph.value_info):
        if value.name == old:
            value.name = new


def _reroute(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Makes every node that reads one tensor read another."""
    for node in graph.node:
        if old in node.input:
            node.input[:] = [new if name == old else name for name in node.input]


def _read_in_subgraphs(graph: onnx.GraphProto) -> Iterator[str]:
    """Names that the branches of If and the bodies of loops read: they may be tensors of this graph."""
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs) if attribute.HasField("g") or attribute.graphs else ():
                yield from (name for entry in inner.node for name in entry.input)
                yield from _read_in_subgraphs(inner)
