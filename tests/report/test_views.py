"""Cards with more than one heatmap: captions, colours and the name of the method."""

from dataclasses import replace

from auditor.audit import ClassView
from auditor.heatmaps.grad_cam import contrast_legend
from auditor.report.audit import render_html
from auditor.report.audit.page import build_page
from tests.report import sample_audit as sample
from tests.report.drawn import small
from tests.report.page import Document


def view(subject, against=None, *, blank=False):
    return ClassView(small("cats", 3), subject, against, blank, 96, 96)


def with_views(*views, **fields):
    """The sample audit, with views for its first card."""
    audit = sample.make_audit()
    evidence = {file: replace(each, **fields) for file, each in audit.evidence.items()}
    first = next(iter(evidence))
    return replace(audit, evidence={**evidence, first: replace(evidence[first], views=views)})


def captions(audit):
    """Every caption of the first card that has further views."""
    page = build_page(audit)
    card = next(card for group in page.groups for card in group.cards if card.views)
    return [" ".join(word.text for word in view.caption) for view in card.views], card


def test_a_card_tells_why_the_given_class_and_why_not():
    found, card = captions(with_views(view("cats"), view("dogs", "cats")))

    assert found == ["Evidence for cats", "Why dogs and not cats"]
    below, above = contrast_legend()
    colours = {word.text: word.colour for word in card.views[1].caption if word.is_class}
    assert colours == {"dogs": above, "cats": below}
    assert "orange" in card.views[1].alt and "blue" in card.views[1].alt


def test_an_empty_map_is_called_empty():
    found, _ = captions(with_views(view("cats", blank=True), view("dogs", "cats", blank=True)))

    assert found == ["Nothing speaks for cats", "Nothing tells dogs from cats"]


def test_an_occlusion_map_is_never_called_grad_cam():
    audit = with_views(view("cats"), view("dogs", "cats"), method="occlusion")

    found, card = captions(audit)
    text = Document(render_html(audit)).text

    assert found[0] == "Occlusion map for cats"
    assert card.pictures[1].caption == "Occlusion map for"
    assert "(occlusion map)" in text
    assert "Grad-CAM" not in text


def test_the_legend_names_method_and_colours():
    audit = with_views(method="Grad-CAM by gradients", colours="viridis")
    page = build_page(audit)

    assert page.heat_words.hot.endswith("(Grad-CAM by gradients)")
    assert page.heat[0].colour == "#440154"                     # viridis begins in violet
    assert 'aria-label="Colours of the heatmap (viridis)' in render_html(audit)


def test_hostile_class_names_stay_text():
    document = Document(render_html(with_views(view(sample.SCRIPT), view(sample.HANDLER, sample.SCRIPT))))

    assert not [script for script in document.all("script") if "alert" in script.text]
    assert not [image for image in document.all("img") if "onerror" in image.attributes]
    assert sample.SCRIPT in document.text


def test_without_further_views_the_card_has_no_empty_band():
    assert "reasons" not in Document(render_html(sample.make_audit())).values("class")
