"""The page of a scan, in sections.

Example:
    >>> write_html(audit, Path("reports/train/2025-01-31"))
    PosixPath('reports/train/2025-01-31/index.html')
"""

from pathlib import Path

from auditor.audit import Audit
from auditor.report.audit.page import build_page
from auditor.report.shared.html import STYLE, render, write_page

SCRIPT = "report.js"
STYLES = (STYLE, "chart.css", "findings.css")


def render_html(audit: Audit) -> str:
    """The report as text; the same audit gives the same text."""
    return render("report.html.j2", build_page(audit), styles=STYLES, script=SCRIPT)


def write_html(audit: Audit, folder: Path) -> Path:
    """Writes `index.html` into the folder, which is made where it is missing.

    Returns:
        The path of the file.
    """
    return write_page(render_html(audit), folder)
