"""Heatmaps equal Grad-CAM by automatic differentiation, and the overlay shows them where they are."""

import os

import numpy as np
import pytest

from auditor.heatmaps.grad_cam import (
    COLOUR_MAPS,
    class_heatmap,
    class_heatmaps,
    contrast_heatmap,
    contrast_legend,
    contrast_overlay,
    evidence_maps,
    legend,
    overlay,
    scale,
)

RNG = np.random.default_rng(11)
FEATURES = np.maximum(RNG.normal(0, 1, (6, 7, 5, 16)), 0).astype(np.float32)       # (B, h, w, K)
HEAD = RNG.normal(0, 1, (16, 4)).astype(np.float32)                                 # (K, C)
ROWS = HEAD.T                                                                       # (C, K)


def grad_cam_by_tape(features, head, target):
    """(h, w, K) -> (h, w): Selvaraju et al., equations 1 and 2, with the gradient taken by TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tf = pytest.importorskip("tensorflow")
    maps = tf.constant(features[None])
    with tf.GradientTape() as tape:
        tape.watch(maps)
        logits = tf.reduce_mean(maps, axis=(1, 2)) @ head
        target_logit = logits[0, target]
    gradient = tape.gradient(target_logit, maps)[0].numpy()     # (h, w, K)
    weights = gradient.mean(axis=(0, 1))                        # (K,)
    cam = np.maximum((features * weights).sum(axis=-1), 0)
    return cam / cam.max() if cam.max() > 0 else cam


@pytest.mark.parametrize("target", range(4))
def test_heatmaps_equal_grad_cam_by_gradient_tape(target):
    found = class_heatmap(FEATURES, ROWS[target])               # (B, h, w)

    for image in range(len(FEATURES)):
        np.testing.assert_allclose(found[image], grad_cam_by_tape(FEATURES[image], HEAD, target), atol=1e-5)


def test_the_contrast_equals_grad_cam_of_the_difference_of_two_logits():
    difference = HEAD[:, [2]] - HEAD[:, [0]]                    # (K, 1)

    found = contrast_heatmap(FEATURES[0], ROWS[2], ROWS[0])

    towards, against = (grad_cam_by_tape(FEATURES[0], sign * difference, 0) for sign in (1, -1))
    np.testing.assert_allclose(np.maximum(found, 0) / found.max(), towards, atol=1e-5)
    np.testing.assert_allclose(np.maximum(-found, 0) / -found.min(), against, atol=1e-5)
    assert np.abs(found).max() == 1
    np.testing.assert_array_equal(found, -contrast_heatmap(FEATURES[0], ROWS[0], ROWS[2]))


def test_the_contrast_is_the_difference_of_two_classes_maps():
    maps = evidence_maps(FEATURES, ROWS)                        # (B, C, h, w)

    np.testing.assert_allclose(scale(maps[:, 1] - maps[:, 3]), contrast_heatmap(FEATURES, ROWS[1], ROWS[3]), atol=1e-5)


def test_a_map_by_hand():
    features = np.zeros((2, 2, 2), np.float32)
    features[0, 1] = [3, 1]
    features[1, 0] = [1, 0]
    head = np.array([[1.0, -1.0], [-1.0, 0.0]], np.float32)

    np.testing.assert_allclose(class_heatmap(features, head[:, 0]), [[0, 1], [0.5, 0]])      # 3 - 1 = 2, and 1
    np.testing.assert_array_equal(class_heatmap(features, head[:, 1]), np.zeros((2, 2)))     # nothing speaks for it


def test_one_image_a_batch_and_several_classes_agree():
    classes = np.array([0, 3, 1, 1, 2, 0])
    batch = class_heatmap(FEATURES, ROWS[classes])              # (B, h, w)
    several = class_heatmaps(FEATURES, ROWS[np.stack([classes, 3 - classes], axis=1)])    # (B, 2, h, w)

    assert batch.shape == (6, 7, 5) and several.shape == (6, 2, 7, 5)
    assert batch.dtype == several.dtype == np.float32
    for image, target in enumerate(classes):
        np.testing.assert_allclose(batch[image], class_heatmap(FEATURES[image], ROWS[target]), atol=1e-6)
        np.testing.assert_allclose(several[image, 1], class_heatmap(FEATURES[image], ROWS[3 - target]), atol=1e-6)
    np.testing.assert_allclose(class_heatmaps(FEATURES[2], ROWS[[1, 2]]), several[2], atol=1e-6)
    assert class_heatmaps(FEATURES[2], ROWS[:0]).shape == (0, 7, 5)


def test_heatmaps_lie_between_0_and_1_and_half_precision_does_not_matter():
    found = class_heatmaps(FEATURES[0].astype(np.float16), ROWS)

    assert found.min() == 0
    np.testing.assert_array_equal(found.max(axis=(1, 2)), np.ones(4))


@pytest.mark.parametrize("colours", COLOUR_MAPS)
def test_a_cold_map_leaves_the_picture_as_it_is(colours):
    picture = RNG.integers(0, 256, (40, 30, 3), dtype=np.uint8)

    np.testing.assert_array_equal(overlay(picture, np.zeros((7, 7)), colours=colours), picture)


@pytest.mark.parametrize("row", [0, 3, 6])
@pytest.mark.parametrize("column", [0, 2, 6])
def test_a_red_pixel_of_the_overlay_lies_on_the_maximum_of_the_map(row, column):
    heat = np.full((7, 7), 0.2)
    heat[row, column] = 1
    grey = np.full((70, 140, 3), 128, np.uint8)

    drawn = overlay(grey, heat, alpha=1, colours="jet").astype(int)

    redness = drawn[..., 0] - drawn[..., 1:].max(axis=-1)       # RGB: red is channel 0
    y, x = np.unravel_index(redness.argmax(), redness.shape)
    assert redness.max() > 100
    assert (y // 10, x // 20) == (row, column)


@pytest.mark.parametrize("heat", [0.6, 0.8, 1.0])
def test_hot_colours_are_warm(heat):
    drawn = overlay(np.zeros((70, 70, 3), np.uint8), np.full((7, 7), heat), alpha=1).astype(int)

    red, _, blue = drawn[35, 35]
    assert red > blue + 80                                      # as BGR it would be blue


def test_the_overlay_covers_the_whole_picture_and_changes_nothing_it_is_given():
    picture = np.full((33, 57, 3), 90, np.uint8)
    heat = RNG.random((7, 7))
    before = picture.copy(), heat.copy()

    drawn = overlay(picture, heat)

    assert drawn.shape == picture.shape and drawn.dtype == np.uint8
    assert (drawn != picture).any(axis=-1).mean() > 0.95
    np.testing.assert_array_equal(picture, before[0])
    np.testing.assert_array_equal(heat, before[1])


def test_enlarging_does_not_shift_the_map():
    heat = np.zeros((4, 4))
    heat[1:3, 1:3] = 1
    drawn = overlay(np.zeros((80, 80, 3), np.uint8), heat, alpha=1).astype(int)

    np.testing.assert_array_equal(drawn, drawn[::-1])
    np.testing.assert_array_equal(drawn, drawn[:, ::-1])


def test_a_contrast_is_orange_where_it_is_above_0_and_blue_below():
    contrast = np.zeros((7, 7))
    contrast[1, 1], contrast[5, 4] = 1, -1
    grey = np.full((70, 70, 3), 128, np.uint8)

    drawn = contrast_overlay(grey, contrast).astype(int)

    below, above = (np.array(list(bytes.fromhex(colour[1:]))) for colour in contrast_legend())
    assert np.abs(drawn[15, 15] - above).max() < np.abs(drawn[15, 15] - below).max()
    assert np.abs(drawn[55, 45] - below).max() < np.abs(drawn[55, 45] - above).max()
    assert drawn[15, 15, 0] > drawn[15, 15, 2] + 80             # RGB: orange is red more than blue
    assert drawn[55, 45, 2] > drawn[55, 45, 0] + 80
    np.testing.assert_array_equal(drawn[15, 55], grey[15, 55])  # nothing tells the two apart here
    np.testing.assert_array_equal(contrast_overlay(grey, np.zeros((7, 7))), grey)


def test_the_default_colours_rise_in_lightness_from_cold_to_hot():
    lightness = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (bytes.fromhex(stop[1:]) for stop in legend())]

    assert lightness == sorted(lightness)
    assert lightness[0] < 20 and lightness[-1] > 220


def test_an_unknown_colour_map_lists_the_known():
    with pytest.raises(ValueError, match="expected one of inferno, viridis, jet"):
        legend("rainbow")
