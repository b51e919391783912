"""Class names of folder and model."""

import numpy as np
import pytest

from auditor.classes import class_name, match_classes, normalise, read_class_map
from auditor.errors import InputError


@pytest.mark.parametrize(
    ("left", "right"),
    [("Cats", "cat"), ("DOG", "dogs"), ("tabby_cat", "Tabby Cats"), ("boxes", "box"), ("puppies", "puppy"),
     ("classes", "class"), ("bus", "Bus"), ("glass", "glass"), ("dish", "dishes")],
)  # fmt: skip
def test_case_plural_and_separators_do_not_matter(left, right):
    assert normalise(left) == normalise(right)


def test_different_names_stay_different():
    names = ["cat", "car", "bus", "bu", "s", "as", "", "iris", "glass"]
    assert len({normalise(name) for name in names}) == len(names)


def test_model_outputs_are_matched_in_their_own_order():
    match = match_classes(("cats", "dogs"), ("dog", "bird", "cat"), {})

    assert match.folder_of.tolist() == [1, -1, 0]
    assert match.complete


def test_several_model_classes_sum_to_one_folder_class():
    stated = read_class_map("tabby=cat, siamese=cat,beagle=dog")
    match = match_classes(("cat", "dog"), ("tabby", "siamese", "beagle"), stated)

    projected = match.project(np.array([[0.2, 0.3, 0.5]], dtype=np.float32), 2)
    assert projected.tolist() == [[0.5, 0.5]]


def test_missing_classes_are_named():
    assert match_classes(("cat", "dog"), ("dog",), {}).missing == ("cat",)


def test_a_map_to_nowhere_is_an_error():
    with pytest.raises(InputError, match="no class of the folder"):
        match_classes(("cat",), ("tabby",), {"tabby": "horse"})
    with pytest.raises(InputError, match="no class of the model"):
        match_classes(("cat",), ("tabby",), {"lion": "cat"})


@pytest.mark.parametrize("text", ["", "tabby", "tabby=", "a=b=c"])
def test_an_unreadable_map_says_what_is_expected(text):
    with pytest.raises(InputError, match="tabby=cat"):
        read_class_map(text)


def test_maps_are_read_from_files(tmp_path):
    (tmp_path / "map.json").write_text('{"tabby": "cat"}')
    (tmp_path / "map.csv").write_text("tabby,cat\n")

    assert read_class_map(str(tmp_path / "map.json")) == read_class_map(str(tmp_path / "map.csv")) == {"tabby": "cat"}
    with pytest.raises(InputError, match="cannot be read"):
        read_class_map(str(tmp_path / "none.json"))


def test_outputs_without_names_have_numbers():
    assert class_name((), 3) == "#3"
    assert class_name(("cat",), 0) == "cat"
