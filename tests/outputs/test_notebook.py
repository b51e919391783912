"""What a notebook asks for: tables, the page as a text, the page below a cell."""

import re
import sys
from dataclasses import fields, replace
from html import unescape

import pytest

import auditor
from auditor.audit import Finding
from auditor.errors import InputError, MissingDependency
from auditor.outputs.notebook import framed
from auditor.report.audit import render_html


def test_findings_as_a_table_are_the_findings(audit):
    table = audit.findings_frame()

    assert list(table.columns) == [each.name for each in fields(Finding)]
    assert list(table["id"]) == [finding.id for finding in audit.findings]
    assert list(table["related"]) == [finding.related for finding in audit.findings]
    assert isinstance(audit.findings, tuple)


def test_without_findings_the_table_has_its_columns(audit):
    table = replace(audit, findings=()).findings_frame()

    assert len(table) == 0
    assert list(table.columns) == list(audit.findings_frame().columns)


def test_the_page_is_a_text_and_a_file(audit, tmp_path):
    page = auditor.to_html(audit, tmp_path / "page.html")

    assert page == auditor.to_html(audit) == render_html(audit)
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    auditor.to_html(audit, tmp_path / "page.html")              # again, as cells are
    with pytest.raises(InputError, match=r"page\.html"):
        auditor.to_html(audit, tmp_path / "page.html" / "page.html")


def test_a_page_in_a_frame_is_whole_and_cannot_get_out():
    page = '<!doctype html><title>"><script>alert(1)</script>&amp;\'</title>'

    frame = framed(page, 300)

    (inside,) = re.findall(r'srcdoc="([^"]*)"', frame)
    assert unescape(inside) == page
    assert 'sandbox="allow-scripts"' in frame and 'height="300"' in frame
    assert "<script>" not in frame


def test_show_hands_the_page_to_the_notebook(audit, capsys):
    pytest.importorskip("IPython", reason="no IPython: this is no notebook")

    auditor.show(audit)

    assert "HTML object" in capsys.readouterr().out             # what IPython prints where there is no notebook


def test_without_a_notebook_show_says_what_else_there_is(audit, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)     # as if it were not installed

    with pytest.raises(MissingDependency, match=r"show needs IPython.*auditor.to_html\(audit, FILE\)"):
        auditor.show(audit)
