"""Lookups in an ONNX graph: the producer of a tensor, what a tensor is made from, constant tensors, and shapes.

Operators: https://onnx.ai/onnx/operators
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, shape_inference

from auditor.backends.onnx.image_input import read_input, sides_of
from auditor.errors import ModelError

# Operators whose output holds the numbers of their first input, in the same order apart from axes of length 1.
PASSING = frozenset(
    {"Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Dropout", "Transpose"}
    | {"QuantizeLinear", "DequantizeLinear"}
)
QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})
# Operators that may lie between an initializer and the operator that uses it.
FOLDABLE = (
    PASSING | {"Constant", "Add", "Sub", "Mul", "Div", "Sqrt", "Reciprocal", "Neg", "Max", "Min", "Pow", "Concat"}
)  # fmt: skip


@dataclass
class Graph:
    """Lookups in a graph: the producer of a tensor, constant tensors, and shapes."""

    model: onnx.ModelProto
    size: tuple[int, int]                                       # (H, W) that images will have
    producers: dict[str, onnx.NodeProto] = field(init=False)
    initializers: dict[str, onnx.TensorProto] = field(init=False)
    _shapes: dict[str, tuple[int | None, ...]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        graph = self.model.graph
        self.producers = {name: node for node in graph.node for name in node.output if name}
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}

    def back(self, tensor: str, over: frozenset[str] = PASSING) -> str:
        """Walks back from a tensor over operators that pass their first input on."""
        while (node := self.producers.get(tensor)) is not None and node.op_type in over:
            tensor = node.input[0]
        return tensor

    def unquantised(self, tensor: str) -> str:
        """A tensor before it was quantised and dequantised again; itself where it was not. Always one of floats."""
        while (after := self.producers.get(tensor)) is not None and after.op_type == "DequantizeLinear":
            before = self.producers.get(after.input[0])
            if before is None or before.op_type != "QuantizeLinear":
                break
            tensor = before.input[0]
        return tensor

    def behind(self, tensor: str) -> set[str]:
        """All tensors that this one is computed from, itself left out."""
        found: set[str] = set()
        pending = [tensor]
        while pending:
            node = self.producers.get(pending.pop())
            new = [name for name in (node.input if node else ()) if name and name not in found]
            found.update(new)
            pending.extend(new)
        return found

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
        """Shapes of all tensors by ONNX shape inference. Slow for large models: called only where needed, and once."""
        if self._shapes is None:
            self._shapes = self._infer_shapes()
        return self._shapes

    def _infer_shapes(self) -> dict[str, tuple[int | None, ...]]:
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
        return {info.name: sides_of(info) for info in infos if info.type.tensor_type.HasField("shape")}


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of an operator by name."""
    return {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
