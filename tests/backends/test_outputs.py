"""Which of several outputs holds the class scores; and what is said of models that have none."""

import shutil

import numpy as np
import pytest
from onnx import TensorProto, helper

from auditor.backends import load_backend
from auditor.backends.catalogue import write_card
from auditor.errors import InputError, ModelError
from auditor.resources import bundled_model
from tests.backends.nets import FILTERS, SIDE, WEIGHTS, Net, classifier, logits_by_hand, photos, save, softmax

WIDE = np.random.default_rng(5).normal(0, 1, (5, 16)).astype(np.float32)
BOX = WIDE[:, :4]


def start():
    """A net with its maps and its pooled features."""
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None])))
    return net, maps, net.add("Flatten", net.add("GlobalAveragePool", maps))


def linear(net, features, weights=WEIGHTS):
    return net.add("MatMul", features, net.constant(weights))


def named(net, name):
    """Renames the last output."""
    net.nodes[-1].output[0] = name
    return name


def stored(net, outputs, folder, types=None, **metadata):
    model = net.model(["N", 3, SIDE, SIDE], outputs, **metadata)
    for place, kind in (types or {}).items():
        model.graph.output[place].type.tensor_type.elem_type = kind
    return save(model, folder)


def with_argmax(net, maps, pooled):
    logits = linear(net, pooled)
    return [logits, net.add("ArgMax", logits, axis=1)], {1: TensorProto.INT64}


def label_first(net, maps, pooled):
    scores = net.add("Softmax", linear(net, pooled))
    return [net.add("ArgMax", scores, axis=1), scores], {0: TensorProto.INT64}


def logits_and_softmax(net, maps, pooled):
    logits = linear(net, pooled)
    return [logits, net.add("Softmax", logits)], {}


def with_normed_features(net, maps, pooled):
    return [linear(net, pooled), net.add("LpNormalization", pooled)], {}


def with_box(net, maps, pooled):
    scores = net.add("Softmax", linear(net, pooled))
    linear(net, pooled, BOX)
    return [scores, named(net, "bbox")], {}


def features_first(net, maps, pooled):
    return [maps, pooled, net.add("Softmax", linear(net, pooled))], {}


def with_confidence(net, maps, pooled):
    scores = net.add("Softmax", linear(net, pooled))
    return [scores, net.add("ReduceMax", scores, axes=[1], keepdims=1)], {}


def with_entropy(net, maps, pooled):
    scores = net.add("Softmax", linear(net, pooled))
    product = net.add("Mul", scores, net.add("Log", scores))
    return [net.add("Neg", net.add("ReduceSum", product, net.constant(np.array([1])))), scores], {}


def with_energy(net, maps, pooled):
    logits = linear(net, pooled)
    return [net.add("ReduceLogSumExp", logits, axes=[1], keepdims=1), net.add("Softmax", logits), logits], {}


@pytest.mark.parametrize(
    "make",
    [
        with_argmax, label_first, logits_and_softmax, with_normed_features, with_box, features_first, with_confidence,
        with_entropy, with_energy,
    ],
)  # fmt: skip
def test_scores_are_told_from_what_is_computed_beside_them(make, tmp_path):
    net, maps, pooled = start()
    outputs, types = make(net, maps, pooled)

    backend = load_backend(stored(net, outputs, tmp_path, types), preprocessing="raw", device="cpu")

    wanted = softmax(logits_by_hand(photos()) - np.array([0.3, -0.2, 0.1]))
    np.testing.assert_allclose(backend.forward(photos()).probabilities, wanted, atol=1e-5)


def test_a_confidence_beside_a_class_number_is_no_score(tmp_path):
    net, _, pooled = start()
    scores = net.add("Softmax", linear(net, pooled))
    outputs = [net.add("ArgMax", scores, axis=1), net.add("ReduceMax", scores, axes=[1], keepdims=1)]

    with pytest.raises(ModelError, match="0 of which look like class scores"):
        load_backend(stored(net, outputs, tmp_path, {0: TensorProto.INT64}), device="cpu")


def test_a_single_unit_over_features_is_a_score(tmp_path):
    net, _, pooled = start()
    outputs = [pooled, net.add("Sigmoid", linear(net, pooled, WEIGHTS[:, :1]))]

    backend = load_backend(stored(net, outputs, tmp_path), preprocessing="raw", device="cpu")

    logits = logits_by_hand(photos())[:, 0] - 0.3
    np.testing.assert_allclose(backend.forward(photos()).probabilities[:, 1], 1 / (1 + np.exp(-logits)), atol=1e-5)


def two_heads(folder, **metadata):
    net, _, pooled = start()
    first = linear(net, pooled)
    return stored(net, [first, linear(net, pooled, WIDE)], folder, **metadata)


def test_of_two_heads_nobody_can_tell_and_the_message_lists_them_and_names_the_option(tmp_path):
    with pytest.raises(ModelError, match=r"MatMul_4 float \(N, 3\), MatMul_5 float \(N, 16\), 2 of .*--output NAME"):
        load_backend(two_heads(tmp_path))


def test_the_output_that_is_stated_is_taken(tmp_path):
    path = two_heads(tmp_path)

    columns = [
        load_backend(path, output=name).forward(photos()).probabilities.shape[1] for name in ("MatMul_4", "MatMul_5")
    ]

    assert columns == [3, 16]


def test_an_output_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(ModelError, match=r"no output 'scores'; expected one of MatMul_4 float \(N, 3\)"):
        load_backend(two_heads(tmp_path), output="scores")


def test_the_number_of_class_names_decides_between_heads(tmp_path):
    (tmp_path / "names.txt").write_text("ant\nbee\ncow")

    assert load_backend(two_heads(tmp_path), classes=tmp_path / "names.txt").card.classes == ("ant", "bee", "cow")
    assert load_backend(two_heads(tmp_path, names='["ant", "bee", "cow"]')).card.classes == ("ant", "bee", "cow")


def test_a_card_remembers_which_output_was_stated(tmp_path):
    path = two_heads(tmp_path)

    assert write_card(path, output="MatMul_5").output == "MatMul_5"
    assert load_backend(path).forward(photos()).probabilities.shape == (3, 16)
    assert '"output": "MatMul_5"' in (
        tmp_path / "model.json"
    ).read_text()


def test_an_auxiliary_classifier_that_branches_off_early_is_stepped_over_with_a_note(tmp_path):
    net, maps, pooled = start()
    square = np.random.default_rng(6).normal(0, 1, (5, 5, 1, 1)).astype(np.float32)
    deeper = net.add("Relu", net.add("Conv", net.add("Conv", maps, net.constant(square)), net.constant(square)))
    aux = linear(net, pooled)
    main = linear(net, net.add("Flatten", net.add("GlobalAveragePool", deeper)))

    backend = load_backend(stored(net, [aux, main], tmp_path))

    assert f"its output {main}" in backend.notes[0] and "auxiliary" in backend.notes[0]


def test_a_zip_map_is_stepped_over_and_names_the_classes(tmp_path):
    net, _, pooled = start()
    scores = net.add("Softmax", linear(net, pooled))
    names = ["ant", "bee", "cow"]
    net.nodes.append(
        helper.make_node("ZipMap", [scores], ["mappings"], domain="ai.onnx.ml", classlabels_strings=names)
    )
    model = net.model(["N", 3, SIDE, SIDE], ["mappings"])
    kind = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    model.graph.output[0].CopyFrom(helper.make_value_info("mappings", helper.make_sequence_type_proto(kind)))
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))

    backend = load_backend(save(model, tmp_path), preprocessing="raw")

    assert backend.card.classes == ("ant", "bee", "cow") and backend.no_head == ""
    assert backend.forward(photos()).probabilities.shape == (3, 3)


@pytest.fixture
def bundled_alone(tmp_path):
    return shutil.copy(bundled_model() / "model.onnx", tmp_path / "alone.onnx")


def test_the_bundled_graph_without_its_card_is_refused_with_its_outputs(bundled_alone):
    with pytest.raises(ModelError, match=r"probabilities float \(N, 2\), imagenet float \(N, 1000\).*--output"):
        load_backend(bundled_alone)


def test_the_bundled_graph_without_its_card_runs_with_the_output_that_is_stated(bundled_alone):
    assert load_backend(bundled_alone, output="probabilities").other_heads == ()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda net, maps, pooled: [net.add("Softmax", maps, axis=1)], "segmentation"),
        (lambda net, maps, pooled: [rows(net, maps)], "detection"),
        (lambda net, maps, pooled: [net.add(each, rows(net, maps)) for each in ("Softmax", "Tanh")], "detection"),
    ],
)
def test_models_of_other_tasks_are_refused_with_what_their_outputs_look_like(make, said, tmp_path):
    net, maps, pooled = start()

    with pytest.raises(ModelError, match=f"expected.*{said}"):
        load_backend(stored(net, make(net, maps, pooled), tmp_path))


def rows(net, maps):
    return net.add("Reshape", maps, net.constant(np.array([0, -1, 10])))


def test_a_model_whose_metadata_say_detect_is_refused(tmp_path):
    with pytest.raises(ModelError, match="another task \\('detect', by its metadata\\)"):
        load_backend(save(classifier(task="detect", author="Ultralytics"), tmp_path))


def test_a_model_for_text_is_refused_as_such(tmp_path):
    net = Net()
    model = net.model(["N", "T"], [net.add("Identity", "image")], TensorProto.INT64)

    with pytest.raises(ModelError, match="looks like a model for text"):
        load_backend(save(model, tmp_path))


def test_a_single_score_without_an_axis_is_the_second_class(tmp_path):
    net, _, pooled = start()
    single = net.add("Squeeze", linear(net, pooled, WEIGHTS[:, :1]), net.constant(np.array([1])))

    backend = load_backend(stored(net, [net.add("Sigmoid", single)], tmp_path))

    assert backend.forward(photos()).probabilities.shape == (3, 2)


def test_output_is_refused_for_a_keras_file(tmp_path):
    (tmp_path / "net.keras").write_bytes(b"PK")

    with pytest.raises(InputError, match="--output scores chooses among the outputs of an ONNX file"):
        load_backend(tmp_path / "net.keras", output="scores")
