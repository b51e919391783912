"""A real classifier that was not made for this program: a quantised MobileNetV2, converted from TensorFlow Lite."""

import tarfile

import cv2
import numpy as np
import pytest

from auditor.backends import load_backend
from auditor.heatmaps.grad_cam import class_heatmap

CATS = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
PHOTOS = [f"cat/cat.{number}.jpg" for number in (1, 10, 1000, 1002, 1005, 1010, 1011, 1015)]


@pytest.fixture(scope="module")
def backend(shared, mobilenet):
    return load_backend(mobilenet, classes=shared / "models" / "imagenet_labels.txt")


@pytest.fixture(scope="module")
def cats(shared):
    """(8, 224, 224, 3) photographs of cats."""
    tar = shared / "data" / "dogs-vs-cats-160.tar"
    pictures = []
    with tarfile.open(tar) as archive:
        wanted = {member.name.removeprefix("./").removeprefix("dogs-vs-cats-160/"): member for member in archive}
        for name in PHOTOS:
            content = archive.extractfile(wanted[name]).read()
            picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
            pictures.append(cv2.resize(picture, (224, 224), interpolation=cv2.INTER_AREA))
    return np.stack(pictures)


def test_input_and_head_are_found(backend):
    assert backend.card.input_size == (224, 224)
    assert backend.card.preprocessing == "raw"
    assert backend.card.guessed == {}
    assert (backend.head.channels, backend.head.classes) == (1280, 1001)


def test_cats_are_cats(backend, cats):
    found = backend.forward(cats)

    names = [backend.card.classes[index] for index in found.probabilities.argmax(axis=1)]
    assert sum(name.startswith(CATS) for name in names) >= 6


def test_embedding_and_scores_are_finer_than_8_bits(backend, cats):
    found = backend.forward(cats)

    assert found.features.shape == (8, 7, 7, 1280)
    np.testing.assert_allclose(found.embedding, found.features.mean(axis=(1, 2)), atol=1e-4)
    assert len(np.unique(found.embedding)) > 1000
    assert len(np.unique(found.probabilities.max(axis=1))) == 8


def test_heat_lies_in_the_middle_where_the_animal_is_and_not_in_the_corners(backend, cats):
    found = backend.forward(cats)

    best = found.probabilities.argmax(axis=1)[:, None]                          # (8, 1)
    heat = class_heatmap(found.features, backend.head.jacobian(found.embedding, best)[:, 0])     # (8, 7, 7)

    corners = heat[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert heat[:, 1:6, 1:6].mean() > 2 * corners.mean()
