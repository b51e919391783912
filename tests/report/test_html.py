"""The page as a file: complete in itself, safe against the names in it, and with nothing lost."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from itertools import pairwise
from urllib.parse import parse_qsl

import pytest

from auditor.audit import Audit, Neighbour, Series
from auditor.classes.imagenet_view import ImageNetView
from auditor.report.audit import render_html, write_html
from auditor.resources import resource
from tests.report import derived, scanned
from tests.report.page import Document

AUDITS = {
    "as scanned": lambda audit: audit,
    "nothing found": derived.nothing_found,
    "nothing scanned": derived.nothing_scanned,
    "one class": derived.one_class,
    "many classes": derived.many_classes,
    "all plots": lambda audit: derived.altered(derived.all_plots(audit)),
}
WITHOUT_MODEL = {"no model": lambda audit: audit, "no model, no classes": derived.unlabelled}
ATTACKS = (
    scanned.SCRIPT,
    scanned.HANDLER,
    "</style></title></script><script>alert(3)</script>",
    "{{ 7 * 7 }}",
    "javascript:alert(4)",
)


@pytest.fixture(scope="module", params=[*AUDITS, *WITHOUT_MODEL])
def case(request, audit, modelless):
    name = request.param
    audit = AUDITS[name](audit) if name in AUDITS else WITHOUT_MODEL[name](modelless)
    source = render_html(audit)
    return audit, source, Document(source)


def test_every_element_is_closed(case):
    assert case[2].open == []


def test_no_expression_of_a_template_is_left(case):
    known = scanned.TEMPLATE
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
    served = (resource("templates") / "serving.js").read_text(encoding="utf-8")     # for `auditor serve` alone
    without_namespace = without_namespace.replace(served.strip(), "")
    assert not re.search(r"https?://|ws://|fetch\(|XMLHttpRequest|import\(", without_namespace)


def test_policy_allows_this_style_and_this_script_and_nothing_else(case):
    page = case[2]
    policy = next(tag for tag in page.all("meta") if "http-equiv" in tag.attributes).attributes["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy and "connect-src" not in policy
    assert [element.attributes.get("type") for element in page.all("script")] == ["application/json", None]
    for tag in ("style", "script"):
        element = page.all(tag)[-1]
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert page.values("style") == []  # the policy forbids inline styles


def test_every_link_has_its_target_and_every_id_is_one(case):
    page = case[2]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = {value[1:] for value in page.values("href") if value.startswith("#") and "=" not in value}
    assert targets <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_every_link_to_a_view_names_what_the_cards_have(case):
    page = case[2]
    found = [element for element in page.all("script") if element.attributes.get("type") == "application/json"]
    cards = json.loads(found[0].text)["cards"] if found else []
    has = {
        "rule": {rule for card in cards for rule in card["rules"]},
        "label": {card["label"] for card in cards},
        "suggested": {card["suggested"] for card in cards},
    }

    for value in page.values("href"):
        if value.startswith("#") and "=" in value:
            for name, wanted in parse_qsl(value[1:], strict_parsing=True):
                assert wanted in has[name], value


def test_the_printed_sheet_is_part_of_the_page(case):
    style = case[2].all("style")[0].text

    assert "@media print" in style and "nth-child(n + 25 of .card:not([hidden]))" in style


def test_every_finding_has_its_place(case):
    audit, _, page = case
    assert {f"f-{finding.id}" for finding in audit.findings} <= set(page.values("id"))


def test_headings_go_down_one_level_at_a_time(case):
    levels = [int(element.tag[1]) for element in case[2].elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_landmarks_are_there_and_pictures_are_described(case):
    page = case[2]
    assert [len(page.all(tag)) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    for picture in page.all("img"):
        kind = picture.attributes.get("class", "")
        if picture.attributes["alt"] == "":     # it says again what stands beside it, or waits for the script
            assert "photo" in kind or "heat" in kind
    cards = [picture for picture in page.all("img") if "data-layer" in picture.attributes]
    assert all(picture.attributes["alt"] for picture in cards)
    described = [picture for picture in page.all("img") if picture.attributes["alt"].startswith("The image ")]
    assert len(described) >= len([each for each in page.all("li") if "data-key" in each.attributes])
    for svg in page.all("svg"):
        assert svg.attributes.get("aria-hidden") == "true" or svg.attributes.get("aria-label")


def test_same_audit_gives_the_same_page(case):
    assert render_html(case[0]) == case[1]


def test_page_is_written_as_index_html(case, tmp_path):
    path = write_html(case[0], tmp_path / "name" / "run")

    assert path == tmp_path / "name" / "run" / "index.html"
    assert path.read_text(encoding="utf-8") == case[1]


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_from_anywhere_is_only_ever_text(attack, audit):
    audit = _poisoned(audit, attack)

    page = Document(render_html(audit))

    assert (len(page.all("script")), len(page.all("style"))) == (2, 1)
    assert len(page.all("title")) == 1 + 2                      # two columns of a histogram say what they are
    assert len(page.all("img")) == _pictures(audit)
    assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
    assert not [value for value in page.values("href") if value.startswith("javascript")]
    audit_symbols = 1 + len({each.thumbnail for group in audit.copies.values() for each in group})
    audit_symbols += len(set(audit.examples.values()))
    assert [len(page.all(tag)) for tag in ("image", "symbol")] == [audit_symbols, audit_symbols + 1]
    assert page.text.count(attack) > 50
    assert "49" not in page.all("h1")[0].text


def test_names_that_mislead_are_spelt_out(audit):
    page = Document(render_html(audit))

    assert "dogs/invoice\u27e8U+202E\u27e9gnp.exe.png" in page.text
    assert scanned.EMOJI in page.text
    assert scanned.LONG in page.text
    assert scanned.TEMPLATE in page.text
    assert scanned.BROKEN in page.text                          # a scan has written it out already


def test_bytes_that_no_file_can_hold_are_spelt_out_where_an_audit_has_them(audit):
    raw = tuple(replace(found, file=scanned.ON_DISK) for found in audit.findings if found.file == scanned.BROKEN)

    source = render_html(replace(audit, findings=raw))

    source.encode("utf-8")
    assert "line\u240afeed \u241b[31m\u27e8byte FF\u27e9.png" in Document(source).text


def test_every_name_from_outside_is_isolated_for_bidirectional_text(audit):
    page = Document(render_html(replace(audit, name="\u05e9\u05dc\u05d5\u05dd")))

    isolated = {element.text for element in page.all("bdi")}
    reasons = {reason for _, reason in audit.skipped}
    assert {"\u05e9\u05dc\u05d5\u05dd", audit.root, *audit.classes, scanned.EMOJI, *reasons} <= isolated


def _poisoned(audit: Audit, attack: str) -> Audit:
    """The audit in which everything that comes from outside says the same bad thing; one picture has no heatmap."""
    audit = derived.altered(derived.all_plots(audit))
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
    thumbnail = next(iter(audit.evidence.values())).similar[0].thumbnail
    near = (Neighbour(attack, attack + "2", 0.5, thumbnail), Neighbour(attack, None, 0.5, None))
    pictures = {
        file: replace(
            shown,
            probabilities=((attack, 0.7), (attack + "2", 0.3)),
            source=attack,
            similar=near,
            of_given=near,
            of_suggested=near,
            heatmaps=tuple(
                replace(layer, subject=attack, against=layer.against and attack) for layer in shown.heatmaps
            ),
        )
        for file, shown in audit.evidence.items()
    }
    first = next(iter(pictures))
    pictures[first] = replace(pictures[first], heatmaps=())
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
        additions=(_poisoned_view(audit, attack),),
        charts={
            finding: replace(
                chart,
                title=attack,
                labels=tuple(label and attack for label in chart.labels),
                series=tuple(Series(attack, series.values) for series in chart.series),
                marked=(attack,),
            )
            for finding, chart in audit.charts.items()
        },
        copies={
            finding: tuple(
                replace(copy, file=attack, label=f"{attack}{place}", split=attack, kind=attack)
                for place, copy in enumerate(group)
            )
            for finding, group in audit.copies.items()
        },
    )


def _poisoned_view(audit: Audit, attack: str) -> ImageNetView:
    view = audit.addition(ImageNetView)
    classes = tuple(
        replace(seen, label=attack, names=tuple(replace(name, synset=attack, name=attack) for name in seen.names))
        for seen in view.classes
    )
    absurdities = tuple(
        replace(each, file=attack, label=attack, name=attack, synset=attack) for each in view.absurdities
    )
    return replace(view, classes=classes, absurdities=absurdities)


def _pictures(audit: Audit) -> int:
    """How many the page has: of cards with their heatmaps, of the first screen, of the enlarged view, of what differs
    in copies, and of the ImageNet section.
    """
    cards = 1 + 2 + sum(1 + len(shown.heatmaps) for shown in audit.evidence.values())
    cards += sum(copy.difference is not None for group in audit.copies.values() for copy in group)
    return cards + sum(1 + (each.overlay is not None) for each in audit.addition(ImageNetView).absurdities)
