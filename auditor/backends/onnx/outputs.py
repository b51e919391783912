"""Which of several outputs holds the class scores: told by type, shape, and what the graph does with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

from auditor.backends.onnx.graph import Graph, attributes
from auditor.errors import ModelError

_FLOATS = (
    onnx.TensorProto.UNDEFINED, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE,
    onnx.TensorProto.BFLOAT16,
)  # fmt: skip
# Operators that answer with places in a list, not with scores.
_PLACES = frozenset({"ArgMax", "ArgMin", "TopK", "ArrayFeatureExtractor", "NonMaxSuppression", "Shape", "NonZero"})
_LAYERS = frozenset({"Conv", "QLinearConv", "ConvInteger", "FusedConv", "MatMul", "MatMulInteger", "QLinearMatMul"})
_EXTREMES = frozenset({"ReduceMax", "ReduceMin"})               # of all classes' scores: a confidence
_BOXES = ("box", "bbox", "coord", "landmark", "keypoint", "mask", "anchor")


@dataclass(frozen=True)
class Candidate:
    """An output that may hold class scores.

    Attributes:
        name: Of the output.
        tensor: Where its scores are.
        activated: Whether they go through a softmax or a sigmoid.
        linear: Whether a linear layer makes them.
        columns: How many there are; None where the graph does not say.
    """

    name: str
    tensor: str
    activated: bool
    linear: bool
    columns: int | None


def start_of(graph: Graph, output: str) -> str:
    """The tensor of numbers behind an output: what a ZipMap takes, where that makes the output a list of mappings."""
    node = graph.producers.get(output)
    return str(node.input[0]) if node is not None and node.op_type == "ZipMap" else output


def names_inside(model: onnx.ModelProto) -> tuple[str, ...]:
    """Class names that an operator of ai.onnx.ml carries (ZipMap, LinearClassifier, ...); else ()."""
    for node in reversed(model.graph.node):
        settings = attributes(node) if node.domain == "ai.onnx.ml" else {}
        for key in ("classlabels_strings", "cats_strings"):
            if names := settings.get(key):
                return tuple(name.decode("utf-8", "replace") for name in names)
    return ()


def may_be_scores(graph: Graph, output: str) -> bool:
    """Whether an output is of floats, (batch, classes) as far as shapes are known, and no answer picked from scores."""
    node = graph.producers.get(output)
    if node is not None and node.op_type == "ZipMap":
        return True
    entry = next(entry for entry in graph.model.graph.output if entry.name == output)
    if entry.type.WhichOneof("value") not in (None, "tensor_type") or entry.type.tensor_type.elem_type not in _FLOATS:
        return False
    maker = graph.producers.get(graph.back(output))
    if maker is not None and maker.op_type in _PLACES:
        return False
    shape = known_shapes(graph).get(output)
    if maker is not None and maker.op_type in _EXTREMES and shape is not None and all(side == 1 for side in shape[1:]):
        return False
    return shape is None or (len(shape) >= 2 and sum(side != 1 for side in shape[1:]) <= 1)


def choose(graph: Graph, candidates: Sequence[Candidate], classes: int) -> tuple[Candidate, str]:
    """The one that holds the class scores, and a sentence for the reader where it was told from others like it.

    Args:
        graph: The graph.
        candidates: Its outputs, as far as they may be scores.
        classes: How many class names are known; 0 where none are.

    Raises:
        ModelError: none or several remain; it lists the outputs.
    """
    candidates = [each for each in candidates if not _sums_up(graph, each, candidates)]
    # What other scores are computed from are features (or the logits of a sigmoid), not scores.
    sources = set().union(*(graph.behind(each.tensor) for each in candidates))
    left = [each for each in candidates if each.tensor not in sources]
    left = list({each.tensor: each for each in left}.values())  # logits and their softmax are the same scores
    left = [each for each in left if each.activated or each.linear] or left
    if any(each.activated for each in left):
        left = [each for each in left if each.activated or not any(word in each.name.lower() for word in _BOXES)]
    if classes and (fitting := [each for each in left if each.columns == classes]):
        left = fitting
    if len(left) == 1:
        return left[0], ""
    main = _main(graph, left)
    if main is None:
        raise ModelError(_refusal(graph, len(left)))
    others = ", ".join(each.name for each in left if each is not main)
    return main, (
        f"The model's scores were taken from its output {main.name}, which has layers of its own; {others} with as "
        "many classes branch off earlier, as auxiliary classifiers do. --output NAME takes another."
    )


def _sums_up(graph: Graph, candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """Whether it is one number computed from another candidate without a layer: a confidence, an entropy."""
    if candidate.columns != 1:
        return False
    behind = graph.behind(candidate.tensor) | {candidate.tensor}
    for other in others:
        between = behind - graph.behind(other.tensor) - {other.tensor}
        makers = (graph.maker(name) for name in between if name in graph.producers)
        if other.columns != 1 and other.tensor in behind and not any(op in _LAYERS or "Gemm" in op for op in makers):
            return True
    return False


def _main(graph: Graph, left: Sequence[Candidate]) -> Candidate | None:
    """The one behind which most layers lie, where all others are side branches with as many classes; else None."""
    if len(left) < 2 or len({each.columns for each in left}) > 1 or left[0].columns is None:
        return None
    layers = {each.name: _layers_behind(graph, each.tensor) for each in left}
    main = max(left, key=lambda each: len(layers[each.name]))
    for each in left:
        own, other = layers[main.name] - layers[each.name], layers[each.name] - layers[main.name]
        if each is not main and (not _has_convolution(graph, own) or len(own) <= len(other)):
            return None
    return main


def _layers_behind(graph: Graph, tensor: str) -> set[str]:
    names = graph.behind(tensor) | {tensor}
    return {name for name in names if (node := graph.producers.get(name)) is not None and node.op_type in _LAYERS}


def _has_convolution(graph: Graph, names: set[str]) -> bool:
    return any("Conv" in graph.producers[name].op_type for name in names)


def known_shapes(graph: Graph) -> Mapping[str, tuple[int | None, ...]]:
    """Shapes of tensors as far as they can be inferred; none where the graph contradicts itself."""
    try:
        return graph.shapes()
    except ModelError:
        return {}


def describe(graph: Graph) -> str:
    """'name float (N, 2), ...' of all outputs, for messages."""
    shapes, texts = known_shapes(graph), []
    for entry in graph.model.graph.output:
        if entry.type.WhichOneof("value") not in (None, "tensor_type"):
            texts.append(f"{entry.name} ({entry.type.WhichOneof('value').removesuffix('_type')})")
            continue
        shape = shapes.get(entry.name)
        kind = onnx.TensorProto.DataType.Name(entry.type.tensor_type.elem_type).lower()
        sides = "shape not known" if shape is None else ", ".join("N" if side is None else str(side) for side in shape)
        texts.append(f"{entry.name} {kind} ({sides})")
    return ", ".join(texts[:8])


def _refusal(graph: Graph, number: int) -> str:
    outputs = graph.model.graph.output
    shapes = [known_shapes(graph).get(entry.name) for entry in outputs]
    task = "" if number else other_task([shape for shape in shapes if shape is not None], [e.name for e in outputs])
    return (
        f"the model has {len(outputs)} outputs, {describe(graph)}, {number} of which look like class scores; expected "
        f"one{task}. Say which one holds the class scores, (batch, classes), with --output NAME, or export the model "
        "with its class scores as the only output."
    )


def other_task(shapes: Sequence[Sequence[int | None]], names: Sequence[str] = ()) -> str:
    """What outputs of these shapes are usually for, as the end of a sentence; "" where they tell nothing."""
    if any(word in name.lower() for name in names for word in ("box", "bbox", "dets", "anchor")):
        return ". It looks like a model for detection: it gives boxes"
    if any(len(shape) == 4 and all(side != 1 for side in shape[2:]) for shape in shapes):
        return ". It looks like a model for segmentation: it gives a number for every pixel or cell"
    if any(len(shape) == 3 and all(side != 1 for side in shape[1:]) for shape in shapes):
        return (
            ". It looks like a model for detection, or for text: it gives a row of numbers for each of many places, "
            "not one for the image"
        )
    return ""
