"""Graphs in training mode run in inference mode with a note where that is safe, and are refused elsewhere."""

import numpy as np
import pytest
from onnx import helper

from auditor.backends import load_backend
from auditor.errors import ModelError
from tests.backends.nets import FILTERS, SIDE, WEIGHTS, Net, photos, save, softmax

TRAINED = np.full(5, 0.3), np.full(5, 2.0)                      # stored mean and variance of 5 maps
FRESH = np.zeros(5), np.ones(5)


def net_with(layer, folder, opset=17):
    """Maps -> `layer` -> pooling -> scores."""
    net = Net()
    maps = net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None]), kernel_shape=[1, 1])
    flat = net.add("Flatten", net.add("GlobalAveragePool", layer(net, maps)))
    scores = net.add("Softmax", net.add("MatMul", flat, net.constant(WEIGHTS)))
    return save(net.model(["N", 3, SIDE, SIDE], [scores], opset=opset), folder)


def normalisation(stored, outputs, **attributes):
    def layer(net, maps):
        numbers = [net.constant(np.asarray(each, np.float32)) for each in (np.ones(5), np.zeros(5), *stored)]
        names = [f"normalised_{place}" for place in range(outputs)]
        net.nodes.append(helper.make_node("BatchNormalization", [maps, *numbers], names, **attributes))
        return names[0]

    return layer


def dropout(ratio, training):
    def layer(net, maps):
        return net.add("Dropout", maps, net.constant(np.float32(ratio)), net.constant(np.array(training)))

    return layer


@pytest.mark.parametrize(
    ("layer", "opset"),
    [
        (normalisation(TRAINED, 3, training_mode=1), 17),
        (normalisation(TRAINED, 1, training_mode=1), 14),
        (normalisation(TRAINED, 5), 9),
    ],
)
def test_batch_normalisation_runs_with_what_it_stores_and_says_so(layer, opset, tmp_path):
    backend = load_backend(net_with(layer, tmp_path, opset), preprocessing="raw")

    maps = photos().astype(np.float64) @ FILTERS                # (B, H, W, 5)
    pooled = ((maps - TRAINED[0]) / np.sqrt(TRAINED[1] + 1e-5)).mean(axis=(1, 2))
    np.testing.assert_allclose(backend.forward(photos()).probabilities, softmax(pooled @ WEIGHTS), atol=1e-4)
    assert "exported in training mode and ran in inference mode: 1 BatchNormalization" in backend.notes[0]
    assert "model.eval()" in backend.notes[0]


def test_dropout_drops_nothing_and_says_so(tmp_path):
    backend = load_backend(net_with(dropout(0.5, True), tmp_path), preprocessing="raw")

    first, second = (backend.forward(photos()).probabilities for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert "1 Dropout dropped nothing" in backend.notes[0]


@pytest.mark.parametrize("layer", [dropout(0.5, False), dropout(0.0, True), normalisation(TRAINED, 1)])
def test_a_graph_in_inference_mode_needs_no_note(layer, tmp_path):
    assert load_backend(net_with(layer, tmp_path)).notes == ()


def batch_mean(net, maps):
    return net.add("Sub", maps, net.add("ReduceMean", maps, axes=[0, 2, 3]))


def random_mask(net, maps):
    return net.add("Mul", maps, net.add("RandomUniformLike", maps))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (normalisation(FRESH, 3, training_mode=1), "never trained"),
        (batch_mean, "mean of an activation over the batch"),
        (random_mask, "draws random numbers \\(RandomUniformLike\\)"),
    ],
)
def test_what_cannot_run_in_inference_mode_is_refused_with_the_way_to_export_it(layer, said, tmp_path):
    with pytest.raises(ModelError, match=f"{said}.*model.eval\\(\\)"):
        load_backend(net_with(layer, tmp_path))
