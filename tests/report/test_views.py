"""The heatmaps of a card: what they are of, their colours and the name of the method."""

from dataclasses import replace

import pytest

from auditor.heatmaps.grad_cam import contrast_legend
from auditor.report.audit import render_html
from tests.report.derived import cards_of, page_of
from tests.report.page import Document
from tests.report.scanned import HANDLER, PLAIN, SCRIPT


@pytest.fixture
def layer(audit):
    """`layer("dogs", "cats")`: a heatmap that the scan made, of other classes."""
    made = audit.evidence[PLAIN].heatmaps[0]
    return lambda subject, against=None, *, blank=False: replace(made, subject=subject, against=against, blank=blank)


@pytest.fixture
def with_layers(audit):
    """The audit with these heatmaps, for the first card alone."""

    def _with_layers(*layers, **fields):
        evidence = {file: replace(each, **{"heatmaps": (), **fields}) for file, each in audit.evidence.items()}
        first = next(iter(evidence))
        return replace(audit, evidence={**evidence, first: replace(evidence[first], heatmaps=layers)}, additions=())

    return _with_layers


def captions(audit):
    """Of the first card that has heatmaps, as they are printed and in short."""
    card = next(card for card in cards_of(audit).values() if card.heats)
    return [" ".join(word.text for word in heat.caption) for heat in card.heats], [heat.name for heat in card.heats]


def test_a_scan_gives_every_wrong_label_three_heatmaps(audit):
    card = cards_of(audit)[PLAIN]

    assert [heat.name for heat in card.heats] == [
        "Evidence for dogs", f"Nothing speaks for {HANDLER}", f"Why dogs and not {HANDLER}",
    ]  # fmt: skip
    assert [layer.blank for layer in audit.evidence[PLAIN].heatmaps] == [False, True, False]


def test_a_contrast_has_the_colours_of_its_two_classes(layer, with_layers):
    card = next(card for card in cards_of(with_layers(layer("dogs", "cats"))).values() if card.heats)

    below, above = contrast_legend()
    assert {word.text: word.colour for word in card.heats[0].caption if word.is_class} == {"dogs": above, "cats": below}


def test_an_empty_map_is_called_empty(layer, with_layers):
    found, short = captions(with_layers(layer("cats", blank=True), layer("dogs", "cats", blank=True)))

    assert found == short == ["Nothing speaks for cats", "Nothing tells dogs from cats"]


def test_an_occlusion_map_is_never_called_grad_cam(layer, with_layers):
    audit = with_layers(layer("cats"), layer("dogs", "cats"), method="occlusion")

    text = Document(render_html(audit)).text

    assert captions(audit)[0][0] == "Occlusion map for cats"
    assert "(occlusion map)" in text
    assert "Grad-CAM" not in text


def test_the_legend_names_method_and_colours(audit, layer, with_layers):
    audit = with_layers(layer("cats"), method="Grad-CAM by gradients", colours="viridis")
    page = page_of(audit)

    assert page.heat.hot.endswith("(Grad-CAM by gradients)")
    assert page.heat.stops[0].colour == "#440154"               # viridis begins in violet
    assert 'aria-label="Colours of the heatmap (viridis)' in render_html(audit)


def test_hostile_class_names_stay_text(layer, with_layers):
    document = Document(render_html(with_layers(layer(SCRIPT), layer(HANDLER, SCRIPT))))

    assert len(document.all("script")) == 2
    assert not [image for image in document.all("img") if "onerror" in image.attributes]
    assert SCRIPT in document.text


def test_without_heatmaps_there_is_neither_a_legend_nor_a_list_of_them(with_layers):
    page = Document(render_html(with_layers()))

    assert page_of(with_layers()).heat is None
    assert len([each for each in page.all("img") if "heat" in each.attributes.get("class", "").split()]) == 1   # viewer
