"""A scan's page inside a notebook, or as a text."""

from html import escape
from pathlib import Path

from auditor.atomic_write import changed_file
from auditor.audit import Audit
from auditor.errors import MissingDependency
from auditor.report.audit import render_html


def to_html(audit: Audit, path: Path | None = None) -> str:
    """The page as one text, written to a file too where one is named; that replaces a file that is there."""
    page = render_html(audit)
    if path is not None:
        with changed_file(path) as draft:
            draft.write_text(page, encoding="utf-8")
    return page


def framed(page: str, height: int) -> str:
    """HTML that shows a page inside another one: in a frame that has nothing in common with what is around it.

    Args:
        page: A whole document.
        height: Of the frame, in pixels.
    """
    return (
        '<div><iframe sandbox="allow-scripts" title="auditor" width="100%" '
        f'height="{int(height)}" style="border: 0" srcdoc="{escape(page)}"></iframe></div>'
    )


def show(audit: Audit, height: int) -> None:
    """Shows the page below the cell of a notebook.

    Raises:
        MissingDependency: IPython is not installed.
    """
    try:
        from IPython.display import HTML, display
    except ImportError:
        raise MissingDependency(
            "show needs IPython, which every notebook has; elsewhere auditor.to_html(audit, FILE) writes the page"
        ) from None
    display(HTML(framed(render_html(audit), height)))
