"""The section "What ImageNet sees", with names that try to break out of the page."""

from dataclasses import replace

import pytest

from auditor.classes.imagenet_view import ImageNetView, SeenClass, SeenName
from auditor.report.audit import render_html
from auditor.report.audit.imagenet import MAX_CLASSES, MAX_NAMES, MAX_NAMES_ALONE, imagenet_section
from auditor.report.shared.assets import Inline
from auditor.text import percent
from tests.report.page import Document
from tests.report.scanned import ABSURD, HANDLER, PLAIN, SCRIPT

NAMES = (
    SeenName("n02123045", "tabby", 60, "cat"),
    SeenName("n02099712", "Labrador retriever", 30, "dog"),
    SeenName("n01882714", "koala", 9, ""),
    SeenName("", "background", 1, ""),
)
CATS = SeenClass("cats", "cat", 100, NAMES, cats=61, dogs=29)
DOGS = SeenClass("dogs", "dog", 40, (NAMES[1],), cats=0, dogs=40)


@pytest.fixture
def absurdity(audit):
    """`absurdity("cats/1.jpg")`: one that the scan found, in another file."""

    def _absurdity(file="cats/koala.jpg", **fields):
        found = audit.addition(ImageNetView).absurdities[0]
        return replace(found, **{"file": file, "probability": 0.953, "kin": 0.0004, **fields})

    return _absurdity


@pytest.fixture
def view(audit, absurdity):
    """The scan's view, of these classes; by default of 100 cats and 40 dogs, with one absurdity of ten."""
    made = replace(audit.addition(ImageNetView), classes=(CATS, DOGS), absurd=10, second_head=False)

    def _view(*classes, **fields):
        return replace(made, **{"classes": classes or made.classes, "absurdities": (absurdity(),), **fields})

    return _view


@pytest.fixture
def section(view):
    return lambda *classes, links=None, **fields: imagenet_section(
        view(*classes, **fields), lambda file: (links or {}).get(file, ""), Inline()
    )


@pytest.fixture
def page(audit, view):
    return lambda *classes, **fields: Document(render_html(replace(audit, additions=(view(*classes, **fields),))))


def test_what_a_scan_saw_is_in_the_section(audit):
    found = audit.addition(ImageNetView)

    shown = Document(render_html(audit))

    assert "What ImageNet sees" in shown.text and "what it saw before transfer learning" in shown.text
    for seen in found.classes:
        own = f"After transfer learning: {percent(seen.transferred / seen.images)} {seen.label} ({seen.transferred})."
        assert own in shown.text
    cats = next(seen for seen in found.classes if seen.label == "cats")
    assert f"of the images of cats is \u201ca dog\u201d: {cats.dogs} of {cats.images}." in shown.text
    assert sorted(each.file for each in found.absurdities) == sorted(ABSURD)
    assert all(file in shown.text for file in ABSURD)
    assert {each.kind for each in found.classes} == {"cat", "dog", ""}          # HANDLER is neither


def test_how_often_a_cat_is_a_dog_is_a_sentence_to_quote(section):
    assert section().sentences == (
        "To ImageNet, 29% of the images of cats are \u201ca dog\u201d: 29 of 100.",
        "To ImageNet, none of 40 images of dogs is \u201ca cat\u201d.",
    )


def test_the_names_of_a_class_are_counted_and_the_other_animal_stands_out(section):
    rows = section().classes[0].rows

    assert [(row.name, row.count, row.share, row.role, row.hint) for row in rows] == [
        ("tabby", "60", "60%", "given", "n02123045"),
        ("Labrador retriever", "30", "30%", "suggested", "n02099712"),
        ("koala", "9", "9%", "", "n01882714"),
        ("background", "1", "1%", "", ""),
    ]
    assert [row.bar for row in rows[:2]] == ["100.00%", "50.00%"]


def test_the_parts_of_a_class_are_all_of_it_its_own_kind_first(section):
    cats, dogs = (seen.parts for seen in section().classes)

    assert [(part.text, part.share, part.role) for part in cats] == [
        ("a cat", "61% (61)", "given"),
        ("a dog", "29% (29)", "suggested"),
        ("something else", "10% (10)", ""),
    ]
    assert [part.start for part in cats] == ["0.00%", "61.00%", "90.00%"]
    assert [part.text for part in dogs] == ["a dog", "a cat", "something else"]


def test_names_and_classes_beyond_the_tables_are_counted(section):
    many = tuple(SeenName("", f"name {place}", 40 - place, "") for place in range(30))
    seen = replace(CATS, names=many, images=sum(name.images for name in many))

    both, alone = section(seen, DOGS), section(seen)

    assert len(both.classes[0].rows) == MAX_NAMES
    assert both.classes[0].more.startswith("and 18 more names, on 351 images")
    assert (alone.alone, len(alone.classes[0].rows)) == (True, MAX_NAMES_ALONE)
    assert section(*(replace(CATS, label=str(n)) for n in range(MAX_CLASSES + 2))).more.startswith("2 more classes")


def test_an_absurdity_leads_to_its_finding_where_it_has_one(section, absurdity):
    linked, unlinked = section(
        absurdities=(absurdity(PLAIN), absurdity("cats/other.jpg")),
        links={PLAIN: "#f-1"},
    ).cards

    assert (linked.link, unlinked.link) == ("#f-1", "")
    assert (linked.name, linked.share, linked.kin) == ("koala", "95.3%", "all cats <0.1%")
    assert len(linked.pictures) == 2


def test_the_page_has_the_section_its_link_and_its_pictures(audit, page, absurdity):
    shown = page(absurdities=(absurdity(), absurdity("cats/second.jpg", overlay=None)))

    assert "What ImageNet sees" in shown.text
    assert "#imagenet" in shown.values("href")
    assert "The most confident 2 of 10 images" in shown.text
    assert {"n02123045", "n01882714"} <= set(shown.values("title"))
    plain = Document(render_html(replace(audit, additions=())))
    assert "imagenet" not in plain.values("id")
    assert len(shown.all("img")) == len(plain.all("img")) + 3   # one of the two has no heatmap
    assert {"heat", "imagenet-heat"} <= set(shown.values("id"))


def test_what_the_model_says_after_transfer_learning_stands_beside_it(audit, view, section, page):
    seen = section(replace(CATS, transferred=99), DOGS).classes

    assert [each.after for each in seen] == ["After transfer learning: 99% cats (99).", ""]
    second = replace(view(replace(CATS, transferred=99)), second_head=True)
    shown = Document(render_html(replace(audit, additions=(second,))))
    assert "After transfer learning: 99% cats (99)." in shown.text
    assert "what it saw before transfer learning" in shown.text
    assert "transfer learning" not in page().text


def test_occlusion_maps_are_called_so(page):
    shown = page(method="occlusion")

    assert "Heatmaps by occlusion." in shown.text
    assert "covered, this costs the class most" in shown.text


def test_nothing_absurd_is_said_too(page):
    shown = page(absurdities=(), absurd=0, method="")

    assert "takes no image for anything but a cat, a dog or a wild relative" in shown.text
    assert "imagenet-heat" not in shown.values("id")


@pytest.mark.parametrize("attack", [SCRIPT, HANDLER, "{{ 7 * 7 }}", "</style></script>"])
def test_names_of_folders_and_files_are_only_ever_text(attack, page, absurdity):
    bad = replace(CATS, label=attack, names=(SeenName(attack, attack, 100, ""),))

    shown = page(bad, absurdities=(absurdity(attack, label=attack, name=attack, synset=attack),))

    assert (len(shown.all("script")), len(shown.all("style"))) == (2, 1)
    assert not [name for element in shown.elements for name in element.attributes if name.startswith("on")]
    assert shown.text.count(attack) > 5
    assert shown.open == []
