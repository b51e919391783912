"""Static quantisation of a float ONNX classifier to 8 bits, for CPUs."""

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.version_converter
from numpy.typing import NDArray

from auditor.backends.onnx.graph import Graph
from auditor.backends.onnx.graph_parts import dissect
from auditor.backends.onnx.image_input import read_input
from auditor.errors import ModelError
from auditor.model_export.keras_to_onnx import OPSET, store_as_float16

_PER_CHANNEL_OPSET = 13                                         # before it, quantisation has one scale per tensor
_QUANTISED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger")
#: Elementwise operators that may stand between the last convolution and the features.
_ELEMENTWISE = frozenset({"Relu", "Clip", "LeakyRelu", "Identity", "Cast", "Transpose", "Dropout"})


def to_int8(
    float_model: Path | onnx.ModelProto, target: Path, batches: Iterable[NDArray[Any]], heads: Collection[str] = ()
) -> None:
    """Quantises a graph and calibrates it on real images.

    uint8 activations and 7-bit weights per channel: without VNNI the sums of full 8-bit products saturate at 16 bits,
    and a model exported here would be wrong on someone else's processor. Pooling and head stay in float, and so does a
    residual addition in front of them: features of 8 bits would make scores tie. Ranges are the smallest and the
    largest value seen (MinMax).

    Args:
        float_model: A float32 classifier; its weights may be stored as float16.
        target: Where the int8 graph is written.
        batches: Arrays in the layout and type of the graph's input.
        heads: Outputs that are further heads, as the model's card lists them.

    Raises:
        ModelError: the graph is quantised already, computes in float16, or has nothing that could be quantised.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    proto = float_model if isinstance(float_model, onnx.ModelProto) else onnx.load(str(float_model))
    check_is_float(proto, str(target.name if isinstance(float_model, onnx.ModelProto) else float_model))
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    image = read_input(proto)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        plain = _simplified(proto, Path(folder) / "float32.onnx")
        try:
            quantize_static(
                str(plain),
                str(target),
                _Reader(image.name, batches),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                calibrate_method=CalibrationMethod.MinMax,
                nodes_to_exclude=tail(onnx.load(str(plain)), (image.height or 224, image.width or 224), heads),
            )
        except Exception as error:  # onnxruntime's errors share no base
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"onnxruntime cannot quantise the model: {type(error).__name__}: {reason}") from None
    written = onnx.load(str(target))
    if not any(node.op_type == "QuantizeLinear" for node in written.graph.node):
        raise ModelError("nothing in the model could be quantised; expected convolutions before the features")
    del written.metadata_props[:]
    onnx.helper.set_model_props(written, metadata)              # the file's own notes, not the quantiser's
    store_as_float16(written, exactly=True)                     # heads stay stored as in the source
    onnx.save(written, str(target))


def check_is_float(proto: onnx.ModelProto, what: str) -> None:
    """Refuses a graph that holds 8-bit arithmetic already.

    Raises:
        ModelError: naming the operator.
    """
    for node in proto.graph.node:
        if node.op_type in _QUANTISED or node.op_type.startswith("QLinear") or node.op_type in ("QGemm", "QAttention"):
            raise ModelError(
                f"{what} is quantised already (it has {node.op_type}). Give the float model that it was made from."
            )


def tail(proto: onnx.ModelProto, size: tuple[int, int], heads: Collection[str] = ()) -> list[str]:
    """Names of the nodes that stay in float: those after the features, and the addition that computes the features.

    Args:
        proto: A float graph in which every node has a name.
        size: (height, width) of its images.
        heads: Outputs that are further heads.
    """
    parts = dissect(proto, size, heads)
    start = parts.pooling.features if parts.pooling else parts.embedding
    graph = Graph(proto, size)
    reached, names = {start}, []
    for node in proto.graph.node:                               # in topological order
        if reached.intersection(node.input):
            reached.update(node.output)
            names.append(node.name)
    between = []
    while (maker := graph.producers.get(start)) is not None and maker.op_type in _ELEMENTWISE:
        between.append(maker.name)
        start = maker.input[0]
    if maker is not None and maker.op_type == "Add" and all(graph.constant(name) is None for name in maker.input):
        names += [*between, maker.name]                         # the sum of two 8-bit branches is finer than 8 bits
    return names


class _Reader:
    """Feeds ONNX Runtime's calibration, one batch at a time."""

    def __init__(self, name: str, batches: Iterable[NDArray[Any]]) -> None:
        self._name = name
        self._batches: Iterator[NDArray[Any]] = iter(batches)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def simplified(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its constants computed and batch normalisation folded, and a name for every node.

    Raises:
        ModelError: it computes in float16, or onnxruntime cannot load it.
    """
    with tempfile.TemporaryDirectory() as folder:
        return onnx.load(str(_simplified(proto, Path(folder) / "float32.onnx")))


def _simplified(proto: onnx.ModelProto, target: Path) -> Path:
    import onnxruntime

    if max(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")) < _PER_CHANNEL_OPSET:
        try:
            proto = onnx.version_converter.convert_version(proto, OPSET)
        except Exception as error:  # the converter raises plain RuntimeErrors
            raise ModelError(
                f"the graph's opset is older than {_PER_CHANNEL_OPSET} and cannot be converted to {OPSET}: {error}. "
                f"Export the model again with opset {OPSET}."
            ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    try:
        onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base
        raise ModelError(f"onnxruntime cannot load the model: {error}") from None
    plain = onnx.load(str(target))
    if any(tensor.data_type == onnx.TensorProto.FLOAT16 and len(tensor.dims) > 1 for tensor in plain.graph.initializer):
        raise ModelError("the model computes in float16, which cannot be quantised; export it as float32 first")
    seen: set[str] = set()
    for number, node in enumerate(plain.graph.node):
        if not node.name or node.name in seen:
            node.name = f"{node.op_type}#{number}"
        seen.add(node.name)
    onnx.save(plain, str(target))
    return target


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the root logger, on which the quantiser gives advice; errors are raised as exceptions."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


def feed(pixels: NDArray[np.float32] | NDArray[np.uint8], proto: onnx.ModelProto) -> NDArray[Any]:
    """Preprocessed images (B, H, W, 3) in the layout and type that the graph's input takes."""
    image = read_input(proto)
    array = pixels.transpose(0, 3, 1, 2) if image.channels_first else pixels            # (B, 3, H, W)
    return np.ascontiguousarray(array, dtype=image.dtype)
