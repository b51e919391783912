"""A page is one HTML file that needs nothing else: no network, and no script to be complete."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from auditor.resources import resource
from auditor.runs.files import PAGE

STYLE = "report.css"


def render(template: str, page: object, *, styles: tuple[str, ...] = (STYLE,), script: str | None = None) -> str:
    """A page as text; its security policy allows its own style and script and nothing else.

    Args:
        template: A template that extends `base.html.j2`.
        page: The record that it prints; it has `title`, `links` and `version`.
        styles: Stylesheets, in this order.
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
    path = folder / PAGE
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


@cache
def _environment() -> Environment:
    """Escapes in every template, whatever its name; an undefined name is an error, not an empty string."""
    return Environment(
        loader=FileSystemLoader(resource("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _hash(text: str) -> str:
    """A source expression of the Content Security Policy: only exactly this text may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
