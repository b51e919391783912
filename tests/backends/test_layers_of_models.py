"""Layers inside models: found by name and number, picked early to late, and their maps are the numbers by hand."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from auditor.backends import load_backend
from auditor.backends.abilities import FilterGradients, HasGradients, HasLayers, open_layers
from auditor.backends.card import ModelCard
from auditor.backends.layers import Layer, early_to_late, find_layer, find_layers, unique
from auditor.backends.onnx.layers import OnnxLayers
from auditor.errors import InputError, ModelError
from auditor.heatmaps.grad_cam import heat
from tests.backends.fake import FakeBackend
from tests.backends.nets import FILTERS, SIDE, Net, classifier, features_by_hand, photos, save

CARD = ModelCard("net", ("ant", "bee", "cow"), (SIDE, SIDE), "raw")


def layers_of(model: onnx.ModelProto, folder, card: ModelCard = CARD) -> OnnxLayers:
    return OnnxLayers(save(model, folder), card)


@pytest.mark.parametrize("spelling", [{}, {"channels_last": True}, {"batch": 2}, {"pool": "ReduceMean last"}], ids=str)
def test_maps_of_an_onnx_layer_are_those_by_hand(spelling, tmp_path):
    layers = layers_of(classifier(**spelling), tmp_path)
    image = photos(1)[0]

    convolution, relu = layers.activations(image, layers.layers)

    assert [layer.kind for layer in layers.layers] == ["Conv", "Relu"]
    np.testing.assert_allclose(convolution, image.astype(np.float32) @ FILTERS, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(relu, features_by_hand(image[None])[0], rtol=1e-4, atol=1e-4)


def test_a_layer_knows_its_shape_and_which_one_the_head_pools(tmp_path):
    layers = layers_of(classifier(), tmp_path)

    assert [(layer.number, layer.height, layer.width, layer.channels) for layer in layers.layers] == [
        (1, SIDE, SIDE, 5), (2, SIDE, SIDE, 5),
    ]  # fmt: skip
    assert layers.last == layers.layers[1]


@pytest.mark.parametrize("spelling", [{}, {"int8": "channel"}, {"int8": "tensor", "channels_last": True}], ids=str)
def test_the_last_layer_gives_the_features_of_the_forward_pass(spelling, tmp_path):
    save(classifier(**spelling), tmp_path, "model.onnx")
    CARD.write(tmp_path)
    backend = load_backend(tmp_path)
    layers = open_layers(backend)

    [maps] = layers.activations(photos(1)[0], [layers.last])

    np.testing.assert_array_equal(maps, backend.forward(photos(1)).features[0])


def test_quantised_maps_are_shown_as_the_next_layer_sees_them(tmp_path):
    layers = layers_of(classifier(int8="tensor"), tmp_path)

    [maps] = layers.activations(photos(1)[0], [layers.last])

    levels = maps / np.float32(0.06)                            # the scale of the graph
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    by_hand = np.minimum(features_by_hand(photos(1))[0], 255 * 0.06)
    np.testing.assert_allclose(maps, by_hand, atol=0.031)


def test_operators_on_integers_are_brought_back_to_numbers(tmp_path):
    net = Net()
    scale, zero = net.constant(np.float32(1)), net.constant(np.uint8(0))
    levels = net.add("QuantizeLinear", "image", scale, zero)
    weights = np.array([[2], [1], [1]], np.int8).reshape(1, 3, 1, 1)          # one map: 2 r + g + b
    one, none = net.constant(np.float32(1)), net.constant(np.int8(0))
    out_scale, out_zero = net.constant(np.float32(8)), net.constant(np.uint8(3))
    maps = net.add(
        "QLinearConv", levels, scale, zero, net.constant(weights), one, none, out_scale, out_zero, kernel_shape=[1, 1]
    )
    pooled = net.add("MaxPool", maps, kernel_shape=[2, 2], strides=[2, 2])
    plain = net.add("DequantizeLinear", pooled, out_scale, out_zero)
    flat = net.add("Flatten", net.add("GlobalAveragePool", plain))
    scores = net.add("Softmax", net.add("MatMul", flat, net.constant(np.array([[1.0, -1.0, 0.5]], np.float32))))
    layers = layers_of(net.model(["N", 3, SIDE, SIDE], [scores], opset=17), tmp_path)
    image = photos(1)[0]

    convolution, largest = layers.activations(image, [find_layer(layers.layers, kind) for kind in ("1", "2")])

    by_hand = (image.astype(np.float32) @ np.array([2, 1, 1], np.float32))[..., None]
    np.testing.assert_allclose(convolution, by_hand, atol=4.01)                 # half a level of 8
    np.testing.assert_array_equal(largest[..., 0], convolution[..., 0].reshape(4, 2, 4, 2).max(axis=(1, 3)))


def test_tensors_of_four_axes_that_are_not_maps_are_not_listed(tmp_path):
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None]), kernel_shape=[1, 1]))
    heads = net.add("Reshape", maps, net.constant(np.array([-1, 5, 4, 16])))
    attention = net.add("MatMul", heads, net.add("Transpose", heads, perm=[0, 1, 3, 2]))
    score = net.add("ReduceMean", net.add("Softmax", attention), axes=[2, 3], keepdims=0)
    model = net.model(["N", 3, SIDE, SIDE], [score])

    assert [layer.kind for layer in layers_of(model, tmp_path).layers] == ["Conv", "Relu"]


def test_long_fused_names_are_cut_to_what_says_something(tmp_path):
    model = classifier()
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [{"Conv_0": "block/Conv;block/bn;x", "Relu_1": "block/Relu:0"}.get(name, name) for name in names]

    layers = layers_of(model, tmp_path)

    assert [layer.name for layer in layers.layers] == ["block/Conv", "block/Relu"]
    assert find_layer(layers.layers, "block/Conv;block/bn;x") == layers.layers[0]


def test_a_backend_has_the_abilities_whose_methods_it_has(tmp_path):
    onnx_backend = load_backend(save(classifier(), tmp_path))

    assert isinstance(onnx_backend, HasLayers) and not isinstance(onnx_backend, HasGradients)
    assert not isinstance(onnx_backend.open_layers(), FilterGradients)
    assert not isinstance(FakeBackend(), (HasLayers, HasGradients))
    with pytest.raises(ModelError, match="does not give access to the layers"):
        open_layers(FakeBackend())


def made(number: int, side: int, kind: str = "Conv", *, stage: bool = True) -> Layer:
    return Layer(number, f"layer{number}", kind, side, side, 8, f"tensor{number}", stage)


def test_early_to_late_takes_the_end_of_each_stage_and_no_padding():
    sides = [112, 112, 56, 56, 28, 28, 14, 7]
    layers = [made(number, side) for number, side in enumerate(sides, 1)] + [made(9, 9, "Pad", stage=False)]

    assert [layer.number for layer in early_to_late(layers)] == [2, 4, 6, 7, 8]


def test_many_stages_are_thinned_out_and_few_are_filled_up():
    many = [made(number, 200 - number) for number in range(1, 12)]
    few = [made(number, 8) for number in range(1, 10)]

    assert [layer.number for layer in early_to_late(many)] == [1, 3, 6, 9, 11]
    assert [layer.number for layer in early_to_late(few)] == [1, 3, 5, 9]
    assert [layer.number for layer in early_to_late(few[:2])] == [1, 2]


def test_layers_are_found_by_name_number_and_full_name_and_come_in_order():
    layers = [made(1, 8), made(2, 8), Layer(3, "odd, name", "Conv", 8, 8, 4, "t3")]

    assert [layer.number for layer in find_layers(layers, ["layer2, 1", "odd, name"])] == [1, 2, 3]
    assert find_layer(layers, "tensor2") == layers[1]
    with pytest.raises(InputError, match="did you mean layer2"):
        find_layer(layers, "layr2")
    with pytest.raises(InputError, match="--list-layers"):
        find_layer(layers, "7")


def test_equal_names_become_different():
    assert unique(["a", "a", "b"], ["Conv", "Relu", "Add"]) == ["a/Conv", "a/Relu", "b"]
    assert unique(["a", "a", "a"], ["Conv", "Conv", "Add"]) == ["a/Conv", "a/Conv#2", "a/Add"]


def test_a_graph_whose_inner_tensors_cannot_be_outputs_is_an_error(tmp_path):
    node = helper.make_node("NoSuchOperator", ["image"], ["scores"], domain="strange")
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node], "net", [info("image", TensorProto.FLOAT, ["N", 3, 8, 8])], [info("scores", TensorProto.FLOAT, None)]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("strange", 1)])

    with pytest.raises(ModelError):
        layers_of(model, tmp_path)


def test_the_layers_of_a_downloaded_mobilenet_run_from_large_maps_to_small_ones(mobilenet):
    backend = load_backend(mobilenet)
    layers = open_layers(backend)
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)

    assert [layer.height for layer in early_to_late(layers.layers)] == [112, 56, 28, 14, 7]
    [maps] = layers.activations(image, [layers.last])
    np.testing.assert_array_equal(maps, backend.forward(image[None]).features[0])


class TestKeras:
    """The same of Keras models."""

    @pytest.fixture
    def keras(self):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        pytest.importorskip("tensorflow", reason="the keras backend needs auditor[tensorflow]")
        import keras

        keras.utils.set_random_seed(3)
        return keras

    @pytest.fixture
    def model(self, keras):
        """A model as a layer of another: rescaling, then 8x8 and 4x4 maps, then a head."""
        L = keras.layers
        inner = keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                L.Conv2D(4, 3, strides=2, padding="same", name="early"),
                L.ReLU(name="early_relu"),
                L.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="late"),
            ],
            name="trunk",
        )
        image = keras.Input((16, 16, 3))
        maps = inner(L.Rescaling(1 / 255, name="scaling")(image))
        return keras.Model(image, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(L.Dropout(0.3)(maps))))

    @pytest.fixture
    def backend(self, model, tmp_path):
        model.save(tmp_path / "net.keras")
        return load_backend(tmp_path / "net.keras", preprocessing="raw", device="cpu")

    def test_layers_of_a_nested_model_are_listed_with_their_maps(self, backend, model):
        layers = open_layers(backend)
        image = photos(1, 16)[0]

        assert isinstance(backend, HasGradients) and isinstance(layers, FilterGradients)
        assert [layer.name for layer in layers.layers] == ["scaling", "early", "early_relu", "late"]
        assert [layer.height for layer in layers.layers] == [16, 8, 8, 4]
        assert layers.last == layers.layers[-1]
        late, early = layers.activations(image, [layers.layers[3], layers.layers[2]])

        trunk = model.get_layer("trunk")
        expected = np.asarray(trunk(image[None].astype(np.float32) / 255))[0]
        np.testing.assert_allclose(late, expected, atol=1e-5)
        np.testing.assert_allclose(late, backend.forward(image[None]).features[0], atol=1e-6)
        assert early.shape == (8, 8, 4) and early.min() >= 0

    def test_gradients_run_before_the_relu_and_on_smaller_pictures(self, backend, keras):
        layers = open_layers(backend)
        image = photos(1, 16).astype(np.float32)

        for layer in layers.layers[2:]:
            part, size = layers.differentiable_part(layer, 16)
            assert size == (16, 16)
            before = np.asarray(part(image))
            [after] = layers.activations(photos(1, 16)[0], [layer])
            assert before.min() < 0
            np.testing.assert_allclose(np.maximum(before[0], 0), after, atol=1e-5)
        part, size = layers.differentiable_part(layers.layers[3], 8)
        assert size == (8, 8) and part(image[:, :8, :8]).shape == (1, 2, 2, 6)

    @pytest.mark.parametrize("how", ["tf", "torch", "caffe"])
    def test_preprocessing_inside_the_gradient_is_that_of_the_forward_pass(self, model, tmp_path, how):
        model.save(tmp_path / "net.keras")
        backend = load_backend(tmp_path / "net.keras", preprocessing=how, device="cpu")
        layers = open_layers(backend)

        part, _ = layers.differentiable_part(layers.layers[1], 16)
        [expected] = layers.activations(photos(1, 16)[0], [layers.layers[1]])

        np.testing.assert_allclose(np.asarray(part(photos(1, 16).astype(np.float32)))[0], expected, atol=1e-4)

    def test_grad_cam_takes_the_names_that_are_listed(self, backend):
        layers = open_layers(backend)

        for layer in layers.layers[1:]:
            maps = heat(backend.grad_maps(photos(1, 16), np.array([[0, 2]]), layer.name))
            assert maps.shape == (1, 2, layer.height, layer.width)
            assert maps.min() >= 0 and maps.max() <= 1
