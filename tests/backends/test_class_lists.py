"""Lists of class names in the shapes in which tools write them, and what is said of each."""

import pytest

from auditor.backends import load_backend
from auditor.backends.class_lists import read_class_list
from auditor.errors import InputError, ModelError
from tests.backends.nets import classifier, save

NAMES = ("ant", "bee", "cow")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 ant\n1 bee\n2 cow\n", "'0 ant'"),
        ("1: ant\n2: bee\n3: cow", "'1 ant'"),
        ("2,cow\n0,ant\n1,bee", "'0 ant'"),
        ('{"1": "ant", "2": "bee", "3": "cow"}', "from 1, not from 0"),
        ('{"ant": 1, "bee": 2, "cow": 3}', "from 1, not from 0"),
        ('{"model_type": "vit", "id2label": {"0": "ant", "1": "bee", "2": "cow"}}', "'id2label'"),
        ('{"label2id": {"ant": 0, "bee": 1, "cow": 2}}', "'label2id'"),
        ('{"num": 3, "classes": ["ant", "bee", "cow"]}', "'classes'"),
        ("ant\nbee\ncow\n", ""),
        ('{"0": "ant", "1": "bee", "2": "cow"}', ""),
    ],
)
def test_a_list_is_read_and_what_was_not_plain_is_said(text, said, tmp_path):
    (tmp_path / "list").write_text(text)

    found = read_class_list(tmp_path / "list")

    assert found.names == NAMES
    assert said in found.note and bool(said) == bool(found.note)


@pytest.mark.parametrize("lines", [["1 euro", "2 euro"], ["0 cat", "dog"], ["3 ants", "7 bees"], ["0 cat", "2 dog"]])
def test_numbers_that_are_part_of_names_stay(lines, tmp_path):
    (tmp_path / "list").write_text("\n".join(lines))

    assert read_class_list(tmp_path / "list").names == tuple(lines)


@pytest.mark.parametrize("text", ['{"2": "ant", "3": "bee"}', '{"0": "ant", "2": "bee"}'])
def test_indices_with_a_gap_are_refused_with_those_that_were_found(text, tmp_path):
    (tmp_path / "list").write_text(text)

    with pytest.raises(InputError, match=r"from 0, or from 1, without a gap \(found \["):
        read_class_list(tmp_path / "list")


def test_the_note_goes_with_the_model(tmp_path):
    (tmp_path / "list").write_text("0 ant\n1 bee\n2 cow\n")

    assert "'0 ant'" in load_backend(save(classifier(), tmp_path), classes=tmp_path / "list").notes[0]


@pytest.mark.parametrize("name", ["net.onnx", "net.keras"])
def test_a_git_lfs_pointer_is_no_model(name, tmp_path):
    (tmp_path / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n")

    with pytest.raises(ModelError, match="Git LFS pointer, not the model: run `git lfs pull`"):
        load_backend(tmp_path / name)


def test_a_graph_of_a_newer_opset_says_what_this_onnxruntime_reads(tmp_path):
    with pytest.raises(ModelError, match=r"written in opset 99, and onnxruntime .* reads up to \d+"):
        load_backend(save(classifier(opset=99), tmp_path))
