"""The page of a data set's history: its trends, night by night."""

from pathlib import Path

from auditor.atomic_write import changed_file
from auditor.report.history.page import build_page
from auditor.report.shared.html import STYLE, render
from auditor.runs.files import HISTORY
from auditor.store.nights import nights_of

STYLES = (STYLE, "chart.css", "history.css")


def write_history(out: Path, name: str) -> Path:
    """Draws the history of a data set as `out/<name>/history.html`, in the place of the page that was there.

    Returns:
        The path of the file.

    Raises:
        InputError: there is no history of that name, or the page cannot be written.
        Incomplete: the disk is full.
    """
    path = out / name / HISTORY
    page = render("history.html.j2", build_page(name, nights_of(out, name)), styles=STYLES)
    with changed_file(path) as draft:
        draft.write_text(page, encoding="utf-8", newline="\n")
    return path
