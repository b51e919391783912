"""The words and numbers of the report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from auditor.audit import Audit, Finding
from auditor.classes.imagenet_view import ImageNetView
from auditor.outputs import summary
from auditor.report.audit.cards import card_groups, filters
from auditor.report.audit.headline import figures, verdict
from auditor.report.audit.lines import MAX_LINES, place, tables
from auditor.report.audit.names import readable_audit
from auditor.report.audit.page import build_page
from auditor.report.audit.rows import class_matrix, confusion_matrix, rule_rows
from auditor.report.shared.facts import facts, skipped
from auditor.text import count, decimal, duration, listing, moment, number, percent, visible
from tests.report import sample_audit as sample


def only(audit: Audit, *findings: Finding) -> Audit:
    return replace(audit, findings=findings, outcomes={"ok": 290, "failed": 0})


def wrong(place: int = 1, **fields: object) -> Finding:
    return sample.finding(
        place, "label_issue", f"cats/{place}.jpg", "It is a dog.", label="cats", suggested="dogs", **fields
    )


def test_verdict_counts_images_with_a_wrong_label():
    found = verdict(sample.make_audit())

    assert found.sentence == "14 of 293 images carry a label that is probably wrong."
    assert found.also == "3 files cannot be read."
    assert not found.calm


def test_verdict_knows_the_singular():
    audit = replace(only(sample.make_audit(), wrong()), outcomes={"ok": 1, "failed": 1})

    assert verdict(audit).sentence == "1 of 2 images carries a label that is probably wrong."
    assert verdict(audit).also == "1 file cannot be read."


def test_two_findings_about_one_image_are_one_wrong_label():
    twice = (wrong(1), replace(wrong(2), file="cats/1.jpg"))

    assert verdict(only(sample.make_audit(), *twice)).number == "1"


def test_label_that_a_person_accepted_is_not_wrong():
    audit = only(sample.make_audit(), wrong(1, status="accepted"))

    assert verdict(audit).sentence == "No label looks wrong in 290 images."


def test_weaker_suggestions_are_a_second_look():
    doubt = sample.finding(2, "model_disagrees", "cats/2.jpg", "The model says dogs.", label="cats", suggested="dogs")

    found = verdict(only(sample.make_audit(), wrong(1), doubt))

    assert found.number == "1"
    assert found.also == "1 more image deserves a second look: another class is suggested, with less evidence."


def test_clean_folder_with_broken_files_says_both():
    audit = replace(only(sample.make_audit()), outcomes={"ok": 290, "failed": 3})

    assert verdict(audit).sentence == "No label looks wrong in 293 images; 3 files cannot be read."
    assert not verdict(audit).calm


def test_nothing_found_is_calm():
    assert verdict(sample.empty_audit()).calm


def test_labels_that_could_not_be_judged_are_not_called_right():
    found = verdict(sample.one_class())

    assert found.sentence == "The labels of 290 images were not judged: all images are in one class."
    assert not found.calm


def test_empty_folder_and_unreadable_folder_say_so():
    assert verdict(sample.nothing_scanned()).sentence == "There are no images in this folder."
    audit = replace(sample.nothing_scanned(), outcomes={"ok": 0, "failed": 5})
    assert verdict(audit).sentence == "None of 5 images can be read."


def test_key_numbers():
    values = {figure.name: (figure.value, figure.remark) for figure in figures(sample.make_audit())}

    assert values["images"] == ("293", "in 2 classes")
    assert values["label findings"] == ("22", "on 14 images")
    assert values["unreadable"][0] == "3"
    assert values["images/s"] == ("23.7", "12.2 s, 40 cached")


def test_the_verdict_goes_by_what_a_rule_claims_and_not_by_its_name():
    audit = sample.make_audit()
    rules = tuple(replace(rule, name=f"{rule.name}_2") for rule in audit.rules)
    findings = tuple(replace(found, rule=f"{found.rule}_2") for found in audit.findings)
    renamed = replace(audit, rules=rules, findings=findings)

    assert verdict(renamed) == verdict(audit)
    assert figures(renamed) == figures(audit)


def test_rules_that_did_not_run_are_listed_too():
    audit = sample.many_classes()

    rows = {row.name: row for row in rule_rows(audit, place(audit).rules)}

    assert rows["blurry"].count == "180" and rows["blurry"].severity == "medium"
    assert rows["unreadable"].count == "0" and rows["unreadable"].severity == ""


def test_class_table_counts_findings_and_images():
    table = class_matrix(sample.make_audit())

    assert table.columns[:4] == ("Images", "Flagged", "Share", "Label probably wrong")
    assert [(row.name, *(cell.text for cell in row.cells[:4])) for row in table.rows] == [
        ("dogs", "145", "12", "8.3%", "12"),
        ("cats", "148", "9", "6.1%", "2"),
    ]


def test_classes_beyond_the_table_are_counted():
    table = class_matrix(sample.many_classes())

    assert len(table.rows) == 30
    assert table.more == "30 more classes not shown, with 90 flagged images in all."


def test_confusion_is_by_the_model_where_its_classes_match():
    table = confusion_matrix(sample.make_audit())

    assert [[cell.text for cell in row.cells] for row in table.rows] == [["139", "2"], ["12", "135"]]
    assert [cell.tint for cell in table.rows[0].cells] == ["same", "1"]
    assert "trained on 12 of these images" in table.note


def test_confusion_is_out_of_fold_where_they_do_not():
    table = confusion_matrix(sample.many_classes())

    assert "other folds" in table.note
    assert len(table.rows) == 20 and table.columns[-1] == "another class"
    assert all(sum(int(cell.text) for cell in row.cells if cell.text.isdigit()) == 3 for row in table.rows)


def test_confusion_of_one_class_is_not_drawn():
    assert confusion_matrix(sample.one_class()) is None


def test_findings_of_one_image_share_a_card_and_the_first_card_is_the_hero():
    groups = card_groups(place(sample.make_audit()))

    assert [(group.anchor, group.count) for group in groups] == [("labels", "14"), ("others", "4")]
    first, second, *_ = groups[0].cards
    assert first.hero and not second.hero
    assert (first.label, first.suggested) == ("dogs", "cats")
    assert [line.rule for line in first.lines] == ["Label probably wrong", "Model sees another class"]
    assert first.facts == ("train", "JPEG", "1\u202f024 \u00d7 768 px", "no. 1 to review")
    assert first.pictures[1].alt == "Heatmap over dogs/sticker-000.png: where the evidence for cats lies"


def test_given_label_has_a_bar_even_when_it_is_not_among_the_best():
    audit = sample.make_audit()
    file = "dogs/sticker-000.png"
    probe = replace(audit.evidence[file], probabilities=(("cats", 0.9), ("foxes", 0.08)), source="out-of-fold probe")
    model = replace(probe, probabilities=(("cat", 0.9), ("fox", 0.08)), source="model")

    bars = [
        [
            (bar.name, bar.role, bar.text)
            for bar in card_groups(place(replace(audit, evidence={file: shown})))[0].cards[0].bars
        ]
        for shown in (probe, model)
    ]

    assert bars[0] == [("cats", "suggested", "90%"), ("foxes", "", "8%"), ("dogs", "given", "2%")]
    assert bars[1] == [("cat", "", "90%"), ("fox", "", "8%")]  # the model's names are not the folder's


def test_filters_count_images_and_are_left_out_where_there_is_no_choice():
    audit = sample.make_audit()
    assert [(entry.title, entry.count) for entry in filters(place(audit))][:3] == [
        ("All", "18"),
        ("Label probably wrong", "14"),
        ("Model sees another class", "8"),
    ]
    assert filters(place(replace(audit, evidence={}))) == ()


def test_tables_hold_what_has_no_picture():
    found = {table.anchor: table for table in tables(place(sample.make_audit()))}

    assert {key: table.count for key, table in found.items()} == {"dataset": "1", "unreadable": "3", "plain": "1"}
    assert not found["dataset"].with_files
    assert found["plain"].lines[0].status == "seen before"


def test_long_tables_are_cut_and_say_so():
    [table] = tables(place(sample.many_classes()))

    assert len(table.lines) == MAX_LINES
    assert table.more == "160 more findings of this kind not shown here: see findings.jsonl."
    assert build_page(sample.many_classes()).more == "200 findings of 360 are on this page; 160 more in findings.jsonl."


def test_related_files_link_to_their_cards():
    audit = sample.make_audit()
    conflict = next(finding for finding in audit.findings if finding.rule == "conflicting_labels")

    line = place(audit).line(conflict)

    assert line.related[0].anchor == "f-000000000003"
    assert line.related[1].anchor == ""
    assert line.more_related == "and 5 more files, listed in findings.jsonl"


def test_skipped_files_are_grouped_and_capped():
    hidden, other = skipped(sample.make_audit().skipped)

    assert (hidden.reason, hidden.count, len(hidden.files), hidden.more) == ("hidden", "111", 100, "and 11 more")
    assert other.files == ("notes.txt",)


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


def test_one_class_that_only_the_model_could_judge_says_what_the_model_sees():
    audit = replace(sample.one_class(), findings=(sample.finding(1, "model_disagrees", "cats/1.jpg", "A koala."),))

    found = verdict(audit)

    assert found.sentence == "1 of 290 images is of another class to the model."
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


def test_a_further_part_of_a_scan_adds_its_record_and_sections_look_it_up_by_type():
    audit = replace(sample.make_audit(), additions=(Weather({"n02086240": 3}),))

    assert audit.addition(Weather) == Weather({"n02086240": 3})
    assert audit.addition(ImageNetView) is None
    assert readable_audit(audit)[0].addition(Weather) == Weather({"Shih-Tzu": 3})
    assert summary(audit)["weather"] == {"sunny": {"n02086240": 3}}
    assert build_page(audit).imagenet is None
