"""What a graph does to its pixels before its first layer, and which preprocessing it therefore expects.

Constants that are subtracted, added, multiplied or divided by, on either side and in any order, a BatchNormalization or
a 1x1 convolution of one weight a channel are composed to `scale * x + shift`, a pair for each channel. Operators that
move, cast or bound numbers are stepped over. The image may be read by others too: the first branch that scales decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from auditor.backends.base import preprocess
from auditor.backends.card import PREPROCESSINGS, Preprocessing
from auditor.backends.onnx.graph import PASSING, Graph, attributes
from auditor.backends.onnx.image_input import ImageInput

_STEPPED_OVER = PASSING | {"Clip", "Resize", "Upsample", "Pad", "Slice", "Crop", "Concat", "Min", "Max"}
_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div", "QLinearAdd", "QLinearMul"})
_LONGEST = 64                                                   # operators that are followed; graphs are untrusted
_CLOSE = 0.03                                                   # of the range: constants are often rounded
#: Spread of the pixels 0-255 behind the scaling of a graph that takes them as they are.
_SPREAD = (0.3, 26.0)


@dataclass(frozen=True)
class _Affine:
    """`scale * x + shift` of pixels x, each (3,) float64 in the order of the channels.

    Attributes:
        stated: Whether plain arithmetic made it: what a layer learned says less.
        channel: The only channel that it is about, where the graph treats each alone; None for all three.
    """

    scale: NDArray[np.float64]
    shift: NDArray[np.float64]
    stated: bool = True
    channel: int | None = None

    @property
    def changes(self) -> bool:
        return bool(np.any(self.scale != 1) or np.any(self.shift != 0))


def expected_pixels(model: onnx.ModelProto, image: ImageInput) -> tuple[Preprocessing, str] | None:
    """The preprocessing that the scaling inside a graph leaves to do, and why; None where it does not scale."""
    graph = Graph(model, (0, 0))
    start = _Affine(np.ones(3), np.zeros(3))
    found = (_expected(branch) for branch in _branches(graph, image, start))
    return next((each for each in found if each is not None), None)


def _expected(found: _Affine) -> tuple[Preprocessing, str] | None:
    """Which preprocessing makes of pixels, together with the graph's own scaling, what another one makes of them."""
    if not found.changes:
        return None
    pixels = np.stack([np.zeros((1, 1, 3)), np.full((1, 1, 3), 255)]).astype(np.uint8)
    ranges = {how: preprocess(pixels, how).astype(np.float64).reshape(2, 3) for how in PREPROCESSINGS if how != "bgr"}
    chosen = slice(None) if found.channel is None else [found.channel]
    for how, taken in ranges.items():
        given = (taken * found.scale + found.shift)[:, chosen]
        for other, wanted in ranges.items():
            close = _CLOSE * np.abs(wanted[1] - wanted[0])[chosen]
            same = any(np.all(np.abs(given - each[:, chosen]) <= close) for each in (wanted, wanted[:, ::-1]))
            if other != how != "caffe" and same:                # nothing inside a graph undoes the means of BGR
                return how, _reason(how)
    spread = 255 * np.abs(found.scale)
    if np.all((spread >= _SPREAD[0]) & (spread <= _SPREAD[1])):
        return "raw", _reason("raw")
    if found.stated and np.all(found.scale == 1):               # a mean alone: of pixels, or of shares of 1
        how = "raw" if np.abs(found.shift).max() > 2 else "unit"
        return how, _reason(how)
    if found.stated and np.all((np.abs(found.scale) > 1) & (np.abs(found.scale) <= _SPREAD[1])):
        return "unit", _reason("unit")
    return None


def _reason(how: Preprocessing) -> str:
    if how == "raw":
        return "the graph scales its input itself"
    taken = {"unit": "from 0 to 1", "tf": "from -1 to 1", "torch": "normalised as in torchvision"}
    return f"the graph scales its input itself, and takes it {taken.get(how, how)}"


def _branches(graph: Graph, image: ImageInput, start: _Affine) -> Iterator[_Affine]:
    """The scaling of each branch that the image takes, at the first operator that does something else with it."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.model.graph.node:
        for name in dict.fromkeys(node.input):
            readers.setdefault(name, []).append(node)
    axis = 1 if image.channels_first else 3
    pending = [(image.name, start, axis)]
    for tensor, so_far, axis in pending:                        # grows on the way
        for node in readers.get(tensor, ()):
            step = _step(graph, node, tensor, so_far, axis)
            if step is None:
                yield so_far
            elif len(pending) < _LONGEST:
                pending += [(name, _of_channel(graph, node, place, step[0]), step[1])
                            for place, name in enumerate(node.output) if name]


def _of_channel(graph: Graph, node: onnx.NodeProto, place: int, so_far: _Affine) -> _Affine:
    """The scaling of one output, where an operator hands on a single channel."""
    if node.op_type == "Split" and len(node.output) == 3:
        return replace(so_far, channel=place)
    index = graph.constant(node.input[1]) if node.op_type == "Gather" else None
    return replace(so_far, channel=int(index.ravel()[0]) % 3) if index is not None and index.size == 1 else so_far


def _step(graph: Graph, node: onnx.NodeProto, tensor: str, so_far: _Affine, axis: int) -> tuple[_Affine, int] | None:
    """The scaling behind an operator, and the axis of the channels there; None where it does something else."""
    operator = node.op_type
    if operator == "Transpose":
        order = [int(place) for place in attributes(node).get("perm", (3, 2, 1, 0))]
        return (so_far, order.index(axis)) if axis in order else None
    if operator in _STEPPED_OVER and (operator == "Concat" or node.input[0] == tensor):
        return so_far, axis
    if operator in ("Split", "Gather"):
        return so_far, axis                                     # one channel after the other, put together again later
    if operator == "Neg":
        return _composed(so_far, -np.ones(3), np.zeros(3)), axis
    if operator in _ARITHMETIC:
        return _arithmetic(graph, node, tensor, so_far, axis)
    if operator == "BatchNormalization" and node.input[0] == tensor:
        return _normalised(graph, node, so_far, axis)
    if operator == "Conv" and node.input[0] == tensor:
        return _convolved(graph, node, so_far, axis)
    return None


def _composed(
    so_far: _Affine, scale: NDArray[np.float64], shift: NDArray[np.float64], *, stated: bool = True
) -> _Affine:
    return replace(
        so_far, scale=so_far.scale * scale, shift=so_far.shift * scale + shift, stated=so_far.stated and stated
    )


def _arithmetic(
    graph: Graph, node: onnx.NodeProto, tensor: str, so_far: _Affine, axis: int
) -> tuple[_Affine, int] | None:
    left = node.input[0] == tensor
    operator = node.op_type.removeprefix("QLinear")
    value = _other_side(graph, node, left=left)
    numbers = None if value is None else _per_channel(value, axis)
    if numbers is None or (operator == "Div" and (not left or not np.all(numbers))):
        return None
    ones, zeros = np.ones(3), np.zeros(3)
    if operator in ("Mul", "Div"):
        return _composed(so_far, numbers if operator == "Mul" else 1 / numbers, zeros), axis
    if operator == "Sub" and not left:                          # constant - x
        return _composed(so_far, -ones, numbers), axis
    return _composed(so_far, ones, numbers if operator == "Add" else -numbers), axis


def _other_side(graph: Graph, node: onnx.NodeProto, *, left: bool) -> NDArray[np.generic] | None:
    """The constant that the image meets in arithmetic; None where it is computed. `left` is the side of the image."""
    if not node.op_type.startswith("QLinear"):
        return graph.constant(node.input[1 if left else 0])
    names = node.input[3:6] if left else node.input[:3]         # levels, scale and zero point
    levels, scale = graph.constant(names[0]), graph.constant(names[1])
    zero = graph.constant(names[2]) if names[2] else np.zeros(1)
    if levels is None or scale is None or zero is None:
        return None
    return np.asarray((levels.astype(np.float64) - zero.astype(np.float64)) * scale.astype(np.float64))


def _per_channel(value: NDArray[np.generic], axis: int) -> NDArray[np.float64] | None:
    """A constant as (3,) numbers, one a channel; None where it varies otherwise."""
    numbers = np.asarray(value, np.float64)
    if numbers.size == 1:
        return np.full(3, numbers.ravel()[0])
    place = numbers.ndim - (4 - axis)                           # broadcasting counts axes from the last
    if numbers.size == 3 and place >= 0 and numbers.shape[place] == 3:
        return numbers.ravel()
    if numbers.ndim == 4 and numbers.shape[axis] == 3:          # a mean image, as of Caffe's ImageNet models
        return np.asarray(numbers.mean(axis=tuple(side for side in range(4) if side != axis)))
    return None


def _normalised(graph: Graph, node: onnx.NodeProto, so_far: _Affine, axis: int) -> tuple[_Affine, int] | None:
    values = [graph.constant(name) for name in node.input[1:5]]
    if any(value is None or value.size != 3 for value in values):
        return None
    gain, offset, mean, variance = (np.asarray(value, np.float64).ravel() for value in values)
    scale = gain / np.sqrt(variance + float(attributes(node).get("epsilon", 1e-5)))
    return _composed(so_far, scale, offset - mean * scale, stated=False), axis


def _convolved(graph: Graph, node: onnx.NodeProto, so_far: _Affine, axis: int) -> tuple[_Affine, int] | None:
    """A 1x1 convolution from three channels to three, with one weight for each: a scaling, perhaps to BGR."""
    value = graph.constant(node.input[1])
    if value is None or value.shape[2:] != (1, 1) or value.shape[0] != 3:
        return None
    weights = np.asarray(value, np.float64)[:, :, 0, 0]
    if attributes(node).get("group", 1) == 3:
        weights = np.diag(weights[:, 0])
    if weights.shape != (3, 3) or np.any((weights != 0).sum(axis=1) != 1) or np.any((weights != 0).sum(axis=0) != 1):
        return None
    bias = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(3)
    if bias is None:
        return None
    source = np.abs(weights).argmax(axis=1)                     # (3,): which channel each new one is made of
    turned = replace(so_far, scale=so_far.scale[source], shift=so_far.shift[source])
    return _composed(turned, weights.sum(axis=1), np.asarray(bias, np.float64).ravel()), axis
