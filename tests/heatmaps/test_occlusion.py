"""Occlusion maps are high where a cover lowers the probability, and the method that made a map is named."""

import numpy as np
import pytest

from auditor.backends.base import Forward
from auditor.backends.card import ModelCard
from auditor.heatmaps.occlusion import answers_of, log_odds_lost, occlusion_maps
from auditor.heatmaps.saliency import class_maps, signed_maps
from tests.backends.fake import FakeBackend

CORNERS = {"upper left": (0, 0), "upper right": (0, 1), "lower left": (1, 0), "lower right": (1, 1)}


class QuadrantBackend:
    """Sees one quadrant of the image alone: the brighter it is against the whole, the more of the second class."""

    kind, device, sha256 = "onnx", "cpu", "0" * 64
    head, no_head = None, "it looks at one quadrant only"
    card = ModelCard("quadrant", ("dull", "bright"), (32, 48), "raw")

    def __init__(self, down, right, sharpness=0.2):
        self.down, self.right, self.sharpness, self.seen = down, right, sharpness, []

    def forward(self, images):
        self.seen.append(len(images))
        halves = images.astype(np.float64).reshape(len(images), 2, 16, 2, 24, 3).mean(axis=(2, 4, 5))   # (B, 2, 2)
        logit = self.sharpness * (halves[:, self.down, self.right] - 100)
        bright = 1 / (1 + np.exp(-logit))
        probabilities = np.stack([1 / (1 + np.exp(logit)), bright], axis=1).astype(np.float32)
        return Forward(probabilities, halves.reshape(len(images), 4).astype(np.float32), None)


def lit(down, right):
    """(32, 48, 3): one bright quadrant on dark ground."""
    image = np.full((32, 48, 3), 40, np.uint8)
    image[16 * down : 16 * down + 16, 24 * right : 24 * right + 24] = 220
    return image


@pytest.mark.parametrize("corner", CORNERS)
def test_the_maximum_lies_in_the_quadrant_that_the_model_looks_at(corner):
    down, right = CORNERS[corner]

    found = occlusion_maps(QuadrantBackend(down, right), lit(down, right)[None], np.array([[1, 0]]), cells=8)[0]

    assert found.shape == (2, 8, 8) and found.dtype == np.float32
    rows, columns = np.nonzero(found[0] > 0.5)
    assert found[0].max() == 1
    assert set(rows // 4) == {down} and set(columns // 4) == {right}
    assert found[1].max() == 0                                  # covering it speaks for the other class


def test_probabilities_near_1_still_tell_the_cells_apart():
    backend, image = QuadrantBackend(0, 0, sharpness=0.3), lit(0, 0)

    lost = log_odds_lost(answers_of(backend), image[None], np.array([[1]]))[0, 0]

    assert backend.forward(image[None]).probabilities[0, 1] == 1.0                          # in float32
    assert lost[:3, :3].min() > 5
    np.testing.assert_array_equal(lost[5:, 5:], 0)


def test_every_image_and_class_has_a_map_and_batches_stay_small():
    backend = QuadrantBackend(1, 0)
    images = np.stack([lit(1, 0), lit(0, 1), np.full((32, 48, 3), 7, np.uint8)])
    before = images.copy()

    found = occlusion_maps(backend, images, np.array([[0, 1], [1, 0], [1, 1]]), cells=5)

    assert found.shape == (3, 2, 5, 5)
    assert sum(backend.seen) == 3 * 26 and max(backend.seen) <= 16
    np.testing.assert_array_equal(found[2], 0)                  # an even picture loses nothing
    np.testing.assert_array_equal(images, before)


def test_without_a_head_class_maps_are_occlusion_maps_and_are_called_so():
    backend, images = QuadrantBackend(0, 1), lit(0, 1)[None]

    maps, method = class_maps(backend, images, np.array([[1]]))

    assert method == "occlusion"
    np.testing.assert_array_equal(maps, occlusion_maps(backend, images, np.array([[1]])))


def test_with_a_head_they_are_grad_cam_from_one_pass():
    red = np.full((32, 32, 3), 60, np.uint8)
    red[8:16, 16:24, 0] = 250

    maps, method = class_maps(FakeBackend(), red[None], np.array([[1, 0]]))
    signed, _ = signed_maps(FakeBackend(), red[None], np.array([[1, 0]]))

    assert method == "Grad-CAM"
    assert np.argwhere(maps[0, 0] == 1).tolist() == [[1, 2]]
    np.testing.assert_allclose(signed[0, 0], -signed[0, 1])     # its two classes are opposites
