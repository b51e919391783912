"""The same picture more than once: groups beside each other, what tears them apart, and what differs."""

from dataclasses import replace

import pytest

from auditor.report.audit import render_html
from auditor.report.audit.copies import copy_groups, copy_section, group_links
from auditor.report.audit.lines import place
from auditor.report.audit.similar import NO_PICTURE, symbol_anchors
from auditor.report.shared.assets import Inline
from tests.report.derived import altered, like, page_of
from tests.report.page import Document
from tests.report.scanned import COPIES, ORIGINAL, TEMPLATE


def section(audit):
    placement = place(audit)
    groups = copy_groups(placement, symbol_anchors(placement), Inline())
    return copy_section(placement, groups, len(groups))


def group_of(audit, rule, place=0):
    found = [found for found in audit.findings if found.rule == rule][place]
    return next(group for group in section(audit).groups if group.line.anchor == f"f-{found.id}")


def test_groups_come_with_the_worst_first(audit):
    assert [group.line.severity for group in section(audit).groups] == ["high", "medium", "low"]
    assert section(audit).count == "3"


def test_a_conflict_shows_the_two_labels(audit):
    group = group_of(audit, "two_classes")

    assert (group.tag, group.sides) == ("labels", ("cats", "dogs"))
    assert [(tile.label, tile.other_label, tile.how) for tile in group.tiles] == [
        ("cats", False, "first image"),
        ("dogs", True, "the same file"),
    ]


def test_a_leak_shows_the_two_splits(audit):
    group = group_of(audit, "twice")

    assert (group.tag, group.sides) == ("splits", ("test", "train"))
    assert [tile.other_split for tile in group.tiles] == [False, True]


def test_a_copy_beside_its_original_is_torn_by_nothing(audit):
    group = group_of(audit, "twice", 1)

    assert group.tag == ""
    assert {tile.file for tile in group.tiles} == {"train/dogs/01.png", "train/dogs/again.png"}


def test_equal_files_have_one_picture_and_no_difference(audit):
    for group in section(audit).groups:
        assert len({tile.symbol for tile in group.tiles}) == 1
        assert not any(tile.difference for tile in group.tiles)
    assert section(audit).intro == ""


def test_an_altered_copy_says_how_alike_it_is_and_shows_what_differs(audit):
    changed = altered(audit, kind="mirrored")

    [copy] = group_of(changed, "twice").tiles[1:]

    assert copy.how == "mirrored, 97% alike"
    assert copy.difference.startswith("data:image/webp;base64,")
    assert "grey where it equals" in section(changed).intro


def test_a_similarity_that_nobody_measured_is_not_stated(audit):
    assert group_of(altered(audit, similarity=float("nan")), "twice").tiles[1].how == "altered"


def test_a_copy_that_could_not_be_read_again_has_a_place(audit):
    tile = group_of(altered(audit, thumbnail=None, difference=None), "twice").tiles[1]

    assert tile.symbol == NO_PICTURE
    assert "could not be read again" in tile.alt


def test_where_no_picture_could_be_read_again_the_sign_for_it_is_there(audit):
    gone = {
        finding: tuple(replace(copy, thumbnail=None) for copy in group) for finding, group in audit.copies.items()
    }

    page = Document(render_html(replace(audit, copies=gone, evidence={}, examples={})))

    assert {element.attributes["href"] for element in page.all("use")} == {f"#{NO_PICTURE}"}
    assert NO_PICTURE in page.values("id")


def test_copies_beyond_the_pictures_are_counted(audit):
    found = like(audit, "twice")
    more = replace(found, related=(*found.related, *(f"more/{number}.png" for number in range(8))))
    crowded = replace(audit, findings=tuple(more if each.id == found.id else each for each in audit.findings))

    assert group_of(crowded, "twice").more == "and 8 more copies, listed in findings.jsonl"


def test_groups_without_pictures_are_counted_and_stand_in_the_table(audit):
    fewer = {finding: group for finding, group in audit.copies.items() if finding == like(audit, "two_classes").id}
    cut = replace(audit, copies=fewer)

    assert section(cut).intro == "2 more groups without pictures in the table at the end."
    [table] = [table for table in page_of(cut).tables if table.anchor == "plain"]
    assert {line.file for line in table.lines} >= {"test/cats/leak.png", "train/dogs/01.png"}


def test_an_image_that_is_only_a_copy_has_no_card(audit):
    cards = place(audit).cards

    assert not {*COPIES, *COPIES.values(), ORIGINAL} & set(cards)
    assert TEMPLATE in cards


def test_the_card_of_a_copy_leads_to_its_group_and_back(audit):
    conflict = like(audit, "two_classes")

    links = group_links(place(audit), place(audit).groups)[TEMPLATE]
    tile = group_of(audit, "two_classes").tiles[1]

    assert [(link.href, link.title) for link in links] == [(f"#f-{conflict.id}", "Same file, two classes")]
    assert tile.link == place(audit).file_href(TEMPLATE)


def test_the_page_has_no_section_without_groups(audit):
    page = Document(render_html(replace(audit, copies={})))

    assert "copies" not in page.values("id")
    assert section(replace(audit, copies={})) is None


@pytest.mark.parametrize("name", ["n02086240"])
def test_labels_of_copies_read_as_what_they_mean(audit, name):
    page = page_of(altered(audit, label=name))

    assert "Shih-Tzu" in {tile.label for group in page.copies.groups for tile in group.tiles}
