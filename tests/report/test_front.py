"""The first screen: one sentence, how far it can be believed, what to do next, and the worst picture."""

import re
from dataclasses import replace

import pytest

from auditor.report.audit import render_html, write_html
from auditor.report.audit.estimate import qualification
from auditor.report.audit.headline import next_step, verdict
from tests.report.derived import like, many_classes, nothing_found, one_class, only, page_of, unlabelled
from tests.report.page import Document
from tests.report.scanned import TEMPLATE


def screen(audit):
    """Its elements, up to the first heading below it."""
    elements = Document(render_html(audit)).elements
    start = next(place for place, each in enumerate(elements) if each.attributes.get("aria-label") == "Verdict")
    return elements[start : next(place for place, each in enumerate(elements) if each.tag == "h2")]


def one(elements, style):
    """The text of the only element of this class."""
    [found] = [each for each in elements if style in each.attributes.get("class", "").split()]
    return " ".join(found.text.split())


def test_it_says_what_was_found_how_sure_that_is_and_what_to_do(audit):
    shown = screen(audit)

    assert one(shown, "sentence") == verdict(audit).sentence
    assert one(shown, "qualified") == qualification(audit)
    step = next_step(audit)
    assert one(shown, "next") == f"{step.action} {step.rest}"
    assert [each.attributes["href"] for each in shown if each.tag == "a"] == ["#c1", "#images"]


def test_the_worst_picture_has_its_labels_its_heatmap_and_its_reason(audit):
    shown, card = screen(audit), page_of(audit).cards[0]

    photo, heat = (each.attributes for each in shown if each.tag == "img")
    assert (photo["src"], heat["src"]) == (card.photo.source, card.heats[0].source)
    assert f"labelled {card.label}" in one(shown, "labels") and f"suggested {card.suggested}" in one(shown, "labels")
    assert f"{card.reason} {card.why}" in one(shown, "worst")


def test_a_picture_without_a_label_is_said_to_have_none(audit):
    odd = only(unlabelled(audit), like(audit, "upright", file=TEMPLATE, label=None))

    assert one(screen(odd), "labels") == "no label"


def test_copies_are_shown_where_nothing_else_has_a_picture(audit):
    conflict = like(audit, "two_classes")
    shown = screen(replace(only(audit, conflict), evidence={}))

    assert [each.attributes["href"] for each in shown if each.tag == "a"] == [f"#f-{conflict.id}", "#copies"]
    assert one(shown, "labels") == "Same file, two classes cats \u2260 dogs"


def test_without_a_picture_the_sentence_stands_alone(audit):
    shown = screen(many_classes(audit))

    assert "alone" in shown[0].attributes["class"].split()
    assert not [each for each in shown if each.tag in ("figure", "img", "a")]


def test_a_clean_folder_says_that_every_rule_looked(audit):
    text = " ".join(screen(nothing_found(audit))[0].text.split())

    assert f"{len(audit.rules)} rules looked at every image and found nothing." in text
    assert page_of(nothing_found(audit)).calm


def test_where_the_first_page_has_no_room_for_pictures_the_next_step_leads_to_the_others(audit, tmp_path):
    page = Document(write_html(audit, tmp_path, max_bytes=1).read_text(encoding="utf-8"))

    [button] = [each for each in page.all("a") if each.attributes.get("class") == "button"]
    assert button.attributes["href"] == "#images" and "images" in page.values("id")
    assert "page-2.html" in page.values("href")


@pytest.mark.parametrize(
    ("low", "middle", "high", "sentence"),
    [
        (2, 6, 12, "The true number is probably between 2 and 12: a person decides."),
        (6, 6, 6, "A person decides."),
        (0, 0, 0, ""),
        (0, 2, 40, "It could be up to 40: labels this clean do not show how many."),
        (0, 9, 40, "It could be up to 40: these images do not show how many."),
    ],
)
def test_the_number_is_qualified_by_what_is_known_of_it(audit, low, middle, high, sentence):
    estimate = replace(audit.estimate, low=low, middle=middle, high=high)

    assert qualification(replace(audit, estimate=estimate)) == sentence


def test_what_was_not_judged_has_no_number_to_qualify(audit, modelless):
    unable = replace(audit.power, knows=0.714, chance=0.5, can_judge=False)

    assert qualification(replace(audit, power=unable)) == (
        "It knows the class of 71% of the images that it has not seen, where guessing gives 50%."
    )
    assert qualification(modelless) == "No label was judged: the scan had no model."
    assert qualification(unlabelled(modelless)) == qualification(one_class(audit)) == ""


def test_words_of_the_trade_stand_only_where_it_is_told_how_all_was_judged(audit):
    text = Document(render_html(audit)).all("main")[0].text

    before, after = text.split("How this was judged")
    assert not re.search(r"\b(out-of-fold|folds?|nats|matched|witness)\b", before, re.IGNORECASE)
    assert "Out-of-fold" in after


def test_what_people_kept_in_review_is_counted_among_the_notes(audit):
    notes = [each.text for each in Document(render_html(replace(audit, kept=("a", "b")))).all("li")]

    assert "2 findings are left out, because people looked at these images in review and kept them." in notes
    assert not page_of(audit).front.kept
