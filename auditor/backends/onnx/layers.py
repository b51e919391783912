"""Layers of an ONNX graph: every tensor that holds maps of the image becomes an output of a copy of the graph.

Maps of a quantised graph are shown as the next layer sees them: after QuantizeLinear and DequantizeLinear, or, where
the operators compute on integers (QLinearConv), dequantised with the scale that the operator has as an input.

Operators: https://onnx.ai/onnx/operators; the QLinear ones of com.microsoft: ContribOperators.md of onnxruntime.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from auditor.backends.card import ModelCard
from auditor.backends.layers import Layer, unique
from auditor.backends.onnx.file import read_model
from auditor.backends.onnx.graph import PASSING, QUANTISING, Graph
from auditor.backends.onnx.graph_parts import dissect
from auditor.backends.onnx.image_input import read_input
from auditor.backends.onnx.session import graph_input, open_session, with_outputs
from auditor.backends.onnx.spelled_out import spell_out
from auditor.errors import ModelError

Layout = Literal["first", "last"]                               # where the channels of a 4-D tensor are

_FIRST = frozenset(
    {"Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv", "MaxPool", "AveragePool", "LpPool"}
    | {"BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "DepthToSpace", "SpaceToDepth"}
)
# Operators that may turn maps into something else of four axes, attention for instance.
_BREAKING = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Gather", "Gemm", "Einsum", "Expand", "Tile"})
_UNASKED = frozenset({"Pad", "Sub", "Div", "Resize", "Slice", "Split"})
_SAME = QUANTISING | {"Identity", "Dropout", "Cast"}            # their output is the same map as their input
_PICTURE = frozenset({"Sub", "Div", "Mul", "Add"})              # on three channels: the scaling of the input
# Where an operator on integers has the scale of its output among its inputs; the zero point follows.
_OUTPUT_SCALE = {
    "QLinearConv": 6, "QLinearMatMul": 6, "QLinearAdd": 6, "QLinearMul": 6, "QLinearConcat": 0,
    "QLinearAveragePool": 3, "QLinearGlobalAveragePool": 3, "QLinearLeakyRelu": 3, "QLinearSigmoid": 3,
}  # fmt: skip


@dataclass(frozen=True)
class _Source:
    """A tensor with maps: its operator, its layout, and the most informative name."""

    tensor: str
    label: str
    node: onnx.NodeProto
    layout: Layout


class OnnxLayers:
    """Implements `Layers` for an ONNX file. It runs on the CPU, one image at a time.

    Args:
        path: The model.
        card: The card of its backend.

    Raises:
        ModelError: the graph does not run with its inner tensors as outputs.
    """

    def __init__(self, path: Path, card: ModelCard) -> None:
        model, _ = read_model(path)
        self._model, self._path, self._input, self._card = model, path, read_input(model), card
        self._sessions: dict[tuple[str, ...], Any] = {}
        graph = Graph(model, card.input_size)
        sources = _sources(graph, self._input.name, "first" if self._input.channels_first else "last")
        self._quantisation = {source.tensor: scale for source in sources if (scale := _scale(graph, source.tensor))}
        self._layouts = {source.tensor: source.layout for source in sources}
        self.layers = self._measure(sources)
        self._sessions.clear()
        pooling = dissect(model, card.input_size, card.heads, output=card.output, classes=len(card.classes)).pooling
        spelled = Graph(spell_out(model), card.input_size)      # the features of a quantised head are only there
        pooled = spelled.back(pooling.features, _SAME) if pooling else None
        self.last = next((layer for layer in self.layers if graph.back(layer.tensor, _SAME) == pooled), None)

    def activations(self, image: NDArray[np.uint8], chosen: Sequence[Layer]) -> list[NDArray[np.float32]]:
        """The maps of the chosen layers for an image: (H, W, 3) uint8 RGB at the input size -> (h, w, K) each."""
        answers = self._run(image, [layer.tensor for layer in chosen])
        return [self._maps(layer.tensor, answer) for layer, answer in zip(chosen, answers, strict=True)]

    def _run(self, image: NDArray[np.uint8], tensors: list[str]) -> list[NDArray[Any]]:
        """(H, W, 3) uint8 -> the first row of each tensor; four axes become three.

        Each set of tensors has its own session: an inner output prevents onnxruntime from fusing the operators
        around it, and without fusion a quantised graph rounds at other places.
        """
        key = tuple(tensors)
        if key not in self._sessions:
            self._sessions[key] = open_session(with_outputs(self._model, tensors), "cpu", None, self._path)
        session = self._sessions[key]
        images = np.repeat(image[None], self._input.batch or 1, axis=0)         # as many as the graph wants
        batch = graph_input(images, self._input, self._card.preprocessing)
        return [np.asarray(answer)[0] for answer in session.run(tensors, {self._input.name: batch})]

    def _maps(self, tensor: str, answer: NDArray[Any]) -> NDArray[np.float32]:
        """(K, h, w) or (h, w, K), perhaps of integers -> (h, w, K) float32."""
        values = answer.astype(np.float32)
        if tensor in self._quantisation:
            scale, zero = self._quantisation[tensor]
            values = (values - zero) * scale
        return np.ascontiguousarray(values.transpose(1, 2, 0) if self._layouts[tensor] == "first" else values)

    def _measure(self, sources: Sequence[_Source]) -> tuple[Layer, ...]:
        """Runs a grey image, because shape inference does not know every operator; keeps the tensors with maps."""
        grey = np.full((*self._card.input_size, 3), 128, np.uint8)
        try:
            answers = self._run(grey, [source.tensor for source in sources])
        except Exception as error:  # onnxruntime's errors have no common base class
            raise ModelError(f"the model does not run with its inner tensors as outputs: {error}") from None
        found = []
        for source, answer in zip(sources, answers, strict=True):
            if answer.ndim == 3 and answer.dtype.kind in "fiu":
                height, width, channels = self._maps(source.tensor, answer).shape
                if height * width > 1:
                    found.append((source, height, width, channels))
        kinds = [source.node.op_type for source, *_ in found]
        names = unique([source.label for source, *_ in found], kinds)
        return tuple(
            Layer(number, name, kind, height, width, channels, source.tensor, _worth_showing(kind, channels))
            for number, (name, kind, (source, height, width, channels)) in enumerate(
                zip(names, kinds, found, strict=True), start=1
            )
        )


def _sources(graph: Graph, image: str, layout: Layout) -> list[_Source]:
    """The tensors that may hold maps of the image, in the order of the graph, which is topological."""
    layouts: dict[str, Layout | None] = {image: layout}         # of all tensors that depend on the image
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    sources = []
    for node in graph.model.graph.node:
        known = [layouts[name] for name in node.input if name in layouts]
        if not known:
            continue                                            # weights
        found = _layout(node, known)
        layouts.update(dict.fromkeys(node.output, found))
        if found is None or node.op_type in PASSING or node.op_type in ("Shape", "Constant"):
            continue
        sources.append(_source(node, found, readers))
    return sources


def _layout(node: onnx.NodeProto, known: Sequence[Layout | None]) -> Layout | None:
    """Where the channels of an operator's output are, given those of its inputs; None where it does not hold maps."""
    kind = node.op_type
    if kind in _FIRST:
        return "first"
    own_domain = node.domain not in ("", "ai.onnx") and not kind.startswith("QLinear")
    if own_domain or (kind in _BREAKING or (kind == "MatMul" and known[0] != "last")):
        return None
    if kind == "Transpose":
        order = next((list(entry.ints) for entry in node.attribute if entry.name == "perm"), None)
        turned: dict[tuple[Layout | None, tuple[int, ...]], Layout] = {
            ("last", (0, 3, 1, 2)): "first",
            ("first", (0, 2, 3, 1)): "last",
        }
        return turned.get((known[0], tuple(order or ())))
    return next((layout for layout in known if layout is not None), None)


def _source(node: onnx.NodeProto, layout: Layout, readers: dict[str, list[onnx.NodeProto]]) -> _Source:
    """The tensor that shows what a node computes: its output, or, where that is quantised, the dequantised output."""
    tensor = label = node.output[0]
    for quantise in readers.get(tensor, ()):
        after = readers.get(quantise.output[0], ()) if quantise.op_type == "QuantizeLinear" else ()
        behind = next((reader for reader in after if reader.op_type == "DequantizeLinear"), None)
        if behind is not None:
            # TensorFlow Lite names the quantised tensor, onnxruntime's quantiser the one before it.
            derived = quantise.output[0].startswith(tensor)
            return _Source(behind.output[0], _short(label if derived else quantise.output[0]), node, layout)
    return _Source(tensor, _short(label), node, layout)


def _short(tensor: str) -> str:
    """The informative part of a tensor's name: `a/Relu6;a/add_fold;...` is a fused layer, `:0` its first output."""
    return tensor.partition(";")[0].removesuffix(":0") or tensor


def _worth_showing(kind: str, channels: int) -> bool:
    return kind not in _UNASKED and not (channels <= 3 and kind in _PICTURE)


def _scale(graph: Graph, tensor: str) -> tuple[float, float] | None:
    """Scale and zero point of a quantised tensor, from the operator that computes it; None for other tensors."""
    node = graph.producers.get(tensor)
    while node is not None and node.op_type in ("MaxPool", "Relu", "Clip", "Pad", *(PASSING - QUANTISING)):
        node = graph.producers.get(node.input[0])               # these pass integers on
    place = _OUTPUT_SCALE.get(node.op_type) if node is not None else None
    if node is None or place is None:
        return None
    scale, zero = (graph.constant(name) for name in node.input[place : place + 2])
    if scale is None or zero is None:
        raise ModelError(f"the scale of {tensor} is computed; expected a constant. Pass the model before quantisation.")
    return float(np.ravel(scale)[0]), float(np.ravel(zero)[0])
