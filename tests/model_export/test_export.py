"""`auditor export`: the export is written with its card and answers like its source, or nothing is written."""

import json
import os
import shutil

import numpy as np
import pytest

from auditor.errors import InputError, ModelError, ModelMismatch

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
keras = pytest.importorskip("keras", reason="exporting needs auditor[tensorflow]")
pytest.importorskip("tf2onnx", reason="exporting needs auditor[tensorflow]")

import onnx  # noqa: E402

from auditor.backends import load_backend  # noqa: E402
from auditor.backends.card import ModelCard, read_card, sha256  # noqa: E402
from auditor.model_export.export import export_model  # noqa: E402
from tests.training.export_nets import CLASSES, SIDE, linear_head  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(1)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """90 small drawn photographs in three class folders."""
    from tests.pictures import draw_photo, place_image

    folder = tmp_path_factory.mktemp("data")
    for number in range(90):
        place_image(draw_photo(number, 24, 24), folder / CLASSES[number % 3] / f"{number}.png")
    return folder


@pytest.fixture
def folder(tmp_path):
    """A model folder as training writes it."""
    folder = tmp_path / "pets"
    folder.mkdir()
    model = linear_head()
    # Answers of both the first and the last class, far enough from a tie that 8 bits do not change them.
    model.get_layer("logits").set_weights([30 * model.get_layer("logits").get_weights()[0], np.zeros(3)])
    model.save(folder / "model.keras")
    card = ModelCard(
        "pets", CLASSES, (SIDE, SIDE), "tf", files={"model.keras": sha256(folder / "model.keras")},
        trained_on=frozenset({"0123456789abcdef"}), about={"measured": {"accuracy_test": 0.9}},
    )  # fmt: skip
    card.write(folder)
    return folder


def listing(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_export_is_written_beside_its_source_with_the_card(folder):
    done = export_model(folder)

    card = read_card(folder / "model.json")
    assert done.file == folder / "model.onnx"
    assert done.parity.largest_difference < 1e-4
    assert "noise" in done.notes[0]
    assert card.files["model.onnx"] == sha256(done.file) == done.sha256
    assert "model.keras" in card.files and card.trained_on
    assert card.about["keras_parity"]["images"] == done.parity.images
    assert card.about["measured"] == {"accuracy_test": 0.9}
    assert load_backend(folder, device="cpu").card.classes == CLASSES
    assert not [name for name in listing(folder) if name.startswith(".")]


def test_the_file_can_be_used_without_its_card(folder, tmp_path):
    done = export_model(folder)
    alone = done.file.rename(tmp_path / "alone.onnx")

    card = load_backend(alone, device="cpu").card
    assert (card.classes, card.preprocessing, card.guessed) == (CLASSES, "tf", {})


def test_an_existing_file_is_replaced_only_on_request(folder):
    export_model(folder)
    before = listing(folder)

    with pytest.raises(InputError, match="--overwrite"):
        export_model(folder)
    assert listing(folder) == before
    assert export_model(folder, overwrite=True).file.is_file()


def test_a_folder_of_another_model_is_not_changed(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    ModelCard("other", ("x", "y"), (8, 8), "raw").write(other)
    before = listing(other)

    with pytest.raises(InputError, match="another model"):
        export_model(folder, out=other, overwrite=True)
    assert listing(other) == before


def test_fp16_halves_the_file_and_computes_in_float32(folder, tmp_path):
    plain = export_model(folder, out=tmp_path / "plain")
    half = export_model(folder, "fp16", out=tmp_path / "half")

    images = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8)
    both = [load_backend(each.file, device="cpu").forward(images).probabilities for each in (plain, half)]
    assert np.abs(both[0] - both[1]).max() < 0.01
    kernel = next(t for t in onnx.load(half.file).graph.initializer if t.name == "second_conv/kernel")
    assert kernel.data_type == onnx.TensorProto.FLOAT16
    assert "fp16_parity" in read_card(tmp_path / "half" / "model.json").about

    with pytest.raises(InputError, match="half precision already"):
        export_model(half.file, "fp16", out=tmp_path / "again")


def test_an_int8_model_is_checked_on_images_that_were_not_used_for_calibration(folder, photographs):
    done = export_model(folder, "int8", calibration=photographs)

    assert done.file.name == "model.int8.onnx"
    assert done.parity.images == 60
    assert "calibrated on 30 others" in done.notes[0]
    assert done.parity.same_class >= 0.99
    assert done.parity.accuracy is not None and abs(done.parity.points_lost) <= 0.5
    card = read_card(folder / "model.json")
    assert card.files["model.int8.onnx"] == done.sha256
    assert card.about["int8_parity"]["accuracy"] == round(done.parity.accuracy, 4)
    assert "model.onnx" not in card.files


def test_an_int8_model_has_7_bit_weights_8_bit_activations_and_a_float_head(folder, photographs):
    graph = onnx.load(export_model(folder, "int8", calibration=photographs).file).graph

    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    for node in convolutions:
        weights = values[makers[node.input[1]].input[0]]
        assert weights.dtype == np.int8 and np.abs(weights).max() <= 64
        assert values[makers[node.input[1]].input[1]].shape == (len(weights),)          # a scale per channel
        activation = makers[node.input[0]]
        assert activation.op_type == "DequantizeLinear" and values[activation.input[2]].dtype == np.uint8
    pooling = next(index for index, node in enumerate(graph.node) if node.op_type == "GlobalAveragePool")
    assert not {"QuantizeLinear", "DequantizeLinear"} & {node.op_type for node in graph.node[pooling:]}


def test_embeddings_of_an_int8_model_are_finer_than_8_bits(folder, photographs):
    done = export_model(folder, "int8", calibration=photographs)
    images = np.random.default_rng(0).integers(0, 256, (60, SIDE, SIDE, 3), dtype=np.uint8)

    embedding = load_backend(done.file, device="cpu").forward(images).embedding         # (60, 12)
    assert np.median([len(np.unique(column)) for column in embedding.T]) > 50           # hardly any two are equal


def test_an_int8_model_that_is_wrong_is_not_written(folder, photographs):
    """One map has values of thousands, which the next layer divides again: 8 bits leave nothing of the other maps."""
    model = keras.saving.load_model(folder / "model.keras")
    norm, second, logits = (model.get_layer(name) for name in ("first_bn", "second_conv", "logits"))
    gamma, *others = norm.get_weights()
    norm.set_weights([np.where(np.arange(8) == 0, 1e4, gamma), *others])
    kernel, bias = second.get_weights()
    kernel[:, :, 0] *= 1e-4
    second.set_weights([kernel, bias])
    images = np.random.default_rng(0).uniform(-1, 1, (1, 4, 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    features = keras.Model(model.inputs[0], logits.input).predict_on_batch(images)
    weights = logits.get_weights()[0]
    logits.set_weights([weights, -(features @ weights)[0]])         # the answers differ from photograph to photograph
    model.save(folder / "model.keras")
    card = ModelCard("pets", CLASSES, (SIDE, SIDE), "tf", files={"model.keras": sha256(folder / "model.keras")})
    card.write(folder)
    before = listing(folder)

    with pytest.raises(ModelMismatch, match=r"same top class .* wanted 95%; another top class on .*--fp16") as refusal:
        export_model(folder, "int8", calibration=photographs)
    assert "The layer that loses most is second_conv: " in str(refusal.value)
    assert listing(folder) == before


def test_an_unsure_model_may_change_a_near_tie(folder, photographs):
    """Scores that hardly differ: of the 60 checked answers 8 bits changed one, which was more than .5 points."""
    model = keras.saving.load_model(folder / "model.keras")
    logits = model.get_layer("logits")
    weights = 0.03 * logits.get_weights()[0]
    images = np.stack([decoded(path) for path in sorted(photographs.rglob("*.png"))]) / np.float32(127.5) - 1
    features = keras.Model(model.inputs[0], logits.input).predict_on_batch(images)
    logits.set_weights([weights, -(features @ weights).mean(axis=0)])
    model.save(folder / "model.keras")
    ModelCard("pets", CLASSES, (SIDE, SIDE), "tf", files={"model.keras": sha256(folder / "model.keras")}).write(folder)

    done = export_model(folder, "int8", calibration=photographs)

    assert done.parity.same_class >= 0.95                       # which ones change may depend on the processor
    assert done.parity.clear_flips == 0
    assert 0 < done.parity.rounding < 0.1
    assert (folder / "model.int8.onnx").is_file()


def decoded(path):
    from auditor.images.decoding import decode, resize

    return resize(decode(path.read_bytes()).pixels, SIDE, SIDE)


def test_int8_needs_enough_photographs(folder, photographs):
    with pytest.raises(InputError, match=r"card of pets does not say .*--calibration DATA"):
        export_model(folder, "int8")
    with pytest.raises(InputError, match="leaves 20 photographs"):
        export_model(folder, "int8", calibration=photographs, images=30)


def test_unreadable_and_repeated_photographs_are_left_out(folder, photographs, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(photographs, data)
    (data / "ant" / "broken.png").write_bytes(b"not an image")
    shutil.copy(data / "ant" / "0.png", data / "ant" / "again.png")

    done = export_model(folder, "int8", calibration=data)

    assert done.parity.images == 60
    assert any(note.startswith("1 files that were drawn cannot be read") for note in done.notes)


def test_a_quantised_graph_is_refused(folder, photographs, tmp_path):
    done = export_model(folder, "int8", calibration=photographs)

    for kind in ("int8", "fp16"):
        with pytest.raises(ModelError, match="quantised already"):
            export_model(done.file, kind, calibration=photographs, out=tmp_path / kind)
        assert not (tmp_path / kind).exists()


def test_a_plain_export_of_an_onnx_file_is_refused(folder, tmp_path):
    export_model(folder)

    with pytest.raises(InputError, match="ONNX model already"):
        export_model(folder / "model.onnx", out=tmp_path / "out")


@pytest.mark.parametrize("opset", [11, 17])
def test_a_float_graph_without_a_card_becomes_int8_in_its_own_folder(photographs, tmp_path, opset):
    from tests.backends.nets import classifier, save

    graph = classifier(side=SIDE, batch=1, opset=opset)                     # channels first, one image at a time
    without_card = save(graph, tmp_path, "theirs.onnx")
    names = tmp_path / "names.txt"
    names.write_text("\n".join(CLASSES))

    done = export_model(without_card, "int8", calibration=photographs, preprocessing="raw", classes=names)

    card = read_card(tmp_path / "theirs" / "model.json")
    assert (card.name, card.classes, card.guessed) == ("theirs", CLASSES, {})
    assert done.file == tmp_path / "theirs" / "model.int8.onnx"
    assert load_backend(tmp_path / "theirs", device="cpu").head is not None


def test_the_command_prints_figures_and_the_path(folder, monkeypatch):
    from typer.testing import CliRunner

    from auditor.cli import app

    done = CliRunner().invoke(app, ["export", str(folder)])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(folder / "model.onnx")
    assert "largest difference" in done.stdout

    done = CliRunner().invoke(app, ["export", str(folder), "--overwrite", "--json"])
    assert json.loads(done.stdout)["parity"]["largest_difference"] < 1e-4
