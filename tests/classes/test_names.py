"""Matching the class names of folder and model."""

import numpy as np
import pytest

from auditor.classes.class_map import read_class_map
from auditor.classes.imagenet import CATS, DOGS, output_names, synsets
from auditor.classes.names import class_name, match_classes, match_imagenet
from auditor.classes.spelling import normalise
from auditor.errors import InputError

NAMES = output_names(1000)
LINES = tuple(", ".join(synset.lemmas) for synset in synsets())
IDS = tuple(synset.id for synset in synsets())


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


def test_a_map_with_unknown_classes_is_an_error():
    with pytest.raises(InputError, match="not a class of the folder"):
        match_classes(("cat",), ("tabby",), {"tabby": "horse"})
    with pytest.raises(InputError, match="not a class of the model"):
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


def test_a_folder_named_by_an_id_matches_the_class_of_that_name_and_the_reverse():
    assert match_classes(("n02086240", "n02099601"), ("golden_retriever", "Shih-Tzu"), {}).folder_of.tolist() == [1, 0]
    assert match_classes(("Shih-Tzu", "n02099601"), ("n02099601", "n02086240"), {}).folder_of.tolist() == [1, 0]
    assert match_classes(("n02085620-Chihuahua",), ("Chihuahua", "tabby"), {}).folder_of.tolist() == [0, -1]


@pytest.mark.parametrize("model", [NAMES, ("background", *LINES), IDS], ids=["names", "lines", "ids"])
def test_folders_with_ids_and_with_names_match_any_imagenet_model(model):
    match = match_classes(("n02086240", "crane (machine)", "n02012849", "tiger cats"), model, {})

    assert match.complete
    known = np.flatnonzero(match.folder_of >= 0)
    found = {int(match.folder_of[output]): NAMES[output - len(model) + 1000] for output in known}
    assert len(known) == 4
    assert found == {0: "Shih-Tzu", 1: "crane (machine)", 2: "crane (bird)", 3: "tiger cat"}


def test_a_synonym_matches_only_if_the_id_is_known():
    assert not match_classes(("husky",), LINES, {}).complete        # WordNet's husky is an Eskimo dog
    assert match_classes(("n02109961",), ("husky", "beagle"), {}).complete


def test_a_class_map_accepts_ids_and_names_on_both_sides():
    stated = {"n02123045": "pets", "tiger_cat": "pets", "beagle": "Shih-Tzu"}
    match = match_classes(("pets", "n02086240"), LINES, stated)

    assert np.flatnonzero(match.folder_of == 0).tolist() == [281, 282]
    assert np.flatnonzero(match.folder_of == 1).tolist() == [155, 162]      # the mapped one, and its own


@pytest.mark.parametrize(("model", "spare"), [(NAMES, 0), (("background", *LINES), 1), (IDS, 0)])
def test_imagenets_cats_and_dogs_are_mapped(model, spare):
    match = match_imagenet(("Dogs", "CAT"), model)

    assert match.complete
    assert np.flatnonzero(match.folder_of == 1).tolist() == [place + spare for place in CATS]
    assert np.flatnonzero(match.folder_of == 0).tolist() == [place + spare for place in DOGS]


def test_one_of_cat_and_dog_is_enough():
    assert match_imagenet(("cats",), NAMES).complete
    assert match_imagenet(("cat", "horse"), NAMES).missing == ("horse",)


def test_the_imagenet_map_says_what_it_needs():
    with pytest.raises(InputError, match=r"called cat and dog; the data set has horse, cow\."):
        match_imagenet(("horse", "cow"), NAMES)
    with pytest.raises(InputError, match=r"1000 ImageNet classes .* this one has 2 classes \(cat, dog\)"):
        match_imagenet(("cat", "dog"), ("cat", "dog"))
    with pytest.raises(InputError, match="1000 classes"):
        match_imagenet(("cat", "dog"), NAMES[::-1])


def test_outputs_without_names_have_numbers():
    assert class_name((), 3) == "#3"
    assert class_name(("cat",), 0) == "cat"
