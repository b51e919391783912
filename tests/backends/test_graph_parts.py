"""The head is found in every notation of a graph, and it reproduces the scores."""

import itertools

import numpy as np
import onnx
import pytest

from auditor.backends.head_steps import Linear, NoHead, compose
from auditor.backends.onnx.backend import OnnxBackend
from auditor.backends.onnx.graph_parts import dissect
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
def test_every_notation_of_the_same_classifier_gives_the_same_numbers(pool, linear, channels_last, tmp_path):
    backend = OnnxBackend(save(classifier(pool, linear, channels_last=channels_last), tmp_path), preprocessing="raw")

    found = backend.forward(photos())

    np.testing.assert_allclose(backend.head.layers[0].weights, WEIGHTS, rtol=1e-6)
    np.testing.assert_allclose(found.features, features_by_hand(photos()), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.embedding, found.features.mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(photos())), atol=1e-5)


@pytest.mark.parametrize("scales", ["tensor", "channel"])
@pytest.mark.parametrize(("pool", "linear"), list(itertools.product(POOLS, LINEARS)))
def test_in_an_int8_graph_weights_are_dequantised_and_the_embedding_is_float(pool, linear, scales, tmp_path):
    backend = OnnxBackend(save(classifier(pool, linear, int8=scales), tmp_path), preprocessing="raw")

    found = backend.forward(photos(8))

    np.testing.assert_allclose(backend.head.layers[0].weights, WEIGHTS, atol=np.abs(WEIGHTS).max() / 127)
    np.testing.assert_allclose(found.features, features_by_hand(photos(8)), atol=0.06)
    np.testing.assert_allclose(found.embedding, found.features.mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(photos(8))), atol=0.05)
    steps = found.embedding / 0.04
    assert np.abs(steps - np.rint(steps)).max() > 0.1           # not rounded to 8 bits


@pytest.mark.parametrize("opset", [11, 13, 17, 18, 21])
def test_axes_are_read_as_attribute_and_as_input(opset):
    parts = dissect(classifier("ReduceMean", opset=opset), (SIDE, SIDE))

    assert parts.head is not None
    np.testing.assert_allclose(parts.head.layers[0].bias, BIAS)


def test_scores_are_taken_before_the_softmax():
    model = classifier(end="Softmax")

    parts = dissect(model, (SIDE, SIDE))

    assert parts.are_logits
    assert parts.scores != model.graph.output[0].name


def test_a_softmax_written_out_is_recognised(tmp_path):
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


def test_percent_are_probabilities(tmp_path):
    model = classifier(end="Softmax")
    node = model.graph.node[-1]
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(100), "hundred"))
    model.graph.node.append(onnx.helper.make_node("Mul", [node.output[0], "hundred"], ["percent"]))
    model.graph.output[0].name = "percent"

    backend = OnnxBackend(save(model, tmp_path), preprocessing="raw")

    np.testing.assert_allclose(
        backend.forward(photos()).probabilities, softmax(logits_by_hand(photos())), atol=1e-5
    )


def test_independent_sigmoids_are_normalised_not_softmaxed(tmp_path):
    backend = OnnxBackend(save(classifier(end="Sigmoid"), tmp_path), preprocessing="raw")

    chances = 1 / (1 + np.exp(-logits_by_hand(photos())))

    expected = chances / chances.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(backend.forward(photos()).probabilities, expected, atol=1e-5)


def test_a_single_sigmoid_unit_is_the_second_class(tmp_path):
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None])))
    flat = net.add("Flatten", net.add("GlobalAveragePool", maps))
    unit = net.add("Sigmoid", net.add("MatMul", flat, net.constant(WEIGHTS[:, :1])))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [unit]), tmp_path), preprocessing="raw")

    found = backend.forward(photos())

    logit = features_by_hand(photos()).mean(axis=(1, 2)) @ WEIGHTS[:, 0]
    np.testing.assert_allclose(found.probabilities[:, 1], 1 / (1 + np.exp(-logit)), atol=1e-5)
    np.testing.assert_allclose(backend.head.layers[0].weights, np.stack([-WEIGHTS[:, 0], WEIGHTS[:, 0]], axis=1))


def test_pooled_maps_that_are_scores_themselves_have_one_map_per_class(tmp_path):
    net = Net()                                                 # as SqueezeNet ends
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None])))
    scores = net.add("Softmax", net.add("Flatten", net.add("GlobalAveragePool", maps)))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [scores]), tmp_path), preprocessing="raw")

    np.testing.assert_array_equal(backend.head.layers[0].weights, np.eye(5))
    np.testing.assert_allclose(backend.forward(photos()).features, features_by_hand(photos()), rtol=1e-4, atol=1e-4)


def test_a_pooling_that_leaves_more_than_one_cell_is_not_a_head(tmp_path):
    net = Net()
    maps = net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None]))
    part = net.add("AveragePool", maps, kernel_shape=[4, 4], strides=[4, 4])                # (B, 5, 2, 2)
    logits = net.add("MatMul", net.add("Flatten", part), net.constant(np.ones((20, 3), np.float32)))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [logits]), tmp_path), preprocessing="raw")

    found = backend.forward(photos())

    assert backend.head is None and found.features is None
    assert "does not cover the whole feature map" in backend.no_head
    assert found.embedding.shape == (3, 20)                     # the input of the last linear layer, flattened


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


HIDDEN = np.random.default_rng(17).normal(0, 0.6, (5, 8)).astype(np.float32)               # 5 maps -> 8 units
SHIFT = np.linspace(-0.5, 0.5, 8).astype(np.float32)
LAST = np.random.default_rng(18).normal(0, 1, (8, 3)).astype(np.float32)                   # 8 units -> 3 classes


def stacked(between, folder, *, int8=False):
    """Maps -> pooling -> 8 units -> `between` -> 3 classes -> softmax, as a backend."""
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None])))
    pooled = net.add("Flatten", net.add("GlobalAveragePool", net.quantised(maps, 0.06) if int8 else maps))
    pooled = net.quantised(pooled, 0.04) if int8 else pooled
    weights = [net.int8(value, 1) if int8 else net.constant(value) for value in (HIDDEN, LAST)]
    units = net.add("Add", net.add("MatMul", pooled, weights[0]), net.constant(SHIFT))
    logits = net.add("MatMul", between(net, units), weights[1])
    logits = net.quantised(logits, 0.2) if int8 else logits
    model = net.model(["N", 3, SIDE, SIDE], [net.add("Softmax", logits)])
    return OnnxBackend(save(model, folder), preprocessing="raw")


def slopes_by_steps(act, images, step=1e-5):
    """(B, C, K): d logit / d pooled feature of the network above, by small steps."""
    pooled = features_by_hand(images).mean(axis=(1, 2))         # (B, 5)

    def logits(values):
        return act(values @ HIDDEN.astype(np.float64) + SHIFT) @ LAST

    sides = [logits(pooled[:, None] + sign * step * np.eye(5)) for sign in (1, -1)]         # (B, 5, C) each
    return np.swapaxes(sides[0] - sides[1], 1, 2) / (2 * step)


def relu(values):
    return np.maximum(values, 0)


def one_minus(net, units):
    """1 - (SHIFT + 2) * units."""
    return net.add("Sub", net.constant(np.float32(1)), net.add("Mul", net.constant(SHIFT + 2), units))


BETWEEN = {
    "relu": (lambda net, units: net.add("Relu", units), relu),
    "relu, dropout": (lambda net, units: net.add("Dropout", net.add("Relu", units)), relu),
    "relu6 and its like": (
        lambda net, units: net.add("Clip", units, net.constant(np.float32(0)), net.constant(np.float32(0.5))),
        lambda values: np.clip(values, 0, 0.5),
    ),
    "batch normalisation, relu": (
        lambda net, units: net.add(
            "Relu",
            net.add(
                "BatchNormalization", units,
                *(net.constant(np.full(8, value, np.float32)) for value in (1.5, 0.2, 0.1, 4.0)),
                epsilon=1e-3,
            ),
        ),
        lambda values: relu((values - 0.1) * 1.5 / np.sqrt(4.001) + 0.2),
    ),
    "relu, scaling": (
        lambda net, units: net.add("Div", one_minus(net, net.add("Relu", units)), net.constant(np.float32(4))),
        lambda values: (1 - (SHIFT + 2) * relu(values)) / 4,
    ),
    "nothing": (lambda net, units: units, lambda values: values),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_a_head_of_two_layers_is_read_whatever_joins_them(name, tmp_path):
    between, act = BETWEEN[name]
    backend = stacked(between, tmp_path)

    found = backend.forward(photos())

    assert backend.no_head == ""
    assert len(backend.head.layers) == (1 if name == "nothing" else 2)
    np.testing.assert_allclose(found.embedding, features_by_hand(photos()).mean(axis=(1, 2)), rtol=1e-4)
    jacobian = backend.head.jacobian(found.embedding, np.arange(3))
    np.testing.assert_allclose(jacobian, slopes_by_steps(act, photos()), atol=1e-3)
    np.testing.assert_allclose(softmax(backend.head.logits(found.embedding)), found.probabilities, atol=1e-5)


@pytest.mark.parametrize("written", ["as Relu", "by the lowest level"])
def test_in_an_int8_graph_a_relu_may_be_the_range_of_a_quantisation(written, tmp_path):
    def between(net, units):                                    # zero point 0: nothing below 0 survives
        return net.quantised(net.add("Relu", units) if written == "as Relu" else units, 0.02)

    backend = stacked(between, tmp_path, int8=True)

    found = backend.forward(photos(8))

    assert backend.no_head == "" and len(backend.head.layers) == 2
    jacobian = backend.head.jacobian(features_by_hand(photos(8)).mean(axis=(1, 2)), np.arange(3))
    np.testing.assert_allclose(jacobian, slopes_by_steps(relu, photos(8)), atol=0.05)
    np.testing.assert_allclose(softmax(backend.head.logits(found.embedding)), found.probabilities, atol=0.05)


def gelu(net, units):
    return net.add("Mul", units, net.add("Sigmoid", units))


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        (gelu, "Mul of two computed tensors"),
        (lambda net, units: net.add("LeakyRelu", units), "follows LeakyRelu"),
        (lambda net, units: net.add("Tanh", units), "follows Tanh"),
        (
            lambda net, units: net.add("Clip", units, net.constant(np.float32(-1)), net.constant(np.float32(1))),
            "a Clip that does not start at 0",
        ),
    ],
)
def test_layers_joined_by_anything_but_a_relu_are_not_a_head(between, reason, tmp_path):
    backend = stacked(between, tmp_path)

    assert backend.head is None and backend.forward(photos()).features is None
    assert reason in backend.no_head
    assert backend.forward(photos()).embedding.shape == (3, 8)  # what the last linear layer reads


def test_max_pooling_is_not_an_average(tmp_path):
    net = Net()
    maps = net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None]))
    logits = net.add("MatMul", net.add("Flatten", net.add("GlobalMaxPool", maps)), net.constant(WEIGHTS))
    backend = OnnxBackend(save(net.model(["N", 3, SIDE, SIDE], [logits]), tmp_path), preprocessing="raw")

    assert backend.head is None
    assert backend.no_head == "its last linear layer follows GlobalMaxPool, not a global average pooling"


def test_two_thin_layers_that_would_make_a_huge_one_are_not_multiplied_out():
    wide = np.ones((5, 1), np.float32), np.ones((1, 20_000_000), np.float32)
    steps = [Linear(weights, np.zeros(1, np.float32)) for weights in wide]

    with pytest.raises(NoHead, match="20000000 units is too large"):
        compose(steps, None)
