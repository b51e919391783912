"""The table of ImageNet's classes, and how names are recognised as one of them."""

import pytest

from auditor.classes.imagenet import (
    BACKGROUND_AT,
    CATS,
    DOGS,
    WILD_CATS,
    WILD_DOGS,
    output_names,
    positions,
    readable,
    synset_named,
    synset_of,
    synsets,
)


def test_a_thousand_classes_in_the_order_of_their_ids():
    ids = [synset.id for synset in synsets()]

    assert len(ids) == len(set(ids)) == 1000
    assert ids == sorted(ids)


def test_all_class_names_are_different():
    assert len({synset.name.casefold() for synset in synsets()}) == 1000
    assert all(synset.name.isprintable() and synset.lemmas for synset in synsets())


def test_cats_dogs_and_their_wild_relatives_have_the_right_positions():
    def ends(places):
        return synsets()[places[0]].name, synsets()[places[-1]].name

    assert [synsets()[place].name for place in CATS] == [
        "tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat",
    ]  # fmt: skip
    assert ends(DOGS) == ("Chihuahua", "Mexican hairless") and len(DOGS) == 118
    assert ends(WILD_DOGS) == ("timber wolf", "grey fox")
    assert ends(WILD_CATS) == ("cougar", "cheetah")


def test_the_table_agrees_with_the_label_file_of_the_mobilenet(shared):
    lines = (shared / "models" / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()

    assert lines[0] == "background"
    assert [", ".join(synset.lemmas) for synset in synsets()] == lines[1:]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("n02086240", "Shih-Tzu"),
        ("it is n02086240 (87%), not n02087394.", "it is Shih-Tzu (87%), not Rhodesian ridgeback."),
        ("n02086240's label", "Shih-Tzu's label"),
        ("n02012849 or n03126707", "crane (bird) or crane (machine)"),
        ("train/n02086240/n02086240_12.webp", "train/n02086240/n02086240_12.webp"),
        ("n02086240.webp and data-n02086240", "n02086240.webp and data-n02086240"),
        ("n00000000, n020862401, xn02086240", "n00000000, n020862401, xn02086240"),
        ("no id", "no id"),
    ],
)
def test_ids_are_replaced_by_names_and_paths_are_not_changed(text, read):
    assert readable(text) == read


def test_classes_are_recognised_by_id_and_by_any_unique_name():
    assert synset_of("n02085620-Chihuahua").name == "Chihuahua"
    assert synset_of("Chihuahua") is None
    assert synset_named("Lhasa_Apso").id == synset_named("lhasa").id == "n02098413"
    assert synset_named("crane") is None                        # a bird and a machine
    assert synset_named("tabby, tabby cat").name == "tabby"


@pytest.mark.parametrize(
    "style",
    [
        lambda synset: synset.id,
        lambda synset: synset.name,
        lambda synset: synset.name.replace(" ", "_").upper(),
        lambda synset: ", ".join(synset.lemmas),
        lambda synset: synset.lemmas[-1],
    ],
    ids=["ids", "names", "as Keras writes them", "lines of a label file", "a synonym"],
)
def test_an_imagenet_model_is_recognised_by_its_names_in_order(style):
    names = tuple(map(style, synsets()))

    assert positions(names) == tuple(range(1000))
    assert positions(("background", *names)) == (BACKGROUND_AT, *range(1000))
    assert positions((*names, "nothing")) == (*range(1000), BACKGROUND_AT)
    assert positions(names[::-1]) is None
    assert positions(names[:999]) is None


def test_names_of_another_thousand_classes_are_not_imagenet():
    assert positions(tuple(f"class {place}" for place in range(1000))) is None
    assert positions(()) is None


def test_outputs_without_names_get_the_names_in_the_usual_order():
    assert output_names(1000)[281] == output_names(1001)[282] == "tabby"
    assert output_names(1001)[0] == "background"
    assert output_names(10) is None
