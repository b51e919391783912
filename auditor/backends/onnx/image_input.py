"""The image input of an ONNX graph: its name, layout, type and size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from auditor.errors import ModelError

_TYPES: dict[int, np.dtype[np.generic]] = {
    onnx.TensorProto.FLOAT: np.dtype(np.float32),
    onnx.TensorProto.FLOAT16: np.dtype(np.float16),
    onnx.TensorProto.DOUBLE: np.dtype(np.float64),
    onnx.TensorProto.UINT8: np.dtype(np.uint8),
}
# Operators behind which the channels are still where they were.
_ELEMENTWISE = frozenset(
    {"Sub", "Div", "Mul", "Add", "Cast", "Identity", "Clip", "Neg", "Pow", "Sqrt", "Abs", "Min", "Max"}
    | {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
)
_CHANNELS_FIRST = frozenset(
    {"Conv", "ConvInteger", "QLinearConv", "BatchNormalization", "MaxPool", "AveragePool", "GlobalAveragePool"}
    | {"InstanceNormalization", "GlobalMaxPool", "FusedConv"}
)


@dataclass(frozen=True)
class ImageInput:
    """The input for images; None is a side that the graph does not fix.

    Attributes:
        name: Of the tensor.
        channels_first: Whether images are (3, H, W), not (H, W, 3).
        dtype: Of the numbers; whole numbers are pixels from 0 to 255.
        batch, height, width: Sides.
        layout_note: What was read off the operators where the sides leave the layout open, as a sentence; else "".
    """

    name: str
    channels_first: bool
    dtype: np.dtype[np.generic]
    batch: int | None
    height: int | None
    width: int | None
    layout_note: str = ""

    @property
    def takes_pixels(self) -> bool:
        """Whether it takes whole numbers, so that nothing can be preprocessed."""
        return self.dtype.kind in "iu"


def read_input(model: onnx.ModelProto) -> ImageInput:
    """Finds the image input: (B, 3, H, W) or (B, H, W, 3).

    Raises:
        ModelError: there is no such input, more than one input, or its type is none that images can have.
    """
    initializers = {tensor.name for tensor in model.graph.initializer}     # old files list them as inputs too
    inputs = [entry for entry in model.graph.input if entry.name not in initializers]
    if len(inputs) != 1:
        raise ModelError(
            f"the model has {len(inputs)} inputs{listing(inputs)}; expected one, for images{_looks_like(inputs)}"
        )
    entry = inputs[0]
    dtype = _TYPES.get(entry.type.tensor_type.elem_type)
    shape = sides_of(entry)
    if dtype is None or len(shape) != 4:
        raise ModelError(
            f"the model's input is{listing(inputs)}; expected images, (batch, 3, height, width) or "
            f"(batch, height, width, 3), as float32, float16, float64 or uint8{_looks_like(inputs)}"
        )
    first, why = _channels_first(model, entry.name, shape)
    if shape[1 if first else 3] not in (3, None):
        raise ModelError(f"the model's input is{listing(inputs)}; expected 3 channels (RGB)")
    height, width = shape[2:] if first else shape[1:3]
    note = ""
    if why:
        order = "first, (batch, 3, height, width)" if first else "last, (batch, height, width, 3)"
        note = f"The model leaves the sides of its input open; it was read as channels {order}: {why}."
    return ImageInput(entry.name, first, dtype, shape[0], height, width, note)


def _channels_first(model: onnx.ModelProto, name: str, shape: tuple[int | None, ...]) -> tuple[bool, str]:
    """Whether the channels of (B, ?, ?, ?) come first; and what says so, where no side of length 3 does."""
    if shape[1] == 3 or shape[3] == 3:
        return shape[1] == 3, ""
    if shape[1] is not None or shape[3] is not None:
        return shape[3] is not None, ""                         # the side of the channels is the open one
    for node, tensor in _readers(model, name):
        if node.op_type in _CHANNELS_FIRST:
            return True, f"its first {node.op_type} reads it so"
        if node.op_type == "Transpose":
            order = next((list(entry.ints) for entry in node.attribute if entry.name == "perm"), [])
            if order in ([0, 3, 1, 2], [0, 2, 3, 1]):
                return order[1] == 2, "its first Transpose turns it round"
        for other in node.input:
            sides = _constant_sides(model, other) if other != tensor else ()
            if 3 in sides and sides.count(1) == len(sides) - 1:
                place = len(sides) - 1 - sides.index(3)         # counted from the last side
                if place in (0, 2):
                    return place == 2, f"its first {node.op_type} has one constant a channel there"
    return True, ""


def _readers(model: onnx.ModelProto, name: str) -> Iterator[tuple[onnx.NodeProto, str]]:
    """The operators that read the image, those behind elementwise operators included, each with the tensor it reads."""
    reached = {name}
    for node in model.graph.node:                               # in topological order
        tensor = next((each for each in node.input if each in reached), None)
        if tensor is not None:
            yield node, tensor
            if node.op_type in _ELEMENTWISE:
                reached.update(node.output[:1])


def _constant_sides(model: onnx.ModelProto, tensor: str) -> list[int]:
    for initializer in model.graph.initializer:
        if initializer.name == tensor:
            return list(initializer.dims)
    for node in model.graph.node:
        if node.op_type == "Constant" and tensor in node.output:
            value = helper.get_attribute_value(node.attribute[0])
            return list(value.dims) if isinstance(value, onnx.TensorProto) else []
    return []


def _looks_like(inputs: list[onnx.ValueInfoProto]) -> str:
    """What such inputs are usually for, as the end of a sentence; "" where they tell nothing."""
    texts = ("input_ids", "attention_mask", "token_type_ids")
    flat = [entry for entry in inputs if len(sides_of(entry)) <= 2]
    if any(entry.name in texts for entry in inputs) or (
        flat and all(entry.type.tensor_type.elem_type == onnx.TensorProto.INT64 for entry in flat)
    ):
        return ". It looks like a model for text"
    if len(flat) == len(inputs) and inputs:
        return ". It looks like a model for tables of numbers, or the head of a classifier without its images"
    return ""


def sides_of(info: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    """The shape that a graph declares, None for sides that it leaves open."""
    return tuple(side.dim_value if side.dim_value > 0 else None for side in info.type.tensor_type.shape.dim)


def listing(infos: Iterable[onnx.ValueInfoProto]) -> str:
    """' name type (B, 3, H, W), ...' for messages."""
    texts = []
    for info in infos:
        sides = ", ".join(str(side.dim_value or side.dim_param or "?") for side in info.type.tensor_type.shape.dim)
        kind = onnx.TensorProto.DataType.Name(info.type.tensor_type.elem_type).lower()
        texts.append(f" {info.name} {kind} ({sides})")
    return ",".join(texts[:5])
