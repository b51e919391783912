"""Labels in tables and in names: what is one class, what is none, and what is an error."""

import json
from pathlib import Path

import pytest

from auditor.data.dataset import Dataset
from auditor.data.sources import load_dataset
from auditor.errors import InputError

NFC, NFD = "L\u00f6we", "Lo\u0308we"


@pytest.fixture
def root(tmp_path):
    """A folder with the empty images 0.png to 9.png."""
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(b"")
    return tmp_path


def place(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"")
    return root


def table(root: Path, *labels: object, name: str = "m.jsonl") -> Path:
    rows = [{"file": f"{number}.png", "label": label} for number, label in enumerate(labels)]
    (root / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return root / name


def cells(root: Path, *labels: str, encoding: str = "utf-8") -> Path:
    rows = "".join(f"{number}.png,{label}\n" for number, label in enumerate(labels))
    (root / "m.csv").write_bytes(f"file,label\n{rows}".encode(encoding))
    return root / "m.csv"


def labels(dataset: Dataset) -> list[str | None]:
    return [sample.label for sample in dataset.samples]


def says(dataset: Dataset, *words: str) -> bool:
    return any(all(word in note for word in words) for note in dataset.notes)


# JSON


def test_values_of_json_that_are_no_label(root):
    dataset = load_dataset(table(root, float("nan"), None, "", "  ", [], float("inf"), -float("inf"), "cat"))

    assert labels(dataset) == [None] * 7 + ["cat"]


def test_one_number_is_one_class_however_it_is_written(root):
    assert labels(load_dataset(table(root, 1, 1.0, "1", -0.0, 0))) == ["1", "1", "1", "0", "0"]


def test_other_values_keep_what_they_say(root):
    values = (True, False, 12345678901234567890123, -3, 0.5, ["cat"], [2.0])

    assert labels(load_dataset(table(root, *values))) == [
        "true", "false", "12345678901234567890123", "-3", "0.5", "cat", "2",
    ]  # fmt: skip


@pytest.mark.parametrize(("value", "words"), [(["cat", "dog"], "2 labels, cat, dog"), ({"name": "cat"}, "an object")])
def test_several_labels_are_an_error_that_says_what_is_wanted(root, value, words):
    with pytest.raises(InputError, match=rf"line 2: the label is {words}.*one class"):
        load_dataset(table(root, "cat", value))


# Missing values of a CSV


@pytest.mark.parametrize("word", ["nan", "NaN", "<NA>"])
def test_words_for_a_missing_value_are_no_label(root, word):
    dataset = load_dataset(cells(root, "cat", word, word))

    assert labels(dataset) == ["cat", None, None]
    assert says(dataset, f'"{word}" (2 lines)', "no label")


@pytest.mark.parametrize("word", ["None", "NA", "null"])
def test_words_that_can_be_classes_are_missing_only_among_numbers(root, word):
    named = load_dataset(cells(root, "cat", word, "dog"))
    numbered = load_dataset(cells(root, "0", word, "1.5"))

    assert labels(named) == ["cat", word, "dog"] and says(named, "Read as a class", f'"{word}"')
    assert labels(numbered) == ["0", None, "1.5"] and says(numbered, "Read as no label", f'"{word}"')


# Columns


@pytest.mark.parametrize(
    ("header", "options", "words"),
    [
        ("file,label,label", {}, 'columns for the label: "label", "label".*2, 3.*rename'),
        ("file,label,Label ", {}, "--label-column"),
        ("file,breed,BREED", {"label_column": "Breed"}, '"breed", "BREED"'),
        ("File,file,label", {}, "--file-column"),
        ("file,label,split,Split", {}, "--split-column"),
    ],
)
def test_two_columns_of_the_wanted_name_are_an_error_that_names_both(root, header, options, words):
    (root / "m.csv").write_text(f"{header}\n0.png,a,b\n")

    with pytest.raises(InputError, match=words):
        load_dataset(root / "m.csv", **options)


def test_a_column_that_is_named_exactly_is_taken(root):
    (root / "m.csv").write_text("file,label,Label,x,x\n0.png,cat,dog,1,2\n")

    assert labels(load_dataset(root / "m.csv", label_column="Label")) == ["dog"]


def test_a_name_that_occurs_twice_in_a_json_object_is_an_error(root):
    (root / "m.jsonl").write_text('{"file": "0.png", "label": "a"}\n{"file": "1.png", "label": "a", "label": "b"}\n')

    with pytest.raises(InputError, match='line 2: the name "label" occurs twice'):
        load_dataset(root / "m.jsonl")


# Encodings and separators


@pytest.mark.parametrize("name", ["Löwe", "Kätzchen – groß", "façade"])
def test_a_csv_of_windows_is_decoded_and_the_note_names_the_encoding(root, name):
    dataset = load_dataset(cells(root, name, "dog", encoding="cp1252"))

    assert labels(dataset) == [name, "dog"]
    assert says(dataset, "cp1252", "UTF-8")


def test_files_are_named_in_the_encoding_of_windows_too(root):
    place(root, "Löwe/1.jpg")
    (root / "m.csv").write_bytes("file,label\nLöwe/1.jpg,Löwe\n".encode("cp1252"))

    assert [(sample.file, sample.label) for sample in load_dataset(root / "m.csv").samples] == [("Löwe/1.jpg", "Löwe")]


@pytest.mark.parametrize("separator", [";", ",", "|", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_first_line_of_excel_names_the_separator(root, separator, end):
    rows = [f"sep={separator}", separator.join(("file", "label")), separator.join(("0.png", "a b"))]
    (root / "m.csv").write_bytes((end.join(rows) + end).encode("utf-8-sig"))

    dataset = load_dataset(root / "m.csv")

    assert labels(dataset) == ["a b"]
    assert says(dataset, f"sep={separator}")


# Files that a table names


def test_names_without_an_extension_are_found_beside(root):
    (root / "ids.csv").write_text("file,label\n0,cat\n1,dog\n")

    assert [sample.file for sample in load_dataset(root / "ids.csv").samples] == ["0.png", "1.png"]


def test_names_are_found_in_the_one_folder_that_has_them(root):
    place(root, "train/ab12.jpg", "train/cd34.jpg", "test/zz99.jpg")
    (root / "labels.csv").write_text("file,label\nab12,cat\ncd34,dog\n")

    dataset = load_dataset(root / "labels.csv")

    assert [sample.file for sample in dataset.samples] == ["train/ab12.jpg", "train/cd34.jpg"]
    assert says(dataset, "looked for in train")


def test_names_that_several_images_have_are_not_guessed(root):
    place(root, "cat/x.png", "dog/x.png", "dog/a.jpg", "dog/a.png")
    for name, words in (("x", r"several folders: cat/x\.png, dog/x\.png"), ("dog/a", r"a\.jpg, a\.png")):
        (root / "m.csv").write_text(f"file,label\n{name},cat\n")
        with pytest.raises(InputError, match=words):
            load_dataset(root / "m.csv")


def test_a_file_that_is_gone_is_not_taken_from_elsewhere(root):
    place(root, "trash/gone.png")
    (root / "m.csv").write_text("file,label\n0.png,cat\ngone.png,dog\n")

    dataset = load_dataset(root / "m.csv")

    assert dataset.failed == (("gone.png", "line 3: no such file"),)
    assert says(dataset, "1 no such file", "gone.png, line 3")


@pytest.mark.parametrize("address", ["https://example.org/a.jpg", "s3://bucket/a.jpg", "gs://b/a.jpg"])
def test_web_addresses_are_to_be_downloaded_first(root, address):
    (root / "m.csv").write_text(f"file,label\n{address},cat\n{address}2,cat\n")

    with pytest.raises(InputError, match="download") as error:
        load_dataset(root / "m.csv")

    assert "first folders" not in str(error.value)
    assert "2 a web address" in str(error.value)


def test_the_split_of_a_manifest_may_be_a_folder_at_a_depth(root):
    place(root, "a/train/1.jpg", "a/dev/2.jpg")
    (root / "m.csv").write_text("file,label\na/train/1.jpg,cat\na/dev/2.jpg,dog\n")

    assert [s.split for s in load_dataset(root / "m.csv", split_at=2).samples] == ["val", "train"]
    with pytest.raises(InputError, match="--classes-at 1"):
        load_dataset(root / "m.csv", classes_at=1)


# One class in two spellings


def test_two_unicode_forms_in_a_table_are_one_class(root):
    dataset = load_dataset(cells(root, NFC, NFD, "dog"))

    assert dataset.classes == (NFC, "dog")
    assert labels(dataset) == [NFC, NFC, "dog"]
    assert says(dataset, "one class", "U+00F6", "U+0308")


def test_two_unicode_forms_of_folders_are_one_class_and_files_keep_their_names(tmp_path):
    dataset = load_dataset(place(tmp_path, f"train/{NFD}/1.png", f"val/{NFC}/2.png", "val/dog/3.png"))

    assert dataset.classes == (NFC, "dog")
    assert {sample.file: sample.label for sample in dataset.samples}[f"train/{NFD}/1.png"] == NFC
    assert all(sample.path.exists() for sample in dataset.samples)
    assert says(dataset, "one class", "U+0308")


def test_names_in_files_in_two_unicode_forms_are_one_class(tmp_path):
    dataset = load_dataset(place(tmp_path, f"{NFD}_1.png", f"{NFC}_2.png"), label_from="name")

    assert dataset.classes == (NFC,)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("Cat", "cat", ["upper and lower case", "--class-map Cat=cat"]),
        ("cat ", "cat", ["blanks", "--class-map 'cat =cat'"]),
        ("cat\u200b", "cat", ["invisible"]),
        ("\ufeffcat", "cat", ["invisible"]),
        ("c\u00adat", "cat", ["invisible"]),
        ("golden_retriever", "golden retriever", ["joined"]),
        ("01", "1", ["joined"]),
        ("ÄRA", "ära", ["upper and lower case"]),
    ],
)
def test_spellings_that_may_be_one_class_are_told_loudly(tmp_path, one, other, words):
    dataset = load_dataset(place(tmp_path, f"train/{one}/1.png", f"val/{other}/2.png", f"val/{other}/3.png"))

    assert set(dataset.classes) == {one, other}
    assert f'"{one}" (1 image) and "{other}" (2 images)' in dataset.notes[0]
    assert all(word in dataset.notes[0] for word in words)


def test_singular_and_plural_are_told_only_where_no_split_has_both(tmp_path):
    both = load_dataset(place(tmp_path / "one", "sunglass/1.png", "sunglasses/2.png"))
    files = ("train/dogs/1.png", "train/cat/1.png", "val/dog/2.png", "val/cat/2.png")
    apart = load_dataset(place(tmp_path / "two", *files))

    assert both.notes == ()
    assert says(apart, '"dogs"', '"dog"', "plural")


def test_merged_classes_are_one(tmp_path):
    dataset = load_dataset(place(tmp_path, "train/Cat/1.png", "val/cat/2.png", "val/dog/3.png"))

    merged = dataset.merged({"Cat": "cat"})

    assert merged.classes == ("cat", "dog")
    assert labels(merged) == ["cat", "cat", "dog"]
    assert says(merged, '"Cat" (1 image', '"cat"') and not says(merged, "differ only")
