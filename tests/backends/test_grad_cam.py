"""Heatmaps from heads, in Keras and from the exported ONNX, equal Grad-CAM by automatic differentiation."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow", reason="the reference is tf.GradientTape")
keras = pytest.importorskip("keras")

from auditor.backends import load_backend  # noqa: E402
from auditor.errors import InputError, ModelError  # noqa: E402
from auditor.heatmaps.grad_cam import class_heatmap, class_heatmaps, heat  # noqa: E402
from auditor.heatmaps.saliency import class_maps  # noqa: E402

L = keras.layers
SIDE = 32


@dataclass
class Net:
    """A classifier, with what the reference differentiates: its last maps, and its last layer's inputs."""

    model: Any
    inside: Any                                                 # image -> [maps (B, h, w, K), inputs of `last`]
    last: Any                                                   # the Dense layer that makes the scores


def residual(name="trunk"):
    """Images -> (B, 8, 8, 24) maps: like a small ResNet, with batch normalisation that is not the identity."""
    image = keras.Input((SIDE, SIDE, 3))
    tensor = L.Conv2D(24, 3, strides=2, padding="same", use_bias=False)(image)
    for strides in (1, 2):
        norm = L.BatchNormalization(
            beta_initializer=keras.initializers.RandomNormal(stddev=0.5),
            moving_mean_initializer=keras.initializers.RandomNormal(stddev=0.5),
        )
        tensor = L.ReLU()(norm(tensor))
        shorter = L.Conv2D(24, 3, strides=strides, padding="same")(tensor)
        tensor = L.Add()([L.AveragePooling2D(strides)(tensor), shorter])
    return keras.Model(image, L.ReLU()(tensor), name=name)


def linear(pooled):
    return pooled, L.Dense(4, activation="softmax")


def funnel(pooled):
    tensor = pooled
    for units in (1024, 512, 256, 128):
        dense = L.Dense(units, activation="relu", kernel_initializer="he_normal", bias_initializer="normal")
        tensor = L.Dropout(0.3)(dense(tensor))
    return tensor, L.Dense(1, activation="sigmoid")


def two_layers(pooled):
    """Flatten-free, with the ReLU as a layer of its own and a batch normalisation that folds away."""
    hidden = L.Dense(16, bias_initializer=keras.initializers.RandomNormal(stddev=0.3))(L.Dropout(0.2)(pooled))
    norm = L.BatchNormalization(gamma_initializer=keras.initializers.RandomUniform(0.5, 2))
    return L.ReLU()(norm(hidden)), L.Dense(4, activation="softmax", bias_initializer="normal")


def flat(head):
    trunk = residual()
    return _net(trunk.input, trunk.output, trunk.output, head)


def nested(head):
    """The whole trunk is one layer of the classifier: what transfer learning makes."""
    image, trunk = keras.Input((SIDE, SIDE, 3)), residual()
    maps = trunk(L.Rescaling(1 / 127.5, offset=-1)(image), training=False)
    return _net(image, maps, maps, head)


def _net(image, maps, pooled_from, head):
    inputs, last = head(L.GlobalAveragePooling2D()(pooled_from))
    return Net(keras.Model(image, last(inputs)), keras.Model(image, [maps, inputs]), last)


HEADS = {"linear": linear, "1024-512-256-128-1 sigmoid": funnel, "two layers, softmax": two_layers}
SHAPES = {"flat": flat, "nested": nested}


def by_tape(net, images, target):
    """(B, H, W, 3) as the network takes them -> maps (B, h, w, K) and Grad-CAM (B, h, w) of one class."""
    pixels = tf.constant(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        maps, inputs = net.inside(pixels, training=False)
        logits = inputs @ net.last.kernel + net.last.bias       # before softmax or sigmoid
        if logits.shape[1] == 1:
            logits = tf.concat([-logits, logits], axis=1)
        wanted = logits[:, target]
    weights = tf.reduce_mean(tape.gradient(wanted, maps), axis=(1, 2))          # (B, K)
    cam = tf.nn.relu(tf.einsum("bhwk,bk->bhw", maps, weights)).numpy()
    peak = cam.max(axis=(1, 2), keepdims=True)
    return maps.numpy(), np.divide(cam, peak, out=np.zeros_like(cam), where=peak > 0)


def photos(count=6):
    """Smooth pictures (B, H, W, 3), so that maps have hills."""
    noise = np.random.default_rng(8).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    smooth = [np.asarray(tf.image.resize(image, (SIDE, SIDE), "bicubic")) for image in noise]
    return np.stack(smooth).clip(0, 255).astype(np.uint8)


def saved(net, folder, kind):
    if kind == "keras":
        net.model.save(folder / "net.keras")
        return load_backend(folder / "net.keras", preprocessing="raw")
    tf2onnx = pytest.importorskip("tf2onnx")
    signature = [tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32, name="image")]
    function = tf.function(lambda image: net.model(image, training=False))
    tf2onnx.convert.from_function(function, input_signature=signature, opset=17, output_path=str(folder / "net.onnx"))
    return load_backend(folder / "net.onnx", preprocessing="raw")


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(12)


@pytest.mark.parametrize("kind", ["keras", "onnx"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("head", HEADS)
def test_heatmaps_equal_grad_cam_by_gradient_tape(head, shape, kind, tmp_path):
    net = SHAPES[shape](HEADS[head])
    backend, images = saved(net, tmp_path, kind), photos()

    found = backend.forward(images)

    assert backend.no_head == "" and backend.head is not None
    hills = []
    for target in range(backend.head.classes):
        features, expected = by_tape(net, images, target)
        pooled = features.mean(axis=(1, 2))                     # (B, K)
        same = class_heatmap(features, backend.head.jacobian(pooled, np.array([target]))[:, 0])
        np.testing.assert_allclose(same, expected, atol=1e-5)
        whole = class_heatmap(found.features, backend.head.jacobian(found.embedding, np.array([target]))[:, 0])
        np.testing.assert_allclose(whole, expected, atol=1e-3)
        hills.append(expected.std(axis=(1, 2)).max())
    assert max(hills) > 0.1                                     # there was something to get wrong


@pytest.mark.parametrize("head", HEADS)
def test_gradients_through_the_backend_give_the_same_maps_as_its_head(head, tmp_path):
    backend, images = saved(nested(HEADS[head]), tmp_path, "keras"), photos(3)
    classes = np.array([[0, 1], [1, 0], [1, 1]])                # (B, n)

    found = backend.forward(images)
    expected = class_heatmaps(found.features, backend.head.jacobian(found.embedding, classes))

    np.testing.assert_allclose(heat(backend.grad_maps(images, classes)), expected, atol=1e-4)


def test_gradients_reach_any_layer_of_a_nested_model_even_a_frozen_one(tmp_path):
    image, trunk = keras.Input((SIDE, SIDE, 3)), residual()
    trunk.trainable = False
    maps = trunk(image, training=False)
    model = keras.Model(image, L.Dense(3)(L.GlobalMaxPooling2D()(maps)))
    model.save(tmp_path / "net.keras")
    backend, images = load_backend(tmp_path / "net.keras", preprocessing="raw"), photos(2)
    classes = np.array([[0, 2], [1, 1]])

    early = heat(backend.grad_maps(images, classes, layer=trunk.layers[1].name))

    assert backend.head is None
    assert early.shape == (2, 2, 16, 16) and early.min() >= 0
    with tf.GradientTape() as tape:
        first = trunk.layers[1](images.astype(np.float32))      # (B, 16, 16, 24)
        tape.watch(first)
        rest = keras.Model(trunk.layers[1].output, trunk.output)
        logit = model.layers[-1](tf.reduce_max(rest(first, training=False), axis=(1, 2)))[:, 2]
    weights = tf.reduce_mean(tape.gradient(logit, first), axis=(1, 2))
    cam = tf.nn.relu(tf.einsum("bhwk,bk->bhw", first, weights)).numpy()[0]
    np.testing.assert_allclose(early[0, 1], cam / cam.max(), atol=1e-4)


def test_a_head_behind_a_flatten_is_explained_by_gradients(tmp_path):
    image = keras.Input((SIDE, SIDE, 3))
    maps = L.Conv2D(5, 3, strides=4, activation="relu", name="maps")(image)
    model = keras.Model(image, L.Dense(3, activation="softmax")(L.Flatten()(maps)))
    model.save(tmp_path / "net.keras")
    backend, images = load_backend(tmp_path / "net.keras", preprocessing="unit"), photos(4)

    maps, method = class_maps(backend, images, np.tile([0, 1, 2], (4, 1)))

    assert backend.head is None and method == "Grad-CAM by gradients"
    kernel = np.asarray(model.layers[-1].kernel).reshape(8, 8, 5, 3)
    features = np.asarray(model.get_layer("maps")(images / np.float32(255)))                # (B, 8, 8, 5)
    cam = np.maximum(np.einsum("bhwk,kc->bchw", features, kernel.mean(axis=(0, 1))), 0)     # (B, C, h, w), by hand
    peak = cam.max(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(maps, np.divide(cam, peak, out=np.zeros_like(cam), where=peak > 0), atol=1e-4)


def test_a_layer_that_is_not_there_is_named(tmp_path):
    backend = saved(flat(linear), tmp_path, "keras")

    with pytest.raises(InputError, match="no layer 'conv9'"):
        heat(backend.grad_maps(photos(1), np.array([[0]]), layer="conv9"))


def test_a_model_whose_softmax_cannot_be_taken_off_is_left_to_occlusion(tmp_path):
    net = keras.Sequential([keras.Input((SIDE, SIDE, 3)), L.Rescaling(1 / 255), L.Conv2D(4, 3)])
    net.add(L.GlobalMaxPooling2D())
    net.add(L.EinsumDense("bk,kc->bc", output_shape=2, activation="softmax"))
    net.save(tmp_path / "net.keras")
    backend = load_backend(tmp_path / "net.keras")

    with pytest.raises(ModelError, match="no logits to differentiate"):
        heat(backend.grad_maps(photos(1), np.array([[0]])))
    maps, method = class_maps(backend, photos(1), np.array([[0, 1]]))
    assert method == "occlusion" and maps.shape == (1, 2, 7, 7)
