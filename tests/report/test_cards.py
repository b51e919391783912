"""Where the findings of an audit are on the page: cards for images with pictures, tables for the rest."""

import json
from dataclasses import replace

from auditor.report.audit import render_html
from auditor.report.audit.lines import place, tables
from auditor.report.audit.properties import property_rows
from auditor.text import percent, visible
from tests.report.derived import cards_of, files, like, many_classes, only, page_of
from tests.report.page import Document
from tests.report.scanned import HANDLER, TEMPLATE, UNREADABLE


def test_findings_of_one_image_share_a_card_and_labels_come_first(audit):
    cards = list(cards_of(audit).values())

    assert [card.key for card in cards] == [f"c{number}" for number in range(1, 11)]
    assert [bool(card.suggested) for card in cards[:6]] == [True] * 6
    first, worst = cards[0], audit.findings[0]
    assert (first.file, first.label, first.suggested) == tuple(map(visible, (worst.file, worst.label, worst.suggested)))
    assert [line.rule for line in first.lines] == ["Label probably wrong", "Model disagrees"]
    row = audit.predictions.set_index("file").loc[worst.file]
    assert first.facts == ("train", "PNG", f"{row['width']} \u00d7 {row['height']} px")
    assert first.heats[0].name == f"Evidence for {visible(worst.suggested)}"


def test_how_many_cards_there_are_and_their_order_is_said_once_above_them(audit):
    page = page_of(audit)

    assert (page.pager.sentence, page.total) == ("10 images, worst first.", "10 images")
    assert page.pager.pages == () and page.pager.next == page.pager.previous == ""
    assert page_of(only(audit)).pager.sentence == ""


def test_large_pictures_have_their_thousands_apart(audit):
    table = audit.predictions.assign(width=1024, height=768)

    first = next(iter(cards_of(replace(audit, predictions=table)).values()))

    assert first.facts[2] == "1\u202f024 \u00d7 768 px"


def test_given_label_has_a_bar_even_when_it_is_not_among_the_best(audit):
    table = audit.predictions
    stated = table.assign(oof_p_given=table["oof_p_given"].where(table["file"] != TEMPLATE, 0.02))
    probe = replace(
        audit.evidence[TEMPLATE], probabilities=(("cats", 0.9), ("foxes", 0.08)), source="out-of-fold probe"
    )
    model = replace(probe, probabilities=(("cat", 0.9), ("fox", 0.08)), source="model")

    def bars_of(shown):
        [card] = cards_of(replace(audit, predictions=stated, evidence={TEMPLATE: shown})).values()
        return [(bar.name, bar.role, bar.text) for bar in card.bars]

    bars = [bars_of(shown) for shown in (probe, model)]

    assert bars[0] == [("cats", "suggested", "90%"), ("foxes", "", "8%"), ("dogs", "given", "2%")]
    assert bars[1] == [("cat", "", "90%"), ("fox", "", "8%")]  # the model's names are not the folder's


def test_a_card_says_one_probability_and_whose_it_is(audit):
    shown = replace(
        audit.evidence[TEMPLATE], probabilities=(("cats", 0.93), ("dogs", 0.07)), source="out-of-fold probe"
    )

    def reason_of(rule, **fields):
        found = like(audit, rule, file=TEMPLATE, label="dogs", **fields)
        table = audit.predictions.assign(predicted="cats", confidence=0.81)
        [card] = cards_of(replace(only(audit, found), evidence={TEMPLATE: shown}, predictions=table)).values()
        return card.reason, card.why

    assert reason_of("label_issue", suggested="cats") == ("93% cats", "by other images")
    assert reason_of("model_disagrees", suggested="cats") == ("81% cats", "by the model")
    assert reason_of("low_confidence", value=0.51) == ("Undecided", "at most 51%, by the model")
    assert reason_of("upright") == ("Upright", like(audit, "upright").message)


def test_other_images_come_the_most_severe_first(audit):
    shown = list(audit.evidence)[:3]
    found = [
        like(audit, "upright", id=str(number), file=file, severity=severity)
        for number, (file, severity) in enumerate(zip(shown, ("low", "high", "medium"), strict=True))
    ]

    assert [card.severity for card in cards_of(only(audit, *found)).values()] == ["high", "medium", "low"]


def test_the_classes_to_choose_from_are_the_suggested_one_and_then_the_probable_ones_of_the_folder(audit):
    likely = (("foxes", 0.5), ("dogs", 0.3), (HANDLER, 0.15), ("cats", 0.05))
    odd = replace(audit, evidence={TEMPLATE: replace(audit.evidence[TEMPLATE], probabilities=likely)})

    [card] = page_of(odd).data["cards"]

    assert (card["label"], card["suggested"], card["place"]) == ("dogs", "cats", 1)
    assert card["candidates"] == ["cats", HANDLER]              # neither the given one nor one that is no class here
    assert card["confidence"] == 0.05


def test_the_script_reads_the_record_that_the_cards_were_made_of(audit):
    page = Document(render_html(audit))

    [data] = [each.text for each in page.all("script") if each.attributes.get("id") == "report-data"]
    assert json.loads(data) == page_of(audit).data
    keys = [each.attributes["data-key"] for each in page.all("li") if "data-key" in each.attributes]
    assert keys == [card["key"] for card in page_of(audit).data["cards"]]


def test_tables_hold_what_has_no_picture(audit):
    found = {table.anchor: table for table in tables(place(audit))}

    assert {key: table.count for key, table in found.items()} == {"unreadable": "3", "plain": "1"}
    assert {line.file for line in found["unreadable"].lines} == set(map(visible, UNREADABLE))


def test_no_line_of_a_table_is_left_out(audit):
    many = many_classes(audit)

    [table] = tables(place(many))

    assert len(table.lines) == len(many.findings) == 360
    assert table.folded                                         # so long a table is opened on demand
    assert not any(table.folded for table in tables(place(audit)))


def test_a_finding_of_an_earlier_run_says_so(audit):
    seen = replace(like(audit, "upright"), status="persisting")

    assert place(audit).line(seen).status == "seen before"


def test_what_a_person_accepted_has_no_card_and_is_told_at_the_end(audit):
    first = audit.findings[0]
    findings = tuple(
        replace(found, status="accepted") if found.file == first.file else found for found in audit.findings
    )

    page = page_of(replace(audit, findings=findings))

    assert visible(first.file) not in {card.file for card in page.cards}
    assert page.tables[-1].anchor == "accepted" and page.tables[-1].folded
    assert {line.file for line in page.tables[-1].lines} == {visible(first.file)}
    assert "accepted" not in {link.anchor for link in page.links}
    assert first.file not in {card["file"] for card in page.data["cards"]}
    rules = {row.name: row.count for row in page.front.rules}
    assert rules["label_issue"] == str(len(files(audit, "label_issue")) - 1)


def test_only_images_whose_label_is_in_doubt_have_heatmaps_and_others_keep_a_share_of_the_cards(audit):
    upright = files(audit, "upright", "format_mismatch")
    shown = place(audit).cards

    assert len(upright & set(shown)) == 2                       # a quarter of ten
    assert all((not audit.evidence[file].heatmaps) == (file in upright) for file in shown)
    assert all(not card.bars and not card.heats for file, card in cards_of(audit).items() if file in upright)


def test_a_card_shows_where_its_image_lies_among_all(audit):
    brightness = audit.predictions["brightness"]
    darkest = audit.predictions.loc[brightness.idxmin(), "file"]

    rows = property_rows(audit, [darkest, "no/such.png"])

    assert list(rows) == [darkest]
    first = rows[darkest][0]
    readable = audit.outcomes["ok"]
    assert (first.name, first.words) == ("brightness", f"lower than {percent((readable - 1) / readable)}")
    assert {row.name for row in rows[darkest]} >= {"brightness", "sharpness", "colour", "file size"}


def test_equal_images_lie_in_the_middle(audit):
    table = audit.predictions.assign(brightness=0.5)

    row = property_rows(replace(audit, predictions=table), [TEMPLATE])[TEMPLATE][0]

    assert (row.place, row.words) == ("50%", "as in all")


def test_related_files_link_to_their_cards(audit):
    conflict = like(audit, "two_classes")
    first = next(finding for finding in audit.findings if finding.file == TEMPLATE)

    line = place(audit).line(replace(conflict, related=(TEMPLATE, *(f"more/{number}.jpg" for number in range(10)))))

    assert place(audit).line(conflict).related[0].href == line.related[0].href == f"#f-{first.id}"
    assert line.related[1].href == ""
    assert line.more_related == "and 5 more files, listed in findings.jsonl"
