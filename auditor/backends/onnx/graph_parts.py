"""The parts of an ONNX classifier: its scores, embedding and head, found by walking back from its output.

    features (B, K, h, w) -> global average pooling -> linear layers with ReLU between -> [Softmax | Sigmoid] -> output

with anything in between that only moves, casts or quantises numbers (`graph.PASSING`). `head_stack` reads the layers.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import onnx

from auditor.backends.base import NamedHead, check_listed_heads, further_head
from auditor.backends.head import Head
from auditor.backends.head_steps import NoHead
from auditor.backends.onnx.graph import QUANTISING, Graph, listing
from auditor.backends.onnx.head_stack import Pooling, build_head, walk_back
from auditor.errors import ModelError


@dataclass(frozen=True)
class GraphParts:
    """The parts of a classifier's graph.

    Attributes:
        scores: Tensor with one number per class, never quantised.
        are_logits: Whether `scores` come before the softmax or sigmoid.
        embedding: Tensor that serves as embedding.
        pooling: Where the head starts; None where the graph has no head that starts with global average pooling.
        head: Its layers, one column for a single unit; None where `pooling` is None.
        no_head: Why there is no head, as a clause; "" where there is one.
    """

    scores: str
    are_logits: bool
    embedding: str
    pooling: Pooling | None
    head: Head | None
    no_head: str = ""


def dissect(model: onnx.ModelProto, size: tuple[int, int], others: Collection[str] = ()) -> GraphParts:
    """Finds scores, embedding and head for images of (height, width) pixels.

    Args:
        model: A classifier.
        size: (height, width) of its images.
        others: Names of outputs that are further heads, as the card lists them, and not the classifier's scores.

    Raises:
        ModelMismatch: the graph has no such output.
        ModelError: there are several outputs, and not exactly one of them looks like a classification.
    """
    graph = Graph(model, size)
    every = [entry.name for entry in model.graph.output]
    check_listed_heads(others, every)
    outputs = [name for name in every if name not in others]
    candidates = [_from_output(graph, name) for name in outputs]
    if len(outputs) > 1:
        # An export may have its features as an output beside its scores: scores have a softmax or a head.
        candidates = [found for found in candidates if not found.are_logits or found.head or _softmax(graph, found)]
        candidates = list({found.scores: found for found in candidates}.values())
    if len(candidates) != 1:
        raise ModelError(
            f"the model has {len(outputs)} outputs{listing(model.graph.output)}, {len(candidates)} of which look like "
            "class scores; expected one. Export the model with its class scores as the only output."
        )
    return candidates[0]


def find_heads(
    model: onnx.ModelProto, size: tuple[int, int], listed: Mapping[str, tuple[str, ...]], pooling: Pooling | None
) -> tuple[NamedHead, ...]:
    """Reads the further heads of a classifier.

    Args:
        model: The classifier.
        size: (height, width) of its images.
        listed: Output -> class names, as its card has them; `dissect` has checked that the outputs exist.
        pooling: Where the head of its own scores starts; the others must start there too.

    Raises:
        ModelMismatch: such an output has other classes, or is not a head over the same features.
    """
    if not listed:
        return ()
    graph = Graph(model, size)
    heads = []
    for name, classes in listed.items():
        found = _from_output(graph, name)
        heads.append(further_head(name, classes, found.head if found.pooling == pooling else None, found.no_head))
    return tuple(heads)


def _from_output(graph: Graph, output: str) -> GraphParts:
    """Follows one output back to its scores and its head."""
    tensor = graph.back(output)
    node = graph.producers.get(tensor)
    activated = tensor
    sigmoid = node is not None and node.op_type == "Sigmoid"
    if node is not None and (sigmoid or node.op_type in ("Softmax", "LogSoftmax")):
        tensor = graph.back(node.input[0])
    elif (inner := _written_out_softmax(graph, tensor)) is not None:
        tensor = graph.back(inner)
    trail = walk_back(graph, tensor)
    # Independent sigmoids are not a softmax of their logits; a single sigmoid can be computed from its logit.
    are_logits = not sigmoid or trail.columns == 1
    scores = tensor if are_logits else activated
    if trail.pooling is not None:
        try:
            return GraphParts(scores, are_logits, trail.pooling.pooled, trail.pooling, build_head(graph, trail))
        except NoHead as reason:
            trail.no_pooling = str(reason)
    inputs = graph.back(trail.inputs, QUANTISING) if trail.inputs else _nearest_linear_input(graph, tensor)
    return GraphParts(scores, are_logits, inputs or scores, None, None, trail.no_pooling)


def _written_out_softmax(graph: Graph, tensor: str) -> str | None:
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


def _softmax(graph: Graph, found: GraphParts) -> bool:
    """Whether the scores go into a softmax."""
    names = (graph.back(entry.name) for entry in graph.model.graph.output)
    ends = (graph.producers[name] for name in names if name in graph.producers)
    return any(
        graph.back(end.input[0]) == found.scores for end in ends if end.op_type in ("Softmax", "LogSoftmax", "Sigmoid")
    )


def _nearest_linear_input(graph: Graph, tensor: str) -> str | None:
    """The input of the last linear layer with constant weights before a tensor."""
    level, seen = [tensor], {tensor}
    while level:
        makers = [graph.producers[name] for name in level if name in graph.producers]
        for node in makers:
            if node.op_type in ("MatMul", "Gemm") and graph.constant(node.input[1]) is not None:
                return graph.back(node.input[0], QUANTISING)
        level = [name for name in dict.fromkeys(entry for node in makers for entry in node.input) if name not in seen]
        seen.update(level)
    return None
