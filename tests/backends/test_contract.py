"""One contract for every backend, the fake of the other tests included."""

import os

import numpy as np
import pytest

from auditor.backends import load_backend
from auditor.backends.card import ModelCard
from auditor.heatmaps.grad_cam import class_heatmap
from tests.backends.fake import FakeBackend
from tests.backends.nets import SIDE, classifier, save


def fake(_):
    return FakeBackend(classes=("ant", "bee", "cow"))


def onnx(folder, **spelling):
    path = save(classifier(**spelling), folder, "model.onnx")
    ModelCard("net", ("ant", "bee", "cow"), (SIDE, SIDE), "raw").write(folder)
    assert path.exists()
    return load_backend(folder)


def onnx_fixed_batch(folder):
    return onnx(folder, batch=2)


def onnx_int8(folder):
    return onnx(folder, int8="channel", channels_last=True)


def keras(folder):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow", reason="the keras backend needs auditor[tensorflow]")
    from keras import Sequential, layers

    net = Sequential([layers.Input((8, 8, 3)), layers.Conv2D(5, 1, activation="relu"), layers.GlobalAveragePooling2D()])
    net.add(layers.Dense(3, activation="softmax"))
    net.save(folder / "net.keras")
    (folder / "names.txt").write_text("ant\nbee\ncow")
    return load_backend(folder / "net.keras", classes=folder / "names.txt", preprocessing="tf")


@pytest.fixture(params=[fake, onnx, onnx_fixed_batch, onnx_int8, keras], ids=lambda make: make.__name__)
def backend(request, tmp_path):
    return request.param(tmp_path)


def images_for(backend, count):
    return np.random.default_rng(4).integers(0, 256, (count, *backend.card.input_size, 3), dtype=np.uint8)


def test_it_says_what_it_is(backend):
    assert backend.kind in ("onnx", "keras")
    assert backend.device == "cpu"
    assert len(backend.sha256) == 64
    assert backend.card.classes == ("ant", "bee", "cow")
    assert backend.no_head == ""


@pytest.mark.parametrize("count", [1, 5])
def test_shapes_and_types(backend, count):
    found = backend.forward(images_for(backend, count))

    channels = backend.head.channels
    assert found.probabilities.shape == (count, 3) and found.probabilities.dtype == np.float32
    assert found.embedding.shape == (count, channels) and found.embedding.dtype == np.float32
    assert found.features.shape[0] == count and found.features.shape[3] == channels
    assert found.features.dtype == np.float32
    assert backend.head.classes == 3


def test_probabilities_are_probabilities(backend):
    found = backend.forward(images_for(backend, 6))

    assert found.probabilities.min() >= 0
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)


def test_features_embedding_head_and_probabilities_belong_together(backend):
    found = backend.forward(images_for(backend, 6))

    np.testing.assert_allclose(found.features.mean(axis=(1, 2)), found.embedding, rtol=1e-3, atol=1e-4)
    logits = backend.head.logits(found.embedding)
    for one, other in ((0, 1), (2, 5)):
        by_head = logits[one] - logits[other]
        by_odds = np.log(found.probabilities[one]) - np.log(found.probabilities[other])
        np.testing.assert_allclose(by_head - by_head[0], by_odds - by_odds[0], atol=0.3)    # int8 rounds logits by 0.1


def test_an_image_is_seen_alike_alone_and_in_any_batch(backend):
    images = images_for(backend, 5)

    together, alone = backend.forward(images), backend.forward(images[3:4])

    np.testing.assert_allclose(together.probabilities[3:4], alone.probabilities, atol=1e-5)
    np.testing.assert_allclose(together.embedding[3:4], alone.embedding, rtol=1e-4, atol=1e-4)


def test_the_same_images_give_the_same_numbers_and_stay_as_they_are(backend):
    images = images_for(backend, 3)
    before = images.copy()

    first, second = backend.forward(images), backend.forward(images)

    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    np.testing.assert_array_equal(images, before)


def test_there_is_a_heatmap_for_every_class(backend):
    found = backend.forward(images_for(backend, 2))

    for target in range(3):
        weights = backend.head.jacobian(found.embedding, np.array([target]))[:, 0]          # (B, K)
        heat = class_heatmap(found.features, weights)
        assert heat.shape == found.features.shape[:3]
        assert heat.min() >= 0 and heat.max() <= 1


def test_the_fake_sees_red_as_its_second_class():
    grey, red = np.full((2, 32, 32, 3), 90, np.uint8)
    red[..., 0] = 200

    found = FakeBackend().forward(np.stack([grey, red]))

    assert found.probabilities.argmax(axis=1).tolist() == [0, 1]
    assert found.features.shape == (2, 4, 4, 8)
