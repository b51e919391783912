"""The embedding of a quantised or fused graph is what its float original pools, whatever operators its head has."""

import logging

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from auditor.backends.onnx.backend import OnnxBackend
from tests.backends.nets import BIAS, FILTERS, SIDE, WEIGHTS, Net, classifier, features_by_hand, photos, save


class Drawn(CalibrationDataReader):
    """A batch of images, once."""

    def __init__(self):
        self.left = [{"image": photos(16).transpose(0, 3, 1, 2).astype(np.float32)}]

    def get_next(self):
        return self.left.pop() if self.left else None


def dynamic(source, target):
    quantize_dynamic(source, target, weight_type=QuantType.QUInt8)


def dynamic_per_channel(source, target):
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


def static(source, target):
    quantize_static(source, target, Drawn(), quant_format=QuantFormat.QOperator)


def static_per_channel(source, target):
    quantize_static(source, target, Drawn(), quant_format=QuantFormat.QOperator, per_channel=True)


def optimised(quantise, level):
    def make(source, target):
        quantise(source, target)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.optimized_model_filepath = str(target)
        onnxruntime.InferenceSession(target.read_bytes(), options, providers=["CPUExecutionProvider"])

    make.__name__ = f"{quantise.__name__} {level}"
    return make


EXTENDED, ALL = "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"


@pytest.mark.parametrize("linear", ["MatMul", "Gemm", "Gemm transposed", "Conv"])
@pytest.mark.parametrize(
    "quantise",
    [
        dynamic, dynamic_per_channel, static, static_per_channel, optimised(dynamic, EXTENDED),
        optimised(static, EXTENDED), optimised(static, ALL),
    ],
    ids=lambda make: make.__name__,
)  # fmt: skip
def test_the_embedding_of_a_quantised_model_is_what_it_pools(quantise, linear, tmp_path):
    logging.getLogger().setLevel(logging.ERROR)
    source, target = save(classifier(linear=linear), tmp_path), tmp_path / "small.onnx"
    quantise(source, target)

    plain, small = (OnnxBackend(path, preprocessing="raw") for path in (source, target))
    wanted, found = plain.forward(photos(8)), small.forward(photos(8))

    assert (small.no_head, small.no_embedding) == ("", "")
    np.testing.assert_allclose(found.embedding, wanted.embedding, atol=0.03)
    np.testing.assert_allclose(found.features.mean(axis=(1, 2)), found.embedding, atol=1e-4)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=0.06)
    above = found.embedding[found.embedding > 0]
    assert len(np.unique(above)) == len(above)                  # 8 bits have not rounded it


def fused(net, flat, operator):
    """The linear layer as an operator of com.microsoft."""
    node = {
        "FusedMatMul": lambda: net.add(
            "FusedMatMul", flat, net.constant(np.ascontiguousarray(WEIGHTS.T) / 2), transB=1, alpha=2.0,
            domain="com.microsoft",
        ),
        "FusedGemm": lambda: net.add(
            "FusedGemm", flat, net.constant(WEIGHTS), net.constant(BIAS), activation="Sigmoid", domain="com.microsoft"
        ),
        "MatMulIntegerToFloat": lambda: _integer_to_float(net, flat),
    }  # fmt: skip
    return node[operator]()


def _integer_to_float(net, flat):
    scale = np.float32(np.abs(WEIGHTS).max() / 127)
    levels = net.constant(np.rint(WEIGHTS / scale).astype(np.int8))
    parts = [f"{flat}_{part}" for part in ("levels", "scale", "zero")]
    net.nodes.append(helper.make_node("DynamicQuantizeLinear", [flat], parts))
    return net.add(
        "MatMulIntegerToFloat", parts[0], levels, parts[1], net.constant(scale), parts[2], domain="com.microsoft"
    )


@pytest.mark.parametrize("operator", ["FusedMatMul", "FusedGemm", "MatMulIntegerToFloat"])
def test_fused_linear_layers_are_read_like_plain_ones(operator, tmp_path):
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None])))
    scores = fused(net, net.add("Flatten", net.add("GlobalAveragePool", maps)), operator)
    model = net.model(["N", 3, SIDE, SIDE], [scores])
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))

    backend = OnnxBackend(save(model, tmp_path), preprocessing="raw")

    pooled = features_by_hand(photos()).mean(axis=(1, 2))
    assert backend.no_head == ""
    np.testing.assert_allclose(backend.head.layers[0].weights, WEIGHTS, atol=0.02)
    np.testing.assert_allclose(backend.forward(photos()).embedding, pooled, rtol=1e-4)


def test_the_layers_of_a_quantised_model_know_which_maps_are_pooled(tmp_path):
    target = tmp_path / "small.onnx"
    static(save(classifier(), tmp_path), target)

    layers = OnnxBackend(target, preprocessing="raw").open_layers()

    assert layers.last is not None and (layers.last.height, layers.last.channels) == (SIDE, 5)


def test_where_the_weights_cannot_be_read_the_embedding_is_what_the_layer_reads(tmp_path):
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None])))
    flat = net.add("Tanh", net.add("Flatten", net.add("GlobalAveragePool", maps)))
    logits = net.add("Mul", _integer_to_float(net, flat), net.add("Sigmoid", net.add("ReduceSum", flat)))
    model = net.model(["N", 3, SIDE, SIDE], [logits])
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))

    backend = OnnxBackend(save(model, tmp_path), preprocessing="raw")

    assert backend.no_head and not backend.no_embedding
    wanted = np.tanh(features_by_hand(photos()).mean(axis=(1, 2)))
    np.testing.assert_allclose(backend.forward(photos()).embedding, wanted, rtol=1e-4)


def test_scores_that_stand_in_for_an_embedding_are_said_so(tmp_path):
    net = Net()
    scores = net.add("Softmax", net.add("Flatten", net.add("GlobalMaxPool", "image")))

    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [scores]), tmp_path), preprocessing="raw")

    assert "GlobalMaxPool" in backend.no_embedding


def test_a_plain_model_is_not_copied_for_reading():
    from auditor.backends.onnx.spelled_out import spell_out

    model = classifier(int8="channel")

    assert spell_out(model) is model
    assert isinstance(model, onnx.ModelProto)
