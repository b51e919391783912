"""Taking decisions in the page, with the keyboard, and handing them on."""

import csv
import json

import pytest

from tests.browser.pages import ORDER, export, save


def test_a_review_with_the_keyboard_alone(tab, report):
    tab.goto(report)
    cards = tab.evaluate(ORDER)
    classes = ["cat", "dog"]

    tab.keyboard.press("ArrowRight")            # from the page into the gallery
    other = next(name for name in classes if name != cards[1]["label"])
    for key in ("k", str(classes.index(other) + 1), "x", "?"):
        tab.keyboard.press(key)

    assert tab.evaluate("document.activeElement.id") == cards[4]["key"]
    decided = export(tab)
    assert [decided[card["file"]]["decision"] for card in cards[:4]] == ["keep", "relabel", "remove", "unsure"]
    assert decided[cards[1]["file"]]["to"] == other
    assert tab.inner_text("#review .progressed") == f"4 of {len(cards)}"


def test_the_exported_record_names_image_label_and_findings(tab, report, pets):
    tab.goto(report)
    card = tab.evaluate(ORDER)[0]
    tab.focus(f"#{card['key']}")
    tab.keyboard.press("k")

    document = json.loads(save(tab, "export-json"))

    assert {key: document[key] for key in ("format", "format_version", "name", "run", "root")} == {
        "format": "auditor-decisions", "format_version": 1, "name": "pets", "run": pets.run.id, "root": pets.root,
    }  # fmt: skip
    (record,) = document["decisions"]
    assert {"file", "content", "label", "decision", "rules", "findings", "at", "author"} == set(record)
    assert set(record["findings"]) == {each.id for each in pets.findings if each.file == record["file"]}


def test_undo_takes_the_last_decision_back_and_returns_to_its_card(tab, report):
    tab.goto(report)
    first, second = tab.evaluate(ORDER)[:2]
    tab.focus(f"#{first['key']}")
    tab.keyboard.press("k")
    tab.keyboard.press("x")

    tab.keyboard.press("u")

    assert set(export(tab)) == {first["file"]}
    tab.focus(f"#{second['key']}")
    tab.keyboard.press("u")                     # this card has none, so that the decision before goes
    assert tab.evaluate("document.activeElement.id") == first["key"]
    assert export(tab) == {}


def test_the_enlarged_view_takes_decisions_and_goes_on(tab, report):
    tab.goto(report)
    first, second = (card["file"] for card in tab.evaluate(ORDER)[:2])
    tab.locator(".card .enlarge").first.click()

    tab.click("#viewer [data-action=remove]")
    assert tab.inner_text("#viewer .file") == second
    tab.keyboard.press("k")
    tab.keyboard.press("Escape")

    assert {file: record["decision"] for file, record in export(tab).items()} == {first: "remove", second: "keep"}


def test_no_key_acts_while_somebody_types_or_with_control(tab, report):
    tab.goto(report)
    tab.focus("#tools [name=q]")
    tab.keyboard.type("kx?1")
    assert export(tab) == {}

    tab.click("#tools [data-action=reset]")
    tab.focus(".card")
    for chord in ("Control+k", "Alt+x", "Meta+1"):
        tab.evaluate(
            """chord => {
              const [held, key] = chord.split("+");
              const event = { key, bubbles: true, [`${{ Control: "ctrl", Alt: "alt", Meta: "meta" }[held]}Key`]: true };
              document.activeElement.dispatchEvent(new KeyboardEvent("keydown", event));
            }""",
            chord,
        )
    assert export(tab) == {}


def test_decisions_outlive_the_page(tab, report):
    tab.goto(report)
    tab.locator(".card [data-action=remove]:visible").first.click()
    decided = export(tab)

    tab.reload()

    assert export(tab) == decided != {}
    assert tab.locator(".card .decision:visible").count() == 1


@pytest.mark.parametrize(
    "stored", ["", "null", "[]", '{"format_version": 1, "decisions": [null, {"file": 3}], "pages": {}}', "<b>"]
)
def test_rubbish_in_the_storage_is_no_decision(tab, report, stored):
    tab.goto(report)
    tab.evaluate(
        """stored => {
          const { name, run } = JSON.parse(document.getElementById("report-data").textContent);
          localStorage.setItem(`auditor-decisions ${JSON.stringify([name, run])}`, stored);
        }""",
        stored,
    )

    tab.reload()

    assert export(tab) == {}


def test_without_storage_decisions_can_still_be_exported(tab, report):
    tab.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    tab.goto(report)

    tab.locator(".card [data-action=keep]:visible").first.click()

    assert len(export(tab)) == 1
    assert "export them before you close the page" in tab.inner_text("#review .message")


def test_what_was_decided_in_an_earlier_run_is_taken_over_by_content_and_label(tab, report):
    tab.goto(report)
    first, second = tab.evaluate(ORDER)[:2]
    record = {"decision": "keep", "rules": [], "findings": [], "at": "2025-01-31T02:00:00Z", "author": ""}
    earlier = [
        {**record, "file": "elsewhere.png", "content": first["content"], "label": first["label"]},
        {**record, "file": second["file"], "content": second["content"], "label": "another"},
    ]
    tab.evaluate(
        """decisions => {
          localStorage.clear();
          const key = `auditor-decisions ${JSON.stringify(["pets", "an earlier run"])}`;
          localStorage.setItem(key, JSON.stringify({ format_version: 1, decisions }));
        }""",
        earlier,
    )

    tab.reload()

    assert set(export(tab)) == {first["file"]}


def test_the_table_is_safe_against_formulas(tab, report):
    tab.goto(report)
    texts = ["=1+1", "+1", "-1", "@x", "\tx", 'say "a, b"', "line\nfeed", "plain"]
    cell = tab.evaluate(
        "files => asCsv(files.map((file) => ({ file, label: null, decision: 'keep', rules: ['a', 'b'] })))", texts
    )

    rows = list(csv.reader(cell.splitlines(keepends=True)))

    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", *texts[5:]]
    assert rows[0][:3] == ["file", "label", "decision"]
