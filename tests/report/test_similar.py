"""The neighbours of a flagged image: each is shown once, named, and marked where its label is another one."""

from dataclasses import replace

import pytest

from auditor.audit import Neighbour
from auditor.report.audit import render_html
from auditor.report.audit.lines import place
from auditor.report.audit.similar import symbol_anchors
from auditor.text import visible
from tests.report.derived import cards_of
from tests.report.page import Document
from tests.report.scanned import LONG, ON_DISK, PLAIN, SCRIPT, TEMPLATE, UNSURE


@pytest.fixture
def audit(audit):
    """The scanned one without other pictures than those of cards."""
    return replace(audit, copies={}, examples={})


@pytest.fixture
def around(audit):
    """The audit with one card, of a cat that is labelled dogs, whose neighbours are these."""

    def _around(*neighbours, **fields):
        return replace(audit, evidence={TEMPLATE: replace(audit.evidence[TEMPLATE], similar=neighbours, **fields)})

    return _around


def only_card(audit):
    [card] = cards_of(audit).values()
    return card


def around_of(shown):
    return (*shown.similar, *shown.of_given, *shown.of_suggested)


def test_every_neighbour_of_every_card_is_shown_with_its_name_and_label(audit):
    odd = tuple(Neighbour(file, label, 0.4, None) for file, label in ((ON_DISK, None), (LONG, SCRIPT)))
    strange = {PLAIN: replace(audit.evidence[PLAIN], similar=(*audit.evidence[PLAIN].similar[:2], *odd))}
    audit = replace(audit, evidence={**audit.evidence, **strange})

    described = [
        tile.attributes["aria-label"]
        for tile in Document(render_html(audit)).all("svg")
        if tile.attributes.get("class") == "thumb"
    ]

    shown = [audit.evidence[file] for file in place(audit).cards]
    expected = [near for evidence in shown for near in around_of(evidence)]
    assert len(described) == len(expected)
    for near in expected:
        label = "without a label" if near.label is None else f"labelled {visible(near.label)}"
        assert any(text.startswith(f"{visible(near.file)}, {label}") for text in described)


def test_a_thumbnail_is_in_the_page_once_however_often_it_is_shown(audit):
    page = Document(render_html(audit))

    near = [neighbour for shown in audit.evidence.values() for neighbour in around_of(shown)]
    pictures = [picture.attributes["href"] for picture in page.all("image")]
    shown = [reference.attributes["href"] for reference in page.all("use")]
    assert len(pictures) == len(set(pictures)) == len({each.thumbnail for each in near})
    assert len(pictures) == len(symbol_anchors(place(audit)))
    assert len(shown) == len(near) > len(pictures)
    assert {f"#{symbol.attributes['id']}" for symbol in page.all("symbol")} == {*shown, "#no-picture"}


def test_another_label_is_marked_and_counted(audit, around):
    cat, dog = (near.thumbnail for near in audit.evidence[TEMPLATE].similar[:2])
    neighbours = (Neighbour("a.jpg", "cats", 0.98765, cat), Neighbour("b.jpg", "dogs", 0.5, dog))

    strip = only_card(around(*neighbours)).similar.strip

    assert [(tile.label, tile.role, tile.differs) for tile in strip.tiles] == [
        ("cats", "suggested", True),
        ("dogs", "given", False),
    ]
    assert strip.remark == "1 of 2 has the given label"
    assert strip.tiles[0].alt == "a.jpg, labelled cats, not dogs"
    assert strip.tiles[0].hint == "a.jpg, similarity 0.988"


def test_the_remark_knows_none_one_and_all(around):
    def remark(*labels):
        near = tuple(Neighbour(f"{place}.jpg", label, 0.5, None) for place, label in enumerate(labels))
        return only_card(around(*near)).similar.strip.remark

    assert remark("cats", "cats") == "none of 2 has the given label"
    assert remark("dogs", "dogs", "cats") == "2 of 3 have the given label"
    assert remark("dogs", "dogs") == "all 2 have the given label"
    assert remark("dogs") == "it has the given label"
    assert remark("cats") == "it does not have the given label"


def test_a_neighbour_without_a_label_is_not_marked_and_one_without_a_picture_has_a_placeholder(around):
    [tile] = only_card(around(Neighbour("a.jpg", None, 0.5, None))).similar.strip.tiles

    assert not tile.differs
    assert tile.label == "no label"
    assert tile.symbol == "no-picture"
    assert tile.alt == "a.jpg, without a label, which could not be read again"
    assert "no-picture" in Document(render_html(around(Neighbour("a.jpg", None, 0.5, None)))).values("id")


def test_a_neighbour_that_is_flagged_too_leads_to_its_finding(audit):
    one, other = UNSURE
    finding = next(finding for finding in audit.findings if finding.file == other)

    links = [tile.link for tile in cards_of(audit)[one].similar.strip.tiles]

    assert audit.evidence[one].similar[0].file == other
    assert links == [f"#f-{finding.id}", "", "", "", ""]


def test_given_and_suggested_class_stand_side_by_side(audit):
    card = cards_of(audit)[TEMPLATE]

    assert [(strip.title, strip.subject, len(strip.tiles)) for strip in card.similar.compared] == [
        ("Nearest of", "dogs", 3),
        ("Nearest of", "cats", 3),
    ]


def test_a_class_without_another_image_says_so(audit, around):
    before = audit.evidence[TEMPLATE]
    card = only_card(around(*before.similar, of_given=(), of_suggested=before.of_suggested[:1]))

    given, suggested = card.similar.compared
    assert (given.tiles, given.remark) == ((), "There is no other image of this class.")
    assert len(suggested.tiles) == 1


def test_nothing_is_compared_where_no_class_is_suggested(audit):
    card = cards_of(audit)[UNSURE[0]]

    assert card.suggested == ""
    assert card.similar.compared == ()


def test_a_card_without_neighbours_has_no_strip(around):
    page = Document(render_html(around(of_given=(), of_suggested=())))

    assert page.all("use") == page.all("symbol") == []
    assert "Most similar" not in page.text
