"""An audit as one HTML file that needs nothing else: no network, no script to be complete.

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

PAGE = "report.html.j2"
STYLE = "report.css"
SCRIPT = "report.js"


def render_html(audit: Audit) -> str:
    """The report as text; the same audit gives the same text."""
    environment = _environment()
    return environment.get_template(PAGE).render(
        page=build_page(audit),
        style_hash=_hash(environment.get_template(STYLE).render()),
        script_hash=_hash(environment.get_template(SCRIPT).render()),
    )


def write_html(audit: Audit, folder: Path) -> Path:
    """Writes `index.html` into the folder, which is made where it is missing.

    Returns:
        The path of the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(render_html(audit), encoding="utf-8", newline="\n")
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
