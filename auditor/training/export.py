"""Keras -> ONNX: a float32 graph with float16 weights, and a static int8 graph for CPUs.

Nothing is written before it has been run beside the model that it was made from.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from auditor.errors import MissingDependency, ModelError
from auditor.training.resnet50 import HEAD

OPSET = 17
INPUT, OUTPUT = "image", "probabilities"
#: tf2onnx names an initialiser after the op that read it: `functional_1/conv1_conv_1/convolution/ReadVariableOp:0`.
_TRACED_NAME = re.compile(r"^[^/]+/(?P<layer>.+?)_\d+/(?P<op>.+)$")


@dataclass(frozen=True)
class Parity:
    """How an exported graph compares with its source on the same images.

    Attributes:
        images: Number of images.
        largest_difference: Of any probability.
        same_class: Share of images with the same top class.
    """

    images: int
    largest_difference: float
    same_class: float


def to_onnx(model: Any, name: str) -> onnx.ModelProto:
    """Converts a classifier of `build_resnet50`; float32 compute, weights stored as float16 under Keras' names.

    Returns:
        A graph from `image` (B, H, W, 3) float32, preprocessed, to `probabilities` (B, C).
    """
    try:
        import tensorflow as tf
        import tf2onnx
    except ImportError:
        raise MissingDependency(
            "exporting needs TensorFlow and tf2onnx, which are not installed: pip install 'auditor[tensorflow]'"
        ) from None

    height, width = model.input_shape[1:3]
    function = tf.function(lambda image: model(image, training=False))
    signature = [tf.TensorSpec((None, height, width, 3), tf.float32, name=INPUT)]
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    proto.graph.name = name
    _rename(proto.graph, proto.graph.output[0].name, OUTPUT)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    for tensor in list(proto.graph.initializer):
        match = _TRACED_NAME.match(tensor.name)
        if match and tensor.data_type == onnx.TensorProto.FLOAT:
            _rename(proto.graph, tensor.name, f"{match['layer']}/{'kernel' if len(tensor.dims) > 1 else 'bias'}")
    _store_as_float16(proto.graph)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def to_int8(float_model: Path, target: Path, batches: Iterable[NDArray[np.float32]]) -> None:
    """Static quantisation of a graph of `to_onnx`, calibrated on real images.

    uint8 activations and 7-bit weights per channel: without VNNI the sums of full 8-bit products saturate at
    16 bits, and a model exported here would be wrong on someone else's processor. Pooling and head stay in
    float, and so does the addition in front of them: features of 8 bits would make scores tie.

    Args:
        float_model: A file of `to_onnx`.
        target: Where the int8 graph is written.
        batches: Preprocessed images, each (B, H, W, 3) float32.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    proto = onnx.load(str(float_model))
    plain = target.with_name(target.name + ".float32")          # the quantiser wants plain float32 initialisers
    onnx.save(_with_float32(proto), str(plain))
    try:
        quantize_static(
            str(plain),
            str(target),
            _Reader(batches),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=_tail(proto.graph),
        )
    finally:
        plain.unlink()


def compare(
    reference: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    candidate: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    batches: Iterable[NDArray[np.float32]],
) -> Parity:
    """Runs two classifiers over the same preprocessed batches.

    Raises:
        ModelError: there was no image to compare them on.
    """
    images, same, largest = 0, 0, 0.0
    for batch in batches:
        left, right = reference(batch), candidate(batch)        # (B, C) each
        images += len(batch)
        same += int((left.argmax(axis=1) == right.argmax(axis=1)).sum())
        largest = max(largest, float(np.abs(left - right).max()))
    if not images:
        raise ModelError("no image to compare the exported model on; pass the folder that it was trained on")
    return Parity(images=images, largest_difference=largest, same_class=same / images)


def session(path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """A function from preprocessed batches (B, H, W, 3) to probabilities (B, C), run by ONNX Runtime on the CPU."""
    import onnxruntime

    run = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run
    return lambda batch: np.asarray(run([OUTPUT], {INPUT: batch})[0], dtype=np.float32)


class _Reader:
    """Feeds ONNX Runtime's calibration, one batch at a time."""

    def __init__(self, batches: Iterable[NDArray[np.float32]]) -> None:
        self._batches: Iterator[NDArray[np.float32]] = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def _tail(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes from the last residual addition to the output: they stay in float."""
    last_add = max(index for index, node in enumerate(graph.node) if node.op_type == "Add" and HEAD not in node.name)
    return [node.name for node in graph.node[last_add:]]


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for value in (*graph.initializer, *graph.output, *graph.value_info):
        if value.name == old:
            value.name = new


def _store_as_float16(graph: onnx.GraphProto) -> None:
    """Halves the file: weights lie as float16 and are cast to float32 when the session starts."""
    casts = []
    for tensor in graph.initializer:
        if "/" not in tensor.name or tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        half = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        wide = tensor.name + ":float32"
        for node in graph.node:
            node.input[:] = [wide if name == tensor.name else name for name in node.input]
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [wide], name=wide, to=onnx.TensorProto.FLOAT))
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, tensor.name))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _with_float32(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its float16 initialisers widened and the casts gone."""
    wide = onnx.ModelProto()
    wide.CopyFrom(proto)
    halves = {tensor.name: tensor for tensor in wide.graph.initializer}
    nodes = []
    for node in wide.graph.node:
        if node.op_type == "Cast" and node.input[0] in halves:
            tensor = halves[node.input[0]]
            values = onnx.numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, node.output[0]))
        else:
            nodes.append(node)
    del wide.graph.node[:]
    wide.graph.node.extend(nodes)
    return wide
