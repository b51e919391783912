"""The parts of an ONNX classifier: its scores, embedding and head, found by walking back from its output.

    features (B, K, h, w) -> global average pooling -> linear layers with ReLU between -> [Softmax | Sigmoid] -> output

with anything in between that only moves, casts or quantises numbers (`graph.PASSING`). `head_stack` reads the layers.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import onnx

from auditor.backends.base import NamedHead, check_listed_heads, further_head
from auditor.backends.head import Head
from auditor.backends.head_steps import NoHead
from auditor.backends.onnx.graph import PASSING, QUANTISING, Graph
from auditor.backends.onnx.head_stack import Pooling, build_head, walk_back
from auditor.backends.onnx.outputs import Candidate, choose, describe, known_shapes, may_be_scores, start_of
from auditor.backends.onnx.spelled_out import POOLINGS, spell_out
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
        note: What the reader must know about the choice of the output, as a sentence; "" for nothing.
    """

    scores: str
    are_logits: bool
    embedding: str
    pooling: Pooling | None
    head: Head | None
    no_head: str = ""
    note: str = ""

    @property
    def stands_in(self) -> bool:
        """Whether the scores themselves are the embedding, because nothing else was found."""
        return self.head is None and self.embedding == self.scores


def dissect(
    model: onnx.ModelProto, size: tuple[int, int], others: Collection[str] = (), *, output: str = "", classes: int = 0
) -> GraphParts:
    """Finds scores, embedding and head for images of (height, width) pixels.

    Args:
        model: A classifier.
        size: (height, width) of its images.
        others: Names of outputs that are further heads, as the card lists them, and not the classifier's scores.
        output: Name of the output with the class scores, where somebody stated it.
        classes: How many class names are known; where several outputs look like scores, it decides. 0 for none.

    Raises:
        ModelMismatch: the graph has no output that the card lists.
        ModelError: it has none of the name that was stated, or several, and not exactly one looks like class scores.
    """
    graph = Graph(spell_out(model), size)
    every = [entry.name for entry in model.graph.output]
    check_listed_heads(others, every)
    if output and output not in every:
        raise ModelError(f"the model has no output {output!r}; expected one of {describe(graph)}")
    outputs = [output] if output else [name for name in every if name not in others]
    if len(outputs) == 1:
        return _from_output(graph, start_of(graph, outputs[0]))
    found = {name: _from_output(graph, start_of(graph, name)) for name in outputs if may_be_scores(graph, name)}
    chosen, note = choose(graph, [_candidate(graph, name, parts) for name, parts in found.items()], classes)
    return replace(found[chosen.name], note=note)


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
    graph = Graph(spell_out(model), size)
    heads = []
    for name, classes in listed.items():
        found = _from_output(graph, name)
        heads.append(further_head(name, classes, found.head if found.pooling == pooling else None, found.no_head))
    return tuple(heads)


def _from_output(graph: Graph, output: str) -> GraphParts:
    """Follows one output back to its scores and its head."""
    tensor = _back_to_floats(graph, output)
    node = graph.producers.get(tensor)
    activated = tensor
    sigmoid = node is not None and node.op_type == "Sigmoid"
    if node is not None and (sigmoid or node.op_type in ("Softmax", "LogSoftmax")):
        tensor = _back_to_floats(graph, node.input[0])
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
    found = graph.unquantised(trail.inputs) if trail.inputs else _nearest_linear_input(graph, tensor)
    embedding = found or _nearest_pooled(graph, tensor) or scores
    return GraphParts(scores, are_logits, embedding, None, None, trail.no_pooling)


def _back_to_floats(graph: Graph, tensor: str) -> str:
    """Back over operators that pass numbers on, but not to the whole numbers of an operator that could not be read."""
    found = graph.back(tensor)
    whole = graph.maker(found).startswith(("QLinear", "QGemm"))
    return graph.back(tensor, PASSING - QUANTISING) if whole else found


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


def _candidate(graph: Graph, name: str, parts: GraphParts) -> Candidate:
    """An output, with what tells scores from features."""
    shape = known_shapes(graph).get(name)
    columns = parts.head.classes if parts.head else None
    if columns is None and shape is not None:
        columns = next((side for side in shape[1:] if side != 1), 1)
    trail = walk_back(graph, parts.scores)
    linear = trail.inputs is not None or _nearest_linear_input(graph, parts.scores, steps=2) is not None
    return Candidate(name, parts.scores, _softmax(graph, parts), linear, columns)


def _softmax(graph: Graph, found: GraphParts) -> bool:
    """Whether the scores come from a softmax or a sigmoid, or go into one that is an output."""
    if not found.are_logits:
        return True
    starts = (graph.back(start_of(graph, entry.name)) for entry in graph.model.graph.output)
    ends = (graph.producers[name] for name in starts if name in graph.producers)
    inputs = (end.input[0] if end.op_type in _ACTIVATED else _written_out_softmax(graph, end.output[0]) for end in ends)
    return any(name is not None and graph.back(name) == found.scores for name in inputs)


def _nearest_linear_input(graph: Graph, tensor: str, steps: int | None = None) -> str | None:
    """The input of the last linear layer with constant weights before a tensor, at most so many operators away."""
    for node in _before(graph, tensor, steps):
        if node.op_type in _LINEAR and graph.constant(node.input[1]) is not None:
            return _as_floats(graph, node.input[0])
    return None


def _nearest_pooled(graph: Graph, tensor: str) -> str | None:
    """What the last pooling before a tensor gives, or a reduction over the cells of its maps; None without one."""
    return next((str(node.output[0]) for node in _before(graph, tensor) if node.op_type in POOLINGS), None)


def _before(graph: Graph, tensor: str, steps: int | None = None) -> Iterator[onnx.NodeProto]:
    """The operators before a tensor, the nearest first, at most so many steps away."""
    level, seen = [tensor], {tensor}
    while level and steps != 0:
        makers = [graph.producers[name] for name in level if name in graph.producers]
        yield from makers
        level = [name for name in dict.fromkeys(entry for node in makers for entry in node.input) if name not in seen]
        seen.update(level)
        steps = None if steps is None else steps - 1


def _as_floats(graph: Graph, tensor: str) -> str:
    """The input of a layer before quantisation; also where that measures its scale."""
    maker = graph.producers.get(tensor)
    dynamic = maker is not None and maker.op_type == "DynamicQuantizeLinear"
    return graph.unquantised(maker.input[0] if dynamic and maker is not None else tensor)


_ACTIVATED = ("Softmax", "LogSoftmax", "Sigmoid")
# Plain linear layers, and those whose weights are packed in a way that is not read: their input is an embedding too.
_LINEAR = frozenset({"MatMul", "Gemm", "MatMulInteger", "MatMulNBits", "MatMulBnb4", "GemmFloat8", "FusedMatMul"})
