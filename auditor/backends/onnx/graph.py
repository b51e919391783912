"""Lookups in an ONNX graph: its image input, the producer of a tensor, constant tensors, and shapes.

Operators: https://onnx.ai/onnx/operators
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, shape_inference

from auditor.errors import ModelError

# Operators whose output holds the numbers of their first input, in the same order apart from axes of length 1.
PASSING = frozenset(
    {"Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Dropout", "Transpose"}
    | {"QuantizeLinear", "DequantizeLinear"}
)
QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})
# Operators that may lie between an initializer and the operator that uses it.
FOLDABLE = PASSING | {"Constant"}
_INPUT_TYPES: dict[int, np.dtype[np.generic]] = {
    onnx.TensorProto.FLOAT: np.dtype(np.float32),
    onnx.TensorProto.FLOAT16: np.dtype(np.float16),
    onnx.TensorProto.UINT8: np.dtype(np.uint8),
}


@dataclass(frozen=True)
class ImageInput:
    """The input for images; None is a side that the graph does not fix."""

    name: str
    channels_first: bool
    dtype: np.dtype[np.generic]
    batch: int | None
    height: int | None
    width: int | None


@dataclass
class Graph:
    """Lookups in a graph: the producer of a tensor, constant tensors, and shapes."""

    model: onnx.ModelProto
    size: tuple[int, int]                                       # (H, W) that images will have
    producers: dict[str, onnx.NodeProto] = field(init=False)
    initializers: dict[str, onnx.TensorProto] = field(init=False)

    def __post_init__(self) -> None:
        graph = self.model.graph
        self.producers = {name: node for node in graph.node for name in node.output if name}
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}

    def back(self, tensor: str, over: frozenset[str] = PASSING) -> str:
        """Walks back from a tensor over operators that pass their first input on."""
        while (node := self.producers.get(tensor)) is not None and node.op_type in over:
            tensor = node.input[0]
        return tensor

    def maker(self, tensor: str) -> str:
        """The operator that produces a tensor, for messages."""
        node = self.producers.get(tensor)
        return node.op_type if node else "the graph's input"

    def constant(self, tensor: str) -> NDArray[np.generic] | None:
        """The value of a tensor that depends on no input: an initializer, perhaps dequantised, cast or transposed."""
        if tensor in self.initializers:
            return np.asarray(numpy_helper.to_array(self.initializers[tensor]))
        needed: set[str] = set()
        pending = [tensor]
        while pending:
            name = pending.pop()
            node = self.producers.get(name)
            if name in needed or not name:
                continue
            if name not in self.initializers:
                if node is None or node.op_type not in FOLDABLE:
                    return None
                pending.extend(node.input)
            needed.add(name)
        nodes = [node for node in self.model.graph.node if needed.intersection(node.output)]    # topological order
        return self._evaluate(tensor, nodes, [self.initializers[name] for name in needed & self.initializers.keys()])

    def _evaluate(
        self, tensor: str, nodes: list[onnx.NodeProto], initializers: list[onnx.TensorProto]
    ) -> NDArray[np.generic] | None:
        """Runs a part of the graph that has no inputs."""
        import onnxruntime

        graph = helper.make_graph(nodes, "constant", [], [onnx.ValueInfoProto(name=tensor)], initializers)
        model = helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
            return np.asarray(session.run(None, {})[0])
        except Exception:  # onnxruntime's errors have no common base class
            return None                                         # treated as not constant; the caller gives the reason

    def shape(self, tensor: str) -> tuple[int | None, ...] | None:
        """The shape of a tensor for images of `size`, None for unknown sides; None where nothing is known."""
        return self.shapes().get(tensor)

    def shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Shapes of all tensors by ONNX shape inference. Slow for large models: called only where needed."""
        sized = onnx.ModelProto()
        sized.CopyFrom(self.model)
        image = read_input(sized)
        sides = next(entry for entry in sized.graph.input if entry.name == image.name).type.tensor_type.shape.dim
        first = 2 if image.channels_first else 1
        for side, pixels in zip(sides[first : first + 2], self.size, strict=True):
            side.dim_value = pixels
        try:
            graph = shape_inference.infer_shapes(sized, data_prop=True).graph
        except Exception as error:  # onnx raises RuntimeError and InferenceError
            raise ModelError(f"the shapes in the model's graph contradict each other: {error}") from None
        infos = (*graph.value_info, *graph.input, *graph.output)
        return {info.name: _shape(info) for info in infos if info.type.tensor_type.HasField("shape")}


def read_input(model: onnx.ModelProto) -> ImageInput:
    """Finds the image input: (B, 3, H, W) or (B, H, W, 3).

    Raises:
        ModelError: there is no such input, more than one input, or its type is not float32, float16 or uint8.
    """
    initializers = {tensor.name for tensor in model.graph.initializer}     # old files list them as inputs too
    inputs = [entry for entry in model.graph.input if entry.name not in initializers]
    if len(inputs) != 1:
        raise ModelError(f"the model has {len(inputs)} inputs{listing(inputs)}; expected one, for images")
    entry = inputs[0]
    dtype = _INPUT_TYPES.get(entry.type.tensor_type.elem_type)
    shape = _shape(entry)
    if dtype is None or len(shape) != 4:
        raise ModelError(
            f"the model's input is{listing(inputs)}; expected images, (batch, 3, height, width) or "
            "(batch, height, width, 3), as float32, float16 or uint8"
        )
    channels_first = _channels_first(model, entry.name, shape)
    if shape[1 if channels_first else 3] not in (3, None):
        raise ModelError(f"the model's input is{listing(inputs)}; expected 3 channels (RGB)")
    height, width = shape[2:] if channels_first else shape[1:3]
    return ImageInput(entry.name, channels_first, dtype, shape[0], height, width)


def scales_itself(model: onnx.ModelProto) -> bool:
    """Whether the first arithmetic on the input scales 0-255 to a small range, as Keras' Rescaling does."""
    graph = Graph(model, (0, 0))
    reached = {read_input(model).name}
    for node in model.graph.node:                               # in topological order
        if not node.input or node.input[0] not in reached:
            continue
        if node.op_type in ("Transpose", "Cast", "Identity"):
            reached.update(node.output)
            continue
        if node.op_type not in ("Mul", "Div", "Sub") or (value := graph.constant(node.input[1])) is None:
            return False
        largest = float(np.abs(np.asarray(value, np.float32)).max(initial=0))
        return largest < 0.1 if node.op_type == "Mul" else largest > 2
    return False


def _channels_first(model: onnx.ModelProto, name: str, shape: tuple[int | None, ...]) -> bool:
    """Whether the channels of (B, ?, ?, ?) come first: by the side of length 3, else by the operator that reads it."""
    if shape[1] == 3 or shape[3] == 3:
        return shape[1] == 3
    reader = next((node for node in model.graph.node if name in node.input), None)
    return reader is None or reader.op_type != "Transpose"


def _shape(info: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    return tuple(side.dim_value if side.dim_value > 0 else None for side in info.type.tensor_type.shape.dim)


def listing(infos: Iterable[onnx.ValueInfoProto]) -> str:
    """' name type (B, 3, H, W), ...' for messages."""
    texts = []
    for info in infos:
        sides = ", ".join(str(side.dim_value or side.dim_param or "?") for side in info.type.tensor_type.shape.dim)
        kind = onnx.TensorProto.DataType.Name(info.type.tensor_type.elem_type).lower()
        texts.append(f" {info.name} {kind} ({sides})")
    return ",".join(texts[:5])
