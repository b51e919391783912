"""The list of all runs, and the command around it."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from auditor.errors import InputError
from auditor.runs.stored import open_run
from auditor.serving.files import Reports
from auditor.serving.index import build_index
from auditor.serving.server import listening, serve
from auditor.serving.stored import StoredImages


def rows(served):
    return [row for section in build_index(Reports.of(served.out)).sections for row in section.rows]


def test_a_run_is_listed_with_its_numbers(served, browser):
    summary = json.loads((served.run / "summary.json").read_text())
    (row,) = rows(served)
    page = browser.get("/").body.decode()

    assert row.page == f"/pets/{served.run.name}/"
    assert (row.images, row.findings) == ("60", str(sum(summary["findings"].values())))
    assert (row.decided, row.gate, row.trouble, row.note) == ("", "", "", "")
    assert f'<a href="{row.page}">' in page
    assert 'href="/pets/latest/"' in page


def test_decisions_are_counted(served, browser):
    way = f"/pets/{served.run.name}/review"
    file, card = next(iter(StoredImages.of(open_run(served.run)).cards.items()))
    browser.decide(way, {"file": file, "content": card.content, "label": card.label, "decision": "keep"})

    assert rows(served)[0].decided == "1"


def test_decisions_that_cannot_be_read_are_named(served):
    (served.out / "pets" / "review").mkdir()
    (served.out / "pets" / "review" / f"{served.run.name}.json").write_text("[]")

    assert "decisions cannot be read" in rows(served)[0].note


DAMAGED = ["", "{", "[]", '{"run": {}}', '{"dataset": {"root": "x"}, "run": {"started_at": "2026"}}']


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_run_is_named_and_the_others_are_listed(served, browser, text):
    damaged = served.out / "pets" / "20200101T000000Z"
    damaged.mkdir()
    (damaged / "summary.json").write_text(text)
    good, bad = rows(served)

    assert not good.trouble
    assert bad.run == damaged.name
    assert bad.trouble
    assert browser.get("/").status == 200


def test_a_page_of_another_version_says_that_it_saves_nothing(served):
    (served.run / "index.html").write_text("<html></html>")

    assert "not saved here" in rows(served)[0].note


def test_an_empty_folder_says_how_to_begin(tmp_path):
    assert build_index(Reports.of(tmp_path)).sentence == "No run yet: auditor scan DATA makes the first"


def test_hostile_names_are_text_or_left_out(served, browser):
    (served.out / "<script>").mkdir()
    summary = json.loads((served.run / "summary.json").read_text())
    summary["dataset"]["root"] = "<script>alert(2)</script>"
    (served.run / "summary.json").write_text(json.dumps(summary))
    page = browser.get("/").body.decode()

    assert "<script>" not in page
    assert "&lt;script&gt;alert(2)" in page


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        serve(tmp_path / "nothing", 0, print)


def test_a_port_that_is_taken_is_an_error(tmp_path):
    with listening(0) as taken, pytest.raises(InputError, match="cannot be had"):
        serve(tmp_path, taken.getsockname()[1], print)


def test_the_command_prints_its_address_and_ends_well_when_interrupted(tmp_path):
    command = [sys.executable, "-m", "auditor", "serve", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        rest, complaints = process.communicate(timeout=20)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}\n", address)
    assert (process.returncode, rest, complaints) == (0, "", "")
