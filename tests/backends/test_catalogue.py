"""`auditor models`: the catalogue, and a card for a file without one."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from auditor.backends import load_backend
from auditor.backends.card import ModelCard, read_card, sha256
from auditor.backends.catalogue import list_models, write_card
from auditor.backends.catalogue_text import as_json, as_text, card_as_text
from auditor.cli import app
from auditor.errors import InputError, ModelMismatch
from tests.backends.nets import SIDE, classifier, photos, save


@pytest.fixture
def shelf(tmp_path):
    """`models/` with one good model, one whose file was replaced, one with a broken card, and a folder without any."""
    shelf = tmp_path / "models"
    for name in ("good", "replaced", "broken", "empty"):
        (shelf / name).mkdir(parents=True)
    for name in ("good", "replaced"):
        path = save(classifier(), shelf / name, "model.onnx")
        files = {"model.onnx": sha256(path), "model.int8.onnx": "0" * 64}
        card = ModelCard(name, ("a", "b", "c"), (SIDE, SIDE), "raw", files=files)
        card.write(shelf / name)
    save(classifier(end=""), shelf / "replaced", "model.onnx")
    (shelf / "broken" / "model.json").write_text("{")
    return shelf


def test_models_are_listed_with_what_is_wrong_with_them(shelf):
    broken, good, replaced = list_models(shelf, None)

    assert broken.card is None and "model.json" in broken.problem
    assert [(each.name, each.state) for each in good.files] == [("model.int8.onnx", "missing"), ("model.onnx", "ok")]
    assert [each.state for each in replaced.files] == ["missing", "changed"]
    assert good.accuracy is None
    text = as_text([broken, good, replaced])
    assert "3 classes, 8 x 8, accuracy not known" in text
    assert "changed since its card was written" in text and "missing" in text and "unreadable" in text
    assert sha256(shelf / "good" / "model.onnx")[:12] in text


@pytest.mark.parametrize(
    ("measured", "evaluation", "expected"),
    [
        ({"accuracy_test": 0.9}, None, (0.9, "test")),
        ({"photographs": 7, "accuracy_photographs_held_out": 0.8}, None, (0.8, "photographs held out")),
        ({"accuracy_test": 0.9}, {"accuracy": {"value": 0.7}, "dataset": {"split": "test"}}, (0.7, "test")),
        ({"accuracy_test": 0.9}, {"accuracy": 3}, (0.9, "test")),
        ({"accuracy": True, "accuracy_test": "high"}, None, (None, "")),
        ("good", None, (None, "")),
    ],
)
def test_accuracy_comes_from_the_evaluation_or_else_the_card(tmp_path, measured, evaluation, expected):
    folder = tmp_path / "m"
    folder.mkdir()
    ModelCard("m", ("a", "b"), (8, 8), "raw", about={"measured": measured}).write(folder)
    if evaluation is not None:
        (folder / "evaluation.json").write_text(json.dumps(evaluation))

    (model,) = list_models(tmp_path, None)
    assert (model.accuracy, model.measured_on) == expected


def test_the_bundled_model_is_listed_once(shelf):
    found = list_models(shelf, shelf / "good")

    assert [(model.folder.name, model.bundled) for model in found] == [
        ("good", True), ("broken", False), ("replaced", False),
    ]  # fmt: skip
    assert as_text([]).startswith("no models")


def test_a_hostile_card_moves_no_cursor_and_reaches_no_other_folder(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    files = {"../secret": "0" * 64, "a\x1b[2Jb": "0" * 64}
    ModelCard("\x1b]0;title\x07", ("a\udcff", "b"), (8, 8), "raw", files=files).write(folder)

    found = list_models(tmp_path, None)
    assert [each.state for each in found[0].files] == ["missing", "missing"]
    assert "\x1b" not in as_text(found)
    assert json.loads(as_json(found))[0]["card"]["classes"] == ["a\udcff", "b"]
    assert read_card(folder / "model.json").classes == ("a\udcff", "b")


def test_further_heads_are_listed(tmp_path):
    (tmp_path / "m").mkdir()
    ModelCard("m", ("a", "b"), (8, 8), "raw", heads={"more\x1b": ("x", "y", "z")}).write(tmp_path / "m")

    found = list_models(tmp_path, None)

    assert "further head: more\\x1b, 3 classes" in as_text(found)
    assert json.loads(as_json(found))[0]["card"]["heads"] == {"more\x1b": 3}
    assert "further head   more\\x1b, 3 classes" in card_as_text(found[0].card)


def test_the_command_lists_as_text_and_as_json(shelf):
    text = CliRunner().invoke(app, ["models", "--folder", str(shelf)])
    record = CliRunner().invoke(app, ["models", "--folder", str(shelf), "--json"])

    assert text.exit_code == 0 and "(bundled)" in text.stdout and "good" in text.stdout
    models = json.loads(record.stdout)
    assert [model["bundled"] for model in models] == [True, False, False, False]
    assert models[0]["accuracy"] > 0.5


# ---- auditor models card -------------------------------------------------------------------------------------------


@pytest.fixture
def model_file(tmp_path):
    """A model file without a card, in its own folder."""
    (tmp_path / "theirs").mkdir()
    return save(classifier(), tmp_path / "theirs", "model.onnx")


def test_what_nobody_stated_stays_marked_as_guessed(model_file):
    card = write_card(model_file)

    written = read_card(model_file.parent / "model.json")
    assert written == card
    assert (card.name, card.input_size, card.preprocessing) == ("theirs", (SIDE, SIDE), "torch")
    assert set(card.guessed) == {"preprocessing", "classes"}
    assert card.files == {"model.onnx": sha256(model_file)}
    assert "guessed preprocessing: torch" in card_as_text(card)
    assert load_backend(model_file.parent, device="cpu").card == card


def test_what_is_stated_is_not_a_guess(model_file, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("x\ny\nz\n")

    card = write_card(model_file, classes=names, preprocessing="raw", name="mine", input_size="8")

    assert (card.name, card.classes, card.preprocessing, card.guessed) == ("mine", ("x", "y", "z"), "raw", {})


def test_a_size_that_the_graph_leaves_open_can_be_stated(tmp_path):
    model_file = save(classifier(side="side"), tmp_path, "open.onnx")

    card = write_card(model_file, input_size="12x16")

    assert card.input_size == (12, 16) and "input_size" not in card.guessed
    images = photos(2, 16)[:, :12]
    assert load_backend(model_file, device="cpu").forward(images).probabilities.shape == (2, 3)


def test_a_size_that_the_graph_does_not_take_is_refused(model_file):
    with pytest.raises(ModelMismatch, match="8 x 8"):
        write_card(model_file, input_size="12")
    with pytest.raises(InputError, match="expected 224, or 192x256"):
        write_card(model_file, input_size="12x12x3")
    assert not (model_file.parent / "model.json").exists()


def test_a_card_is_replaced_on_request_and_keeps_what_it_knew(model_file, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("x\ny\nz\n")
    first = write_card(model_file, classes=names, name="mine")
    known = ModelCard(**{**vars(first), "trained_on": frozenset({"ab" * 8}), "about": {"origin": "a friend"}})
    known.write(model_file.parent)

    with pytest.raises(InputError, match="--overwrite"):
        write_card(model_file, preprocessing="raw")
    card = write_card(model_file, preprocessing="raw", overwrite=True)

    assert (card.name, card.classes, card.preprocessing, card.guessed) == ("mine", ("x", "y", "z"), "raw", {})
    assert (card.trained_on, card.about) == (known.trained_on, known.about)


def test_the_card_of_another_file_says_nothing_about_this_one(model_file):
    known = ModelCard("old", ("x", "y", "z"), (SIDE, SIDE), "raw", files={"model.onnx": "0" * 64}, about={"a": 1})
    known.write(model_file.parent)

    card = write_card(model_file, overwrite=True)

    assert (card.name, card.classes) == ("theirs", ())
    assert "a" not in card.about


def test_a_keras_file_gets_a_card(tmp_path):
    keras = pytest.importorskip("keras", reason="a .keras file needs auditor[tensorflow]")
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(2, 1),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.save(tmp_path / "tiny.keras")

    card = write_card(tmp_path / "tiny.keras")

    assert (card.name, card.preprocessing, card.input_size) == ("tiny", "raw", (8, 8))


def test_the_command_prints_the_card_and_its_path(model_file):
    done = CliRunner().invoke(app, ["models", "card", str(model_file), "--preprocessing", "raw"])

    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(model_file.parent / "model.json")
    assert "guessed classes" in done.stdout
    assert np.array_equal(read_card(model_file.parent / "model.json").input_size, (8, 8))


def test_a_folder_is_no_file_for_a_card(model_file):
    done = CliRunner().invoke(app, ["models", "card", str(model_file.parent)])

    assert isinstance(done.exception, InputError)
    assert "is a folder; expected the .onnx" in str(done.exception)
