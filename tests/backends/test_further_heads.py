"""Further heads: a card lists them, the graph has them, and one forward pass gives what they say."""

import os
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from auditor.backends import load_backend
from auditor.backends.abilities import open_layers
from auditor.backends.card import ModelCard, read_card, sha256
from auditor.backends.catalogue import write_card
from auditor.backends.onnx.backend import OnnxBackend
from auditor.errors import ModelError, ModelMismatch
from tests.backends.nets import BIAS, FILTERS, SIDE, WEIGHTS, Net, classifier, features_by_hand, photos, save

NAMES = ("north", "south")
SECOND = np.random.default_rng(8).normal(0, 1, (5, 2)).astype(np.float32)       # (K, C)
CARD = ModelCard("net", ("ant", "bee", "cow"), (SIDE, SIDE), "raw", heads={"poles": NAMES})


def two_heads(*, int8=False, scale=1.0, other_pooling=False):
    """The classifier of `nets` with a second linear layer, to the output "poles", beside its first.

    `scale`: of the second head's inputs, by a number that its layers do not know, where it is not 1.
    """
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None]), kernel_shape=[1, 1]))
    maps = net.quantised(maps, 0.06) if int8 else maps
    pooled = net.add("Flatten", net.add("GlobalAveragePool", maps))
    end = net.add("Softmax", net.add("Add", net.add("MatMul", pooled, net.constant(WEIGHTS)), net.constant(BIAS)))
    if other_pooling:
        pooled = net.add("Flatten", net.add("GlobalAveragePool", net.add("Sqrt", maps)))
    if int8:
        pooled = net.quantised(pooled, 0.04)
    if scale != 1:
        pooled = net.add("Mul", pooled, net.add("ReduceMax", net.add("Abs", pooled), keepdims=1))
    poles = net.add("MatMul", pooled, net.int8(SECOND, 1) if int8 else net.constant(SECOND))
    net.nodes[-1].output[0] = "poles"
    assert poles != "poles"
    return net.model(["N", 3, SIDE, SIDE], [end, "poles"])


def loaded(folder, model, card=CARD):
    save(model, folder, "model.onnx")
    card.write(folder)
    return load_backend(folder, device="cpu")


@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
def test_a_further_head_says_what_its_output_would(tmp_path, int8):
    backend = loaded(tmp_path, two_heads(int8=int8))
    (other,) = backend.other_heads
    found = backend.forward(photos(4))

    assert (other.name, other.classes, other.head.classes, other.head.channels) == ("poles", NAMES, 2, 5)
    run = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"]).run
    said = run(["poles"], {"image": photos(4).transpose(0, 3, 1, 2).astype(np.float32)})[0]
    np.testing.assert_allclose(other.head.logits(found.embedding), said, atol=0.15 if int8 else 1e-4)
    if not int8:
        by_hand = features_by_hand(photos(4)).mean(axis=(1, 2)) @ SECOND
        np.testing.assert_allclose(other.head.logits(found.embedding), by_hand, rtol=1e-4, atol=1e-4)
    assert found.probabilities.shape == (4, 3)


def test_the_layers_of_a_model_with_a_further_head_can_be_opened(tmp_path):
    backend = loaded(tmp_path, two_heads())
    layers = open_layers(backend)

    assert layers.last is not None
    assert layers.activations(photos(1)[0], [layers.last])[0].shape[-1] == 5


def test_the_scores_are_those_of_the_model_without_the_further_head(tmp_path):
    (tmp_path / "one").mkdir()
    alone = loaded(tmp_path / "one", classifier(), replace(CARD, heads={}))

    both = loaded(tmp_path, two_heads())

    assert alone.other_heads == ()
    np.testing.assert_allclose(both.forward(photos()).probabilities, alone.forward(photos()).probabilities, atol=1e-6)
    np.testing.assert_array_equal(both.head.layers[0].weights, alone.head.layers[0].weights)


def test_a_file_whose_card_lists_no_heads_needs_one_output(tmp_path):
    path = save(two_heads(), tmp_path)

    with pytest.raises(ModelError, match="has 2 outputs"):
        load_backend(path, device="cpu")


@pytest.mark.parametrize(
    ("heads", "model", "says"),
    [
        ({"colours": NAMES}, {}, "lists a head 'colours', but the model's outputs are .*poles"),
        ({"poles": (*NAMES, "east")}, {}, "'poles' has 2 outputs, but its card lists 3 classes"),
        ({"poles": NAMES}, {"other_pooling": True}, "reads other features than the model's own scores"),
        ({"poles": NAMES}, {"scale": 2.0}, "'poles' is not a head, although its card says so"),
    ],
    ids=["absent", "classes", "features", "layers"],
)
def test_a_card_that_does_not_fit_the_graph_is_a_mismatch(tmp_path, heads, model, says):
    with pytest.raises(ModelMismatch, match=says):
        loaded(tmp_path, two_heads(**model), replace(CARD, heads=heads))


def test_a_head_that_does_not_reproduce_its_output_is_a_mismatch(tmp_path):
    """A quantisation that cuts the pooled features in half, which the layers' weights do not show."""
    model = two_heads(int8=True)
    scales = [each for each in model.graph.initializer if each.dims == [] and each.data_type == onnx.TensorProto.FLOAT]
    scales[-1].CopyFrom(onnx.numpy_helper.from_array(np.float32(1e-4), scales[-1].name))

    with pytest.raises(ModelMismatch, match="does not compute its output 'poles' from its features"):
        loaded(tmp_path, model)


def test_a_card_that_is_written_again_keeps_the_further_heads(tmp_path):
    path = save(two_heads(), tmp_path, "model.onnx")
    replace(CARD, files={"model.onnx": sha256(path)}).write(tmp_path)

    write_card(path, preprocessing="unit", overwrite=True)

    card = read_card(tmp_path / "model.json")
    assert (card.heads, card.classes, card.preprocessing) == (CARD.heads, CARD.classes, "unit")
    assert load_backend(tmp_path, device="cpu").other_heads[0].name == "poles"


# ---- Keras ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def layers():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow", reason="the keras backend needs auditor[tensorflow]")
    import keras

    keras.utils.set_random_seed(3)
    return keras.layers


def saved(layers, folder, *, own_pooling=False, outputs=2, channels=128):
    import keras

    image = keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(channels, 1, activation="relu")(image)
    pooled = layers.GlobalAveragePooling2D()(maps)
    scores = layers.Dense(3, activation="softmax", name="probabilities")(pooled)
    poles = layers.Dense(outputs, name="poles")(layers.GlobalAveragePooling2D()(maps) if own_pooling else pooled)
    model = keras.Model(image, [scores, poles])
    model.save(folder / "model.keras")
    return model


def test_keras_reads_a_further_head_too(layers, tmp_path):
    model = saved(layers, tmp_path)
    CARD.write(tmp_path)

    backend = load_backend(tmp_path, kind="keras", device="cpu")
    (other,) = backend.other_heads

    scores, poles = (np.asarray(each) for each in model(photos(4).astype(np.float32)))
    found = backend.forward(photos(4))
    np.testing.assert_allclose(found.probabilities, scores, atol=1e-5)
    np.testing.assert_allclose(other.head.logits(found.embedding), poles, rtol=1e-4, atol=1e-3)
    assert (other.name, other.classes) == ("poles", NAMES)


@pytest.mark.parametrize(
    ("heads", "model", "says"),
    [
        ({"colours": NAMES}, {}, "lists a head 'colours', but the model's outputs are probabilities, poles"),
        ({"poles": NAMES}, {"outputs": 4}, "'poles' has 4 outputs, but its card lists 2 classes"),
        ({"poles": NAMES}, {"own_pooling": True}, "reads other features"),
    ],
    ids=["absent", "classes", "features"],
)
def test_keras_refuses_what_the_card_has_wrong(layers, tmp_path, heads, model, says):
    saved(layers, tmp_path, **model)
    replace(CARD, heads=heads).write(tmp_path)

    with pytest.raises(ModelMismatch, match=says):
        load_backend(tmp_path, kind="keras", device="cpu")


def test_the_export_of_a_model_folder_keeps_its_further_head(layers, tmp_path):
    from auditor.model_export.export import export_model

    model = saved(layers, tmp_path)
    replace(CARD, files={"model.keras": sha256(tmp_path / "model.keras")}).write(tmp_path)

    export_model(tmp_path)
    half = export_model(tmp_path / "model.onnx", "fp16", out=tmp_path / "half")

    assert read_card(tmp_path / "model.json").heads == read_card(tmp_path / "half" / "model.json").heads == CARD.heads
    expected = np.asarray(model(photos(4).astype(np.float32))[1])
    for folder in (tmp_path, half.file.parent):
        backend = load_backend(folder, device="cpu")
        logits = backend.other_heads[0].head.logits(backend.forward(photos(4)).embedding)
        np.testing.assert_allclose(logits, expected, atol=0.01 * np.abs(expected).max())


def test_an_export_keeps_the_further_head_and_its_half_precision(layers, tmp_path):
    """Keras -> ONNX with both outputs under their names -> weights as float16 -> int8, the second head as it was."""
    import keras

    from auditor.backends.keras.resnet50 import stored
    from auditor.model_export.int8 import to_int8
    from auditor.model_export.keras_to_onnx import store_as_float16, to_onnx

    image = keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(64, 3, activation="relu", name="one_conv")(layers.Conv2D(8, 3, name="zero_conv")(image))
    pooled = layers.GlobalAveragePooling2D(name="avg_pool")(maps)
    scores = layers.Softmax(name="probabilities")(layers.Dense(3, name="logits")(pooled))
    model = keras.Model(image, [scores, layers.Dense(20, name="many")(pooled)])
    kernel, bias = model.get_layer("many").get_weights()
    model.get_layer("many").set_weights([stored(kernel), bias + 1])
    card = replace(CARD, heads={"many": tuple(map(str, range(20)))})

    proto = to_onnx(model, "net")
    store_as_float16(proto)
    names = {each.name: each.data_type for each in proto.graph.initializer}
    save(proto, tmp_path, "model.onnx")
    batches = [photos(8).astype(np.float32)]
    to_int8(tmp_path / "model.onnx", tmp_path / "model.int8.onnx", batches, heads=card.heads)

    assert [each.name for each in proto.graph.output] == ["probabilities", "many"]
    assert names["many/kernel"] == onnx.TensorProto.FLOAT16 and "many/bias" in names
    small = onnx.load(tmp_path / "model.int8.onnx")
    half = [each for each in small.graph.initializer if each.data_type == onnx.TensorProto.FLOAT16]
    assert [list(each.dims) for each in half if 20 in each.dims] == [[64, 20]]
    for name in ("model.onnx", "model.int8.onnx"):
        backend = OnnxBackend(tmp_path / name, card=card)
        (other,) = backend.other_heads
        np.testing.assert_array_equal(other.head.layers[0].weights, stored(kernel))
        logits = other.head.logits(backend.forward(photos(4)).embedding)
        expected = np.asarray(model(photos(4).astype(np.float32))[1])
        np.testing.assert_allclose(logits, expected, atol=0.05 * np.abs(expected).max())
