"""A page needs no network, and no script to be complete: one HTML file, or one with its pictures beside it."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, TemplateError

from auditor.errors import InputError
from auditor.report.shared.assets import Assets, Inline
from auditor.resources import resource
from auditor.runs.files import PAGE
from auditor.text import shown, some

STYLE = "report.css"
OWN = "auditor"                                 # the folder under which a user's template names the one it replaces


def render(
    template: str,
    page: object,
    *,
    styles: tuple[str, ...] = (STYLE,),
    scripts: tuple[str, ...] = (),
    assets: Assets | None = None,
    template_dir: Path | None = None,
) -> str:
    """A page as text; its security policy allows its own style, scripts and pictures and nothing else.

    Args:
        template: A template that extends `base.html.j2`.
        page: The record that it prints; it has `title`, `links` and `version`.
        styles: Stylesheets, in this order.
        scripts: Scripts, in this order, for a page that is complete without them.
        assets: That gave the page its pictures; None where all are part of it.
        template_dir: A folder of templates, stylesheets and scripts that replace those of the same name.

    Raises:
        InputError: one of the user's templates cannot be used.
    """
    environment = _environment(template_dir)
    with _explained(template_dir):
        return environment.get_template(template).render(
            page=page,
            styles=styles,
            style_hash=_hash(environment, styles),
            scripts=scripts,
            script_hash=_hash(environment, scripts),
            beside=(assets or Inline()).beside,
        )


def write_page(text: str, folder: Path, name: str = PAGE) -> Path:
    """Writes a page as `index.html` into the folder, which is made where it is missing; returns the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def check_templates(template_dir: Path | None) -> None:
    """Reads a user's templates, before there is work that they would spoil.

    Raises:
        InputError: there is no such folder, nothing in it has the name of a template, or one cannot be parsed.
    """
    if template_dir is None:
        return
    where = f"--template-dir {shown(str(template_dir))}"
    if not template_dir.is_dir():
        raise InputError(f"{where} is no folder; expected one with templates of your own (docs/report.md)")
    known = sorted(path.name for path in resource("templates").iterdir())
    own = [name for name in known if (template_dir / name).is_file()]
    if not own:
        raise InputError(f"{where} holds no template: no file there has a name such as {some(known)}")
    environment = _environment(template_dir)
    for name in own:
        with _explained(template_dir):
            environment.get_template(name)


@cache
def _environment(template_dir: Path | None) -> Environment:
    """Escapes in every template, whatever its name; an undefined name is an error, not an empty string."""
    ours = FileSystemLoader(resource("templates"))
    loaders: list[BaseLoader] = [ours, PrefixLoader({OWN: ours})]
    if template_dir is not None:
        loaders.insert(0, FileSystemLoader(template_dir))
    return Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@contextmanager
def _explained(template_dir: Path | None) -> Iterator[None]:
    """Says of an error in a user's template where it is; one in our own templates is a fault and stays what it is."""
    try:
        yield
    except Exception as error:
        place = None if template_dir is None else _place_in(template_dir, error)
        if place is None and (template_dir is None or not isinstance(error, TemplateError | UnicodeDecodeError)):
            raise
        where = "" if place is None else f" {shown(place)}"
        kind = type(error).__name__
        hint = f'. A template that changes ours begins with {{% extends "{OWN}/NAME" %}}' * (kind == "RecursionError")
        raise InputError(
            f"--template-dir {shown(str(template_dir))}:{where} failed ({kind}: {shown(str(error))}){hint}. "
            "Correct the template, or leave the option out."
        ) from error


def _place_in(folder: Path, error: BaseException) -> str | None:
    """The file and the line in a folder that an error came from; None where it came from elsewhere."""
    line = getattr(error, "lineno", None)       # of a template that cannot be parsed
    places = [(getattr(error, "filename", None), line)] if line else []
    step = error.__traceback__
    while step is not None:
        places.append((step.tb_frame.f_code.co_filename, step.tb_lineno))
        step = step.tb_next
    inside = [(Path(file), number) for file, number in places if file and folder in Path(file).parents]
    return f"{inside[-1][0].relative_to(folder)}, line {inside[-1][1]}," if inside else None


def _hash(environment: Environment, names: tuple[str, ...]) -> str:
    """A source expression of the Content Security Policy: only exactly the text of these files may run."""
    text = "".join(environment.get_template(name).render() for name in names)
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
