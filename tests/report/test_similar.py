"""The neighbours of a flagged image: each is shown once, named, and marked where its label is another one."""

from dataclasses import replace

from auditor.audit import Neighbour
from auditor.report.audit import render_html
from auditor.report.audit.cards import card_groups
from auditor.report.audit.lines import place
from auditor.report.audit.similar import symbols
from auditor.text import visible
from tests.report import sample_audit as sample
from tests.report.drawn import small
from tests.report.page import Document

FILE = "dogs/sticker-000.png"


def around(*neighbours, **fields):
    """The sample with one card, whose neighbours are these."""
    audit = sample.make_audit()
    return replace(audit, evidence={FILE: replace(audit.evidence[FILE], similar=neighbours, **fields)})


def only_card(audit):
    [group] = card_groups(place(audit))
    return group.cards[0]


def test_every_neighbour_of_every_card_is_shown_with_its_name_and_label():
    audit = sample.make_audit()

    described = [
        tile.attributes["aria-label"]
        for tile in Document(render_html(audit)).all("svg")
        if tile.attributes.get("class") == "thumb"
    ]

    cards = [audit.evidence[file] for file in place(audit).cards]
    expected = [near for card in cards for near in (*card.similar, *card.of_given, *card.of_suggested)]
    assert len(described) == len(expected)
    for near in expected:
        label = "without a label" if near.label is None else f"labelled {visible(near.label)}"
        assert any(text.startswith(f"{visible(near.file)}, {label}") for text in described)


def test_a_thumbnail_is_in_the_page_once_however_often_it_is_shown():
    page = Document(render_html(sample.make_audit()))

    pictures = [picture.attributes["href"] for picture in page.all("image")]
    shown = [reference.attributes["href"] for reference in page.all("use")]
    assert len(pictures) == len(set(pictures)) == len(symbols(place(sample.make_audit())))
    assert len(shown) > 3 * len(pictures)
    assert {f"#{symbol.attributes['id']}" for symbol in page.all("symbol")} == set(shown)


def test_another_label_is_marked_and_counted():
    cat, dog = small("cats", 1), small("dogs", 1)
    neighbours = (Neighbour("a.jpg", "cats", 0.98765, cat), Neighbour("b.jpg", "dogs", 0.5, dog))

    strip = only_card(around(*neighbours)).similar.strip

    assert [(tile.label, tile.role, tile.differs) for tile in strip.tiles] == [
        ("cats", "suggested", True),
        ("dogs", "given", False),
    ]
    assert strip.remark == "1 of 2 has the given label"
    assert strip.tiles[0].alt == "a.jpg, labelled cats, not dogs"
    assert strip.tiles[0].hint == "a.jpg, similarity 0.988"


def test_the_remark_knows_none_one_and_all():
    def remark(*labels):
        near = tuple(Neighbour(f"{place}.jpg", label, 0.5, None) for place, label in enumerate(labels))
        return only_card(around(*near)).similar.strip.remark

    assert remark("cats", "cats") == "none of 2 has the given label"
    assert remark("dogs", "dogs", "cats") == "2 of 3 have the given label"
    assert remark("dogs", "dogs") == "all 2 have the given label"
    assert remark("dogs") == "it has the given label"
    assert remark("cats") == "it does not have the given label"


def test_a_neighbour_without_a_label_is_not_marked_and_one_without_a_picture_has_a_placeholder():
    [tile] = only_card(around(Neighbour("a.jpg", None, 0.5, None))).similar.strip.tiles

    assert not tile.differs
    assert tile.label == "no label"
    assert tile.symbol == "no-picture"
    assert tile.alt == "a.jpg, without a label, which could not be read again"
    assert "no-picture" in Document(render_html(around(Neighbour("a.jpg", None, 0.5, None)))).values("id")


def test_a_neighbour_that_is_flagged_too_leads_to_its_finding():
    card = card_groups(place(sample.make_audit()))[1].cards[0]

    assert [tile.link for tile in card.similar.strip.tiles] == ["", "", "f-000000000003", ""]


def test_given_and_suggested_class_stand_side_by_side():
    card = card_groups(place(sample.make_audit()))[0].cards[0]

    assert [(strip.title, strip.subject, len(strip.tiles)) for strip in card.similar.compared] == [
        ("Nearest of", "dogs", 3),
        ("Nearest of", "cats", 3),
    ]


def test_a_class_without_another_image_says_so():
    card = card_groups(place(sample.make_audit()))[0].cards[2]

    given, suggested = card.similar.compared
    assert (given.tiles, given.remark) == ((), "There is no other image of this class.")
    assert len(suggested.tiles) == 1


def test_nothing_is_compared_where_no_class_is_suggested():
    card = card_groups(place(sample.make_audit()))[1].cards[0]

    assert card.suggested == ""
    assert card.similar.compared == ()


def test_a_card_without_neighbours_has_no_strip():
    page = Document(render_html(around(of_given=(), of_suggested=())))

    assert page.all("use") == page.all("symbol") == []
    assert "Most similar" not in page.text
