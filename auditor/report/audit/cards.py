"""The flagged images that have pictures: one card each, the findings of a file merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from auditor.audit import Audit, Evidence, Finding, HeatLayer, labels_of
from auditor.heatmaps.grad_cam import contrast_legend
from auditor.report.audit.copies import GroupLink
from auditor.report.audit.lines import STATUSES, FindingLine, Placement
from auditor.report.audit.properties import PropertyRow
from auditor.report.audit.similar import Similar, similar
from auditor.report.shared.assets import Assets
from auditor.report.shared.parts import OCCLUSION, Bar
from auditor.text import number, percent, visible, whole_percent

PREDICTION_COLUMNS = ("split", "format", "width", "height", "p_given", "oof_p_given", "predicted", "confidence")
#: The box of a picture is so much wider than high; a wider picture fills its width, another its height.
_WIDE = 4 / 3


@dataclass(frozen=True)
class Word:
    """A piece of a caption: a class is printed strongly, its colour in the picture as a small square before it."""

    text: str
    is_class: bool = False
    colour: str = ""


@dataclass(frozen=True)
class Photo:
    """A picture as the page links it; `shape` is "wide" or "upright", by which it fills its box."""

    source: str
    width: int
    height: int
    alt: str
    shape: str


@dataclass(frozen=True)
class Heat:
    """A heatmap over the photo, clear where it is cold; `name` says in short what it shows, `caption` in full."""

    source: str
    name: str
    caption: tuple[Word, ...]


@dataclass(frozen=True)
class Chance:
    """The one probability of a card: of which class, and by whom."""

    share: float
    name: str
    by: str


@dataclass(frozen=True)
class Card:
    """One flagged image.

    `reason` is what stands out, `why` the rest of a line about it; `groups` lead to the same picture elsewhere.
    """

    key: str
    photo: Photo
    heats: tuple[Heat, ...]
    label: str
    suggested: str
    severity: str
    anchor: str
    reason: str
    why: str
    status: str
    file: str
    facts: tuple[str, ...]
    bars: tuple[Bar, ...]
    source: str
    similar: Similar
    lines: tuple[FindingLine, ...]
    properties: tuple[PropertyRow, ...]
    groups: tuple[GroupLink, ...]


@dataclass(frozen=True)
class CardSources:
    """What cards are made from, besides the placement.

    Attributes:
        assets: Takes the pictures.
        anchors: Small picture -> its symbol on the page.
        rows: File -> its row of the predictions.
        properties: File -> its properties.
        groups: File -> the groups that show it.
    """

    assets: Assets
    anchors: Mapping[bytes, str]
    rows: Mapping[str, Mapping[str, Any]]
    properties: Mapping[str, tuple[PropertyRow, ...]]
    groups: Mapping[str, tuple[GroupLink, ...]]


def make_card(placement: Placement, key: str, file: str, sources: CardSources) -> Card:
    """The card of a file with a picture; `key` is its name on the page."""
    findings, evidence = placement.cards[file], placement.audit.evidence[file]
    row = sources.rows.get(file, {})
    label, suggested = labels_of(findings)
    first = findings[0]
    stands_out, rest = reason(placement, first, evidence, row)
    return Card(
        key=key,
        photo=photo(file, label, evidence, sources.assets),
        heats=tuple(_heat(layer, evidence.method, sources.assets) for layer in evidence.heatmaps),
        label=visible(label or ""),
        suggested=visible(suggested or ""),
        severity=first.severity,
        anchor=placement.line(first).anchor,
        reason=stands_out,
        why=rest,
        status=STATUSES[first.status] if first.status != "new" else "",
        file=visible(file),
        facts=_facts(row),
        bars=_bars(evidence, label, suggested, _given(placement.audit, label, evidence, row)),
        source=BY.get(evidence.source, visible(evidence.source)),
        similar=similar(placement, sources.anchors, evidence, label, suggested),
        lines=tuple(placement.line(finding) for finding in findings),
        properties=sources.properties.get(file, ()),
        groups=sources.groups.get(file, ()),
    )


#: Who gives the probabilities of an image, in plain words.
BY: Mapping[str, str] = {"model": "the model", "out-of-fold probe": "other images"}


def photo(file: str, label: str | None, evidence: Evidence, assets: Assets) -> Photo:
    """The picture itself."""
    labelled = f", labelled {visible(label)}" if label else ""
    return Photo(
        source=assets.link(evidence.thumbnail),
        width=evidence.width,
        height=evidence.height,
        alt=f"The image {visible(file)}{labelled}",
        shape="wide" if evidence.width >= _WIDE * evidence.height else "upright",
    )


def reason(placement: Placement, finding: Finding, evidence: Evidence, row: Mapping[str, Any]) -> tuple[str, str]:
    """Why an image is shown, in a line: what stands out, and the rest. A probability is the only number there is.

    The whole sentence stands further down on the card.
    """
    audit = placement.audit
    found, title = chance(audit, finding, evidence, row), placement.titles[finding.rule]
    if found is None:
        return title, visible(finding.message)
    share = f"{whole_percent(found.share)} {visible(found.name)}"
    if finding.rule in audit.rules_of("doubt"):
        return title, f"at most {whole_percent(found.share)}, by {found.by}"
    return share, f"by {found.by}"


def chance(audit: Audit, finding: Finding, evidence: Evidence, row: Mapping[str, Any]) -> Chance | None:
    """The probability that a finding about a label rests on; None for other findings, and where nothing is known."""
    if finding.rule in audit.rules_of("model"):
        predicted, confidence = row.get("predicted"), row.get("confidence")
        if predicted is None or pd.isna(predicted) or confidence is None or pd.isna(confidence):
            return None
        return Chance(float(confidence), str(predicted), BY["model"])
    if finding.rule in audit.rules_of("doubt") and finding.value is not None:
        matched = audit.model is not None and audit.model.matched
        return Chance(finding.value, "", BY["model" if matched else "out-of-fold probe"])
    if finding.rule not in audit.rules_of("label") or not evidence.probabilities:
        return None
    known = dict(evidence.probabilities)
    name = finding.suggested if finding.suggested in known else evidence.probabilities[0][0]
    return Chance(known[name], name, BY.get(evidence.source, evidence.source))


def _heat(layer: HeatLayer, method: str, assets: Assets) -> Heat:
    """The evidence for a class, or why one class and not the other."""
    subject, against = visible(layer.subject), visible(layer.against or "")
    below, above = contrast_legend()
    source = assets.link(layer.picture)
    if layer.against is None:
        title = _title(method, blank=layer.blank)
        return Heat(source, f"{title} {subject}", (Word(title), Word(subject, is_class=True)))
    if layer.blank:
        words = (Word("Nothing tells"), Word(subject, True), Word("from"), Word(against, True))
        return Heat(source, f"Nothing tells {subject} from {against}", words)
    words = (Word("Why"), Word(subject, True, above), Word("and not"), Word(against, True, below))
    return Heat(source, f"Why {subject} and not {against}", words)


def _title(method: str, *, blank: bool) -> str:
    """What a heatmap shows; its subject follows."""
    if blank:
        return "Nothing speaks for"
    return "Occlusion map for" if method == OCCLUSION else "Evidence for"


def _bars(evidence: Evidence, label: str | None, suggested: str | None, given: float | None) -> tuple[Bar, ...]:
    """The classes with the highest probabilities; the given label is added where it is not among them."""
    pairs = list(evidence.probabilities)
    if pairs and label is not None and given is not None and label not in dict(pairs):
        pairs.append((label, given))
    roles = {suggested: "suggested", label: "given"}
    return tuple(
        Bar(name=visible(name), role=roles.get(name, ""), width=f"{100 * share:.2f}%", text=percent(share))
        for name, share in pairs
    )


def _given(audit: Audit, label: str | None, evidence: Evidence, row: Mapping[str, Any]) -> float | None:
    """The probability of the given label, where those who gave the others call the classes by the same names."""
    by_model = evidence.source == "model"
    given = row.get("p_given" if by_model else "oof_p_given")
    if given is None or pd.isna(given) or (by_model and label not in _model_classes(audit)):
        return None
    return float(given)


def _model_classes(audit: Audit) -> tuple[str, ...]:
    return () if audit.model is None else audit.model.classes


def _facts(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Split, format and size, as far as they are known."""
    known = {key: value for key, value in row.items() if not pd.isna(value)}
    facts = [visible(known[key]) for key in ("split", "format") if key in known]
    if "width" in known and "height" in known:
        facts.append(f"{_whole(known['width'])} \u00d7 {_whole(known['height'])} px")
    return tuple(facts)


def _whole(value: object) -> str:
    return number(int(value)) if isinstance(value, (int, float)) else visible(value)


def prediction_rows(placement: Placement) -> dict[str, dict[str, Any]]:
    """File -> its row of the predictions, as plain Python values, for the files with cards."""
    table = placement.audit.predictions
    if "file" not in table:
        return {}
    table = table[table["file"].isin(list(placement.cards))]
    columns = [name for name in PREDICTION_COLUMNS if name in table]
    values = zip(*(table[name].astype(object).tolist() for name in columns), strict=True)
    return {file: dict(zip(columns, row, strict=True)) for file, row in zip(table["file"], values, strict=False)}
