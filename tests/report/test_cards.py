"""Where the findings of an audit are on the page: cards for images with pictures, filters, tables for the rest."""

from dataclasses import replace

from auditor.report.audit.cards import card_groups, filters
from auditor.report.audit.lines import MAX_LINES, place, tables
from auditor.report.audit.page import build_page
from auditor.report.audit.properties import property_rows
from auditor.text import percent, visible
from tests.report.derived import files, like, many_classes
from tests.report.scanned import TEMPLATE, UNREADABLE


def test_findings_of_one_image_share_a_card_and_the_first_card_is_the_hero(audit):
    groups = card_groups(place(audit))

    assert [(group.anchor, group.count) for group in groups] == [("labels", "6"), ("others", "4")]
    first, second, *_ = groups[0].cards
    worst = audit.findings[0]
    assert first.hero and not second.hero
    assert (first.file, first.label, first.suggested) == tuple(map(visible, (worst.file, worst.label, worst.suggested)))
    assert [line.rule for line in first.lines] == ["Label probably wrong", "Model disagrees"]
    row = audit.predictions.set_index("file").loc[worst.file]
    assert first.facts == ("train", "PNG", f"{row['width']} \u00d7 {row['height']} px", "no. 1 to review")
    assert first.pictures[1].alt == (
        f"Heatmap over {visible(worst.file)}: where the evidence for {worst.suggested} lies"
    )


def test_large_pictures_have_their_thousands_apart(audit):
    table = audit.predictions.assign(width=1024, height=768)

    first = card_groups(place(replace(audit, predictions=table)))[0].cards[0]

    assert first.facts[2] == "1\u202f024 \u00d7 768 px"


def test_given_label_has_a_bar_even_when_it_is_not_among_the_best(audit):
    table = audit.predictions
    stated = table.assign(oof_p_given=table["oof_p_given"].where(table["file"] != TEMPLATE, 0.02))
    probe = replace(
        audit.evidence[TEMPLATE], probabilities=(("cats", 0.9), ("foxes", 0.08)), source="out-of-fold probe"
    )
    model = replace(probe, probabilities=(("cat", 0.9), ("fox", 0.08)), source="model")

    def bars_of(shown):
        [group] = card_groups(place(replace(audit, predictions=stated, evidence={TEMPLATE: shown})))
        return [(bar.name, bar.role, bar.text) for bar in group.cards[0].bars]

    bars = [bars_of(shown) for shown in (probe, model)]

    assert bars[0] == [("cats", "suggested", "90%"), ("foxes", "", "8%"), ("dogs", "given", "2%")]
    assert bars[1] == [("cat", "", "90%"), ("fox", "", "8%")]  # the model's names are not the folder's


def test_filters_count_images_and_are_left_out_where_there_is_no_choice(audit):
    assert [(entry.title, entry.count) for entry in filters(place(audit))] == [
        ("All", "10"),
        ("Label probably wrong", "6"),
        ("Model disagrees", "6"),
        ("Undecided", "2"),
        ("Upright", "1"),
        ("Wrong extension", "1"),
    ]
    assert filters(place(replace(audit, evidence={}))) == ()


def test_tables_hold_what_has_no_picture(audit):
    found = {table.anchor: table for table in tables(place(audit))}

    assert {key: table.count for key, table in found.items()} == {"unreadable": "3", "plain": "1"}
    assert {line.file for line in found["unreadable"].lines} == set(map(visible, UNREADABLE))


def test_a_finding_of_an_earlier_run_says_so(audit):
    seen = replace(like(audit, "upright"), status="persisting")

    assert place(audit).line(seen).status == "seen before"


def test_only_images_whose_label_is_in_doubt_have_heatmaps_and_others_keep_a_share_of_the_cards(audit):
    upright = files(audit, "upright", "format_mismatch")
    shown = place(audit).cards

    assert len(upright & set(shown)) == 2                       # a quarter of ten
    assert all((audit.evidence[file].overlay is None) == (file in upright) for file in shown)
    others = card_groups(place(audit))[1].cards
    assert all(not card.bars and len(card.pictures) == 1 for card in others if card.file in upright)


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


def test_long_tables_are_cut_and_say_so(audit):
    many = many_classes(audit)

    [table] = tables(place(many))

    assert len(table.lines) == MAX_LINES
    assert table.more == "160 more findings of this kind not shown here: see findings.jsonl."
    assert build_page(many).more == "200 findings of 360 are on this page; 160 more in findings.jsonl."


def test_related_files_link_to_their_cards(audit):
    conflict = like(audit, "two_classes")
    first = next(finding for finding in audit.findings if finding.file == TEMPLATE)

    line = place(audit).line(replace(conflict, related=(TEMPLATE, *(f"more/{number}.jpg" for number in range(10)))))

    assert place(audit).line(conflict).related[0].anchor == line.related[0].anchor == f"f-{first.id}"
    assert line.related[1].anchor == ""
    assert line.more_related == "and 5 more files, listed in findings.jsonl"
