"""The layer of a quantised graph that loses most precision: each layer is measured alone, on exact inputs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from auditor.backends.onnx.image_input import read_input
from auditor.model_export.int8 import simplified

_IN, _NODE, _OUT = "#in", "#8bit", "#out"                       # added to the names of tensors
#: The prefix that onnxruntime gives to weights into which it has folded the following operator.
_FUSED = re.compile(r"^(Conv[A-Za-z]+Fusion_[A-Z]_)+")
#: Operators without arithmetic that could lose precision.
_PASSING = frozenset({
    "QuantizeLinear", "DequantizeLinear", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Relu",
    "Clip", "MaxPool", "Concat", "Split", "Slice", "Pad",
})  # fmt: skip


@dataclass(frozen=True)
class Weakest:
    """The layer that loses most.

    Attributes:
        name: Of its weights if they have one, else of its operator.
        decibels: Its signal-to-noise ratio: variance of its output over the mean square of the change by 8 bits.
        median: That ratio of the median layer.
    """

    name: str
    decibels: float
    median: float

    def __str__(self) -> str:
        return (
            f"The layer that loses most is {self.name}: alone in 8 bits, its signal-to-noise ratio is "
            f"{self.decibels:.0f} dB (median of the layers {self.median:.0f} dB)."
        )


def weakest_layer(
    plain: onnx.ModelProto, quantised: onnx.ModelProto, batches: Iterable[NDArray[Any]]
) -> Weakest | None:
    """Measures every quantised layer alone.

    The float graph runs once. Each quantised layer is added to it as a branch: it takes its input from the float
    graph, quantised as for this layer, so that its own loss is measured, and not that of the layers before it.

    Args:
        plain: The float classifier that `to_int8` was given.
        quantised: The result of `to_int8`.
        batches: Arrays for the graph's input; a few images are enough.

    Returns:
        The layer with the smallest ratio; None where nothing could be measured.
    """
    import onnxruntime

    graph = simplified(plain)
    branches = _with_branches(graph, quantised)
    if not branches:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception:  # onnxruntime's errors share no base; the export is then refused without naming a layer
        return None
    wanted = [name for branch in branches for name in (branch.exact, branch.coarse)]
    sums = np.zeros((len(branches), 4))                         # count, sum, sum of squares, sum of squared changes
    for batch in batches:
        found = session.run(wanted, {read_input(plain).name: batch})
        for place, (exact, coarse) in enumerate(zip(found[::2], found[1::2], strict=True)):
            values = exact.astype(np.float64)
            sums[place] += exact.size, values.sum(), np.square(values).sum(), np.square(values - coarse).sum()
    count = np.maximum(sums[:, 0], 1)
    variance = sums[:, 2] / count - np.square(sums[:, 1] / count)
    noise = np.nan_to_num(sums[:, 3] / count, nan=np.finfo(np.float64).max)
    losing = (variance > 0) & (noise > 0)                       # a constant output has nothing to lose
    if not losing.any():
        return None
    decibels = np.full(len(branches), np.inf)
    decibels[losing] = 10 * (np.log10(variance[losing]) - np.log10(noise[losing]))
    place = int(decibels.argmin())
    return Weakest(branches[place].name, float(decibels[place]), float(np.median(decibels[losing])))


@dataclass(frozen=True)
class _Branch:
    """A layer's name, and the names of its output in float and in 8 bits."""

    name: str
    exact: str
    coarse: str


def _with_branches(plain: onnx.ModelProto, quantised: onnx.ModelProto) -> list[_Branch]:
    """Adds the branches to the float graph."""
    graph = plain.graph
    inputs = {entry.name for entry in graph.input}
    weights = {tensor.name for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    layers = {node.name: node for node in graph.node}
    coarse = {name: node for node in quantised.graph.node for name in node.output}
    quantisers = {node.input[0]: node for node in quantised.graph.node if node.op_type == "QuantizeLinear"}
    wideners = {node.input[0]: node for node in quantised.graph.node if node.op_type == "DequantizeLinear"}
    added: list[onnx.NodeProto] = []
    narrowed: set[str] = set()

    def through_8_bits(tensor: str, source: str, mark: str) -> str:
        """Adds a tensor's quantise and dequantise nodes after `source`; returns the name of their output."""
        quantiser = quantisers[tensor]
        widener = wideners[quantiser.output[0]]
        target = str(widener.output[0]) + mark
        if target not in narrowed:
            narrowed.add(target)
            between = quantiser.output[0] + mark
            added.append(_copy(quantiser, [source, *quantiser.input[1:]], [between]))
            added.append(_copy(widener, [between, *widener.input[1:]], [target]))
        return target

    branches: list[_Branch] = []
    for node in quantised.graph.node:
        output = node.output[0]
        if node.op_type in _PASSING or output not in makers:
            continue
        sources, reads = [], False
        for name in node.input:
            widener = coarse.get(name)
            if widener is None or widener.op_type != "DequantizeLinear":
                sources.append(name)                            # a float tensor, or none
                continue
            quantiser = coarse.get(widener.input[0])
            if quantiser is None:                               # weights: 8 bits already
                if name not in narrowed:
                    narrowed.add(name)
                    added.append(_copy(widener, widener.input, [name + _NODE]))
                sources.append(name + _NODE)                    # renamed: a bias has the same name in the float graph
                continue
            tensor, reads = quantiser.input[0], True
            if tensor not in makers and tensor not in inputs and tensor not in weights:
                break
            sources.append(through_8_bits(tensor, tensor, _IN))
        if not reads or len(sources) < len(node.input):
            continue
        added.append(_copy(node, sources, [output + _NODE, *(name + _NODE for name in node.output[1:])]))
        result = through_8_bits(output, output + _NODE, _OUT) if output in quantisers else output + _NODE
        branches.append(_Branch(_name_of(layers.get(node.name, node)), output, result))
    known = weights | {entry.name for entry in graph.sparse_initializer}
    graph.initializer.extend(tensor for tensor in quantised.graph.initializer if tensor.name not in known)
    graph.node.extend(added)
    outputs = {entry.name for entry in graph.output}
    wanted = [name for branch in branches for name in (branch.exact, branch.coarse) if name not in outputs]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(wanted))
    return branches


def _copy(node: onnx.NodeProto, inputs: Iterable[str], outputs: Iterable[str]) -> onnx.NodeProto:
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    copied.input[:], copied.output[:] = list(inputs), list(outputs)
    copied.name = copied.output[0]
    return copied


def _name_of(node: onnx.NodeProto) -> str:
    """A layer's name as its author wrote it: `conv1/kernel` and `conv1.weight` are of conv1."""
    weights = _FUSED.sub("", node.input[1]) if len(node.input) > 1 else ""
    for ending in ("/kernel", ".weight"):
        if weights.endswith(ending):
            return weights.removesuffix(ending)
    return str(node.name)
