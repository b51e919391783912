"""The sentences that a lead quotes: true out of their context, and honest about what is not known."""

from dataclasses import replace

import pytest

from auditor.audit import LabelEstimate, LabelPower
from auditor.report.audit import render_html
from auditor.report.audit.estimate import estimate_sentences, qualification
from auditor.report.audit.headline import verdict
from tests.report.derived import files, one_class
from tests.report.page import Document

BASE = LabelEstimate(25, 41, 60, 353, 50, 0.83, 0.981, 0.984)


@pytest.fixture
def sentences(audit):
    """What is said of an estimate, where nothing is known of what the probe can do."""

    def _sentences(**fields):
        return estimate_sentences(replace(audit, estimate=replace(BASE, **fields), power=None))

    return _sentences


def test_how_many_and_what_it_is_worth(sentences):
    assert sentences() == (
        "About 41 of 353 labels are wrong (between 25 and 60); 83% of them are among the first 50 to review.",
        "With the flagged labels left out of training, accuracy on the other images goes from 98.1% to 98.4%.",
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"low": 2, "middle": 20, "high": 471, "judged": 20_000},
            "Of 20\u202f000 labels, between 2 and 471 are wrong: labels this clean do not show how many.",
        ),
        (
            {"low": 5, "middle": 60, "high": 300},
            "Of 353 labels, between 5 and 300 are wrong: these images do not show how many.",
        ),
        (
            {"low": 0, "middle": 0, "high": 4},
            "Of 353 labels, between 0 and 4 are wrong: labels this clean do not show how many.",
        ),
        ({"low": 0, "middle": 0, "high": 3}, "Probably none of 353 labels is wrong; it could be up to 3."),
        ({"low": 0, "middle": 0, "high": 0}, "Probably none of 353 labels is wrong."),
        ({"low": 0, "middle": 0, "high": 0, "judged": 1}, "Probably none of 1 label is wrong."),
        (
            {"low": 1, "middle": 1, "high": 2},
            "About 1 of 353 labels is wrong (between 1 and 2); it is among the first 50 to review with a chance of "
            "83%.",
        ),
        (
            {"low": 41, "high": 41, "found_in_review": 1.0},
            "About 41 of 353 labels are wrong; all of them are among the first 50 to review.",
        ),
        (
            {"found_in_review": 0.9999},
            "About 41 of 353 labels are wrong (between 25 and 60); 99% of them are among the first 50 to review.",
        ),
        ({"review": 353}, "About 41 of 353 labels are wrong (between 25 and 60)."),
        ({"review": 0, "found_in_review": 0.0}, "About 41 of 353 labels are wrong (between 25 and 60)."),
    ],
)
def test_what_is_said_about_the_number(fields, sentence, sentences):
    assert sentences(**fields)[0] == sentence


@pytest.mark.parametrize(
    ("now", "without", "sentence"),
    [
        (0.98, 0.98004, "brings no gain: accuracy on the other images stays at 98%."),
        (0.984, 0.981, "brings no gain: accuracy on the other images goes from 98.4% to 98.1%."),
    ],
)
def test_no_gain_is_called_that(now, without, sentence, sentences):
    assert sentences(accuracy_now=now, accuracy_without=without)[1] == (
        f"Leaving the flagged labels out of training {sentence}"
    )


def test_nothing_is_promised_where_nothing_is_flagged(sentences):
    assert len(sentences(accuracy_without=None)) == 1
    assert len(sentences(accuracy_now=None)) == 1


def test_one_flagged_label_is_one(audit):
    one = replace(audit, findings=audit.findings[:1], estimate=BASE, power=None)

    assert estimate_sentences(one)[1].startswith("With the flagged label left out")


def test_an_audit_without_an_estimate_says_nothing(audit, sentences):
    assert estimate_sentences(one_class(audit)) == ()
    assert sentences(judged=0) == ()


def test_the_estimate_stands_where_it_is_told_how_all_was_judged(audit):
    text = Document(render_html(audit)).text
    found = audit.estimate

    number = f"About {found.middle} of {found.judged} labels are wrong (between {found.low} and {found.high})"
    assert text.index("How this was judged") < text.index(number)


def test_the_estimate_of_a_scan_counts_about_what_is_wrong(audit):
    assert audit.estimate.low <= len(files(audit, "label_issue")) <= audit.estimate.high


ABLE, UNABLE = LabelPower(0.97, 0.5, 400, 361, 0.0, True), LabelPower(0.71, 0.5, 400, 48, 0.0, False)


def test_what_was_found_of_labels_that_were_swapped_as_a_test(audit):
    found = estimate_sentences(replace(audit, estimate=BASE, power=ABLE))

    assert found[1] == "Of 400 labels that auditor swapped itself in this folder, as a test, it found 361."
    assert len(found) == 3
    nothing = replace(ABLE, swapped=0, found=0)
    assert len(estimate_sentences(replace(audit, estimate=BASE, power=nothing))) == 2
    swapped, known = audit.power.swapped, audit.power.found
    assert f"Of {swapped} labels that auditor swapped itself in this folder, as a test, it found {known}." in (
        estimate_sentences(audit)
    )


def test_a_model_that_cannot_judge_says_so_gives_no_number_and_says_what_would_help(audit):
    first, second = estimate_sentences(replace(audit, estimate=None, power=UNABLE))

    assert first == (
        "This model cannot judge these classes. It knows the class of 71% of the images that it has not seen, where "
        "guessing gives 50%. Of 400 labels that auditor swapped itself in this folder, as a test, it found 48."
    )
    assert second.startswith("A model that was trained on such images would help (--model)")
    assert "--doubtful" in second


def test_the_headline_calls_no_label_wrong_where_the_model_cannot_judge(audit):
    assert "probably wrong" in verdict(replace(audit, power=ABLE)).sentence
    found = verdict(replace(audit, power=UNABLE))
    assert "could not be judged by this model" in found.sentence
    assert found.number == "" and not found.calm


def test_the_qualification_is_one_sentence_on_how_far_the_verdict_goes(audit, modelless):
    def said(**fields):
        return qualification(replace(audit, power=ABLE, estimate=replace(BASE, **fields)))

    assert said(low=5, middle=9, high=15) == "The true number is probably between 5 and 15: a person decides."
    assert said(low=0, middle=1, high=40, judged=1000).startswith("It could be up to 40: labels this clean")
    clean = replace(audit, power=ABLE, findings=(), estimate=replace(BASE, low=0, middle=1, high=3))
    assert qualification(clean) == "Up to 3 could be wrong all the same."
    assert qualification(replace(audit, power=UNABLE)).startswith("It knows the class of 71%")
    assert qualification(modelless) == "No label was judged: the scan had no model."
