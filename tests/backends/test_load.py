"""Which file of a model is taken, and where its class names and preprocessing come from."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto

from auditor.backends import load_backend
from auditor.backends.card import ModelCard, sha256
from auditor.errors import InputError, MissingDependency, ModelError, ModelMismatch
from tests.backends.nets import SIDE, Net, classifier, photos, save

CARD = ModelCard("three", ("ant", "bee", "cow"), (SIDE, SIDE), "raw")


def model_folder(folder, *names, card=CARD):
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(names):
        save(classifier(int8="tensor" if seed else None), folder, name)
    replace(card, files={name: sha256(folder / name) for name in names}).write(folder)
    return folder


def test_on_the_cpu_the_int8_file_of_a_folder_is_taken(tmp_path):
    folder = model_folder(tmp_path / "m", "model.onnx", "model.int8.onnx")

    backend = load_backend(folder, device="cpu")

    assert backend.sha256 == sha256(folder / "model.int8.onnx")
    assert (backend.card.name, backend.card.classes, backend.device) == ("three", ("ant", "bee", "cow"), "cpu")


def test_a_folder_with_the_float_file_alone_runs(tmp_path):
    folder = model_folder(tmp_path / "m", "model.onnx")

    assert load_backend(folder).sha256 == sha256(folder / "model.onnx")


def test_a_file_that_was_replaced_alone_is_a_mismatch(tmp_path):
    folder = model_folder(tmp_path / "m", "model.onnx")
    save(classifier("AveragePool"), folder, "model.onnx")

    with pytest.raises(ModelMismatch, match="its card lists"):
        load_backend(folder)


def test_a_file_with_a_card_beside_it_uses_the_card(tmp_path):
    folder = model_folder(tmp_path / "m", "other.onnx")

    assert load_backend(folder / "other.onnx").card.classes == ("ant", "bee", "cow")


def test_a_card_that_does_not_list_the_file_is_not_its_card(tmp_path):
    folder = model_folder(tmp_path / "m", "other.onnx")
    save(classifier(), folder, "mine.onnx")

    assert load_backend(folder / "mine.onnx").card.classes == ()


def test_some_other_programs_model_json_does_not_disturb(tmp_path):
    (tmp_path / "model.json").write_text('{"version": "tensorflow.js"}')

    assert load_backend(save(classifier(), tmp_path)).card.name == "net"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ant\nbee\ncow\n\n", "names.txt"),
        ("\ufeffant\r\nbee\r\ncow", "names.txt"),
        ('["ant", "bee", "cow"]', "names.json"),
        ('{"0": "ant", "2": "cow", "1": "bee"}', "names.json"),
        ('{"cow": 2, "ant": 0, "bee": 1}', "names.json"),
        ('{"0": ["n01", "ant"], "1": ["n02", "bee"], "2": ["n03", "cow"]}', "names.json"),
    ],
)
def test_class_names_come_from_a_file(text, name, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")

    card = load_backend(save(classifier(), tmp_path), classes=tmp_path / name).card

    assert card.classes == ("ant", "bee", "cow")
    assert "classes" not in card.guessed


@pytest.mark.parametrize("text", ["", "\n\n", "[1", '{"a": {}}', "[]"])
def test_a_file_without_class_names_is_an_input_error(text, tmp_path):
    (tmp_path / "names").write_text(text)

    with pytest.raises(InputError, match="names"):
        load_backend(save(classifier(), tmp_path), classes=tmp_path / "names")


def test_a_wrong_number_of_class_names_tells_both_numbers(tmp_path):
    (tmp_path / "names.txt").write_text("ant\nbee\ncow\ndog\n")

    with pytest.raises(ModelMismatch, match="3 classes, but 4 class names"):
        load_backend(save(classifier(), tmp_path), classes=tmp_path / "names.txt")


def test_stated_names_and_preprocessing_override_the_card(tmp_path):
    card = replace(CARD, guessed={"preprocessing": "raw: a guess", "classes": "a guess"})
    folder = model_folder(tmp_path / "m", "model.onnx", card=card)
    (tmp_path / "names.txt").write_text("x\ny\nz")

    found = load_backend(folder, classes=tmp_path / "names.txt", preprocessing="caffe").card

    assert (found.classes, found.preprocessing, found.guessed) == (("x", "y", "z"), "caffe", {})


@pytest.mark.parametrize("text", ["{0: 'ant', 1: 'bee', 2: 'cow'}", '["ant", "bee", "cow"]'])
@pytest.mark.parametrize("key", ["names", "classes", "labels"])
def test_class_names_come_from_the_files_metadata(key, text, tmp_path):
    assert load_backend(save(classifier(**{key: text}), tmp_path)).card.classes == ("ant", "bee", "cow")


@pytest.mark.parametrize("text", ["[" * 100_000, "__import__('os').getcwd()", "{0: 'ant'}", "7", "{0: 'ant', 2: 'b'}"])
def test_metadata_without_useful_names_gives_no_class_names(text, tmp_path):
    card = load_backend(save(classifier(names=text), tmp_path)).card

    assert card.classes == ()
    assert card.guessed["classes"].startswith("none: ")


def test_what_nobody_stated_is_guessed_and_marked(tmp_path):
    first = load_backend(save(classifier(), tmp_path)).card
    last = load_backend(save(classifier(channels_last=True), tmp_path)).card

    assert (first.preprocessing, last.preprocessing) == ("torch", "tf")
    assert first.guessed["preprocessing"].startswith("torch: channels come first")
    assert first.guessed["classes"].startswith("none: nothing names the model's 3 classes")


def test_stated_preprocessing_is_not_a_guess(tmp_path):
    card = load_backend(save(classifier(), tmp_path), preprocessing="caffe").card

    assert card.preprocessing == "caffe"
    assert "preprocessing" not in card.guessed


def test_a_graph_that_scales_its_input_takes_raw_pixels(tmp_path):
    net = Net()
    small = net.add("Div", "image", net.constant(np.float32(255)))
    scores = net.add("Softmax", net.add("Flatten", net.add("GlobalAveragePool", small)))
    card = load_backend(save(net.model(["N", 3, SIDE, SIDE], [scores]), tmp_path)).card

    assert card.preprocessing == "raw"
    assert "scales its input" in card.guessed["preprocessing"]


def test_the_size_may_be_in_the_metadata(tmp_path):
    card = load_backend(save(classifier(side="side", imgsz="[16, 24]"), tmp_path)).card

    assert card.input_size == (16, 24)
    assert "input_size" not in card.guessed


def test_a_missing_path_lists_what_was_looked_for(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere; looked for a folder with model\.json"):
        load_backend(tmp_path / "nowhere")


def test_a_folder_without_card_or_without_model_says_so(tmp_path):
    with pytest.raises(ModelError, match=r"there is no .*model\.json"):
        load_backend(tmp_path)
    CARD.write(tmp_path)
    with pytest.raises(ModelError, match=r"looked for .*model\.int8\.onnx, .*model\.onnx"):
        load_backend(tmp_path)


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "model.h5").write_bytes(b"HDF")

    with pytest.raises(ModelError, match=r"ends in '\.h5'; expected \.onnx or \.keras"):
        load_backend(tmp_path / "model.h5")


def test_an_unknown_preprocessing_lists_the_known(tmp_path):
    with pytest.raises(InputError, match="expected one of raw, unit, tf, torch, caffe"):
        load_backend(save(classifier(), tmp_path), preprocessing="pytorch")


def test_keras_that_is_not_installed_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "keras", None)
    (tmp_path / "model.keras").write_bytes(b"PK")

    with pytest.raises(MissingDependency, match=r"pip install 'auditor\[tensorflow\]'"):
        load_backend(tmp_path / "model.keras")


def test_a_uint8_model_without_a_card_needs_no_preprocessing(tmp_path):
    backend = load_backend(save(classifier(dtype=TensorProto.UINT8, names='["ant", "bee", "cow"]'), tmp_path))

    assert backend.card.guessed == {}
    assert backend.forward(photos(2)).probabilities.shape == (2, 3)
