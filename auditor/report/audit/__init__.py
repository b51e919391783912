"""The pages of a scan, in sections.

Example:
    >>> write_html(audit, Path("reports/train/2025-01-31"))
    PosixPath('reports/train/2025-01-31/index.html')
"""

from pathlib import Path

from auditor.audit import Audit
from auditor.report.audit.page import Page, build_pages
from auditor.report.shared.assets import Assets, Inline
from auditor.report.shared.html import STYLE, render, write_page
from auditor.resources import resource
from auditor.runs.files import page_name
from auditor.settings import Settings

MAX_BYTES = Settings().page_bytes               # of a page, so that a mail can carry it

STYLES = (STYLE, "chart.css", "findings.css", "gallery.css", "print.css")
SCRIPTS = (
    "report.js", "decisions.js", "keeping.js", "exporting.js", "gallery.js", "viewer.js", "look.js", "cursor.js",
    "review.js", "keys.js", "serving.js", "start.js",
)  # fmt: skip


def render_html(audit: Audit) -> str:
    """The report as one text, with all pictures; the same audit gives the same text."""
    [page] = build_pages(audit, Inline())
    return _render(page, Inline(), None)


def write_html(
    audit: Audit,
    folder: Path,
    *,
    max_bytes: int = MAX_BYTES,
    assets: Assets | None = None,
    template_dir: Path | None = None,
) -> Path:
    """Writes `index.html` into the folder, which is made where it is missing, and `page-2.html` and more beside it.

    Args:
        audit: The scan.
        folder: Of the run.
        max_bytes: That no page is larger than, as far as findings can be moved to the next one.
        assets: Takes the pictures; None puts them into the pages.
        template_dir: Templates that replace those of the same name.

    Returns:
        The path of the first page.
    """
    assets = assets or Inline()
    fixed = sum((resource("templates") / name).stat().st_size for name in (*STYLES, *SCRIPTS))
    pages = build_pages(audit, assets, max_bytes, fixed)
    paths = [
        write_page(_render(page, assets, template_dir), folder, page_name(number))
        for number, page in enumerate(pages, 1)
    ]
    return paths[0]


def _render(page: Page, assets: Assets, template_dir: Path | None) -> str:
    return render(
        "report.html.j2", page, styles=STYLES, scripts=SCRIPTS, assets=assets, template_dir=template_dir
    )
