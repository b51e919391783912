"""Several pages: none larger than asked for, every finding on one of them, and the way from each to the others."""

import hashlib
import json
from dataclasses import replace

import pytest

from auditor.report.audit import write_html
from auditor.report.audit.data import Views
from auditor.report.audit.lines import place
from auditor.report.audit.page import build_pages
from auditor.report.audit.pagination import Item, pager, split
from auditor.report.shared.assets import Folder, Inline
from tests.report.derived import cards_of, like, many_classes, page_of
from tests.report.page import Document
from tests.report.scanned import HANDLER, PLAIN, TEMPLATE

ROOM = 420_000                                  # bytes; the first page's own parts take half of it


@pytest.fixture
def crowd(audit):
    """Many images with a wrong label, each with a picture of its own size, and as many findings without one."""
    worst = like(audit, "label_issue")
    shown = audit.evidence[worst.file]
    found, plain = [], []
    evidence = {}
    for number in range(60):
        identity = hashlib.sha256(str(number).encode()).hexdigest()
        found.append(replace(worst, id=identity[:16], file=f"train/cats/{number:03} {HANDLER}.png"))
        plain.append(replace(worst, id=identity[16:32], file=f"train/cats/plain {number:03} &&&.png"))
        picture = shown.thumbnail + identity.encode() * 60
        evidence[found[-1].file] = replace(shown, thumbnail=picture, content=identity)
    copies = dict(audit.copies)
    findings = (*found, *(each for each in audit.findings if each.id in copies), *plain)
    return replace(audit, findings=findings, evidence=evidence)


@pytest.fixture
def written(crowd, tmp_path):
    write_html(crowd, tmp_path, max_bytes=ROOM)
    return tmp_path


def test_no_page_is_larger_than_asked_for(written):
    sizes = {path.name: path.stat().st_size for path in written.glob("*.html")}

    assert 2 < len(sizes) < 9
    assert max(sizes.values()) <= ROOM
    assert sorted(sizes, reverse=True)[-1] == "index.html"


def test_every_finding_is_on_one_page(crowd, written):
    ids = [value for path in written.glob("*.html") for value in Document(path.read_text()).values("id")]

    findings = [value for value in ids if value.startswith("f-")]
    assert sorted(findings) == sorted(f"f-{finding.id}" for finding in crowd.findings)


def test_every_link_leads_somewhere(written):
    pages = {path.name: Document(path.read_text()) for path in written.glob("*.html")}

    for name, page in pages.items():
        for value in page.values("href"):
            file, _, fragment = value.partition("#")
            if value.startswith("data:") or "=" in fragment:
                continue
            assert not fragment or fragment in pages[file or name].values("id")


def test_pages_say_what_they_show_and_cards_are_numbered_through(crowd):
    pages = build_pages(crowd, Inline(), ROOM)

    keys = [card.key for page in pages for card in page.cards]
    assert keys == [f"c{number}" for number in range(1, 61)]
    first, second = len(pages[0].cards), len(pages[1].cards)
    assert pages[0].pager.sentence == f"Showing 1 to {first} of 60 images, worst first."
    assert pages[1].pager.sentence == f"Showing {first + 1} to {first + second} of 60 images, worst first."
    assert (pages[0].pager.next, pages[1].pager.previous) == ("page-2.html", "index.html")
    assert [page.front is not None for page in pages] == [True] + [False] * (len(pages) - 1)
    assert [page.data["page"] for page in pages] == list(range(1, len(pages) + 1))


def test_pictures_beside_the_pages_leave_room_for_more(crowd, tmp_path):
    inside = build_pages(crowd, Inline(), ROOM)
    beside = build_pages(crowd, Folder(tmp_path / "assets"), ROOM)

    assert len(beside[0].cards) > len(inside[0].cards)


def test_what_fits_nowhere_has_a_page_of_its_own():
    cards = [Item(10), Item(1_000_000), Item(10)]

    slices = list(split(cards, [], [], 0, 50_000, Inline()))

    assert [cards[of_cards] for of_cards, _, _ in slices] == [cards[:1], cards[1:2], cards[2:]]


def test_the_way_to_far_pages_is_short(audit):
    pages = [replace(place(audit), number=number) for number in range(1, 31)]

    assert [each.title for each in pager(pages, 12, 300).pages] == [
        "1", "\u2026", "10", "11", "12", "13", "14", "\u2026", "30",
    ]  # fmt: skip


def test_cells_and_rules_lead_to_their_images_on_whatever_page_they_are(crowd):
    pages = build_pages(crowd, Inline(), ROOM)

    [row] = [row for row in pages[0].front.rules if row.name == "label_issue"]

    assert row.href == "#rule=label_issue"
    label = crowd.findings[0].label
    other = Views(crowd, [replace(place(crowd), number=3)])
    assert other.href(label=label, rule="label_issue").startswith("page-3.html#label=")
    assert other.href(label="no such", rule="label_issue") == ""


def test_the_data_of_the_page_names_classes_as_the_folder_does(audit):
    data = page_of(audit).data
    card = next(card for card in data["cards"] if card["file"] == TEMPLATE)

    assert json.loads(json.dumps(data)) == data
    assert data["classes"] == sorted(audit.classes)
    assert (card["label"], card["suggested"], card["candidates"][0]) == ("dogs", "cats", "cats")
    assert card["content"] == audit.evidence[TEMPLATE].content
    assert card["findings"] == [found.id for found in place(audit).cards[TEMPLATE]]
    assert [card["place"] for card in data["cards"]] == list(range(1, 11))
    assert "label probably wrong" in card["text"]


def test_the_worst_picture_is_that_of_the_first_card_else_of_the_first_group(audit):
    assert page_of(audit).front.worst.photo == next(iter(cards_of(audit).values())).photo
    without = page_of(replace(audit, evidence={})).front.worst
    assert without.photo is None and len(without.group.tiles) == 2
    assert page_of(many_classes(audit)).front.worst is None


def test_a_hostile_class_is_one_value_of_a_link(audit):
    pages = [place(audit)]

    href = Views(audit, pages).href(label=HANDLER, suggested="dogs")

    assert next(found.label for found in pages[0].cards[PLAIN]) == HANDLER
    assert href.startswith("#label=%22%3E%3Cimg") and href.endswith("&suggested=dogs")
