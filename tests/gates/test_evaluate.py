"""What limits measure."""

import itertools
import random

import pytest

from auditor.gates import ImageCounts, evaluate, measured, parse_limits
from tests.gates.made import RULES, found

# Six cats, one of them unreadable, and four dogs.
IMAGES = ImageCounts.of([("cat", True)] * 5 + [("cat", False)] + [("dog", True)] * 4)


def gate(findings, *texts, judged=tuple(RULES)):
    return evaluate(parse_limits(texts, RULES, RULES), findings, IMAGES, judged)


def test_findings_are_counted_by_rule_severity_status_and_class():
    findings = [
        found(file="cat/1.jpg"),
        found(file="cat/2.jpg", severity="medium", status="persisting"),
        found(file="dog/1.jpg", severity="low"),
        found("blurry", file="dog/1.jpg"),
        found("class_imbalance", None),
    ]
    texts = {
        "any > 0": 5, "label_issue > 0": 3, "label_issue:high > 0": 1, "new > 0": 4, "new label_issue > 0": 2,
        "persisting > 0": 1, "label_issue[cat] > 0": 2, "any:high[dog] > 0": 1,
    }  # fmt: skip

    results = gate(findings, *texts).results

    assert {result.expression: result.counted for result in results} == texts
    assert all(result.measured == result.counted and result.images == 0 for result in results)


def test_accepted_findings_do_not_count():
    findings = [found(status="accepted"), found(file="cat/2.jpg")]

    assert [result.counted for result in gate(findings, "any > 0", "label_issue > 0", "new > 0").results] == [1, 1, 1]


def test_a_share_is_of_the_images_that_the_rule_can_flag_and_counts_each_once():
    findings = [
        found(file="cat/1.jpg"), found("blurry", file="cat/1.jpg"), found(file="dog/1.jpg"),
        found("unreadable", file="cat/6.jpg"), found("class_imbalance", None),
    ]  # fmt: skip
    expected = {
        "label_issue > 1%": (2, 9),             # of the readable images
        "label_issue[cat] > 1%": (1, 5),        # of those of the class
        "unreadable > 1%": (1, 10),             # of all, because it flags unreadable ones
        "any > 1%": (3, 10),                    # two findings on one image; that about the data set is on none
        "new > 1%": (3, 10),
        "any[cat] > 1%": (2, 6),
    }

    results = gate(findings, *expected).results

    assert {result.expression: (result.counted, result.images) for result in results} == expected
    assert results[0].measured == pytest.approx(200 / 9)
    assert measured(results[1]) == "20% (1 of 5 images)"


@pytest.mark.parametrize(("text", "passed"), [("blurry > 2", True), ("blurry >= 2", False), ("blurry > 1", False)])
def test_a_gate_fails_where_its_limit_holds(text, passed):
    result = gate([found("blurry"), found("blurry", file="cat/2.jpg")], text)

    assert (result.passed, result.rules) == (passed, () if passed else (text,))


def test_the_record_names_what_counted():
    findings = [found(id=f"{number:016x}", file=f"cat/{number}.jpg") for number in range(7)]
    findings.append(found(file="dog/1.jpg"))

    (result,) = gate(findings, "label_issue > 0").results

    assert result.findings == tuple(f"{number:016x}" for number in range(5))
    assert result.files == tuple(f"cat/{number}.jpg" for number in range(5))
    assert result.classes == {"cat": 7, "dog": 1}


def test_all_limits_are_measured_though_one_failed():
    result = gate([found()], "label_issue > 0", "blurry > 0", "any > 0")

    assert not result.passed
    assert result.rules == ("label_issue > 0", "any > 0")
    assert [each.passed for each in result.results] == [False, True, False]


def test_a_rule_that_judged_nothing_passes_and_says_so():
    results = gate([], "label_issue > 0", "blurry > 0", "any > 0", judged={"blurry"}).results

    assert [(each.passed, each.judged) for each in results] == [(True, False), (True, True), (True, True)]
    assert measured(results[0]).startswith("not judged")


def test_without_limits_and_without_images_a_run_passes():
    nothing = ImageCounts.of([])

    assert gate([found()]).passed
    assert evaluate(parse_limits(["any > 0%"], RULES, RULES), [], nothing, ()).passed


def test_counts_agree_with_a_count_by_hand():
    random.seed(5)
    findings = [
        found(
            random.choice(list(RULES)),
            random.choice(["cat/1.jpg", "cat/2.jpg", "dog/1.jpg"]),
            severity=random.choice(["high", "medium", "low"]),
            status=random.choice(["new", "persisting", "accepted"]),
        )
        for _ in range(200)
    ]
    for status, rule, severity, label in itertools.product(
        ("", "new", "persisting"), ("any", *RULES), ("", "high", "low"), ("", "cat", "dog")
    ):
        text = f"{status} {rule}{severity and ':' + severity}{label and f'[{label}]'} > 0"

        (result,) = gate(findings, text).results

        by_hand = 0
        for finding in findings:
            if finding.status == "accepted" or (status and finding.status != status):
                continue
            if (rule != "any" and finding.rule != rule) or (severity and finding.severity != severity):
                continue
            by_hand += not label or finding.label == label
        assert result.counted == by_hand, text
