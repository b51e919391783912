"""Small ONNX classifiers, put together by hand, and what they compute, by hand as well.

    images -> 1x1 convolution, relu (5 maps) -> pooling -> linear (3 classes) -> softmax
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(7)
FILTERS = RNG.normal(0, 0.02, (3, 5)).astype(np.float32)        # RGB in 0-255 -> 5 maps
WEIGHTS = RNG.normal(0, 1.0, (5, 3)).astype(np.float32)         # (K, C)
BIAS = np.array([0.3, -0.2, 0.1], np.float32)                   # (C,)
SIDE = 8


def features_by_hand(images: np.ndarray, filters: np.ndarray = FILTERS) -> np.ndarray:
    """(B, H, W, 3) -> (B, H, W, 5)."""
    return np.maximum(images.astype(np.float64) @ filters, 0)


def logits_by_hand(images: np.ndarray) -> np.ndarray:
    """(B, H, W, 3) -> (B, 3)."""
    return features_by_hand(images).mean(axis=(1, 2)) @ WEIGHTS + BIAS


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def photos(count: int = 3, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@dataclass
class Net:
    """A graph that grows node by node; every method returns the name of a tensor."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), f"constant_{len(self.constants)}"))
        return self.constants[-1].name

    def quantised(self, tensor: str, scale: float) -> str:
        """Q and DQ with uint8, as static quantisation puts them around an activation."""
        with_ = (self.constant(np.float32(scale)), self.constant(np.uint8(128 if scale > 0.1 else 0)))
        return self.add("DequantizeLinear", self.add("QuantizeLinear", tensor, *with_), *with_)

    def int8(self, weights: np.ndarray, axis: int | None) -> str:
        """Weights as int8 behind a DequantizeLinear, per tensor or per channel."""
        others = None if axis is None else tuple(i for i in range(weights.ndim) if i != axis)
        scale = np.asarray(np.abs(weights).max(axis=others) / 127, np.float32)
        spread = scale if axis is None else np.expand_dims(scale, others)
        levels, zero = self.constant(np.rint(weights / spread).astype(np.int8)), np.zeros(scale.shape, np.int8)
        options = {} if axis is None else {"axis": axis}
        return self.add("DequantizeLinear", levels, self.constant(scale), self.constant(zero), **options)

    def model(
        self, image: list[Any], outputs: list[str], dtype: int = TensorProto.FLOAT, opset: int = 17, **metadata: str
    ) -> onnx.ModelProto:
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        inputs = [helper.make_tensor_value_info("image", dtype, image)]
        graph = helper.make_graph(self.nodes, "net", inputs, infos, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        helper.set_model_props(model, metadata)
        return model


def classifier(
    pool: str = "GlobalAveragePool",
    linear: str = "MatMul",
    *,
    channels_last: bool = False,
    int8: str | None = None,
    end: str = "Softmax",
    batch: int | str = "N",
    side: int | str = SIDE,
    dtype: int = TensorProto.FLOAT,
    opset: int = 17,
    **metadata: str,
) -> onnx.ModelProto:
    """The classifier above in one of its notations. `int8`: None, "tensor" or "channel"."""
    net = Net()
    tensor = "image"
    if dtype != TensorProto.FLOAT:
        tensor = net.add("Cast", tensor, to=TensorProto.FLOAT)
    if channels_last:
        tensor = net.add("Transpose", tensor, perm=[0, 3, 1, 2])
    maps = net.add("Relu", net.add("Conv", tensor, net.constant(FILTERS.T[:, :, None, None]), kernel_shape=[1, 1]))
    if int8:
        maps = net.quantised(maps, 0.06)
    pooled = _pool(net, maps, pool, opset)
    if int8:
        pooled = net.quantised(pooled, 0.04)
    tensor = _linear(net, pooled, linear, int8)
    if int8:
        tensor = net.quantised(tensor, 0.2)
    if linear == "Conv":
        tensor = net.add("Reshape", tensor, net.constant(np.array([-1, 3])))
    if end:
        tensor = net.add(end, tensor)
    image = [batch, side, side, 3] if channels_last else [batch, 3, side, side]
    return net.model(image, [tensor], dtype, opset, **metadata)


def _pool(net: Net, maps: str, pool: str, opset: int) -> str:
    """(B, 5, h, w) -> (B, 5, 1, 1), or (B, 5) by the ReduceMeans over channels last."""
    if pool == "GlobalAveragePool":
        return net.add("GlobalAveragePool", maps)
    if pool == "AveragePool":
        return net.add("AveragePool", maps, kernel_shape=[SIDE, SIDE])
    if pool == "AveragePool part":
        return net.add("AveragePool", maps, kernel_shape=[SIDE // 2, SIDE // 2], strides=[SIDE // 2, SIDE // 2])
    last = pool.endswith("last")
    if last:
        maps = net.add("Transpose", maps, perm=[0, 2, 3, 1])    # (B, h, w, 5)
    axes = [1, 2] if last else [-1, -2]
    keep = 0 if last else 1
    if opset >= 18:
        return net.add("ReduceMean", maps, net.constant(np.array(axes)), keepdims=keep)
    return net.add("ReduceMean", maps, axes=axes, keepdims=keep)


def _linear(net: Net, pooled: str, linear: str, int8: str | None) -> str:
    """(B, 5, 1, 1) or (B, 5) -> (B, 3), or (B, 3, 1, 1) by Conv."""

    def weights(value: np.ndarray, axis: int) -> str:
        return net.int8(value, axis if int8 == "channel" else None) if int8 else net.constant(value)

    if linear == "Conv":
        kernel = weights(WEIGHTS.T[:, :, None, None], 0)
        shaped = net.add("Reshape", pooled, net.constant(np.array([-1, 5, 1, 1])))
        return net.add("Conv", shaped, kernel, net.constant(BIAS), kernel_shape=[1, 1])
    flat = net.add("Flatten", pooled)
    if linear == "Gemm":
        return net.add("Gemm", flat, weights(WEIGHTS, 1), net.constant(BIAS))
    if linear == "Gemm transposed":
        half = weights(np.ascontiguousarray(WEIGHTS.T) / 2, 0)
        return net.add("Gemm", flat, half, net.constant(BIAS / 4), transB=1, alpha=2.0, beta=4.0)
    if linear == "MatMul transposed":
        turned = net.add("Transpose", weights(np.ascontiguousarray(WEIGHTS.T), 0), perm=[1, 0])
        return net.add("Add", net.constant(BIAS), net.add("MatMul", flat, net.add("Identity", turned)))
    return net.add("Add", net.add("MatMul", flat, weights(WEIGHTS, 1)), net.constant(BIAS))


def save(model: onnx.ModelProto, folder: Path, name: str = "net.onnx") -> Path:
    onnx.save(model, folder / name)
    return folder / name
