"""The frame of every page: its security policy, and the templates of a user's own."""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditor.errors import InputError
from auditor.report.shared.assets import Folder
from auditor.report.shared.html import check_templates, render
from tests.report.page import Document

FRAME = "base.html.j2"


@dataclass(frozen=True)
class Page:
    title: str = "Report of <pets>"
    links: tuple = ()
    version: str = "1.0"


@pytest.fixture
def own(tmp_path):
    """Writes a user's templates."""

    def _own(**files):
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text, encoding="utf-8")
        return tmp_path

    return _own


def policy(page):
    return next(tag for tag in page.all("meta") if "http-equiv" in tag.attributes).attributes["content"]


def shown(**options):
    return Document(render(FRAME, Page(), **options))


def test_several_scripts_are_one_element_and_only_that_may_run():
    page = shown(scripts=("report.js", "report.css"))

    [script] = page.all("script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy(page)
    assert "script-src" not in policy(shown())


def test_only_a_page_with_pictures_beside_it_may_load_them(tmp_path):
    beside = shown(assets=Folder(tmp_path))

    assert "img-src data:;" in policy(shown())
    assert "img-src data: 'self';" in policy(beside)
    assert "lie beside it" in beside.text and "is one file" not in beside.text


def test_a_template_of_the_users_own_changes_a_block_of_ours(own):
    heading = "{% block header %}<h1>{{ page.title }}</h1>{% endblock %}"
    folder = own(base__html__j2='{% extends "auditor/base.html.j2" %}' + heading)

    check_templates(folder)
    page = shown(template_dir=folder)

    assert page.all("h1")[0].text == "Report of <pets>"         # escaped
    assert page.all("footer")                                   # the rest is ours
    assert not shown().all("h1")


def test_a_stylesheet_of_the_users_own_adds_to_ours_and_may_be_used(own):
    folder = own(report__css='{% include "auditor/report.css" %}\n:root { --accent: #b00020; }')

    page = shown(template_dir=folder)

    [style] = page.all("style")
    assert style.text.endswith(":root { --accent: #b00020; }") and len(style.text) > 1000
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy(page)


@pytest.mark.parametrize(("text", "told"), [
    ("{% block %}", r"base.html.j2, line 1, failed \(TemplateSyntaxError"),
    ("\n{{ page.nothing }}", r"base.html.j2, line 2, failed \(UndefinedError"),
    ("{{ 1 / 0 }}", r"base.html.j2, line 1, failed \(ZeroDivisionError"),
    ('{% include "else.html" %}', r"base.html.j2, line 1, failed \(TemplateNotFound"),
    ('{% extends "base.html.j2" %}', r'begins with {% extends "auditor/NAME" %}'),
])  # fmt: skip
def test_a_template_that_fails_is_named(own, text, told):
    with pytest.raises(InputError, match=told):
        shown(template_dir=own(base__html__j2=text))


def test_the_documentation_names_every_block():
    root = Path(__file__).parents[2]
    table = (root / "docs" / "report.md").read_text(encoding="utf-8").partition("| block |")[2].partition("\n\n")[0]
    named = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.partition(" | ")[0])]
    templates = "".join((root / "templates" / name).read_text(encoding="utf-8") for name in (FRAME, "report.html.j2"))

    assert set(named) == set(re.findall(r"{% block (\w+) %}", templates))


def test_an_error_of_our_own_is_not_blamed_on_the_user(own):
    folder = own(report__css="")

    with pytest.raises(AttributeError):
        render(FRAME, Page(), styles=(3,), template_dir=folder)


def test_a_folder_is_read_before_the_work(own, tmp_path):
    check_templates(None)
    with pytest.raises(InputError, match="no folder; expected one with templates"):
        check_templates(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no template: no file there has a name such as"):
        check_templates(own(notes__txt="{% if %}"))
    with pytest.raises(InputError, match=r"report.css, line 1, failed \(TemplateSyntaxError"):
        check_templates(own(report__css="{% if %}"))
    (tmp_path / "report.css").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UnicodeDecodeError"):
        check_templates(tmp_path)
