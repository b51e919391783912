"""The page of a history, its table on the terminal, its tables for notebooks."""

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

import auditor
from auditor.cli import app
from auditor.report.history import write_history
from auditor.report.history.page import build_page
from auditor.store.nights import Count, Night, nights_of
from auditor.store.nights_text import as_text
from tests.history.nights import BROKEN

HOSTILE = "<script>&'\u202e"


def run(number=1, **values):
    made = {
        "run": f"2026010{number}T020000Z", "root": "data/pets", "started": f"2026-01-0{number}T02:00:00+00:00",
        "seconds": 60.0, "images": 100, "readable": 99, "classes": {"cat": 60, HOSTILE: 40}, "model": "",
        "settings": "", "rules": ("label_issue", "dark"), "new": number, "persisting": 0, "accepted": 0, "resolved": 2,
        "counts": (Count("label_issue", "high", "cat", 3), Count("label_issue", "low", HOSTILE, number)),
        "gate": None, "version": "0.1.0",
    }  # fmt: skip
    return Night(**(made | values))


def charts(page):
    return {drawing.title: drawing for group in page.trends for drawing in group.charts}


def test_every_number_that_is_followed_has_a_chart():
    page = build_page("data-pets", [run(1), run(2), run(4)])

    assert list(charts(page)) == [
        "Findings: 7", "New: 4", "Resolved: 2", "Images: 100", "label_issue: 7", "<script>&'\u27e8U+202E\u27e9: 4",
        "cat: 3",
    ]  # fmt: skip
    assert page.number + page.rest == "4 new findings in the last run, 2 resolved."
    assert [row.new for row in page.rows] == ["4", "2", "1"]


def test_a_run_in_which_a_rule_did_not_judge_is_a_gap():
    other = run(2, rules=("dark",), counts=(Count("dark", "low", "cat", 1),))

    drawing = charts(build_page("data-pets", [run(1), other, run(3), run(4)]))["label_issue: 7"]

    assert len(drawing.lines) == 2 and len(drawing.dots) == 3


def test_the_first_run_is_no_news():
    page = build_page("data-pets", [run(1)])

    assert page.number + page.rest == "1 finding in the first run."
    assert "Trends begin with the next one" in page.also


def test_a_failed_gate_is_told():
    page = build_page("data-pets", [run(1, gate=True), run(2, gate=False)])

    assert [(row.gate, row.failed) for row in page.rows] == [("failed", True), ("passed", False)]
    assert page.also.endswith("1 run failed a gate.")


def test_the_page_is_whole_and_loads_nothing(nights):
    (nights.data / "cat" / "broken.png").write_bytes(BROKEN)
    name = nights.night().name
    nights.night()

    text = write_history(nights.out, name).read_text(encoding="utf-8")

    assert "0</strong> new findings in the last run" in text
    assert not re.search(r"<script|src=|https?://(?!www\.w3\.org/2000/svg)", text)
    assert text == write_history(nights.out, name).read_text(encoding="utf-8")


def test_the_terminal_table_lines_up():
    lines = list(as_text([run(1), run(2, gate=False, rules=("dark",), counts=())]))

    assert lines == [
        "run               started           images  new  resolved    gate  label_issue",
        "20260101T020000Z  2026-01-01 02:00     100    1         2       -            4",
        "20260102T020000Z  2026-01-02 02:00     100    2         2  FAILED            -",
    ]


@pytest.fixture
def scanned(nights, monkeypatch, tmp_path):
    """Two nights of a folder `data`."""
    monkeypatch.chdir(tmp_path)
    (nights.data / "cat" / "broken.png").write_bytes(BROKEN)
    nights.night(name="pets")
    (nights.data / "cat" / "broken.png").unlink()
    nights.night(name="pets")
    return nights


def test_the_command_prints_the_table_and_the_page(scanned):
    done = CliRunner().invoke(app, ["history"])

    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.output.splitlines()] == [
        "run", "night-1", "night-2", "reports/pets/history.html"
    ]  # fmt: skip
    assert (scanned.out / "pets" / "history.html").is_file()


def test_the_command_prints_json(scanned):
    told = json.loads(CliRunner().invoke(app, ["history", "pets", "--json"]).output)

    assert told["name"] == "pets"
    assert [each["findings"]["unreadable"] for each in told["runs"]] == [1, 0]


def test_an_unknown_history_is_an_error_that_names_the_known_ones(scanned):
    done = CliRunner().invoke(app, ["history", "dogs"])

    assert done.exit_code != 0
    assert "has no history of dogs; it has those of pets" in str(done.exception)


def test_notebooks_get_tables(scanned):
    runs, findings = auditor.history("pets"), auditor.history(out="reports", findings=True)

    assert runs["findings:unreadable"].tolist() == [1, 0]
    assert isinstance(runs["started"].dtype, pd.DatetimeTZDtype)
    assert findings[["rule", "first", "last", "ended", "reason"]].values.tolist() == [
        ["unreadable", "night-1", "night-1", "night-2", "file gone"]
    ]


def test_a_history_is_found_by_what_was_scanned(nights):
    name = nights.night().name

    assert len(auditor.history(nights.data, nights.out)) == len(nights_of(nights.out, name)) == 1
