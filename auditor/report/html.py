"""Pages as one HTML file that needs nothing else: no network, no script to be complete.

Example:
    >>> write_html(audit, Path("reports/train/2025-01-31"))
    PosixPath('reports/train/2025-01-31/index.html')
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from auditor.audit import Audit
from auditor.report.view import build_page
from auditor.resources import resource

STYLE = "report.css"
SCRIPT = "report.js"


def render_html(audit: Audit) -> str:
    """The report as text; the same audit gives the same text."""
    return render("report.html.j2", build_page(audit), script=SCRIPT)


def write_html(audit: Audit, folder: Path) -> Path:
    """Writes `index.html` into the folder, which is made where it is missing.

    Returns:
        The path of the file.
    """
    return write_page(render_html(audit), folder)


def render(template: str, page: object, *, styles: tuple[str, ...] = (STYLE,), script: str | None = None) -> str:
    """A page as text, which allows its own style and script and nothing else.

    Args:
        template: A template that extends `base.html.j2`.
        page: The record that it prints; it has `title`, `links` and `version`.
        styles: Stylesheets, one behind the other.
        script: A script, for a page that is complete without it.
    """
    environment = _environment()
    sheets = "".join(environment.get_template(style).render() for style in styles)
    return environment.get_template(template).render(
        page=page,
        styles=styles,
        style_hash=_hash(sheets),
        script=script,
        script_hash=None if script is None else _hash(environment.get_template(script).render()),
    )


def write_page(text: str, folder: Path) -> Path:
    """Writes a page as `index.html` into the folder, which is made where it is missing; returns the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


@cache
def _environment() -> Environment:
    """Escapes always, whatever a template is called; a name that is not there is an error, not an empty string."""
    return Environment(
        loader=FileSystemLoader(resource("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _hash(text: str) -> str:
    """A source expression of the Content Security Policy: only this very text may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
