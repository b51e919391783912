"""The layer that is named is the one that was damaged."""

import os

import numpy as np
import pytest

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
keras = pytest.importorskip("keras", reason="exporting needs auditor[tensorflow]")
pytest.importorskip("tf2onnx", reason="exporting needs auditor[tensorflow]")

import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402

from auditor.model_export.int8 import to_int8  # noqa: E402
from auditor.model_export.keras_to_onnx import to_onnx  # noqa: E402
from auditor.model_export.weakest_layer import weakest_layer  # noqa: E402
from tests.training.export_nets import SIDE, linear_head, separable_residual  # noqa: E402


def images(count=8, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 1, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture
def pair(tmp_path):
    """The float graph and the quantised one."""
    keras.utils.set_random_seed(1)
    plain = to_onnx(linear_head(), "net")
    to_int8(plain, tmp_path / "int8.onnx", images())
    return plain, onnx.load(tmp_path / "int8.onnx")


def scales_of(graph, layer):
    makers = {name: node for node in graph.node for name in node.output}
    kernel = next(name for node in graph.node if node.op_type == "Conv" for name in node.input if layer in name)
    return next(tensor for tensor in graph.initializer if tensor.name == makers[kernel].input[1])


@pytest.mark.parametrize("layer", ["first_conv", "second_conv"])
def test_the_damaged_layer_is_named_and_not_the_one_after_it(pair, layer):
    plain, quantised = pair
    scales = scales_of(quantised.graph, f"{layer}/kernel")
    scales.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scales) * np.float32(1.5), scales.name))

    found = weakest_layer(plain, quantised, images(seed=1))

    assert found.name == layer
    assert found.decibels < 12
    assert f"The layer that loses most is {layer}: " in str(found)


def test_undamaged_layers_are_far_above_the_noise_and_the_graphs_are_not_changed(pair):
    plain, quantised = pair
    before = plain.SerializeToString(), quantised.SerializeToString()

    found = weakest_layer(plain, quantised, images(seed=1))

    assert 25 < found.decibels <= found.median
    assert (plain.SerializeToString(), quantised.SerializeToString()) == before


def test_a_sum_of_two_branches_is_measured_too(tmp_path):
    keras.utils.set_random_seed(1)
    plain = to_onnx(separable_residual(), "net")
    to_int8(plain, tmp_path / "int8.onnx", images())

    assert weakest_layer(plain, onnx.load(tmp_path / "int8.onnx"), images(seed=1)).decibels > 15


def test_a_graph_without_8_bits_has_no_weakest_layer():
    plain = to_onnx(linear_head(), "net")

    assert weakest_layer(plain, plain, images()) is None
