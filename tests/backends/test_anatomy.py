"""The head is found in every spelling, and what is found explains the scores."""

import itertools

import numpy as np
import onnx
import pytest

from auditor.backends.anatomy import dissect
from auditor.backends.onnx import OnnxBackend
from auditor.errors import ModelError
from tests.backends.nets import (
    BIAS,
    FILTERS,
    SIDE,
    WEIGHTS,
    Net,
    classifier,
    features_by_hand,
    logits_by_hand,
    photos,
    save,
    softmax,
)

POOLS = ("GlobalAveragePool", "AveragePool", "ReduceMean", "ReduceMean last")
LINEARS = ("MatMul", "MatMul transposed", "Gemm", "Gemm transposed", "Conv")


@pytest.mark.parametrize("channels_last", [False, True], ids=["NCHW", "NHWC"])
@pytest.mark.parametrize(("pool", "linear"), list(itertools.product(POOLS, LINEARS)))
def test_every_spelling_of_the_same_classifier_gives_the_same_numbers(pool, linear, channels_last, tmp_path):
    backend = OnnxBackend(save(classifier(pool, linear, channels_last=channels_last), tmp_path), preprocessing="raw")

    found = backend.forward(photos())

    np.testing.assert_allclose(backend.head, WEIGHTS, rtol=1e-6)
    np.testing.assert_allclose(found.features, features_by_hand(photos()), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.embedding, found.features.mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(photos())), atol=1e-5)


@pytest.mark.parametrize("scales", ["tensor", "channel"])
@pytest.mark.parametrize(("pool", "linear"), list(itertools.product(POOLS, LINEARS)))
def test_in_an_int8_graph_weights_are_dequantised_and_the_embedding_is_float(pool, linear, scales, tmp_path):
    backend = OnnxBackend(save(classifier(pool, linear, int8=scales), tmp_path), preprocessing="raw")

    found = backend.forward(photos(8))

    np.testing.assert_allclose(backend.head, WEIGHTS, atol=np.abs(WEIGHTS).max() / 127)
    np.testing.assert_allclose(found.features, features_by_hand(photos(8)), atol=0.06)
    np.testing.assert_allclose(found.embedding, found.features.mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(photos(8))), atol=0.05)
    steps = found.embedding / 0.04
    assert np.abs(steps - np.rint(steps)).max() > 0.1           # not rounded to 8 bits


@pytest.mark.parametrize("opset", [11, 13, 17, 18, 21])
def test_axes_are_read_as_attribute_and_as_input(opset):
    anatomy = dissect(classifier("ReduceMean", opset=opset), (SIDE, SIDE))

    assert anatomy.head is not None
    np.testing.assert_allclose(anatomy.head.linear.bias, BIAS)


def test_scores_are_taken_before_the_softmax():
    model = classifier(end="Softmax")

    anatomy = dissect(model, (SIDE, SIDE))

    assert anatomy.are_logits
    assert anatomy.scores != model.graph.output[0].name


def test_a_softmax_spelled_out_is_recognised(tmp_path):
    model = classifier(end="")
    net = Net(list(model.graph.node), list(model.graph.initializer))
    logits = model.graph.output[0].name
    shifted = net.add("Sub", logits, net.add("ReduceMax", logits, axes=[1]))
    raised = net.add("Exp", shifted)
    total = net.add("ReduceSum", raised, net.constant(np.array([1])))
    model = net.model(["N", 3, SIDE, SIDE], [net.add("Div", raised, total)])

    backend = OnnxBackend(save(model, tmp_path), preprocessing="raw")

    assert backend.head is not None
    np.testing.assert_allclose(
        backend.forward(photos()).probabilities, softmax(logits_by_hand(photos())), atol=1e-5
    )


def test_a_graph_without_softmax_gives_logits_and_they_become_probabilities(tmp_path):
    backend = OnnxBackend(save(classifier(end=""), tmp_path), preprocessing="raw")

    np.testing.assert_allclose(
        backend.forward(photos()).probabilities, softmax(logits_by_hand(photos())), atol=1e-5
    )


def test_independent_sigmoids_are_normalised_not_softmaxed(tmp_path):
    backend = OnnxBackend(save(classifier(end="Sigmoid"), tmp_path), preprocessing="raw")

    chances = 1 / (1 + np.exp(-logits_by_hand(photos())))

    expected = chances / chances.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(backend.forward(photos()).probabilities, expected, atol=1e-5)


def test_a_single_sigmoid_unit_speaks_for_the_second_class(tmp_path):
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None])))
    flat = net.add("Flatten", net.add("GlobalAveragePool", maps))
    unit = net.add("Sigmoid", net.add("MatMul", flat, net.constant(WEIGHTS[:, :1])))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [unit]), tmp_path), preprocessing="raw")

    found = backend.forward(photos())

    logit = features_by_hand(photos()).mean(axis=(1, 2)) @ WEIGHTS[:, 0]
    np.testing.assert_allclose(found.probabilities[:, 1], 1 / (1 + np.exp(-logit)), atol=1e-5)
    np.testing.assert_allclose(backend.head, np.stack([-WEIGHTS[:, 0], WEIGHTS[:, 0]], axis=1))


def test_pooled_maps_that_are_scores_themselves_have_one_map_per_class(tmp_path):
    net = Net()                                                 # as SqueezeNet ends
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None])))
    scores = net.add("Softmax", net.add("Flatten", net.add("GlobalAveragePool", maps)))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [scores]), tmp_path), preprocessing="raw")

    np.testing.assert_array_equal(backend.head, np.eye(5))
    np.testing.assert_allclose(backend.forward(photos()).features, features_by_hand(photos()), rtol=1e-4, atol=1e-4)


def test_a_pooling_that_leaves_more_than_one_cell_is_no_head(tmp_path):
    net = Net()
    maps = net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None]))
    part = net.add("AveragePool", maps, kernel_shape=[4, 4], strides=[4, 4])                # (B, 5, 2, 2)
    logits = net.add("MatMul", net.add("Flatten", part), net.constant(np.ones((20, 3), np.float32)))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [logits]), tmp_path), preprocessing="raw")

    found = backend.forward(photos())

    assert backend.head is None and found.features is None
    assert "does not cover the whole feature map" in backend.no_head
    assert found.embedding.shape == (3, 20)                     # the input of the last linear layer, flattened


def test_a_hidden_layer_behind_the_pooling_leaves_its_output_as_embedding(tmp_path):
    net = Net()
    flat = net.add("Flatten", net.add("GlobalAveragePool", "image"))
    hidden = net.add("Relu", net.add("MatMul", flat, net.constant(FILTERS)))                # (B, 5)
    logits = net.add("MatMul", hidden, net.constant(WEIGHTS))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [logits]), tmp_path), preprocessing="raw")

    assert backend.head is None
    assert "Relu" in backend.no_head
    expected = np.maximum(photos().mean(axis=(1, 2)) @ FILTERS, 0)
    np.testing.assert_allclose(backend.forward(photos()).embedding, expected, rtol=1e-4)


def test_without_any_linear_layer_the_scores_are_the_embedding(tmp_path):
    net = Net()
    scores = net.add("Softmax", net.add("Flatten", net.add("GlobalMaxPool", "image")))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [scores]), tmp_path), preprocessing="raw")

    assert backend.head is None
    np.testing.assert_allclose(backend.forward(photos()).embedding, photos().max(axis=(1, 2)))


def test_of_several_outputs_the_one_behind_a_softmax_is_taken(tmp_path):
    model = classifier()
    features = next(node.output[0] for node in model.graph.node if node.op_type == "Relu")
    model.graph.output.append(onnx.helper.make_tensor_value_info(features, onnx.TensorProto.FLOAT, None))
    backend = OnnxBackend(save(model, tmp_path), preprocessing="raw")

    np.testing.assert_allclose(
        backend.forward(photos()).probabilities, softmax(logits_by_hand(photos())), atol=1e-5
    )


def test_two_classifications_in_one_model_are_refused():
    net = Net()
    flat = net.add("Flatten", net.add("GlobalAveragePool", "image"))
    ends = [net.add("Softmax", net.add("MatMul", flat, net.constant(FILTERS + i))) for i in range(2)]

    with pytest.raises(ModelError, match=r"2 outputs.*2 of which look like class scores; expected one"):
        dissect(net.model(["N", 3, SIDE, SIDE], ends), (SIDE, SIDE))


def test_a_head_that_does_not_reproduce_the_scores_is_dropped(tmp_path):
    net = Net()                                                 # a channel shuffle: every operator hands its input on
    six = np.concatenate([FILTERS, -FILTERS[:, :1]], axis=1)
    maps = net.add("Relu", net.add("Conv", "image", net.constant(six.T[:, :, None, None])))
    pooled = net.add("Reshape", net.add("GlobalAveragePool", maps), net.constant(np.array([-1, 2, 3])))
    shuffled = net.add("Reshape", net.add("Transpose", pooled, perm=[0, 2, 1]), net.constant(np.array([-1, 6])))
    logits = net.add("MatMul", shuffled, net.constant(np.concatenate([WEIGHTS, WEIGHTS[:1]])))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [logits]), tmp_path), preprocessing="raw")

    assert backend.head is None and backend.forward(photos()).features is None
    assert "does not reproduce its scores" in backend.no_head
