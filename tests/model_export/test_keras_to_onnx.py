"""What a converted graph computes is what Keras computes."""

import gc
import os
import tarfile
from dataclasses import replace

import numpy as np
import pytest

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
keras = pytest.importorskip("keras", reason="exporting needs auditor[tensorflow]")
pytest.importorskip("tf2onnx", reason="exporting needs auditor[tensorflow]")

import onnx  # noqa: E402

from auditor.backends.card import read_card  # noqa: E402
from auditor.backends.onnx.backend import OnnxBackend  # noqa: E402
from auditor.model_export.keras_to_onnx import as_classifier, session, store_as_float16, to_onnx  # noqa: E402
from auditor.model_export.parity import compare  # noqa: E402
from tests.training.export_nets import SIDE, linear_head, nested, separable_residual, stack, trunk  # noqa: E402

L = keras.layers


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(1)


NETWORKS = {
    "a linear head": linear_head,
    "a stack": stack,
    "a sigmoid unit": lambda: linear_head(1, "sigmoid"),
    "a nested model": nested,
    "separable and residual": separable_residual,
    "logits alone": lambda: linear_head(3, None),
    "one logit": lambda: linear_head(1, None),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_float32_graph_computes_what_keras_computes(name, tmp_path):
    model = NETWORKS[name]()
    proto = to_onnx(model, "net")
    onnx.save(proto, tmp_path / "model.onnx")
    images = np.random.default_rng(2).uniform(0, 255, (5, SIDE, SIDE, 3)).astype(np.float32)

    run = session(tmp_path / "model.onnx", threads=1)

    classifier = as_classifier(model)
    assert np.abs(run(images) - np.asarray(classifier(images, training=False))).max() < 1e-4
    assert run(images[:1]).shape == (1, 1 if name in ("a sigmoid unit", "one logit") else 3)    # any batch
    assert run(images).min() >= 0 and run(images).max() <= 1
    assert proto.opset_import[0].version == 17
    assert not [node for node in proto.graph.node if node.op_type == "BatchNormalization"]
    assert all(t.data_type != onnx.TensorProto.FLOAT16 for t in proto.graph.initializer)


def test_a_model_that_ends_in_probabilities_is_not_changed():
    image = keras.Input((SIDE, SIDE, 3))
    pooled = L.GlobalAveragePooling2D()(trunk(image))
    ensemble = L.Average()([L.Dense(3, activation="softmax")(pooled) for _ in range(2)])
    model = keras.Model(image, ensemble)

    assert as_classifier(model) is model


def test_mixed_precision_is_exported_as_float32(tmp_path):
    image = keras.Input((SIDE, SIDE, 3))
    x = L.Conv2D(4, 3, activation="relu", dtype="mixed_float16")(image)
    x = L.Dense(3, activation="softmax", dtype="float32")(L.GlobalAveragePooling2D(dtype="mixed_float16")(x))
    proto = to_onnx(keras.Model(image, x), "mixed")

    types = {node.op_type for node in proto.graph.node}
    assert "Cast" not in types
    assert all(t.data_type != onnx.TensorProto.FLOAT16 for t in proto.graph.initializer)


def test_constants_that_a_layer_holds_are_part_of_the_graph(tmp_path):
    image = keras.Input((SIDE, SIDE, 3))
    x = L.Normalization(mean=[10.0, 20.0, 30.0], variance=[4.0, 5.0, 6.0])(image)
    model = keras.Model(image, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(trunk(x))))
    proto = to_onnx(model, "net")
    onnx.save(proto, tmp_path / "model.onnx")
    images = np.random.default_rng(2).uniform(0, 255, (3, SIDE, SIDE, 3)).astype(np.float32)

    assert [entry.name for entry in proto.graph.input] == ["image"]
    exported = session(tmp_path / "model.onnx", threads=1)(images)
    assert np.abs(exported - np.asarray(model(images, training=False))).max() < 1e-4


def test_the_settings_of_the_garbage_collector_are_restored():
    before = gc.get_threshold(), gc.get_freeze_count()
    to_onnx(linear_head(), "net")

    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_weights_have_the_names_of_their_layers():
    names = {tensor.name for tensor in to_onnx(linear_head(), "net").graph.initializer}

    assert {"first_conv/kernel", "second_conv/kernel", "logits/kernel"} <= names


def test_two_layers_with_the_same_name_in_two_models_are_kept_apart(tmp_path):
    """Each model has a layer `same`; a rename that merged them would use one kernel twice."""

    def block(name):
        inner = keras.Input((SIDE, SIDE, 3))
        return keras.Model(inner, L.Conv2D(3, 3, padding="same", name="same")(inner), name=name)

    image = keras.Input((SIDE, SIDE, 3))
    pooled = L.GlobalAveragePooling2D()(block("right")(block("left")(image)))
    model = keras.Model(image, L.Dense(3, activation="softmax")(pooled))
    onnx.save(to_onnx(model, "net"), tmp_path / "model.onnx")
    images = np.random.default_rng(2).uniform(-1, 1, (3, SIDE, SIDE, 3)).astype(np.float32)

    exported = session(tmp_path / "model.onnx", threads=1)(images)
    assert np.abs(exported - np.asarray(model(images, training=False))).max() < 1e-5


@pytest.mark.parametrize("off", [0, 1e-7, -1e-7])
def test_a_batch_normalisation_that_does_nothing_leaves_nothing(off):
    """Folded weights leave one: its factor is 1, except for the last digit on some processors."""
    model = linear_head()
    norm = model.get_layer("first_bn")
    norm.set_weights([np.full(8, 1 + off), np.zeros(8), np.zeros(8), np.full(8, 1 - norm.epsilon)])

    graph = to_onnx(model, "net").graph

    assert "Mul" not in {node.op_type for node in graph.node}
    assert {tensor.name for tensor in graph.initializer} >= {"first_conv/kernel", "second_conv/kernel", "logits/kernel"}
    assert not [tensor.name for tensor in graph.initializer if "bn" in tensor.name]


def test_values_outside_the_range_of_float16_stay_float32():
    proto = to_onnx(linear_head(), "net")
    kernel = next(t for t in proto.graph.initializer if t.name == "second_conv/kernel")
    values = onnx.numpy_helper.to_array(kernel).copy()
    values[0, 0, 0, 0] = 1e5
    kernel.CopyFrom(onnx.numpy_helper.from_array(values, kernel.name))

    assert store_as_float16(proto) == 0
    onnx.checker.check_model(proto)


@pytest.mark.slow
def test_the_bundled_model_can_be_converted_to_int8_again(shared, tmp_path):
    """The parts of `auditor export --int8`: too few photographs for its limits, enough to see a valid model."""
    from auditor.backends.base import preprocess
    from auditor.images.decoding import decode, resize
    from auditor.model_export.int8 import to_int8
    from auditor.resources import bundled_model

    with tarfile.open(shared / "data" / "dogs-vs-cats-160.tar") as archive:
        names = [f"{kind}/{kind}.{number}.jpg" for number in range(28) for kind in ("cat", "dog")]
        files = [archive.extractfile(name).read() for name in names]
    images = preprocess(np.stack([resize(decode(data).pixels, 224, 224) for data in files]), "caffe")
    plain, small = bundled_model() / "model.onnx", tmp_path / "model.int8.onnx"
    card = replace(read_card(bundled_model() / "model.json"), files={})

    to_int8(plain, small, (images[place : place + 1] for place in range(16)), heads=card.heads)
    parity = compare(session(plain), session(small), [images[16:36], images[36:]])

    assert parity.images == 40
    assert parity.same_class >= 0.95
    assert parity.largest_difference < 0.2
    assert small.stat().st_size < 0.6 * plain.stat().st_size
    backend = OnnxBackend(small, card=card)
    assert backend.head is not None
    assert [(other.name, other.head.classes) for other in backend.other_heads] == [("imagenet", 1000)]
