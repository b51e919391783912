"""Names that differ by little: exactly the same first, and a looser step only where it is unambiguous."""

import unicodedata

import pytest

from auditor.classes.class_map import read_class_map
from auditor.classes.names import find_animals, match_classes, split_map
from auditor.classes.spelling import find
from auditor.errors import InputError

NFC, NFD = (unicodedata.normalize(form, "Löwe") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    "names",
    [
        ("A", "a", "b"), ("sunglass", "sunglasses"), ("-1", "1", "0"), ("C", "C++", "C#", "c"), ("A-", "A", "A+"),
        ("1.0", "1"), ("01", "1", "001"), ("cat", "cat ", "Cat"), ("x_1", "x-1", "x 1"), ("glass", "glasses", "Glass"),
        ("1.1", "1.10"), ("ß", "ss", "SS"),
    ],
)  # fmt: skip
def test_names_that_both_sides_tell_apart_match_themselves(names):
    assert match_classes(names, names[::-1], {}).folder_of.tolist() == list(range(len(names)))[::-1]
    assert [find(names, name) for name in names] == list(range(len(names)))


@pytest.mark.parametrize(
    ("folders", "model"),
    [
        ((NFD, "dog"), (NFC, "dog")), ((f"{NFD}n", "dog"), (f"{NFC}n".upper(), "dog")), (("1.0", "2.0"), ("1", "2")),
        (("00000", "00001"), ("0", "1")), (("Cats", "DOGS"), ("cat", "dog")), (("a", "B"), ("A", "b")),
        (("golden_retriever", "x"), ("Golden-Retriever", "x")), ((" cat", "dog"), ("cat", "dog")),
    ],
)  # fmt: skip
def test_looser_steps_match_what_is_left(folders, model):
    assert match_classes(folders, model, {}).folder_of.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("folders", "model", "found"),
    [
        (("cats",), ("cat", "Cat"), [-1, -1]), (("cat", "Cat"), ("CAT",), [-1]), (("-1",), ("1",), [-1]),
        (("C#",), ("C",), [-1]), (("cat",), ("cat", "cats"), [0, -1]), (("A-",), ("A",), [-1]),
        (("1.10",), ("1.1",), [-1]),
    ],
)  # fmt: skip
def test_what_could_be_several_is_nobodys(folders, model, found):
    assert match_classes(folders, model, {}).folder_of.tolist() == found


def test_outputs_of_the_very_same_name_are_summed():
    assert match_classes(("crane", "x"), ("crane", "crane", "x"), {}).folder_of.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("source", "target"), [(NFC, NFC), (NFD, NFC), (NFC.upper(), NFD)])
def test_a_map_names_classes_in_any_unicode_form(source, target):
    assert match_classes((NFC, "dog"), (NFD, "dog"), {source: target}).complete


def test_a_map_is_exact_first():
    assert match_classes(("x", "y"), ("A", "a"), {"a": "x", "A": "y"}).folder_of.tolist() == [1, 0]
    assert match_classes(("A", "a"), ("x", "y"), {"x": "a", "y": "A"}).folder_of.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("folders", "model", "stated", "words"),
    [
        (("x",), ("Cat", "CAT"), {"cat": "x"}, "'Cat', 'CAT' of the model"),
        (("Cat", "CAT"), ("x",), {"x": "cat"}, "'Cat', 'CAT' of the folder"),
        (("x", "y"), ("cat",), {"cat": "x", "Cat": "y"}, "to two classes"),
    ],
)
def test_a_map_that_can_mean_several_is_an_error(folders, model, stated, words):
    with pytest.raises(InputError, match=words):
        match_classes(folders, model, stated)


def test_a_map_with_one_name_twice_is_an_error(tmp_path):
    (tmp_path / "m.json").write_text('{"a": "x", "a": "y"}')
    (tmp_path / "m.csv").write_text("a,x\na,y\n")
    for text in ("a=x,a=y", str(tmp_path / "m.json"), str(tmp_path / "m.csv")):
        with pytest.raises(InputError, match="'a' to 'x' and to 'y'"):
            read_class_map(text)


def test_a_json_list_is_no_map(tmp_path):
    (tmp_path / "m.json").write_text('[["a", "x"]]')

    with pytest.raises(InputError, match="not a JSON object"):
        read_class_map(str(tmp_path / "m.json"))


@pytest.mark.parametrize(
    ("folders", "model", "text", "merged", "rest"),
    [
        (("Cat", "cat"), ("bird",), "Cat=cat", {"Cat": "cat"}, {}),
        (("Cat", "cat"), ("Cat",), "Cat=cat", {"Cat": "cat"}, {"Cat": "cat"}),
        (("cat", "cat "), ("cat",), "cat =cat", {"cat ": "cat"}, {"cat ": "cat"}),
        (("cat", "kitten", "dog"), ("cat", "dog"), "kitten=cat, dog=dog", {"kitten": "cat"}, {" dog": "dog"}),
        (("cat", "dog"), ("cat", "dog"), "cat=dog,dog=cat", {}, {"cat": "dog", "dog": "cat"}),
        (("cat", "dog"), ("tabby", "dog"), "tabby=cat", {}, {"tabby": "cat"}),
    ],
)
def test_a_folder_may_be_mapped_to_a_folder(folders, model, text, merged, rest):
    assert split_map(folders, model, read_class_map(text)) == (merged, rest)


def test_classes_are_not_turned_round():
    with pytest.raises(InputError, match="turns 'a' into 'A'"):
        split_map(("a", "A"), ("x",), {"a": "A", "A": "a"})


def test_the_animals_of_imagenet_are_found_exactly_first():
    assert find_animals(("cat", "Cats", "Dog")) == (0, 2)
