"""Graphs that were exported in training mode: batch statistics, dropout, random numbers.

BatchNormalization then normalises by the other images of the batch, and Dropout drops features at random: the scores of
an image depend on chance and on its neighbours. What was stored for inference takes their place where it is there.

Operators: https://onnx.ai/onnx/operators (BatchNormalization 14, Dropout 12)
"""

import numpy as np
import onnx
from onnx import helper

from auditor.backends.onnx.graph import Graph, attributes
from auditor.errors import ModelError

_RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"}
    | {"TrainableDropout", "BiasDropout", "BitmaskDropout", "BitmaskBiasDropout"}
)
_SUSPECT = _RANDOM | {"BatchNormalization", "Dropout", "ReduceMean"}
_RIGHT = (
    "Export it for inference: in PyTorch call `model.eval()` first, and pass training=torch.onnx.TrainingMode.EVAL "
    "(the default) to `torch.onnx.export`; in Keras save the model, not a function called with training=True."
)


def as_inference(model: onnx.ModelProto) -> tuple[str, ...]:
    """Turns training mode off in a model, in place; returns what the reader must know about it.

    Raises:
        ModelError: it is in training mode, and holds nothing that could be used instead.
    """
    if not any(node.op_type in _SUSPECT for node in model.graph.node):
        return ()
    graph = Graph(model, (0, 0))
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    read = {name for node in model.graph.node for name in node.input}
    outputs = {entry.name for entry in model.graph.output}
    used = outputs.union(*(graph.behind(name) for name in outputs))
    normalisations = dropouts = 0
    for node in model.graph.node:
        if node.op_type == "BatchNormalization" and _uses_batch(node, opset):
            _use_stored(graph, node, read)
            outputs -= set(node.output[1:])
            del node.output[1:]
            kept = [entry for entry in node.attribute if entry.name not in ("training_mode", "is_test")]
            del node.attribute[:]
            node.attribute.extend(kept)
            normalisations += 1
        elif node.op_type == "Dropout" and _drops(graph, node, opset):
            if len(node.output) > 1 and node.output[1] in read:
                raise ModelError(f"the model is in training mode: the mask of its Dropout is used further on. {_RIGHT}")
            outputs -= set(node.output[1:])
            node.CopyFrom(helper.make_node("Identity", [node.input[0]], [node.output[0]], name=node.name))
            dropouts += 1
        elif node.op_type == "ReduceMean" and _over_batch(graph, node) and used.intersection(node.output):
            raise ModelError(
                f"the model takes the mean of an activation over the batch ({node.name or node.output[0]}), as batch "
                f"normalisation does in training mode: an image's scores depend on its neighbours. {_RIGHT}"
            )
        elif node.op_type in _RANDOM and used.intersection(node.output):
            raise ModelError(f"the model draws random numbers ({node.op_type}): its scores change by chance. {_RIGHT}")
    if not normalisations and not dropouts:
        return ()
    kept_outputs = [entry for entry in model.graph.output if entry.name in outputs]
    del model.graph.output[:]
    model.graph.output.extend(kept_outputs)
    return (_note(normalisations, dropouts),)


def _uses_batch(node: onnx.NodeProto, opset: int) -> bool:
    """Whether a BatchNormalization normalises by the statistics of the batch."""
    settings = attributes(node)
    if opset >= 14:
        return bool(settings.get("training_mode", 0))
    if opset < 7 and not settings.get("is_test", 0):
        return True
    return sum(bool(name) for name in node.output) > 1


def _use_stored(graph: Graph, node: onnx.NodeProto, read: set[str]) -> None:
    """Checks that a BatchNormalization can run with the mean and variance that it stores.

    Raises:
        ModelError: they are computed, untouched since they were made, or its batch statistics are used further on.
    """
    mean, variance = (graph.constant(name) for name in node.input[3:5])
    if mean is None or variance is None:
        reason = "mean and variance are computed from the batch"
    elif not np.any(mean) and np.all(variance == 1):
        reason = "its stored mean and variance were never trained (0 and 1)"
    elif any(name in read for name in node.output[1:] if name):
        reason = "its batch statistics are used further on"
    else:
        return
    raise ModelError(
        f"the model is in training mode: a BatchNormalization ({node.name or node.output[0]}) normalises each image by "
        f"the others of its batch, and {reason}. {_RIGHT}"
    )


def _drops(graph: Graph, node: onnx.NodeProto, opset: int) -> bool:
    """Whether a Dropout drops anything: it is in training mode, and not by a ratio of 0."""
    if opset < 7:
        return not attributes(node).get("is_test", 0)
    if opset < 12 or len(node.input) < 3 or not node.input[2]:
        return False
    training = graph.constant(node.input[2])
    if training is not None and not np.any(training):
        return False
    ratio = graph.constant(node.input[1]) if node.input[1] else None
    return ratio is None or bool(np.any(ratio))


def _over_batch(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a mean of maps runs over the batch and over places, and is not of weights."""
    given = graph.constant(node.input[1]) if len(node.input) > 1 and node.input[1] else attributes(node).get("axes")
    axes = [] if given is None else [int(axis) for axis in np.ravel(given)]
    return 0 in axes and len(axes) == 3 and graph.constant(node.input[0]) is None


def _note(normalisations: int, dropouts: int) -> str:
    """What the reader must know of a model whose training mode was turned off."""
    parts = []
    if normalisations:
        parts.append(f"{normalisations} BatchNormalization ran with the mean and variance that are stored")
    if dropouts:
        parts.append(f"{dropouts} Dropout dropped nothing")
    return f"The model was exported in training mode and ran in inference mode: {', '.join(parts)}. {_RIGHT}"
