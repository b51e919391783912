"""Renders an `Audit` as one self-contained HTML page. It computes nothing."""

from auditor.report.html import render_html, write_html

__all__ = ["render_html", "write_html"]
