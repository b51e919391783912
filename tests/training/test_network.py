"""Networks and their weights: the same numbers from every kind of file."""

import importlib
import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="training needs auditor[tensorflow]")
keras = pytest.importorskip("keras")

from auditor.errors import InputError, ModelError, ModelMismatch  # noqa: E402
from auditor.training.network import Shape, build, build_head, copy_head, dense_layers, embedder, set_trainable  # noqa: E402
from auditor.training.weights import IMAGENET_FILE, fill_backbone  # noqa: E402

SMALL = Shape("small", (32, 32), 3, (5,), 0.3)


@pytest.fixture(scope="module")
def network():
    """A ResNet50 for images of 32 pixels; each test fills it again."""
    return build(Shape("resnet50", (32, 32), 2, (), 0.0))


@pytest.fixture(scope="module")
def theirs():
    """The network of keras.applications, with five classes and random numbers everywhere."""
    keras.utils.set_random_seed(11)
    model = keras.applications.ResNet50(weights=None, classes=5, input_shape=(32, 32, 3))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else w for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def headless(theirs):
    model = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(32, 32, 3))
    model.set_weights(theirs.get_weights()[:-2])
    return model


def photos(count=2, side=32):
    return np.random.default_rng(2).normal(0, 60, (count, side, side, 3)).astype(np.float32)


def test_a_network_ends_in_probabilities_of_its_classes():
    probabilities = build(SMALL).predict_on_batch(photos())

    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_mixed_precision_keeps_weights_and_probabilities_in_float32_and_does_not_change_the_policy():
    network = build(SMALL, dtype="mixed_bfloat16")

    assert {variable.dtype for variable in network.weights} == {"float32"}
    assert network.output.dtype == "float32"
    assert network.get_layer("block1_conv").compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


def test_a_head_trained_on_standardised_features_gives_the_same_on_plain_ones():
    network = build(SMALL)
    features = embedder(network).predict_on_batch(photos(6))                            # (6, 256)
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 0.1
    head = build_head(SMALL, features.shape[1])

    copy_head(head, network, mean, deviation)

    expected = head.predict_on_batch((features - mean) / deviation)
    np.testing.assert_allclose(network.predict_on_batch(photos(6)), expected, atol=1e-5)


def test_stages_are_trainable_from_one_stage_up_and_their_batch_normalisation_only_on_request(network):
    set_trainable(network, ("conv5",), batch_norm=False)
    learning = {layer.name for layer in network.layers if layer.trainable and layer.weights}
    assert {name.split("_")[0] for name in learning} == {"conv5", "logits"}
    assert not any(name.endswith("_bn") for name in learning)

    set_trainable(network, ("conv4", "conv5"), batch_norm=True)
    learning = {layer.name for layer in network.layers if layer.trainable and layer.weights}
    assert "conv4_block1_1_bn" in learning
    assert "conv3_block1_1_bn" not in learning


@pytest.mark.parametrize("form", ["whole.weights.h5", "headless.weights.h5", "whole.keras", "headless.h5", "whole.h5"])
def test_weights_saved_in_keras_own_layout_load(form, network, theirs, headless, tmp_path):
    path = tmp_path / form
    source = headless if form.startswith("headless") else theirs
    if form.endswith(".weights.h5"):
        source.save_weights(path)
    else:
        source.save(path)                       # .h5: the layout of the files that keras.applications downloads

    fill_backbone(network, str(path))

    expected = headless.predict_on_batch(photos()).mean(axis=(1, 2))
    np.testing.assert_allclose(embedder(network).predict_on_batch(photos()), expected, rtol=1e-4, atol=1e-4)


def test_arrays_by_the_name_of_their_layer_load(network, headless, tmp_path):
    arrays = {}
    for layer in headless.layers:
        if layer.name.endswith("_conv"):
            layer.set_weights([layer.get_weights()[0], 0 * layer.get_weights()[1]])     # such a backbone has no biases
            arrays[f"{layer.name}/kernel"] = layer.get_weights()[0]
        elif layer.name.endswith("_bn"):
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            arrays |= {f"{layer.name}/{name}": a for name, a in zip(names, layer.get_weights(), strict=True)}
    np.savez(tmp_path / "backbone.npz", **arrays)

    origin = fill_backbone(network, str(tmp_path / "backbone.npz"))

    assert not origin.folded
    expected = headless.predict_on_batch(photos()).mean(axis=(1, 2))
    np.testing.assert_allclose(embedder(network).predict_on_batch(photos()), expected, rtol=1e-4, atol=1e-4)


def test_the_bundled_backbone_gives_what_the_bundled_model_gives():
    from auditor.backends.card import read_card
    from auditor.backends.onnx.backend import OnnxBackend
    from auditor.resources import bundled_model

    folder = bundled_model()
    card = read_card(folder / "model.json")
    network = build(Shape("resnet50", card.input_size, 2, (), 0.0))
    before = [layer.get_weights() for layer in dense_layers(network)]
    images = np.random.default_rng(0).integers(0, 256, (1, *card.input_size, 3), dtype=np.uint8)
    pixels = images[..., ::-1].astype(np.float32) - np.array([103.939, 116.779, 123.68], np.float32)

    origin = fill_backbone(network, "bundled")

    assert origin.folded
    assert origin.trained_on == card.trained_on
    assert all(np.array_equal(a, b) for a, b in zip(before[0], dense_layers(network)[0].get_weights(), strict=True))
    expected = OnnxBackend(folder / "model.onnx", card=card).forward(images).embedding
    np.testing.assert_allclose(embedder(network).predict_on_batch(pixels), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("nowhere.h5", None, InputError),
        ("weights.txt", b"1", InputError),
        ("broken.h5", b"not hdf5", ModelMismatch),
        ("broken.npz", b"not a zip", ModelError),
        ("broken.keras", b"not a zip", ModelError),
    ],
)
def test_files_that_hold_no_backbone_are_refused(name, content, error, network, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(error, match=name):
        fill_backbone(network, str(tmp_path / name))


def test_weights_of_another_network_are_refused(network, tmp_path):
    build(SMALL).save(tmp_path / "small.keras")
    np.savez(tmp_path / "half.npz", **{"conv1_conv/kernel": np.zeros((7, 7, 3, 64), np.float32)})

    for name in ("small.keras", "half.npz"):
        with pytest.raises(ModelMismatch, match="conv1"):
            fill_backbone(network, str(tmp_path / name))


def test_imagenet_weights_without_a_network_name_the_file_and_the_option(network, monkeypatch, tmp_path, capsys):
    config = importlib.import_module("keras.src.backend.config")
    resnet = importlib.import_module("keras.src.applications.resnet")
    monkeypatch.setattr(config, "keras_home", lambda: str(tmp_path))
    monkeypatch.setattr(resnet, "BASE_WEIGHTS_PATH", (tmp_path / "nowhere").as_uri() + "/")

    with pytest.raises(InputError, match=rf"{IMAGENET_FILE}.*--weights FILE"):
        fill_backbone(network, "imagenet")

    assert capsys.readouterr().out == ""
