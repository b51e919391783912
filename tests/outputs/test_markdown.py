"""Markdown for people: short enough, and with nothing in it that a name made."""

import html
import re

import pytest

from auditor.gates import ImageCounts, evaluate, parse_limits
from auditor.outputs.markdown import render, write_markdown
from auditor.outputs.text import code, markdown
from tests.gates.made import HOSTILE, RULES, audited, found

IMAGES = ImageCounts.of([("cat", True)] * 10)


def gated(findings, *texts):
    return audited(*findings, gate=evaluate(parse_limits(texts, RULES, RULES), findings, IMAGES, RULES))


def test_it_says_verdict_gates_rules_and_the_first_findings(tmp_path):
    findings = [found(file=f"cat/{number}.jpg", suggested="dog") for number in range(30)]
    findings += [found("blurry", severity="low"), found("unreadable", status="accepted")]

    text = write_markdown(gated(findings, "label_issue > 0", "blurry > 90%"), tmp_path).read_text(encoding="utf-8")

    assert text.startswith("## auditor: <code>data-pets</code> failed\n")
    assert "10 images, 31 new findings, 1 accepted finding." in text
    assert "**failed** | 30 findings |" in text
    assert "| passed | 10% (1 of 10 images) |" in text
    assert "| Label&#95;Issue | 30 | 0 | 0 |" in text
    assert "Unreadable" not in text                             # what is accepted is no matter
    assert "### The first 20 of 31 findings" in text
    assert text.count("<code>data/pets/cat/") == 20


def test_a_scan_that_found_nothing_is_short():
    assert render(audited(), 10_000) == "## auditor: <code>data-pets</code> done\n\n10 images, no findings.\n"
    assert " passed\n" in render(gated([], "any > 0"), 10_000)


@pytest.mark.parametrize(
    "name", [HOSTILE, "www.example.com", "https://example.com", "a@example.com", "`x`", "$x$", "|a|b|"]
)
def test_a_name_is_only_ever_text(name):
    for written in (code(name), markdown(name)):
        assert not re.search(r"[`*\[\]|~$@:]|www\.|<(?!/?code>|!-- -->)", re.sub(r"&#\d+;", "", written))
        assert "\n" not in written
    bare = html.unescape(code(name).removeprefix("<code>").removesuffix("</code>").replace("<!-- -->", ""))
    assert bare == name.replace("\u202e", "\u27e8U+202E\u27e9")


def test_a_row_has_as_many_cells_whatever_its_names_are():
    text = render(gated([found(file=HOSTILE, label=HOSTILE, suggested=HOSTILE)], "any > 0"), 100_000)

    rows = [line for line in text.splitlines() if "data/pets" in line]
    assert [row.count("|") for row in rows] == [6]


@pytest.mark.parametrize("most", [20_000, 5_000, 300, 60, 10, 0, -5])
def test_it_is_no_longer_than_it_may_be(most):
    findings = [found(file="cat/" + "\u732b" * 100 + f"{number}.jpg") for number in range(50)]

    text = render(gated(findings, "any > 0"), most)

    assert len(text.encode()) <= max(most, 0)
    assert not text or text.endswith("\n")
