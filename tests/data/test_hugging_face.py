"""Hugging Face metadata: Parquet, and class numbers whose names are in `dataset_info`."""

import json

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from auditor.data.dataset_info import class_names, front_matter
from auditor.data.sources import load_dataset
from auditor.errors import InputError

CARD = """---
license: mit
dataset_info:
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': cat
          '1': "dog: large"
---
# A data set
"""
INFOS = {"default": {"features": {"label": {"num_classes": 2, "names": ["cat", "dog"], "_type": "ClassLabel"}}}}


@pytest.fixture
def root(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"")
    return tmp_path


def labels(root):
    return [sample.label for sample in load_dataset(root).samples]


def says(root, *words):
    return any(all(word in note for word in words) for note in load_dataset(root).notes)


@pytest.mark.parametrize("values", [["cat", None, "dog"], [["cat"], [], ["dog"]], pd.Categorical(["cat", None, "dog"])])
def test_metadata_in_parquet(root, values):
    pd.DataFrame({"file_name": ["0.png", "1.png", "2.png"], "label": values}).to_parquet(root / "metadata.parquet")

    assert labels(root) == ["cat", None, "dog"]
    assert says(root, "Labels are those of metadata.parquet")


def test_several_labels_in_parquet_are_an_error(root):
    pd.DataFrame({"file_name": ["0.png"], "label": [["cat", "dog"]]}).to_parquet(root / "metadata.parquet")

    with pytest.raises(InputError, match="2 labels, cat, dog"):
        load_dataset(root)


def test_parquet_that_is_damaged_is_an_error(root):
    (root / "metadata.parquet").write_bytes(b"PAR1 file_name")

    with pytest.raises(InputError, match=r"metadata\.parquet cannot be read as Parquet"):
        load_dataset(root)


def test_parquet_beside_another_table_is_an_error(root):
    (root / "metadata.csv").write_text("file_name,label\n0.png,cat\n")
    pd.DataFrame({"file_name": ["0.png"], "label": ["dog"]}).to_parquet(root / "metadata.parquet")

    with pytest.raises(InputError, match="side by side"):
        load_dataset(root)


@pytest.mark.parametrize("name", ["README.md", "dataset_infos.json", "schema"])
def test_numbers_get_the_names_of_dataset_info(root, name):
    table = pa.table({"file_name": ["0.png", "1.png", "2.png"], "label": [0, 1, -1]})
    if name == "schema":
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": INFOS["default"]})})
    else:
        (root / name).write_text(CARD if name == "README.md" else json.dumps(INFOS))
    parquet.write_table(table, root / "metadata.parquet")

    assert labels(root) == ["cat", "dog: large" if name == "README.md" else "dog", None]
    assert says(root, "dataset_info")


def test_names_count_for_a_csv_too_and_text_stays(root):
    (root / "README.md").write_text(CARD)
    (root / "metadata.csv").write_text("file_name,label\n0.png,0\n1.png,1\n")
    assert labels(root) == ["cat", "dog: large", None]
    (root / "metadata.csv").write_text("file_name,label\n0.png,cat\n1.png,1\n")
    assert labels(root) == ["cat", "1", None]


def test_a_number_without_a_name_is_an_error_that_names_the_line(root):
    (root / "README.md").write_text(CARD)
    (root / "metadata.jsonl").write_text('{"file_name": "0.png", "label": 2}\n')

    with pytest.raises(InputError, match="line 1: the label is 2, but dataset_info names 2 classes"):
        load_dataset(root)


def test_metadata_elsewhere_is_noted(root):
    (root / "cat").mkdir()
    (root / "cat/metadata.parquet").write_bytes(b"")

    assert says(root, "cat/metadata.parquet", "not read")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("dataset_info:\n- config_name: a\n  features:\n    - name: label\n      dtype:\n        class_label:\n"
         "          names:\n            0: x\n            1: y", ("x", "y")),
        ("dataset_info:\n  features:\n    label:\n      class_label:\n        names: [x, 'y, z']", ("x", "y, z")),
        ("dataset_info:\n  features:\n  - name: label\n    sequence:\n      class_label:\n        names:\n"
         "        - x # first\n        - 'it''s'", ("x", "it's")),
    ],
)  # fmt: skip
def test_cards_as_they_are_written(text, names, tmp_path):
    info = front_matter(f"---\n{text}\nother: 1\n---\nText: yes\n")

    assert class_names(tmp_path, info["dataset_info"]) == {"label": names}


@pytest.mark.parametrize("text", ["", "---\na: b", "no front matter", "---\n---", "---\n- a\n---", "---\n: x\n :\n---"])
def test_other_texts_name_nothing(text, tmp_path):
    assert class_names(tmp_path, front_matter(text)) == {}


def test_two_configurations_that_disagree_are_an_error(tmp_path):
    info = {"a": {"features": {"label": {"names": ["x"]}}}, "b": {"features": {"label": {"names": ["y"]}}}}

    with pytest.raises(InputError, match="label in two ways"):
        class_names(tmp_path, info)
