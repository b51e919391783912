"""The flagged images that have pictures: one card each, the findings of a file merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from auditor.audit import Audit, ClassView, Evidence, Finding
from auditor.heatmaps.grad_cam import contrast_legend
from auditor.report.audit.copies import group_links
from auditor.report.audit.lines import FindingLine, Placement
from auditor.report.audit.properties import PropertyRow, property_rows
from auditor.report.audit.similar import Similar, similar, symbol_anchors
from auditor.report.shared.parts import OCCLUSION, Bar, Link, PagePicture
from auditor.text import data_uri, number, percent, visible

PREDICTION_COLUMNS = ("split", "format", "width", "height", "p_given", "oof_p_given", "review_rank")


@dataclass(frozen=True)
class Word:
    """A piece of a caption: a class is printed strongly, its colour in the picture as a small square before it."""

    text: str
    is_class: bool = False
    colour: str = ""


@dataclass(frozen=True)
class HeatmapView:
    """A small heatmap, with a caption word by word."""

    source: str
    width: int
    height: int
    alt: str
    caption: tuple[Word, ...]


@dataclass(frozen=True)
class Card:
    """One flagged image.

    `filters` are the keys of the filter buttons that show it; `groups` lead to the same picture further down.
    """

    label: str
    suggested: str
    pictures: tuple[PagePicture, ...]
    views: tuple[HeatmapView, ...]
    bars: tuple[Bar, ...]
    source: str
    similar: Similar
    lines: tuple[FindingLine, ...]
    file: str
    facts: tuple[str, ...]
    filters: str
    hero: bool = False
    properties: tuple[PropertyRow, ...] = ()
    groups: tuple[Link, ...] = ()


@dataclass(frozen=True)
class CardGroup:
    """Cards under one heading."""

    anchor: str
    title: str
    short: str
    count: str
    intro: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Filter:
    """A button that shows the cards of one rule only; the empty key shows all."""

    key: str
    title: str
    count: str


def card_groups(placement: Placement) -> tuple[CardGroup, ...]:
    """Cards with another label suggested first, then the others; the first of all is the hero if it has a heatmap."""
    rows, anchors = _prediction_rows(placement), symbol_anchors(placement)
    properties, links = property_rows(placement.audit, placement.cards), group_links(placement)
    labels: list[Card] = []
    others: list[Card] = []
    for file, findings in placement.cards.items():
        suggests = any(finding.suggested is not None for finding in findings)
        card = _card(placement, file, findings, rows.get(file, {}), anchors)
        card = replace(card, properties=properties.get(file, ()), groups=links.get(file, ()))
        (labels if suggests else others).append(card)
    suggests_none = "No other label is suggested for these." if placement.audit.model is not None else ""
    texts = (
        ("labels", "Labels to check", "Labels", "Worst first: the label in the folder, and the one that fits.", labels),
        ("others", "Other images to look at", "Other images", suggests_none, others),
    )
    groups = [
        CardGroup(key, title, short, number(len(cards)), intro, tuple(cards))
        for key, title, short, intro, cards in texts
        if cards
    ]
    if groups and len(groups[0].cards[0].pictures) > 1:         # one picture alone needs no more room
        hero, *rest = groups[0].cards
        groups[0] = replace(groups[0], cards=(replace(hero, hero=True), *rest))
    return tuple(groups)


def filters(placement: Placement) -> tuple[Filter, ...]:
    """A button for each rule that a card shows, where there is something to choose."""
    shown = [{finding.rule for finding in findings} for findings in placement.cards.values()]
    found = [
        Filter(key, placement.titles[rule], number(sum(rule in rules for rules in shown)))
        for rule, key in _filter_keys(placement).items()
        if any(rule in rules for rules in shown)
    ]
    return (Filter("", "All", number(len(shown))), *found) if len(found) > 1 else ()


def _filter_keys(placement: Placement) -> dict[str, str]:
    """Rule -> r0, r1, ...: keys of our own, because a rule's name is not for us to trust in an attribute list."""
    return {rule: f"r{position}" for position, rule in enumerate(placement.titles)}


def _card(
    placement: Placement,
    file: str,
    findings: Sequence[Finding],
    row: Mapping[str, Any],
    anchors: Mapping[bytes, str],
) -> Card:
    evidence = placement.audit.evidence[file]
    label = next((finding.label for finding in findings if finding.label is not None), None)
    suggested = next((finding.suggested for finding in findings if finding.suggested is not None), None)
    keys = _filter_keys(placement)
    return Card(
        label=visible(label or ""),
        suggested=visible(suggested or ""),
        pictures=_pictures(file, label, evidence),
        views=tuple(_view(file, view, evidence.method) for view in evidence.views),
        bars=_bars(evidence, label, suggested, _given(placement.audit, label, evidence, row)),
        source=visible(evidence.source),
        similar=similar(placement, anchors, evidence, label, suggested),
        lines=tuple(placement.line(finding) for finding in findings),
        file=visible(file),
        facts=_facts(row),
        filters=" ".join(dict.fromkeys(keys[finding.rule] for finding in findings)),
    )


def _pictures(file: str, label: str | None, evidence: Evidence) -> tuple[PagePicture, ...]:
    name = visible(file)
    labelled = f", labelled {visible(label)}" if label else ""
    picture = PagePicture(
        source=data_uri(evidence.thumbnail),
        width=evidence.width,
        height=evidence.height,
        alt=f"The image {name}{labelled}",
        caption="Image",
    )
    if evidence.overlay is None:
        return (picture,)
    subject = visible(evidence.heatmap_class or "")
    heatmap = PagePicture(
        source=data_uri(evidence.overlay),
        width=evidence.width,
        height=evidence.height,
        alt=_alt(file, subject, evidence.method),
        caption=_title(subject, evidence.method, blank=evidence.blank),
        subject=subject,
    )
    return (picture, heatmap)


def _view(file: str, view: ClassView, method: str) -> HeatmapView:
    """The evidence for another class, or why one class and not the other."""
    subject, against = visible(view.subject), visible(view.against or "")
    below, above = contrast_legend()
    caption: tuple[Word, ...]
    if view.against is None:
        alt = _alt(file, subject, method)
        caption = (Word(_title(subject, method, blank=view.blank)), Word(subject, is_class=True))
    elif view.blank:
        alt = f"Over {visible(file)} nothing tells {subject} from {against}"
        caption = (Word("Nothing tells"), Word(subject, is_class=True), Word("from"), Word(against, is_class=True))
    else:
        alt = f"Over {visible(file)} what speaks for {subject}, orange, rather than for {against}, blue"
        caption = (Word("Why"), Word(subject, True, above), Word("and not"), Word(against, True, below))
    return HeatmapView(data_uri(view.picture), view.width, view.height, alt, caption)


def _title(subject: str, method: str, *, blank: bool) -> str:
    """What a heatmap shows; its subject follows."""
    if blank:
        return "Nothing speaks for" if subject else "No evidence"
    if method == OCCLUSION:
        return "Occlusion map for" if subject else "Occlusion map"
    return "Evidence for" if subject else "Evidence"


def _alt(file: str, subject: str, method: str) -> str:
    wanted = subject or "the prediction"
    if method == OCCLUSION:
        return f"Occlusion map over {visible(file)}: where {wanted} loses when a patch is covered"
    return f"Heatmap over {visible(file)}: where the evidence for {wanted} lies"


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
    """Split, format, size and place in the review, as far as they are known."""
    known = {key: value for key, value in row.items() if not pd.isna(value)}
    facts = [visible(known[key]) for key in ("split", "format") if key in known]
    if "width" in known and "height" in known:
        facts.append(f"{_whole(known['width'])} \u00d7 {_whole(known['height'])} px")
    if "review_rank" in known:
        facts.append(f"no. {_whole(known['review_rank'])} to review")
    return tuple(facts)


def _whole(value: object) -> str:
    return number(int(value)) if isinstance(value, (int, float)) else visible(value)


def _prediction_rows(placement: Placement) -> dict[str, dict[str, Any]]:
    """File -> its row of the predictions, as plain Python values, for the files with cards."""
    table = placement.audit.predictions
    if "file" not in table:
        return {}
    table = table[table["file"].isin(list(placement.cards))]
    columns = [name for name in PREDICTION_COLUMNS if name in table]
    values = zip(*(table[name].astype(object).tolist() for name in columns), strict=True)
    return {file: dict(zip(columns, row, strict=True)) for file, row in zip(table["file"], values, strict=False)}
