"""Files that people write with any editor: a byte order mark in front is no part of what they say."""

import codecs
import json

import pytest

from auditor.backends import load_backend
from auditor.backends.card import ModelCard, read_card
from auditor.backends.class_lists import read_class_list
from auditor.classes.class_map import read_class_map
from auditor.data.sources import load_dataset
from auditor.data.tfrecords import read_classes as read_labels
from auditor.demo.plant import PLANT_FORMAT, Truth
from auditor.errors import AuditorError, InputError, ModelError
from auditor.evaluation.training_history import TrainingHistory, read_history
from auditor.runs.stored import open_run
from auditor.settings import Settings
from auditor.text import read_json

UTF8 = codecs.BOM_UTF8, "utf-8"
ENCODINGS = [
    UTF8,
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
]


@pytest.fixture(params=ENCODINGS, ids=lambda each: each[1])
def write(request, tmp_path):
    """Writes a file with a byte order mark, and Windows' ends of lines."""
    mark, encoding = request.param

    def written(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mark + text.replace("\n", "\r\n").encode(encoding))
        return path

    return written


def test_lists_of_classes(write):
    assert read_class_list(write("names.txt", "Löwe\n猫\n")).names == ("Löwe", "猫")
    assert read_class_list(write("names.json", '["Löwe", "猫"]')).names == ("Löwe", "猫")
    assert read_labels(write("labels.txt", "Löwe\n猫\n").parent) == ("Löwe", "猫")


def test_maps_of_classes(write):
    assert read_class_map(str(write("map.json", '{"tabby": "猫"}'))) == {"tabby": "猫"}
    assert read_class_map(str(write("map.csv", "tabby,猫\nbeagle,dog\n"))) == {"tabby": "猫", "beagle": "dog"}


def test_the_card_of_a_model(write, tmp_path):
    ModelCard("net", ("Löwe", "猫"), (32, 32), "unit").write(tmp_path)
    card = write("model.json", (tmp_path / "model.json").read_text(encoding="utf-8"))

    assert read_card(card).classes == ("Löwe", "猫")


def test_what_auditor_wrote_itself_and_somebody_has_edited(write, tmp_path):
    write("history.json", TrainingHistory(()).to_json())
    summary = {"run": {"started_at": "2026-01-01T00:00:00+00:00"}, "dataset": {"root": "x"}}
    truth = {"format_version": PLANT_FORMAT, "seed": 3, "faults": [], "clean": ["a"]}

    assert read_history(tmp_path) == TrainingHistory(())
    assert read_json(write("truth.json", json.dumps(truth))) == truth
    assert Truth.read(tmp_path / "truth.json").seed == 3
    assert open_run(write("summary.json", json.dumps(summary)).parent).summary == summary


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("photos.csv", "file,label\ncat/1.png,猫\n"),
        ("photos.tsv", "file\tlabel\ncat/1.png\t猫\n"),
        ("photos.jsonl", '{"file": "cat/1.png", "label": "猫"}\n'),
        ("metadata.csv", "file_name,label\ncat/1.png,猫\n"),
        ("metadata.jsonl", '{"file_name": "cat/1.png", "label": "猫"}\n'),
    ],
)
@pytest.mark.parametrize(("mark", "encoding"), [*ENCODINGS, (codecs.BOM_UTF8 * 2, "utf-8")])
def test_tables(name, text, mark, encoding, tmp_path, photo, place):
    place(photo, tmp_path / "cat" / "1.png")
    (tmp_path / name).write_bytes(mark + text.encode(encoding))

    (sample,) = load_dataset(tmp_path / name).samples

    assert (sample.file, sample.label) == ("cat/1.png", "猫")


def test_a_configuration_is_utf_8_with_a_mark_or_without(write, tmp_path):
    config = write("job.toml", "[scan]\nname = 'Löwe'\nmax_cards = 3\n")
    if config.read_bytes().startswith(codecs.BOM_UTF8):
        assert Settings.load(data="x", config=config).name == "Löwe"
    else:
        with pytest.raises(InputError, match=r"job.toml cannot be read as TOML: it is UTF-(16|32), and TOML is UTF-8"):
            Settings.load(data="x", config=config)


def test_another_encoding_is_named_with_what_to_do(tmp_path):
    (tmp_path / "names.txt").write_bytes("Löwe\ncat".encode("cp1252"))

    with pytest.raises(InputError, match=r"0xf6 in position 1: .*; save the file as UTF-8"):
        read_class_list(tmp_path / "names.txt")


@pytest.mark.parametrize("name", ["model.json", "names.json", "map.json", "job.toml"])
def test_a_file_that_is_nested_too_deeply_is_an_error_of_its_own(name, tmp_path):
    path = tmp_path / name
    path.write_text(("a = " if name == "job.toml" else "") + "[" * 100_000)
    read = {
        "model.json": lambda: read_card(path),
        "names.json": lambda: read_class_list(path),
        "map.json": lambda: read_class_map(str(path)),
        "job.toml": lambda: Settings.load(data="x", config=path),
    }

    with pytest.raises(AuditorError, match=str(path)):
        read[name]()


def test_a_model_beside_a_marked_card_is_the_cards(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    ModelCard("net", ("a", "b"), (32, 32), "unit", files={"model.onnx": "0" * 64}).write(tmp_path)
    path = tmp_path / "model.json"
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())

    with pytest.raises(ModelError, match="its card lists 000000000000"):
        load_backend(tmp_path / "model.onnx")
