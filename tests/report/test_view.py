"""The words and numbers of the report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from auditor.audit import Audit, Finding
from auditor.classes.imagenet_view import ImageNetView
from auditor.outputs import summary
from auditor.report.audit.headline import next_step, verdict
from auditor.report.audit.names import readable_audit
from auditor.report.audit.rows import class_matrix, confusion_matrix, rule_rows
from auditor.report.shared.facts import facts, skipped
from auditor.text import count, decimal, duration, listing, moment, number, percent, visible
from tests.report import derived
from tests.report.derived import files, images, like, many_classes, one_class, only, page_of
from tests.report.scanned import (
    COPIES,
    HANDLER,
    LEARNED,
    MISNAMED,
    ORIGINAL,
    SKIPPED,
    TEMPLATE,
    UNREADABLE,
    UNSURE,
    WRONG,
)


def nowhere(**choice: str) -> str:
    """No cell leads anywhere."""
    return ""


def wrong(audit: Audit, place: int = 1, **fields: object) -> Finding:
    return like(audit, "label_issue", **{"id": f"{place:012x}", "file": f"cats/{place}.jpg", **fields})


def test_a_scan_finds_what_was_planted(audit):
    assert files(audit, "label_issue") == files(audit, "model_disagrees") == set(WRONG)
    assert files(audit, "low_confidence") == set(UNSURE)
    assert files(audit, "unreadable") == set(UNREADABLE)
    assert files(audit, "format_mismatch") == {MISNAMED}
    conflict, *copies = (
        {found.file, *found.related} for found in audit.findings if found.rule in ("two_classes", "twice")
    )
    assert conflict == {ORIGINAL, TEMPLATE}
    assert copies == [{*pair} for pair in COPIES.items()]
    assert {file for file, _ in audit.skipped} == set(SKIPPED)
    assert audit.model.matched and audit.model.in_sample == LEARNED + 2         # two copies count, too


def test_verdict_counts_images_with_a_wrong_label(audit):
    found = verdict(audit)

    assert found.sentence == f"{len(WRONG)} of {images(audit)} images carry a label that is probably wrong."
    assert found.also == f"1 picture lies in two classes at once. {len(UNREADABLE)} files cannot be read."
    assert not found.calm


def test_verdict_knows_the_singular(audit):
    one = replace(only(audit, wrong(audit)), outcomes={"ok": 1, "failed": 1})

    assert verdict(one).sentence == "1 of 2 images carries a label that is probably wrong."
    assert verdict(one).also == "1 file cannot be read."


def test_two_findings_about_one_image_are_one_wrong_label(audit):
    twice = (wrong(audit, 1), wrong(audit, 2, file="cats/1.jpg"))

    assert verdict(only(audit, *twice)).number == "1"


def test_label_that_a_person_accepted_is_not_wrong(audit):
    accepted = only(audit, wrong(audit, status="accepted"))

    assert verdict(accepted).sentence == f"No label looks wrong in {images(accepted)} images."


def test_weaker_suggestions_are_a_second_look(audit):
    doubt = like(audit, "model_disagrees", file="cats/2.jpg")

    found = verdict(only(audit, wrong(audit), doubt))

    assert found.number == "1"
    assert found.also == "1 more image deserves a second look: another class is suggested, with less evidence."


def test_a_picture_with_two_labels_is_no_weaker_suggestion(audit):
    conflict = like(audit, "two_classes", suggested="dogs")

    found = verdict(only(audit, wrong(audit), conflict))

    assert found.also == "1 picture lies in two classes at once."


def test_clean_folder_with_broken_files_says_both(audit):
    broken = replace(only(audit), outcomes=audit.outcomes)

    assert verdict(broken).sentence == f"No label looks wrong in {images(audit)} images; 3 files cannot be read."
    assert not verdict(broken).calm


def test_nothing_found_is_calm(audit):
    assert verdict(derived.nothing_found(audit)).calm


def test_labels_that_could_not_be_judged_are_not_called_right(audit):
    found = verdict(one_class(audit))

    readable = audit.outcomes["ok"]
    assert found.sentence == f"The labels of {readable} images were not judged: all images are in one class."
    assert not found.calm


def test_empty_folder_and_unreadable_folder_say_so(audit):
    nothing = derived.nothing_scanned(audit)

    assert verdict(nothing).sentence == "There are no images in this folder."
    unreadable = replace(nothing, outcomes={"ok": 0, "failed": 5})
    assert verdict(unreadable).sentence == "None of 5 images can be read."


def test_the_next_step_is_the_review_and_what_it_brings(audit):
    found = next_step(replace(audit, estimate=replace(audit.estimate, review=5, found_in_review=0.83)))

    assert found.action == "Review 5 images"
    assert found.rest == "About 2 minutes, at 30 seconds each; finds about 8 of 10 wrong labels."
    assert next_step(audit).action == "Review 8 images"         # not more than there are pictures of


def test_the_next_step_promises_no_more_than_was_found_as_a_test(audit):
    power = replace(audit.power, swapped=100, found=64, can_judge=True)

    assert "finds about 6 of 10" in next_step(replace(audit, power=power)).sentence
    assert "finds" not in next_step(replace(audit, power=replace(power, can_judge=False))).sentence


def test_without_doubtful_labels_the_next_step_is_to_look_at_pictures_or_copies(audit):
    odd = audit.evidence[TEMPLATE]

    look = next_step(replace(only(audit, like(audit, "upright", file=TEMPLATE)), evidence={TEMPLATE: odd}))
    compare = next_step(only(audit, like(audit, "twice")))

    assert look.sentence == "Look at 1 image: about 1 minute, at 30 seconds each."
    assert compare.action == "Compare 1 group of copies"
    assert next_step(derived.nothing_found(audit)) is None


def test_the_verdict_goes_by_what_a_rule_claims_and_not_by_its_name(audit):
    rules = tuple(replace(rule, name=f"{rule.name}_2") for rule in audit.rules)
    findings = tuple(replace(found, rule=f"{found.rule}_2") for found in audit.findings)
    renamed = replace(audit, rules=rules, findings=findings)

    assert verdict(renamed) == verdict(audit)
    assert next_step(renamed) == next_step(audit)


def test_rules_that_did_not_run_are_listed_too(audit):
    many = many_classes(audit)

    rows = {row.name: row for row in rule_rows(many, lambda rule: "#there")}

    assert rows["dark"].count == "180" and rows["dark"].severity == "medium"
    assert rows["unreadable"].count == "0" and rows["unreadable"].severity == ""


def test_class_table_counts_findings_and_images(audit):
    table = class_matrix(audit, {}, nowhere)

    assert table.columns[:4] == ("Images", "Flagged", "Share", "Label probably wrong")
    flagged = {"cats": 7, "dogs": 6, HANDLER: 4}                # each with two wrong labels
    assert [(row.name, *(cell.text for cell in row.cells[:4])) for row in table.rows] == [
        (name, str(audit.classes[name]), str(images), percent(images / audit.classes[name]), "2")
        for name, images in flagged.items()
    ]


def test_classes_beyond_the_table_are_counted(audit):
    table = class_matrix(many_classes(audit), {}, nowhere)

    assert len(table.rows) == 30
    assert table.more == "30 more classes not shown, with 90 flagged images in all."


def test_confusion_is_by_the_model_where_its_classes_match(audit):
    table = confusion_matrix(audit, {}, nowhere)

    assert table.columns == (HANDLER, "cats", "dogs")
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["36", "1", "1"],                                       # one image of each class shows each other one
        ["1", "41", "1"],
        ["1", "1", "38"],
    ]
    assert [cell.tint for cell in table.rows[0].cells] == ["same", "1", "1"]
    assert f"trained on {audit.model.in_sample} of these images" in table.note


def test_confusion_is_out_of_fold_where_they_do_not(audit):
    table = confusion_matrix(many_classes(audit), {}, nowhere)

    assert "the other images" in table.note
    assert len(table.rows) == 20 and table.columns[-1] == "another class"
    assert all(sum(int(cell.text) for cell in row.cells if cell.text.isdigit()) == 3 for row in table.rows)


def test_confusion_of_one_class_is_not_drawn(audit):
    assert confusion_matrix(one_class(audit), {}, nowhere) is None


def test_skipped_files_are_grouped_and_capped(audit):
    groups = {group.reason: group for group in skipped(audit.skipped)}
    assert {reason: group.files for reason, group in groups.items()} == {
        reason: (file,) for file, reason in audit.skipped
    }

    _, reason = audit.skipped[0]
    many = (*audit.skipped, *((f"._{number}.jpg", reason) for number in range(110)))
    hidden, *others = skipped(many)

    assert (hidden.reason, hidden.count, len(hidden.files), hidden.more) == (reason, "111", 100, "and 11 more")
    assert {other.files for other in others} == {(file,) for file, _ in audit.skipped[1:]}


def test_settings_that_nobody_changed_are_none():
    assert [fact.text for fact in facts({"checks": {}, "exclude": []})] == ["none", "none"]


def test_facts_of_a_model_are_cut_in_every_direction():
    nested: dict[str, object] = {"bottom": 1}
    for _ in range(50):
        nested = {"deeper": nested}

    crowd = {f"key {place}": place for place in range(40)}
    found = facts({"nested": nested, "long": "x" * 5000, "many": list(range(1000)), **crowd})

    assert found[-1].text == "19 more entries"
    assert found[1].text.endswith("\u2026 (4\u202f400 more characters)")
    assert found[2].text.endswith("23 and 976 more")
    assert found[0].parts[0].parts[0].parts[0].text.startswith("{'deeper'")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.0004, "<0.1%"), (0.001, "0.1%"), (0.5, "50%"), (0.123, "12.3%"), (0.9996, ">99.9%"), (1, "100%")],
)
def test_percent_never_claims_all_or_nothing_falsely(share, text):
    assert percent(share) == text


def test_numbers_are_grouped_and_nouns_agree():
    assert number(1234567) == "1\u202f234\u202f567"
    assert [count(value, "class", "classes") for value in (0, 1, 2)] == ["0 classes", "1 class", "2 classes"]
    assert [decimal(value) for value in (0.12345, 23.67, 1204.4)] == ["0.123", "23.7", "1\u202f204"]
    assert decimal(float("inf")) == "inf"
    assert [duration(value) for value in (12.34, 250, 7500)] == ["12.3 s", "4 min 10 s", "2 h 5 min"]
    assert [listing("abc"[:size]) for size in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_moments_are_in_utc_or_as_they_stand():
    assert moment("2025-01-02T03:04:05+02:00") == "2 January 2025, 01:04 UTC"
    assert moment("2025-01-02T03:04:05") == "2 January 2025, 03:04"
    assert moment("yesterday") == "yesterday"


def test_visible_keeps_scripts_and_emoji_and_spells_out_the_rest():
    assert visible("\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \U0001f415\u200d\U0001f9ba") == (
        "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \U0001f415\u200d\U0001f9ba"
    )
    assert visible("a\x00b\x7f") == "a\u2400b\u2421"
    assert visible("\u200b\ufeff\ud800") == "\u27e8U+200B\u27e9\u27e8U+FEFF\u27e9\u27e8U+D800\u27e9"


def test_one_class_that_only_the_model_could_judge_says_what_the_model_sees(audit):
    koala = like(audit, "model_disagrees", suggested=None, message="A koala.")

    found = verdict(replace(one_class(audit), findings=(koala,)))

    assert found.sentence == f"1 of {audit.outcomes['ok']} images is of another class to the model."
    assert found.also == "All images lie in one class, so nothing but the model could judge their labels."


@dataclass(frozen=True)
class Weather:
    """An addition to an audit that no part of auditor knows."""

    name: ClassVar[str] = "weather"
    sunny: Mapping[str, int]

    def summary(self) -> dict[str, Any]:
        return {"sunny": dict(self.sunny)}

    def renamed(self, rename: Callable[[str], str]) -> "Weather":
        return Weather({rename(label): images for label, images in self.sunny.items()})


def test_a_further_part_of_a_scan_adds_its_record_and_sections_look_it_up_by_type(audit):
    audit = replace(audit, additions=(Weather({"n02086240": 3}),))

    assert audit.addition(Weather) == Weather({"n02086240": 3})
    assert audit.addition(ImageNetView) is None
    assert readable_audit(audit)[0].addition(Weather) == Weather({"Shih-Tzu": 3})
    assert summary(audit)["weather"] == {"sunny": {"n02086240": 3}}
    assert page_of(audit).front.imagenet is None
