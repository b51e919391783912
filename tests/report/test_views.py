"""Cards with more than one heatmap: captions, colours and the name of the method."""

from dataclasses import replace

import pytest

from auditor.heatmaps.grad_cam import contrast_legend
from auditor.report.audit import render_html
from auditor.report.audit.page import build_page
from tests.report.page import Document
from tests.report.scanned import HANDLER, PLAIN, SCRIPT, UNSURE


@pytest.fixture
def view(audit):
    """`view("dogs", "cats")`: a view that the scan made, of other classes."""
    made = audit.evidence[PLAIN].views[0]
    return lambda subject, against=None, *, blank=False: replace(made, subject=subject, against=against, blank=blank)


@pytest.fixture
def with_views(audit):
    """The audit with these views, for the first card alone."""

    def _with_views(*views, **fields):
        evidence = {file: replace(each, views=(), **fields) for file, each in audit.evidence.items()}
        first = next(iter(evidence))
        return replace(audit, evidence={**evidence, first: replace(evidence[first], views=views)}, additions=())

    return _with_views


def captions(audit):
    """Every caption of the first card that has further views."""
    page = build_page(audit)
    card = next(card for group in page.groups for card in group.cards if card.views)
    return [" ".join(word.text for word in view.caption) for view in card.views], card


def test_a_scan_gives_every_wrong_label_both_views(audit):
    cards = {card.file: card for group in build_page(audit).groups for card in group.cards}

    found = [" ".join(word.text for word in view.caption) for view in cards[PLAIN].views]
    assert found == [f"Nothing speaks for {HANDLER}", f"Why dogs and not {HANDLER}"]
    assert sum(len(card.views) for card in cards.values()) == sum(len(each.views) for each in audit.evidence.values())
    assert [view.blank for view in audit.evidence[PLAIN].views] == [True, False]


def test_a_card_tells_why_the_given_class_and_why_not(view, with_views):
    found, card = captions(with_views(view("cats"), view("dogs", "cats")))

    assert found == ["Evidence for cats", "Why dogs and not cats"]
    below, above = contrast_legend()
    colours = {word.text: word.colour for word in card.views[1].caption if word.is_class}
    assert colours == {"dogs": above, "cats": below}
    assert "orange" in card.views[1].alt and "blue" in card.views[1].alt


def test_an_empty_map_is_called_empty(view, with_views):
    found, _ = captions(with_views(view("cats", blank=True), view("dogs", "cats", blank=True)))

    assert found == ["Nothing speaks for cats", "Nothing tells dogs from cats"]


def test_an_occlusion_map_is_never_called_grad_cam(view, with_views):
    audit = with_views(view("cats"), view("dogs", "cats"), method="occlusion")

    found, card = captions(audit)
    text = Document(render_html(audit)).text

    assert found[0] == "Occlusion map for cats"
    assert card.pictures[1].caption == "Occlusion map for"
    assert "(occlusion map)" in text
    assert "Grad-CAM" not in text


def test_the_legend_names_method_and_colours(with_views):
    audit = with_views(method="Grad-CAM by gradients", colours="viridis")
    page = build_page(audit)

    assert page.heat_words.hot.endswith("(Grad-CAM by gradients)")
    assert page.heat[0].colour == "#440154"                     # viridis begins in violet
    assert 'aria-label="Colours of the heatmap (viridis)' in render_html(audit)


def test_hostile_class_names_stay_text(view, with_views):
    document = Document(render_html(with_views(view(SCRIPT), view(HANDLER, SCRIPT))))

    assert not [script for script in document.all("script") if "alert" in script.text]
    assert not [image for image in document.all("img") if "onerror" in image.attributes]
    assert SCRIPT in document.text


def test_without_further_views_the_card_has_no_empty_band(audit, with_views):
    unsure = replace(audit, evidence={file: audit.evidence[file] for file in UNSURE})

    assert "reasons" in Document(render_html(audit)).values("class")
    for without in (unsure, with_views()):
        assert "reasons" not in Document(render_html(without)).values("class")
