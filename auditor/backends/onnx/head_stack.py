"""The head of an ONNX classifier: the operators between its global average pooling and its logits, read step by step.

    features (B, K, h, w) -> global average pooling -> (linear -> ReLU)* -> linear -> logits

A linear layer is a MatMul, a Gemm or a 1x1 Conv; affine operators around it (Add, Mul, BatchNormalization, ...) are
folded into it. In a quantised graph a ReLU may be a QuantizeLinear whose lowest level means 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx

from auditor.backends.head import Head
from auditor.backends.head_steps import Diagonal, Linear, NoHead, Rectifier, Step, compose, normalisation
from auditor.backends.onnx.graph import PASSING, Graph, attributes

_LONGEST = 200                                                  # operators that a walk follows; graphs are untrusted


@dataclass(frozen=True)
class Pooling:
    """A global average pooling, by the names of its tensors.

    `features` is (B, K, h, w), or (B, h, w, K) unless `channels_first`; `pooled` holds (B, K) numbers.
    """

    features: str
    pooled: str
    channels_first: bool


@dataclass
class Trail:
    """The way back from the scores: the steps after the pooling, first to last, and where the way ends.

    Attributes:
        steps: In the order in which they are computed.
        pooling: Where the way ends; None where it does not end at a pooling.
        no_pooling: Why it does not, as a clause; "" where it does.
        inputs: Tensor that the last linear layer reads; None without a linear layer.
    """

    steps: tuple[Step, ...]
    pooling: Pooling | None
    no_pooling: str
    inputs: str | None

    @property
    def columns(self) -> int | None:
        """Number of scores, where a linear layer computes them."""
        linear = [step for step in self.steps if isinstance(step, Linear)]
        return int(linear[-1].weights.shape[1]) if linear else None


def walk_back(graph: Graph, tensor: str) -> Trail:
    """Follows the scores back to a global average pooling, or to the first operator that cannot be part of a head."""
    steps: list[Step] = []
    inputs = None
    pooling, reason = None, f"no pooling is found within {_LONGEST} operators before its scores"
    for _ in range(_LONGEST):
        node = graph.producers.get(tensor)
        try:
            if node is None or node.op_type not in {*_READERS, *PASSING}:
                pooling = read_pooling(graph, tensor, behind=inputs is not None)
                break
            if node.op_type in _READERS:
                step, tensor = _READERS[node.op_type](graph, node)
                steps.append(step)
                if isinstance(step, Linear):
                    inputs = inputs or tensor
            else:
                steps += _implied(graph, node)
                tensor = node.input[0]
        except NoHead as found:
            reason = str(found)
            break
    return Trail(tuple(reversed(steps)), pooling, "" if pooling else reason, inputs)


def build_head(graph: Graph, trail: Trail) -> Head:
    """The layers of a trail that ends at a pooling; one column for a single unit.

    Raises:
        NoHead: they do not form a head.
    """
    assert trail.pooling is not None
    return compose(trail.steps, None if trail.inputs else _channels(graph, trail.pooling))


def read_pooling(graph: Graph, tensor: str, *, behind: bool) -> Pooling:
    """The global average pooling that produces a tensor.

    Args:
        graph: The graph.
        tensor: A tensor that no passing operator produces.
        behind: Whether a linear layer follows it, for the message.

    Raises:
        NoHead: another operator produces it.
    """
    node = graph.producers.get(tensor)
    options = attributes(node) if node else {}
    if node is not None and node.op_type == "GlobalAveragePool":
        return Pooling(node.input[0], tensor, channels_first=True)
    if node is not None and node.op_type == "ReduceMean":
        given = graph.constant(node.input[1]) if len(node.input) > 1 else options.get("axes")
        axes = sorted(int(axis) % 4 for axis in np.ravel(given)) if given is not None else []
        if axes in ([2, 3], [1, 2]):
            return Pooling(node.input[0], tensor, channels_first=axes == [2, 3])
        raise NoHead(f"its last ReduceMean runs over the axes {axes}, not over height and width")
    if node is not None and node.op_type == "AveragePool":
        shape, kernel = graph.shape(node.input[0]), tuple(options.get("kernel_shape", ()))
        if shape is not None and tuple(shape[2:]) == kernel and not any(options.get("pads", ())):
            return Pooling(node.input[0], tensor, channels_first=True)
        raise NoHead(f"its last AveragePool, {kernel}, does not cover the whole feature map")
    if behind:
        raise NoHead(f"its last linear layer follows {graph.maker(tensor)}, not a global average pooling")
    raise NoHead(f"its scores come from {node.op_type if node else 'its input'}, not from a linear layer")


def _matrix(graph: Graph, node: onnx.NodeProto) -> tuple[Step, str]:
    """MatMul, Gemm or 1x1 Conv with constant weights."""
    found, operator, options = graph.constant(node.input[1]), node.op_type, attributes(node)
    if found is None:
        raise NoHead(f"the weights of its last layer ({operator}) are not constant")
    weights, bias = np.asarray(found, np.float32), np.zeros(1, np.float32)
    if operator == "Gemm":
        weights = float(options.get("alpha", 1.0)) * (weights.T if options.get("transB") else weights)
    elif operator == "Conv":
        if weights.shape[2:] != (1, 1) or options.get("group", 1) != 1:
            raise NoHead("its last layer is a convolution larger than 1x1")
        weights = weights[:, :, 0, 0].T                         # (U, K, 1, 1) -> (K, U)
    if weights.ndim != 2 or options.get("transA"):
        raise NoHead(f"its last layer ({operator}) is not a plain linear layer")
    if len(node.input) > 2 and node.input[2]:
        own = graph.constant(node.input[2])
        if own is None:
            raise NoHead("the bias of its last layer is not constant")
        bias = float(options.get("beta", 1.0)) * np.asarray(own, np.float32).ravel()
    if bias.size not in (1, weights.shape[1]):
        raise NoHead(f"the bias of its last layer has {bias.size} numbers for {weights.shape[1]} outputs")
    return Linear(np.ascontiguousarray(weights, np.float32), bias), node.input[0]


def _arithmetic(graph: Graph, node: onnx.NodeProto) -> tuple[Step, str]:
    """Add, Sub, Mul or Div with a constant on one side."""
    left, right = (graph.constant(name) for name in node.input)
    if (left is None) == (right is None):
        raise NoHead(f"its scores pass {node.op_type} of two computed tensors")
    value = np.asarray(right if left is None else left, np.float32).ravel()
    one, operator = np.ones(1, np.float32), node.op_type
    source = node.input[0] if left is None else node.input[1]
    if operator in ("Add", "Sub"):
        turned = operator == "Sub" and right is None            # constant - x
        return Diagonal(-one if turned else one, -value if operator == "Sub" and not turned else value), source
    if operator == "Div" and (right is None or not np.all(value)):
        raise NoHead("its scores pass a division that is not by a constant")
    factor = np.asarray(1 / value if operator == "Div" else value, np.float32)
    return Diagonal(factor, 0 * one), source


def _normalisation(graph: Graph, node: onnx.NodeProto) -> tuple[Step, str]:
    """BatchNormalization with its running statistics."""
    found = [graph.constant(name) for name in node.input[1:5]]
    if any(value is None for value in found) or attributes(node).get("training_mode"):
        raise NoHead("the numbers of its last BatchNormalization are not constant")
    gain, offset, mean, variance = (np.asarray(value, np.float32).ravel() for value in found)
    epsilon = float(attributes(node).get("epsilon", 1e-5))
    return normalisation(gain, offset, mean, variance, epsilon), node.input[0]


def _relu(graph: Graph, node: onnx.NodeProto) -> tuple[Step, str]:
    return Rectifier(), node.input[0]


def _clip(graph: Graph, node: onnx.NodeProto) -> tuple[Step, str]:
    """ReLU6 and its like: a Clip from 0 on."""
    options = attributes(node)
    low, high = options.get("min"), options.get("max")          # attributes up to opset 10, inputs since
    if len(node.input) > 1 and node.input[1]:
        low = graph.constant(node.input[1])
    if len(node.input) > 2 and node.input[2]:
        high = graph.constant(node.input[2])
    if low is None or float(np.ravel(low)[0]) != 0:
        raise NoHead("its last layers are joined by a Clip that does not start at 0")
    return Rectifier(np.inf if high is None else float(np.ravel(high)[0])), node.input[0]


def _implied(graph: Graph, node: onnx.NodeProto) -> list[Step]:
    """The ReLU that a QuantizeLinear implies where its lowest level is 0; nothing for any other passing operator."""
    if node.op_type != "QuantizeLinear" or len(node.input) < 3:
        return []
    scale, zero = (graph.constant(name) for name in node.input[1:3])
    if scale is None or zero is None or scale.size != 1 or zero.size != 1 or zero.dtype.name not in _LEVELS:
        return []
    low, high = _LEVELS[zero.dtype.name]
    point = int(np.ravel(zero)[0])
    return [Rectifier(float(np.ravel(scale)[0]) * (high - point), implied=True)] if point == low else []


_LEVELS = {"uint8": (0, 255), "int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767)}
_READERS: dict[str, Callable[[Graph, onnx.NodeProto], tuple[Step, str]]] = {
    "MatMul": _matrix, "Gemm": _matrix, "Conv": _matrix,
    "Add": _arithmetic, "Sub": _arithmetic, "Mul": _arithmetic, "Div": _arithmetic,
    "BatchNormalization": _normalisation,
    "Relu": _relu, "Clip": _clip,
}  # fmt: skip


def _channels(graph: Graph, pooling: Pooling) -> int | None:
    shape = graph.shape(pooling.features)
    return shape[1 if pooling.channels_first else 3] if shape is not None and len(shape) == 4 else None
