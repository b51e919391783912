"""The page of a scan without a model: what is not known is not spoken of."""

from dataclasses import replace

from auditor.report.audit import render_html
from auditor.report.audit.headline import verdict
from auditor.report.audit.rows import rule_groups
from tests.report.derived import only, page_of, unlabelled
from tests.report.page import Document
from tests.report.scanned import UNREADABLE


def test_the_headline_says_how_many_images_are_broken_copied_or_odd(modelless):
    found = verdict(modelless)

    broken, copies, odd = len(UNREADABLE), 3, 3
    images = modelless.outcomes["ok"] + modelless.outcomes["failed"]
    assert found.sentence == (
        f"{broken + copies + odd} of {images} images cannot be read, are copies of others or are odd."
    )
    assert found.also == (
        "1 picture lies in two classes at once. 3 cannot be read, 3 are copies, 3 are odd. "
        "No label was judged: the scan had no model."
    )
    assert not found.calm


def test_one_image_is_spoken_of_in_the_singular(modelless):
    twice = next(found for found in modelless.findings if found.rule == "twice")

    found = verdict(only(modelless, twice))

    assert found.sentence == f"1 of {modelless.outcomes['ok']} images is a copy of another."


def test_a_picture_in_several_findings_is_counted_once(modelless):
    conflict = next(found for found in modelless.findings if found.rule == "two_classes")
    again = replace(conflict, file="dog/again.png", related=conflict.related[:1])
    apart = replace(conflict, file="dog/apart.png", related=("cat/apart.png",))

    assert "2 pictures lie in two classes at once." in verdict(only(modelless, conflict, again, apart)).also


def test_what_a_person_accepted_is_not_counted(modelless):
    accepted = tuple(replace(found, status="accepted") for found in modelless.findings)

    assert verdict(only(modelless, *accepted)).number == ""


def test_nothing_found_is_calm(modelless):
    found = verdict(only(modelless))

    assert found.sentence == f"None of {modelless.outcomes['ok']} images is broken, a copy or odd."
    assert found.calm


def test_a_folder_without_classes_says_nothing_of_labels(modelless):
    audit = unlabelled(modelless)

    text = Document(render_html(audit)).all("main")[0].text

    assert "label" not in verdict(audit).also
    assert "By class" not in text
    assert "labelled" not in text


def test_the_page_speaks_of_no_model(modelless):
    page = Document(render_html(modelless))
    text = page.all("main")[0].text

    assert "None" not in text.replace("None of", "")
    for absent in ("Given against predicted", "Probabilities, by", "Heatmap", "Out-of-fold", "inferred"):
        assert absent not in text
    assert "model" not in page.values("id")
    assert [term.word for term in page_of(modelless).front.glossary][:2] == ["Given", "Suggested"]


def test_rules_with_nothing_to_go_by_are_not_said_to_have_found_nothing(modelless, audit):
    page = page_of(modelless).front

    assert page.quiet_rules == ("Nothing to go by for: Label probably wrong, Model disagrees, Undecided.",)
    assert [(group.title, len(group.rows)) for group in page.rule_groups] == [
        ("Labels", 1),
        ("Copies", 1),
        ("Images", 1),
        ("Files", 2),
        ("Data set", 1),
    ]
    assert page_of(only(audit)).front.quiet_rules[0].startswith("Nothing found by: Label probably wrong, ")
    assert rule_groups(page_of(only(audit)).front.rules) == ()
