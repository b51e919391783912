"""Keras models, flat and nested, give the numbers that Keras gives and the heatmap data from inside."""

import io
import itertools
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tensorflow = pytest.importorskip("tensorflow", reason="the keras backend needs auditor[tensorflow]")
keras = pytest.importorskip("keras")

from auditor.backends import load_backend  # noqa: E402
from auditor.backends.card import ModelCard, sha256  # noqa: E402
from auditor.backends.keras.backend import KerasBackend  # noqa: E402
from auditor.backends.keras.names import name_apart  # noqa: E402
from auditor.backends.keras.resnet50 import build_resnet50  # noqa: E402
from auditor.classes.imagenet import positions  # noqa: E402
from auditor.errors import DeviceUnavailable, ModelError, ModelMismatch  # noqa: E402
from auditor.heatmaps.grad_cam import heat  # noqa: E402

L = keras.layers
SIDE = 16


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(5)


def trunk(name="trunk"):
    """Images -> (B, 8, 8, 6) maps, as a model of its own."""
    image = keras.Input((SIDE, SIDE, 3))
    maps = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(image)
    side = L.Conv2D(6, 1)(maps)
    return keras.Model(image, L.ReLU()(L.Add()([maps, side])), name=name)


def flat(head):
    base = trunk()
    return keras.Model(base.input, head(base.output))


def nested(head):
    image = keras.Input((SIDE, SIDE, 3))
    return keras.Model(image, head(trunk()(L.Rescaling(1 / 255)(image), training=False)))


def twice_nested(head):
    image = keras.Input((SIDE, SIDE, 3))
    inner = keras.Sequential([keras.Input((SIDE, SIDE, 3)), L.Rescaling(1 / 255), trunk(), L.Conv2D(6, 1)])
    return keras.Model(image, head(keras.Model(inner.inputs, inner.outputs[0])(image)))


def pooled_inside(_):
    inner = flat(L.GlobalAveragePooling2D())
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), inner, L.Dense(3, activation="softmax")])


def softmax_head(maps):
    return L.Dense(3, activation="softmax")(L.Dropout(0.3)(L.GlobalAveragePooling2D()(maps)))


def wordy_head(maps):
    pooled = L.Flatten()(L.GlobalAveragePooling2D(keepdims=True)(maps))
    return L.Softmax()(L.Activation("linear")(L.Dense(3)(pooled)))


def logit_head(maps):
    return L.Dense(3)(L.GlobalAveragePooling2D()(maps))


def convolved_head(maps):
    """As MobileNet ends: the last layer is a 1x1 convolution over the one pooled cell."""
    pooled = L.Dropout(0.1)(L.GlobalAveragePooling2D(keepdims=True)(maps))
    return L.Activation("softmax")(L.Reshape((3,))(L.Conv2D(3, 1)(pooled)))


def photos(count=4):
    return np.random.default_rng(1).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def named(*names):
    """A net that is flattened at its end, with layers of these names in a nested model and around it."""
    image = keras.Input((SIDE, SIDE, 3), name=names[0])
    inner = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *(L.Conv2D(4, 3, name=name) for name in names)], name="net")
    maps = L.Conv2D(5, 1, activation="relu", name=names[-1])(inner(image))
    scores = L.Dense(3, activation="softmax", name=names[1])(L.Flatten(name="flatten")(maps))
    return keras.Model(image, scores, name=names[2])


def saved(model, tmp_path):
    model.save(tmp_path / "net.keras")
    return tmp_path / "net.keras"


@pytest.mark.parametrize(
    ("build", "head"),
    [
        *itertools.product([flat, nested, twice_nested], [softmax_head, wordy_head, logit_head]),
        (nested, convolved_head),
        (pooled_inside, softmax_head),
    ],
)
def test_features_embedding_and_head_come_from_inside_the_model(build, head, tmp_path):
    model = build(head)
    backend = load_backend(saved(model, tmp_path), preprocessing="raw")

    found = backend.forward(photos())

    expected = model.predict_on_batch(photos().astype(np.float32))
    if head is logit_head:
        expected = np.asarray(keras.ops.softmax(expected))
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    assert found.features.shape == (4, 8, 8, 6)
    np.testing.assert_allclose(found.embedding, found.features.mean(axis=(1, 2)), rtol=1e-4, atol=1e-5)
    logits = backend.head.logits(found.embedding)
    np.testing.assert_allclose(found.probabilities, np.asarray(keras.ops.softmax(logits)), atol=1e-5)
    assert heat(backend.grad_maps(photos(), np.zeros((4, 1), int))).shape == (4, 1, 8, 8)


def test_a_single_sigmoid_unit_is_the_second_class(tmp_path):
    model = flat(lambda maps: L.Dense(1, activation="sigmoid")(L.GlobalAveragePooling2D()(maps)))
    backend = load_backend(saved(model, tmp_path), preprocessing="tf")

    found = backend.forward(photos())

    unit = model.predict_on_batch(photos() / np.float32(127.5) - 1)
    np.testing.assert_allclose(found.probabilities, np.concatenate([1 - unit, unit], axis=1), atol=1e-6)
    jacobian = backend.head.jacobian(found.embedding, np.array([0, 1]))                     # (B, 2, K)
    np.testing.assert_array_equal(jacobian[:, 0], -jacobian[:, 1])


@pytest.mark.parametrize(
    ("head", "width", "reason"),
    [
        (lambda maps: L.Dense(3)(L.Flatten()(maps)), 384, "follow Add"),
        (lambda maps: L.Dense(3)(L.Dense(7, "gelu")(L.GlobalAveragePooling2D()(maps))), 7, "joined by gelu"),
        (lambda maps: L.Dense(3)(L.GlobalMaxPooling2D()(maps)), 6, "GlobalMaxPooling2D"),
        (lambda maps: L.Dense(3, "relu")(L.GlobalAveragePooling2D()(maps)), 6, "come from a ReLU"),
    ],
)
def test_without_a_head_behind_global_average_pooling_the_last_inputs_are_the_embedding(head, width, reason, tmp_path):
    backend = load_backend(saved(flat(head), tmp_path))

    found = backend.forward(photos())

    assert backend.head is None and found.features is None
    assert reason in backend.no_head
    assert found.embedding.shape == (4, width)


def test_a_file_without_a_card_gets_a_guessed_card(tmp_path):
    rescaled = load_backend(saved(nested(softmax_head), tmp_path)).card
    base = trunk("resnet50")
    named = keras.Sequential([keras.Input((SIDE, SIDE, 3)), base, L.GlobalAveragePooling2D(), L.Dense(2)])
    resnet = load_backend(saved(named, tmp_path)).card

    assert (rescaled.input_size, rescaled.preprocessing) == ((SIDE, SIDE), "raw")
    assert "a layer of the model scales its input" in rescaled.guessed["preprocessing"]
    assert resnet.preprocessing == "caffe"
    assert "resnet" in resnet.guessed["preprocessing"]
    assert rescaled.guessed["classes"].startswith("none: ")


def test_class_names_are_counted(tmp_path):
    (tmp_path / "names.txt").write_text("a\nb")

    with pytest.raises(ModelMismatch, match="3 classes, but 2 class names"):
        load_backend(saved(flat(softmax_head), tmp_path), classes=tmp_path / "names.txt")


def test_a_lambda_layer_is_refused_before_anything_is_loaded(tmp_path):
    model = flat(lambda maps: softmax_head(keras.Sequential([keras.Input((8, 8, 6)), L.Lambda(lambda x: x * 2)])(maps)))

    with pytest.raises(ModelError, match=r"carries Python code \(Lambda, __lambda__\), which is never run"):
        load_backend(saved(model, tmp_path))


@pytest.mark.parametrize("content", [b"", b"HDF", b"PK\x03\x04"])
def test_a_broken_keras_file_is_named_as_such(content, tmp_path):
    (tmp_path / "net.keras").write_bytes(content)

    with pytest.raises(ModelError, match=r"is not a \.keras file of Keras 3"):
        load_backend(tmp_path / "net.keras")


def test_a_layer_that_keras_does_not_know_is_an_error(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("config.json", json.dumps({"module": "os", "class_name": "system", "config": {}}))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"")
    (tmp_path / "net.keras").write_bytes(packed.getvalue())

    with pytest.raises(ModelError, match="cannot load"):
        load_backend(tmp_path / "net.keras")


def test_two_inputs_are_refused(tmp_path):
    left, right = keras.Input((SIDE, SIDE, 3)), keras.Input((4,))
    scores = L.Dense(3)(L.Concatenate()([L.GlobalAveragePooling2D()(left), right]))

    with pytest.raises(ModelError, match="expected one input of RGB images"):
        load_backend(saved(keras.Model([left, right], scores), tmp_path))


def test_cuda_that_keras_does_not_see_is_an_error(tmp_path):
    if tensorflow.config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow sees a GPU here")

    with pytest.raises(DeviceUnavailable, match="Keras runs on tensorflow, which sees no GPU"):
        load_backend(saved(flat(softmax_head), tmp_path), device="cuda")


def test_keras_and_onnx_give_the_same_probabilities_and_features(tmp_path):
    tf2onnx = pytest.importorskip("tf2onnx")
    model = nested(softmax_head)
    path = saved(model, tmp_path)
    signature = [tensorflow.TensorSpec((None, SIDE, SIDE, 3), tensorflow.float32, name="image")]
    function = tensorflow.function(lambda image: model(image, training=False))
    tf2onnx.convert.from_function(function, input_signature=signature, opset=17, output_path=str(tmp_path / "net.onnx"))

    ours, theirs = (load_backend(tmp_path / name) for name in ("net.keras", "net.onnx"))
    ran, ran_too = ours.forward(photos(20)), theirs.forward(photos(20))

    assert ours.card.preprocessing == theirs.card.preprocessing == "raw"
    np.testing.assert_allclose(ran.probabilities, ran_too.probabilities, atol=1e-4)
    np.testing.assert_allclose(ran.embedding, ran_too.embedding, atol=1e-4)
    np.testing.assert_allclose(ran.features, ran_too.features, atol=1e-4)
    np.testing.assert_allclose(ours.head.layers[0].weights, theirs.head.layers[0].weights, atol=1e-6)
    assert ran.features.argmax() == ran_too.features.argmax()
    assert path.exists()


def test_the_bundled_model_runs_in_keras_with_the_weights_of_its_onnx_file(tmp_path):
    bundled = Path(__file__).parents[2] / "models" / "catdog-resnet50"
    if not (bundled / "model.onnx").is_file():
        pytest.skip(f"{bundled} is not here")
    for name in ("model.json", "model.onnx"):                   # without the int8 file, so that both run in float
        shutil.copy(bundled / name, tmp_path)

    in_keras, in_onnx = (load_backend(tmp_path, kind=kind) for kind in ("keras", "onnx"))
    images = np.random.default_rng(2).integers(0, 256, (4, *in_keras.card.input_size, 3), dtype=np.uint8)
    ran, ran_too = in_keras.forward(images), in_onnx.forward(images)

    assert (in_keras.kind, in_onnx.kind, in_keras.head.channels) == ("keras", "onnx", 2048)
    np.testing.assert_array_equal(in_keras.head.layers[0].weights, in_onnx.head.layers[0].weights)
    np.testing.assert_allclose(ran.probabilities, ran_too.probabilities, atol=1e-4)
    np.testing.assert_allclose(ran.features, ran_too.features, atol=1e-3 * ran.features.max())
    (other,), (other_too,) = in_keras.other_heads, in_onnx.other_heads
    assert other.name == other_too.name == "imagenet" and positions(other.classes) == tuple(range(1000))
    np.testing.assert_array_equal(other.head.layers[0].weights, other_too.head.layers[0].weights)
    np.testing.assert_array_equal(other.head.layers[0].bias, other_too.head.layers[0].bias)
    logits, logits_too = other.head.logits(ran.embedding), other_too.head.logits(ran_too.embedding)
    np.testing.assert_allclose(logits, logits_too, atol=1e-3 * np.abs(logits).max())


def test_a_folder_without_classes_cannot_be_built_in_keras(tmp_path):
    ModelCard("net", (), (SIDE, SIDE), "raw").write(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")

    with pytest.raises(ModelError, match="has no card with classes"):
        load_backend(tmp_path, kind="keras")


def test_the_hash_is_that_of_the_file(tmp_path):
    path = saved(flat(softmax_head), tmp_path)

    assert KerasBackend(path).sha256 == sha256(path)


@pytest.mark.parametrize(
    "names",
    [
        ("input_layer", "flatten_1", "logits"),                     # twice, inside and around a nested model
        ("probabilities", "embedding", "features"),
        ("auditor_image", "auditor_embedding", "auditor_linear_x"),  # as auditor calls what it adds
        ("x", "x_1", "x_1_1"),                                      # as a number makes a name different
        ("猫", "my layer", "a:b"),                                  # not for TensorFlow's graphs
        ("", "-", "_net"),
        ("n\nl", "\N{GRINNING FACE}", "a,b"),
    ],
)
def test_any_names_of_layers_will_do(names, tmp_path):
    model = named(*names)
    expected = np.asarray(model(photos().astype(np.float32)))
    backend = load_backend(saved(model, tmp_path), preprocessing="raw")

    found = backend.forward(photos())
    layers = backend.open_layers()
    maps = layers.activations(photos()[0], layers.layers)

    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    assert [layer.tensor for layer in layers.layers] == [*names, names[-1]]         # as they are called in the file
    assert len({layer.name for layer in layers.layers}) == len(maps) == 4
    assert backend.grad_maps(photos(1), np.array([[0, 2]]), layers.layers[-1].name).shape == (1, 2, 10, 10)


def test_layers_that_are_called_as_the_export_calls_its_own_are_exported(tmp_path):
    pytest.importorskip("tf2onnx")
    from auditor.model_export.keras_to_onnx import to_onnx

    image = keras.Input((SIDE, SIDE, 3), name="image")
    maps = L.Conv2D(4, 3, name="probabilities")(image)
    model = keras.Model(image, L.Dense(3, name="probabilities_1")(L.GlobalAveragePooling2D(name="猫")(maps)))
    path = saved(model, tmp_path)
    name_apart(loaded := keras.saving.load_model(path))

    (tmp_path / "net.onnx").write_bytes(to_onnx(loaded, "net").SerializeToString())
    ours, theirs = (load_backend(tmp_path / f"net.{kind}", preprocessing="raw") for kind in ("keras", "onnx"))

    np.testing.assert_allclose(
        ours.forward(photos()).probabilities, theirs.forward(photos()).probabilities, atol=1e-4
    )


def test_a_further_output_cannot_be_called_as_the_scores_are(tmp_path):
    pytest.importorskip("tf2onnx")
    from auditor.model_export.keras_to_onnx import to_onnx

    image = keras.Input((SIDE, SIDE, 3))
    pooled = L.GlobalAveragePooling2D()(image)
    scores, other = L.Dense(3, activation="softmax")(pooled), L.Dense(2, name="probabilities")(pooled)

    with pytest.raises(ModelError, match="further output 'probabilities'"):
        to_onnx(keras.Model(image, [scores, other]), "net")


@pytest.mark.parametrize("name", ["conv1_conv", "avg_pool", "probabilities", "a/b"])
def test_a_head_that_is_called_as_another_layer_is_a_mismatch(name):
    with pytest.raises(ModelMismatch, match=r"cannot have in Keras: .*Take the ONNX backend"):
        build_resnet50(2, (32, 32), {name: 3})
