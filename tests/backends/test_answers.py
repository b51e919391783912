"""Scores that mean nothing: NaN, infinite, negative, all zero. The image fails, with the reason; the others do not."""

import numpy as np
import pytest
from onnx import TensorProto

from auditor.backends import load_backend
from auditor.backends.answers import check_answers, drawn_images
from auditor.backends.base import as_probabilities
from auditor.backends.catalogue import write_card
from auditor.errors import ModelError
from tests.backends.fake import FakeBackend
from tests.backends.nets import FILTERS, SIDE, WEIGHTS, Net, photos, save


@pytest.mark.parametrize(
    ("row", "are_logits"),
    [
        ([np.nan, 1, 2], True),
        ([np.inf, 1, 2], True),
        ([np.inf, np.inf, 0], True),
        ([-np.inf, -np.inf, -np.inf], True),
        ([0, 0, 0], False),
        ([0.4, np.nan, 0.6], False),
        ([-0.5, 0.9, 0.6], False),
        ([np.inf, 0, 0], False),
        ([np.nan], True),
        ([np.inf], True),
        ([np.nan], False),
        ([-2], False),
    ],
)
def test_scores_that_mean_nothing_become_nan_and_leave_the_next_row_alone(row, are_logits):
    good = np.full(len(row), 0.5)

    found = as_probabilities(np.array([row, good], np.float32), are_logits=are_logits)

    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1].sum(), 1, rtol=1e-6)


def test_a_class_that_is_left_out_by_minus_infinity_has_no_probability():
    np.testing.assert_allclose(as_probabilities(np.array([[-np.inf, 0, 0]]), are_logits=True), [[0, 0.5, 0.5]])


def test_a_probability_that_rounding_made_negative_is_zero():
    np.testing.assert_allclose(as_probabilities(np.array([[-1e-7, 1.0]]), are_logits=False), [[0, 1]], atol=1e-6)


def overflowing(folder, factor):
    """A classifier whose maps pass float16, multiplied by a factor."""
    net = Net()
    large = net.add("Mul", "image", net.constant(np.float32(factor)))
    half = net.add("Cast", net.add("Cast", large, to=TensorProto.FLOAT16), to=TensorProto.FLOAT)
    maps = net.add("Relu", net.add("Conv", half, net.constant(FILTERS.T[:, :, None, None])))
    flat = net.add("Flatten", net.add("GlobalAveragePool", maps))
    scores = net.add("Softmax", net.add("MatMul", flat, net.constant(WEIGHTS)))
    return save(net.model(["N", 3, SIDE, SIDE], [scores], preprocessing="raw"), folder)


def test_a_model_that_overflows_float16_gives_nan_without_a_warning(tmp_path, recwarn):
    found = load_backend(overflowing(tmp_path, 1e6), device="cpu").forward(photos(2))

    assert np.isnan(found.probabilities).all()
    assert not [each for each in recwarn if issubclass(each.category, RuntimeWarning)]


def test_no_card_is_written_for_a_model_that_gives_nan_for_every_drawn_image(tmp_path):
    path = overflowing(tmp_path, 300)                           # 255 * 300 is beyond 65504, 200 * 300 is not

    with pytest.raises(ModelError, match="asked about 6 images and gave NaN for every one"):
        write_card(path)
    assert not (tmp_path / "model.json").exists()


def test_a_card_is_written_for_a_model_that_stays_in_range(tmp_path):
    assert write_card(overflowing(tmp_path, 1)).preprocessing == "raw"


def test_drawn_images_are_varied_of_full_contrast_and_always_the_same():
    images = drawn_images((16, 24))

    np.testing.assert_array_equal(images, drawn_images((16, 24)))
    assert images.shape == (6, 16, 24, 3) and images.dtype == np.uint8
    assert all(image.min() == 0 and image.max() == 255 for image in images[:4])
    check_answers(FakeBackend())
