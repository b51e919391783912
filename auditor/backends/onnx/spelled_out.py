"""Quantised and fused operators at the end of a graph, spelled out in plain ones, so that the head can be read.

    DynamicQuantizeLinear, MatMulInteger, Cast, Mul  ->  MatMul with float weights
    QLinearMatMul, QGemm, QLinearConv, ...           ->  DequantizeLinear, MatMul, QuantizeLinear
    FusedGemm, FusedMatMul, FusedConv                ->  Gemm, MatMul, Conv and their activation
    LinearClassifier                                 ->  Gemm, Softmax

Every tensor of the graph keeps its name. The copy is for reading: the model runs as it is, and of the new tensors only
those are computed beside it that somebody asks for (`session.with_outputs`).

Operators of com.microsoft: ContribOperators.md of onnxruntime; of ai.onnx.ml: https://onnx.ai/onnx/operators
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from auditor.backends.onnx.graph import Graph, attributes

#: Operators that end the part which is spelled out: in front of them lie maps.
POOLINGS = frozenset(
    {"GlobalAveragePool", "GlobalMaxPool", "AveragePool", "ReduceMean", "ReduceMax"}
    | {"QLinearGlobalAveragePool", "QLinearAveragePool", "QLinearReduceMean"}
)
_LONGEST = 400                                                  # operators of the end; graphs are untrusted
_INTEGER = ("MatMulInteger", "ConvInteger")
_NEW = "auditor/"                                               # in front of the names of new tensors


@dataclass
class Spelling:
    """The nodes and constants that take the place of one operator."""

    graph: Graph
    node: onnx.NodeProto
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        """Adds an operator; returns its output, named `to` where that is given."""
        name = to or f"{_NEW}{self.node.output[0]}/{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, value: NDArray[Any]) -> str:
        """Adds a constant of float32."""
        name = f"{_NEW}{self.node.output[0]}/constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def input(self, place: int) -> str:
        """The name of an input; "" where it is left out."""
        return str(self.node.input[place]) if place < len(self.node.input) else ""

    def number(self, place: int) -> NDArray[Any] | None:
        """The value of an input that is constant; None where it is left out or computed."""
        return self.graph.constant(self.input(place)) if self.input(place) else None

    def dequantised(self, place: int) -> str:
        """An input, its scale and its zero point -> the input as float: before rounding, where the graph has it."""
        maker = self.graph.producers.get(self.input(place))
        if maker is not None and maker.op_type in ("DynamicQuantizeLinear", "QuantizeLinear"):
            return str(maker.input[0])
        names = [self.input(place + step) for step in range(3) if self.input(place + step)]
        return self.add("DequantizeLinear", *names)

    def weights(self, place: int, scale: int, zero: int, axis: int) -> NDArray[np.float32] | None:
        """Constant integer weights as float; None where they are computed.

        Args:
            place, scale, zero: Inputs of the operator.
            axis: Of the weights, along which scales and zero points differ.
        """
        levels, factor = self.number(place), self.number(scale)
        if levels is None or factor is None:
            return None
        shape = [1] * levels.ndim
        shape[axis] = -1
        offset = self.number(zero)
        centred = levels.astype(np.float32) - (0 if offset is None else offset.astype(np.float32).reshape(shape))
        return np.asarray(centred * np.asarray(factor, np.float32).reshape(shape), np.float32)

    def quantised(self, tensor: str, scale: int) -> None:
        """Ends the spelling: the tensor, quantised by the inputs at `scale` and behind it, is the operator's output."""
        names = [self.input(place) for place in (scale, scale + 1) if self.input(place)]
        self.add("QuantizeLinear" if names else "Identity", tensor, *names, to=self.node.output[0])


def spell_out(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model itself, or, where its end has such operators, a copy with plain ones in their place; for reading."""
    graph = Graph(model, (0, 0))
    replaced = {}
    for node in _end(graph):
        rule = _RULES.get(node.op_type)
        spelling = Spelling(graph, node)
        if rule is not None and rule(spelling):
            replaced[node.output[0]] = spelling
    if not replaced:
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.node[:]
    for node in model.graph.node:
        new = replaced.get(node.output[0]) if node.output else None
        copy.graph.node.extend([node] if new is None else new.nodes)
        copy.graph.initializer.extend([] if new is None else new.constants)
    return copy


def _end(graph: Graph) -> list[onnx.NodeProto]:
    """The operators between the last poolings and the outputs, poolings included."""
    found: dict[str, onnx.NodeProto] = {}
    pending = [entry.name for entry in graph.model.graph.output]
    while pending and len(found) < _LONGEST:
        node = graph.producers.get(pending.pop(0))
        if node is None or node.output[0] in found:
            continue
        found[node.output[0]] = node
        if node.op_type not in POOLINGS:
            pending.extend(node.input)
    return list(found.values())


def _qlinear_matmul(new: Spelling) -> bool:
    weights = new.weights(3, 4, 5, -1)
    if weights is None:
        return False
    new.quantised(new.add("MatMul", new.dequantised(0), new.constant(weights)), 6)
    return True


def _qgemm(new: Spelling) -> bool:
    settings = attributes(new.node)
    turned = bool(settings.get("transB"))
    weights, scales = new.weights(3, 4, 5, 0 if turned else -1), [new.number(1), new.number(4)]
    if weights is None or scales[0] is None or scales[1] is None or settings.get("transA"):
        return False
    alpha = float(settings.get("alpha", 1.0))
    inputs = [new.dequantised(0), new.constant(weights)]
    if (bias := new.number(6)) is not None:                     # int32, in steps of alpha and both scales
        inputs.append(new.constant(alpha * bias * np.ravel(scales[0]) * np.ravel(scales[1])))
    new.quantised(new.add("Gemm", *inputs, alpha=alpha, transB=int(turned)), 7)
    return True


def _qlinear_conv(new: Spelling) -> bool:
    weights, scales = new.weights(3, 4, 5, 0), [new.number(1), new.number(4)]
    settings = attributes(new.node)
    last = settings.pop("channels_last", 0)                     # onnxruntime writes so where it has optimised a graph
    if weights is None or scales[0] is None or scales[1] is None:
        return False
    floats = new.dequantised(0)
    inputs = [new.add("Transpose", floats, perm=[0, 3, 1, 2]) if last else floats, new.constant(weights)]
    if (bias := new.number(8)) is not None:
        inputs.append(new.constant(bias * np.ravel(scales[0]) * np.ravel(scales[1])))
    maps = new.add("Conv", *inputs, **settings)
    new.quantised(new.add("Transpose", maps, perm=[0, 2, 3, 1]) if last else maps, 6)
    return True


def _qlinear_pool(new: Spelling) -> bool:
    kept = attributes(new.node)
    last = kept.pop("channels_last", 0)
    operator = new.node.op_type.removeprefix("QLinear")
    if last and operator != "GlobalAveragePool":
        return False
    floats = new.dequantised(0)
    mean = new.add("ReduceMean", floats, axes=[1, 2]) if last else new.add(operator, floats, **kept)
    new.quantised(mean, 3)
    return True


def _qlinear_pair(new: Spelling) -> bool:
    both = new.dequantised(0), new.dequantised(3)
    new.quantised(new.add(new.node.op_type.removeprefix("QLinear"), *both), 6)
    return True


def _qlinear_single(new: Spelling) -> bool:
    kept = {name: value for name, value in attributes(new.node).items() if name in ("alpha", "axis")}
    new.quantised(new.add(new.node.op_type.removeprefix("QLinear"), new.dequantised(0), **kept), 3)
    return True


def _dynamic(new: Spelling) -> bool:
    """Mul of (an integer product, cast) and (the input's scale times the weights'), as quantize_dynamic writes it."""
    for place in (0, 1):
        found = _integer_product(new.graph, new.input(place))
        factor = _dynamic_factor(new.graph, new.input(1 - place))
        if found is None or factor is None:
            continue
        node, scale = found
        inner = Spelling(new.graph, node)
        levels, zero = inner.number(1), inner.number(3)
        source = new.graph.producers.get(node.input[0])
        if levels is None or source is None or source.op_type != "DynamicQuantizeLinear":
            continue
        shape = [1] * levels.ndim
        shape[0 if node.op_type == "ConvInteger" else -1] = -1
        centred = levels.astype(np.float32) - (0 if zero is None else zero.astype(np.float32).reshape(shape))
        scaled = centred * np.asarray(scale * factor, np.float32).reshape(shape)
        operator = node.op_type.removesuffix("Integer")
        new.add(operator, source.input[0], new.constant(scaled), to=new.node.output[0], **attributes(node))
        return True
    return False


def _integer_product(graph: Graph, tensor: str) -> tuple[onnx.NodeProto, NDArray[Any]] | None:
    """The MatMulInteger or ConvInteger behind a tensor, and the constants that it is multiplied by on the way."""
    scale: NDArray[Any] = np.ones(1, np.float32)
    while (node := graph.producers.get(tensor)) is not None:
        if node.op_type in _INTEGER:
            return node, scale
        if node.op_type == "Mul":
            values = [graph.constant(name) for name in node.input]
            if (values[0] is None) == (values[1] is None):
                return None
            tensor = node.input[0] if values[0] is None else node.input[1]
            scale = scale * np.ravel(next(value for value in values if value is not None))
        elif node.op_type in ("Cast", "Identity"):
            tensor = node.input[0]
        else:
            return None
    return None


def _dynamic_factor(graph: Graph, tensor: str) -> NDArray[Any] | None:
    """The scale of the weights in a product with the scale of the input, which is measured; None for other tensors."""
    node = graph.producers.get(tensor)
    if node is None:
        return None
    if node.op_type == "DynamicQuantizeLinear" and tensor == node.output[1]:
        return np.ones(1, np.float32)
    if node.op_type != "Mul":
        return None
    for place in (0, 1):
        maker, value = graph.producers.get(node.input[place]), graph.constant(node.input[1 - place])
        if maker is not None and maker.op_type == "DynamicQuantizeLinear" and value is not None:
            return np.ravel(value)
    return None


def _dynamic_matmul(new: Spelling) -> bool:
    """DynamicQuantizeMatMul, MatMulIntegerToFloat: a float product with float weights, and a bias."""
    fused = new.node.op_type == "MatMulIntegerToFloat"          # A, B, scale of A, of B, zero of A, of B, bias
    weights = new.weights(1, 3, 5, -1) if fused else new.weights(1, 2, 3, -1)
    if weights is None:
        return False
    tensor = new.input(0)
    if fused:
        maker = new.graph.producers.get(tensor)
        dynamic = maker is not None and maker.op_type == "DynamicQuantizeLinear"
        names = [name for name in (tensor, new.input(2), new.input(4)) if name]
        tensor = maker.input[0] if dynamic and maker is not None else new.add("DequantizeLinear", *names)
    bias = new.number(6 if fused else 4)
    product = new.add("MatMul", tensor, new.constant(weights), to="" if bias is not None else new.node.output[0])
    if bias is not None:
        new.add("Add", product, new.constant(bias), to=new.node.output[0])
    return True


def _fused_matmul(new: Spelling) -> bool:
    settings, weights = attributes(new.node), new.number(1)
    if weights is None or weights.ndim != 2 or settings.get("transA") or settings.get("transBatchA"):
        return False
    turned = weights.T if settings.get("transB") else weights
    product = float(settings.get("alpha", 1.0)) * turned.astype(np.float32)
    new.add("MatMul", new.input(0), new.constant(product), to=new.node.output[0])
    return True


def _fused_activation(new: Spelling) -> bool:
    """FusedGemm, FusedConv: the plain operator, and its activation behind it."""
    settings = attributes(new.node)
    activation = settings.pop("activation", b"").decode()
    operator = new.node.op_type.removeprefix("Fused")
    kept = {name: value for name, value in settings.items() if not name.startswith("activation")}
    if activation not in ("", "Relu", "Sigmoid", "Tanh") or (operator == "Conv" and new.input(3)):
        return False
    inputs = [name for name in new.node.input if name]
    product = new.add(operator, *inputs, to="" if activation else new.node.output[0], **kept)
    if activation:
        new.add(activation, product, to=new.node.output[0])
    return True


def _linear_classifier(new: Spelling) -> bool:
    """LinearClassifier of ai.onnx.ml: its second output are scores; the first, the label, stays."""
    settings = attributes(new.node)
    offset = np.asarray(settings.get("intercepts", ()), np.float32)
    after = {b"NONE": "Identity", b"SOFTMAX": "Softmax", b"LOGISTIC": "Sigmoid"}.get(
        settings.get("post_transform", b"NONE")
    )
    flat = np.asarray(settings.get("coefficients", ()), np.float32)
    labels = settings.get("classlabels_strings") or settings.get("classlabels_ints") or ()
    if after is None or len(labels) != len(offset) or not offset.size or flat.size % offset.size:
        return False
    label = onnx.NodeProto()
    label.CopyFrom(new.node)
    label.output[1] = f"{_NEW}{new.node.output[1]}"
    new.nodes.append(label)
    weights = flat.reshape(len(offset), -1)                     # (C, K)
    logits = new.add("Gemm", new.input(0), new.constant(weights), new.constant(offset), transB=1)
    new.add(after, logits, to=new.node.output[1])
    return True


_RULES: dict[str, Callable[[Spelling], bool]] = {
    "QLinearMatMul": _qlinear_matmul, "QGemm": _qgemm, "QLinearConv": _qlinear_conv,
    "QLinearGlobalAveragePool": _qlinear_pool, "QLinearAveragePool": _qlinear_pool, "QLinearReduceMean": _qlinear_pool,
    "QLinearAdd": _qlinear_pair, "QLinearMul": _qlinear_pair,
    "QLinearSigmoid": _qlinear_single, "QLinearSoftmax": _qlinear_single, "QLinearLeakyRelu": _qlinear_single,
    "Mul": _dynamic, "DynamicQuantizeMatMul": _dynamic_matmul, "MatMulIntegerToFloat": _dynamic_matmul,
    "FusedMatMul": _fused_matmul, "FusedGemm": _fused_activation, "FusedConv": _fused_activation,
    "LinearClassifier": _linear_classifier,
}  # fmt: skip
