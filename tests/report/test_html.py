"""The page as a file: complete in itself, safe against the names in it, and with nothing lost."""

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from auditor.audit import Neighbour
from auditor.report.audit import render_html, write_html
from tests.report import sample_audit as sample
from tests.report.drawn import small
from tests.report.page import Document

AUDITS = {
    "rich": sample.make_audit,
    "empty": sample.empty_audit,
    "nothing scanned": sample.nothing_scanned,
    "one class": sample.one_class,
    "many classes": sample.many_classes,
}
ATTACKS = (
    sample.SCRIPT,
    sample.HANDLER,
    "</style></title></script><script>alert(3)</script>",
    "{{ 7 * 7 }}",
    "javascript:alert(4)",
)


@pytest.fixture(scope="module", params=AUDITS)
def case(request):
    audit = AUDITS[request.param]()
    source = render_html(audit)
    return audit, source, Document(source)


def test_every_element_is_closed(case):
    assert case[2].open == []


def test_no_expression_of_a_template_is_left(case):
    known = sample.TEMPLATE
    assert "{{" not in case[1].replace(known, "")
    assert "{%" not in case[1].replace(known, "")


def test_nothing_is_loaded_from_anywhere(case):
    _, source, page = case
    for value in page.values("src") + page.values("srcset") + page.values("poster") + page.values("action"):
        assert value.startswith("data:")
    for value in page.values("href"):
        assert value.startswith(("#", "data:"))
    style = page.all("style")[0].text
    assert "@import" not in style and "url(" not in style
    without_namespace = source.replace("xmlns='http://www.w3.org/2000/svg'", "")
    assert not re.search(r"https?://|ws://|fetch\(|XMLHttpRequest|import\(", without_namespace)


def test_policy_allows_this_style_and_this_script_and_nothing_else(case):
    page = case[2]
    policy = next(tag for tag in page.all("meta") if "http-equiv" in tag.attributes).attributes["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        [element] = page.all(tag)
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert page.values("style") == []  # the policy forbids inline styles


def test_every_link_has_its_target_and_every_id_is_one(case):
    page = case[2]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = {value[1:] for value in page.values("href") if value.startswith("#")}
    assert targets <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_every_finding_has_its_place_or_is_counted(case):
    audit, _, page = case
    ids = set(page.values("id"))
    missing = [finding for finding in audit.findings if f"f-{finding.id}" not in ids]
    if missing:
        assert f"{len(missing)} more in findings.jsonl" in page.text


def test_headings_go_down_one_level_at_a_time(case):
    levels = [int(element.tag[1]) for element in case[2].elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_landmarks_are_there_and_pictures_are_described(case):
    page = case[2]
    assert [len(page.all(tag)) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert all(picture.attributes["alt"] for picture in page.all("img"))
    for svg in page.all("svg"):
        assert svg.attributes.get("aria-hidden") == "true" or svg.attributes.get("aria-label")


def test_same_audit_gives_the_same_page(case):
    assert render_html(case[0]) == case[1]


def test_page_is_written_as_index_html(case, tmp_path):
    path = write_html(case[0], tmp_path / "name" / "run")

    assert path == tmp_path / "name" / "run" / "index.html"
    assert path.read_text(encoding="utf-8") == case[1]


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_from_anywhere_is_only_ever_text(attack):
    audit = _poisoned(attack)

    page = Document(render_html(audit))

    assert len(page.all("script")) == len(page.all("style")) == len(page.all("title")) == 1
    assert len(page.all("img")) == len(audit.evidence) * 2 - 1  # one has no heatmap
    assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
    assert not [value for value in page.values("href") if value.startswith("javascript")]
    assert {len(page.all(tag)) for tag in ("image", "symbol")} == {1, 2}
    assert page.text.count(attack) > 50
    assert "49" not in page.all("h1")[0].text


def test_names_that_mislead_are_spelt_out():
    page = Document(render_html(sample.make_audit()))

    assert "dogs/invoice\u27e8U+202E\u27e9gpj.exe" in page.text
    assert "cats/line\u240afeed \u241b[31m\u27e8byte FF\u27e9.jpg" in page.text
    assert sample.EMOJI in page.text
    assert sample.LONG in page.text
    assert sample.TEMPLATE in page.text


def test_every_name_from_outside_is_isolated_for_bidirectional_text():
    page = Document(render_html(replace(sample.make_audit(), name="\u05e9\u05dc\u05d5\u05dd")))

    isolated = {element.text for element in page.all("bdi")}
    assert {"\u05e9\u05dc\u05d5\u05dd", "data/stickers/train", "cats", sample.EMOJI, "hidden"} <= isolated


def _poisoned(attack: str):
    """An audit in which everything that comes from outside says the same bad thing."""
    audit = sample.make_audit()
    findings = tuple(
        replace(
            finding,
            message=attack,
            label=attack,
            suggested=finding.suggested and attack,
            split=attack,
            related=(attack,),
        )
        for finding in audit.findings
    )
    near = (Neighbour(attack, attack + "2", 0.5, small("cats", 1)), Neighbour(attack, None, 0.5, None))
    pictures = {
        file: replace(
            shown,
            heatmap_class=attack,
            probabilities=((attack, 0.7), (attack + "2", 0.3)),
            source=attack,
            similar=near,
            of_given=near,
            of_suggested=near,
        )
        for file, shown in audit.evidence.items()
    }
    table = audit.predictions.assign(label=attack, predicted=attack, split=attack, format=attack)
    return replace(
        audit,
        name=attack,
        root=attack,
        classes={attack: 3, attack + "2": 4},
        skipped=((attack, attack),),
        predictions=table,
        findings=findings,
        evidence=pictures,
        notes=(attack,),
        rules=tuple(replace(rule, title=attack, description=attack, settings={attack: 1.0}) for rule in audit.rules),
        model=replace(
            audit.model,
            name=attack,
            backend=attack,
            device=attack,
            sha256=attack,
            classes=(attack,),
            guessed={attack: attack},
            about={attack: {attack: [attack]}},
        ),
        run=replace(audit.run, id=attack, started_at=attack, auditor_version=attack, settings={attack: attack}),
    )
