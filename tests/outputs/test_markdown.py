"""Markdown for people: short enough, and with nothing in it that a name made."""

import html
import re

import pytest

from auditor.gates import ImageCounts, evaluate, parse_limits
from auditor.outputs.markdown import render, write_markdown
from auditor.outputs.text import code, markdown
from auditor.report.audit.headline import verdict
from auditor.store import Changes
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
    assert "### Look at these first: 5 of 30 images with findings" in text
    assert text.count("<code>data/pets/cat/") == 5
    assert "| <code>data/pets/cat/0.jpg</code> | <code>cat</code> \u2192 <code>dog</code> | Label&#95;Issue |" in text


def test_it_begins_with_the_sentence_of_the_page():
    audit = gated([found(suggested="dog"), found("blurry")])

    assert f"**{markdown(verdict(audit).sentence)}**" in render(audit, 10_000)


def test_what_is_known_from_the_last_run_and_what_is_gone_is_counted():
    changes = Changes("20250130T020000Z", "2025-01-30T02:00:00+00:00", 7, {"file gone": 7}, {"blurry": 7}, (), 0)
    audit = audited(found(), found("blurry"), found("blurry", status="persisting"), additions=(changes,))

    assert "10 images, 2 new findings, 1 persisting finding, 7 resolved findings." in render(audit, 10_000)


def test_an_image_is_one_row_whatever_was_found_about_it_and_the_data_set_is_none():
    text = render(gated([found(), found("blurry"), found("class_imbalance", None)]), 10_000)

    assert "### Look at these first: 1 of 1 image with findings" in text
    assert "| <code>data/pets/cat/1.jpg</code> | <code>cat</code> | Label&#95;Issue, Blurry |" in text


def test_a_scan_that_found_nothing_is_short():
    sentence = markdown(verdict(audited()).sentence)
    assert render(audited(), 10_000) == (
        f"## auditor: <code>data-pets</code> done\n\n**{sentence}**\n\n10 images, no findings.\n"
    )
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
    assert [row.count("|") for row in rows] == [4]


@pytest.mark.parametrize("most", [20_000, 5_000, 300, 60, 10, 0, -5])
def test_it_is_no_longer_than_it_may_be(most):
    findings = [found(file="cat/" + "\u732b" * 100 + f"{number}.jpg") for number in range(50)]

    text = render(gated(findings, "any > 0"), most)

    assert len(text.encode()) <= max(most, 0)
    assert not text or text.endswith("\n")
