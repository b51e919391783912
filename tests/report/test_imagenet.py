"""The section "What ImageNet sees", with names that try to break out of the page."""

from dataclasses import replace

import pytest

from auditor.classes.imagenet_view import Absurdity, ImageNetView, SeenClass, SeenName
from auditor.report.audit import render_html
from auditor.report.audit.imagenet import MAX_CLASSES, MAX_NAMES, MAX_NAMES_ALONE, imagenet_section
from tests.report import sample_audit as sample
from tests.report.drawn import draw, jpeg
from tests.report.page import Document

NAMES = (
    SeenName("n02123045", "tabby", 60, "cat"),
    SeenName("n02099712", "Labrador retriever", 30, "dog"),
    SeenName("n01882714", "koala", 9, ""),
    SeenName("", "background", 1, ""),
)
CATS = SeenClass("cats", "cat", 100, NAMES, cats=61, dogs=29)
DOGS = SeenClass("dogs", "dog", 40, (NAMES[1],), cats=0, dogs=40)


def absurdity(file="cats/koala.jpg", **fields):
    picture, warm = map(jpeg, draw("cats", 7))
    shown = Absurdity(file, "cats", "cat", "n01882714", "koala", 0.953, 0.0004, picture, warm, 256, 256)
    return replace(shown, **fields)


def view(*classes, absurdities=None, absurd=10, method="Grad-CAM"):
    shown = (absurdity(),) if absurdities is None else absurdities
    return ImageNetView(classes or (CATS, DOGS), shown, absurd, method, "inferno")


def section(*classes, links=None, **fields):
    return imagenet_section(view(*classes, **fields), links or {})


def page(*classes, **fields):
    return Document(render_html(replace(sample.make_audit(), additions=(view(*classes, **fields),))))


def test_how_often_a_cat_is_a_dog_is_a_sentence_to_quote():
    assert section().sentences == (
        "To ImageNet, 29% of the images of cats are \u201ca dog\u201d: 29 of 100.",
        "To ImageNet, none of 40 images of dogs is \u201ca cat\u201d.",
    )


def test_the_names_of_a_class_are_counted_and_the_other_animal_stands_out():
    rows = section().classes[0].rows

    assert [(row.name, row.count, row.share, row.role, row.hint) for row in rows] == [
        ("tabby", "60", "60%", "given", "n02123045"),
        ("Labrador retriever", "30", "30%", "suggested", "n02099712"),
        ("koala", "9", "9%", "", "n01882714"),
        ("background", "1", "1%", "", ""),
    ]
    assert [row.bar for row in rows[:2]] == ["100.00%", "50.00%"]


def test_the_parts_of_a_class_are_all_of_it_its_own_kind_first():
    cats, dogs = (seen.parts for seen in section().classes)

    assert [(part.text, part.share, part.role) for part in cats] == [
        ("a cat", "61% (61)", "given"),
        ("a dog", "29% (29)", "suggested"),
        ("something else", "10% (10)", ""),
    ]
    assert [part.start for part in cats] == ["0.00%", "61.00%", "90.00%"]
    assert [part.text for part in dogs] == ["a dog", "a cat", "something else"]


def test_names_and_classes_beyond_the_tables_are_counted():
    many = tuple(SeenName("", f"name {place}", 40 - place, "") for place in range(30))
    seen = replace(CATS, names=many, images=sum(name.images for name in many))

    both, alone = section(seen, DOGS), section(seen)

    assert len(both.classes[0].rows) == MAX_NAMES
    assert both.classes[0].more.startswith("and 18 more names, on 351 images")
    assert (alone.alone, len(alone.classes[0].rows)) == (True, MAX_NAMES_ALONE)
    assert section(*(replace(CATS, label=str(n)) for n in range(MAX_CLASSES + 2))).more.startswith("2 more classes")


def test_an_absurdity_leads_to_its_finding_where_it_has_one():
    linked, unlinked = section(
        absurdities=(absurdity("dogs/sticker-000.png"), absurdity("cats/other.jpg")),
        links={"dogs/sticker-000.png": "f-1"},
    ).cards

    assert (linked.link, unlinked.link) == ("f-1", "")
    assert (linked.name, linked.share, linked.kin) == ("koala", "95.3%", "all cats <0.1%")
    assert len(linked.pictures) == 2


def test_the_page_has_the_section_its_link_and_its_pictures():
    shown = page(absurdities=(absurdity(), absurdity("cats/second.jpg", overlay=None)))

    assert "What ImageNet sees" in shown.text
    assert "#imagenet" in shown.values("href")
    assert "The most confident 2 of 10 images" in shown.text
    assert {"n02123045", "n01882714"} <= set(shown.values("title"))
    plain = Document(render_html(sample.make_audit()))
    assert "imagenet" not in plain.values("id")
    assert len(shown.all("img")) == len(plain.all("img")) + 3   # one of the two has no heatmap
    assert {"heat", "imagenet-heat"} <= set(shown.values("id"))


def test_what_the_model_says_after_transfer_learning_stands_beside_it():
    seen = section(replace(CATS, transferred=99), DOGS).classes

    assert [each.after for each in seen] == ["After transfer learning: 99% cats (99).", ""]
    second = replace(view(replace(CATS, transferred=99)), second_head=True)
    shown = Document(render_html(replace(sample.make_audit(), additions=(second,))))
    assert "After transfer learning: 99% cats (99)." in shown.text
    assert "what it saw before transfer learning" in shown.text
    assert "transfer learning" not in page().text


def test_occlusion_maps_are_called_so():
    shown = page(method="occlusion")

    assert "Heatmaps by occlusion." in shown.text
    assert "covered, this costs the class most" in shown.text


def test_nothing_absurd_is_said_too():
    shown = page(absurdities=(), absurd=0, method="")

    assert "takes no image for anything but a cat, a dog or a wild relative" in shown.text
    assert "imagenet-heat" not in shown.values("id")


@pytest.mark.parametrize("attack", [sample.SCRIPT, sample.HANDLER, "{{ 7 * 7 }}", "</style></script>"])
def test_names_of_folders_and_files_are_only_ever_text(attack):
    bad = replace(CATS, label=attack, names=(SeenName(attack, attack, 100, ""),))

    shown = page(bad, absurdities=(absurdity(attack, label=attack, name=attack, synset=attack),))

    assert len(shown.all("script")) == len(shown.all("style")) == 1
    assert not [name for element in shown.elements for name in element.attributes if name.startswith("on")]
    assert shown.text.count(attack) > 5
    assert shown.open == []
