"""Finding scores, embedding and head in an ONNX classifier.

The head is found by walking back from the output:

    features (B, K, h, w) -> global average pooling -> MatMul | Gemm | 1x1 Conv -> [Softmax | Sigmoid] -> output

with anything in between that only moves, casts or quantises numbers (`graph.PASSING`).
"""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from auditor.backends.graph import QUANTISING, Graph, listing
from auditor.errors import ModelError


@dataclass(frozen=True)
class Linear:
    """A linear layer: `outputs = inputs @ weights + bias`. `source` names the tensor of its inputs, (B, K)."""

    source: str
    weights: NDArray[np.float32]                                # (K, C)
    bias: NDArray[np.float32]                                   # (C,)


@dataclass(frozen=True)
class Pooling:
    """A global average pooling, by the names of its tensors.

    `features` is (B, K, h, w), or (B, h, w, K) unless `channels_first`; `pooled` holds (B, K) numbers.
    """

    features: str
    pooled: str
    channels_first: bool


@dataclass(frozen=True)
class Head:
    """One linear layer behind global average pooling."""

    pooling: Pooling
    linear: Linear


@dataclass(frozen=True)
class Anatomy:
    """What a classifier's graph is made of.

    Attributes:
        scores: Tensor with one number per class, never quantised.
        are_logits: Whether `scores` come before the softmax or sigmoid.
        embedding: Tensor to take as embedding.
        head: None where the graph has no head that starts with global average pooling.
        no_head: Why not, as a clause; "" where there is one.
    """

    scores: str
    are_logits: bool
    embedding: str
    head: Head | None
    no_head: str = ""


def dissect(model: onnx.ModelProto, size: tuple[int, int]) -> Anatomy:
    """Finds scores, embedding and head for images of (height, width) pixels.

    Raises:
        ModelError: there are several outputs, and not exactly one of them looks like a classification.
    """
    graph = Graph(model, size)
    outputs = [entry.name for entry in model.graph.output]
    anatomies = [_from_output(graph, name) for name in outputs]
    if len(outputs) > 1:
        # An export may give its features beside its scores: a softmax, or a head, tells them apart.
        anatomies = [found for found in anatomies if not found.are_logits or found.head or _softmax(graph, found)]
        anatomies = list({found.scores: found for found in anatomies}.values())
    if len(anatomies) != 1:
        raise ModelError(
            f"the model has {len(outputs)} outputs{listing(model.graph.output)}, {len(anatomies)} of which look like "
            "class scores; expected one. Export the model with its class scores as the only output."
        )
    return anatomies[0]


def _from_output(graph: Graph, output: str) -> Anatomy:
    """Follows one output back to scores and head."""
    tensor = graph.back(output)
    node = graph.producers.get(tensor)
    activated = tensor
    sigmoid = node is not None and node.op_type == "Sigmoid"
    if node is not None and (sigmoid or node.op_type in ("Softmax", "LogSoftmax")):
        tensor = graph.back(node.input[0])
    elif (inner := _spelled_softmax(graph, tensor)) is not None:
        tensor = graph.back(inner)
    linear = read_linear(graph, tensor)
    # Independent sigmoids are no softmax of their logits, but one sigmoid is taken from its logit.
    are_logits = not sigmoid or (isinstance(linear, Linear) and linear.weights.shape[1] == 1)
    scores = tensor if are_logits else activated
    if isinstance(linear, str):
        pooling = read_pooling(graph, tensor)
        if isinstance(pooling, Pooling) and (channels := _channels(graph, pooling)):
            # SqueezeNet and its like: the pooled maps are the scores, so each class has its own map.
            identity = Linear(pooling.pooled, np.eye(channels, dtype=np.float32), np.zeros(channels, np.float32))
            return Anatomy(scores, are_logits, pooling.pooled, Head(pooling, identity))
        return Anatomy(scores, are_logits, _nearest_linear_input(graph, tensor) or scores, None, linear)
    pooling = read_pooling(graph, linear.source)
    if isinstance(pooling, str):
        return Anatomy(scores, are_logits, graph.back(linear.source, QUANTISING), None, pooling)
    return Anatomy(scores, are_logits, pooling.pooled, Head(pooling, linear))


def read_linear(graph: Graph, tensor: str) -> Linear | str:
    """The linear layer with constant weights that makes a tensor, its added biases included; else why there is none."""
    bias = np.zeros(1, np.float32)
    node = graph.producers.get(tensor)
    while node is not None and node.op_type == "Add":
        left, right = (graph.constant(name) for name in node.input)
        if (left is None) == (right is None):
            return "its scores are a sum of two computed tensors"
        bias = bias + np.asarray(left if right is None else right, np.float32).ravel()
        node = graph.producers.get(graph.back(node.input[0] if right is not None else node.input[1]))
    if node is None or node.op_type not in ("MatMul", "Gemm", "Conv"):
        return f"its scores come from {node.op_type if node else 'its input'}, not from a linear layer"
    found = graph.constant(node.input[1])
    if found is None:
        return f"the weights of its last layer ({node.op_type}) are not constant"
    weights = np.asarray(found, np.float32)
    options = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    if node.op_type == "Gemm":
        weights = float(options.get("alpha", 1.0)) * (weights.T if options.get("transB") else weights)
    elif node.op_type == "Conv":
        if weights.shape[2:] != (1, 1) or options.get("group", 1) != 1:
            return "its last layer is a convolution larger than 1x1"
        weights = weights[:, :, 0, 0].T                         # (C, K, 1, 1) -> (K, C)
    if weights.ndim != 2 or options.get("transA"):
        return f"its last layer ({node.op_type}) is no plain linear layer"
    if len(node.input) > 2 and node.input[2]:
        own = graph.constant(node.input[2])
        if own is None:
            return "the bias of its last layer is not constant"
        bias = bias + float(options.get("beta", 1.0)) * np.asarray(own, np.float32).ravel()
    if bias.size not in (1, weights.shape[1]):
        return f"the bias of its last layer has {bias.size} numbers for {weights.shape[1]} outputs"
    spread = np.broadcast_to(bias, weights.shape[1:]).astype(np.float32)
    return Linear(node.input[0], np.ascontiguousarray(weights, np.float32), spread)


def read_pooling(graph: Graph, tensor: str) -> Pooling | str:
    """The global average pooling that makes a tensor; else why there is none."""
    pooled = graph.back(tensor)
    node = graph.producers.get(pooled)
    if node is not None and node.op_type == "GlobalAveragePool":
        return Pooling(node.input[0], pooled, channels_first=True)
    options = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute} if node else {}
    if node is not None and node.op_type == "ReduceMean":
        given = graph.constant(node.input[1]) if len(node.input) > 1 else options.get("axes")
        axes = sorted(int(axis) % 4 for axis in np.ravel(given)) if given is not None else []
        if axes in ([2, 3], [1, 2]):
            return Pooling(node.input[0], pooled, channels_first=axes == [2, 3])
        return f"its last ReduceMean runs over the axes {axes}, not over height and width"
    if node is not None and node.op_type == "AveragePool":
        shape, kernel = graph.shape(node.input[0]), tuple(options.get("kernel_shape", ()))
        if shape is not None and tuple(shape[2:]) == kernel and not any(options.get("pads", ())):
            return Pooling(node.input[0], pooled, channels_first=True)
        return f"its last AveragePool, {kernel}, does not cover the whole feature map"
    return f"its last linear layer follows {graph.maker(pooled)}, not a global average pooling"


def _spelled_softmax(graph: Graph, tensor: str) -> str | None:
    """The input of a softmax written out as exp(x - max) / sum(exp(x - max)); None where there is none."""
    division = graph.producers.get(tensor)
    if division is None or division.op_type != "Div":
        return None
    exponential, total = (graph.producers.get(name) for name in division.input)
    if exponential is None or total is None or (exponential.op_type, total.op_type) != ("Exp", "ReduceSum"):
        return None
    if total.input[0] != exponential.output[0]:
        return None
    inner = graph.producers.get(exponential.input[0])
    is_shift = inner is not None and inner.op_type == "Sub" and graph.maker(inner.input[1]) == "ReduceMax"
    return str(inner.input[0] if inner is not None and is_shift else exponential.input[0])


def _softmax(graph: Graph, found: Anatomy) -> bool:
    """Whether the scores go into a softmax."""
    names = (graph.back(entry.name) for entry in graph.model.graph.output)
    ends = (graph.producers[name] for name in names if name in graph.producers)
    return any(
        graph.back(end.input[0]) == found.scores for end in ends if end.op_type in ("Softmax", "LogSoftmax", "Sigmoid")
    )


def _nearest_linear_input(graph: Graph, tensor: str) -> str | None:
    """The input of the linear layer with constant weights that is nearest before a tensor."""
    level, seen = [tensor], {tensor}
    while level:
        makers = [graph.producers[name] for name in level if name in graph.producers]
        for node in makers:
            if node.op_type in ("MatMul", "Gemm") and graph.constant(node.input[1]) is not None:
                return graph.back(node.input[0], QUANTISING)
        level = [name for name in dict.fromkeys(entry for node in makers for entry in node.input) if name not in seen]
        seen.update(level)
    return None


def _channels(graph: Graph, pooling: Pooling) -> int | None:
    shape = graph.shape(pooling.features)
    return shape[1 if pooling.channels_first else 3] if shape is not None and len(shape) == 4 else None
