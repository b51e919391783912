"""The pages as records: every number, sentence and class name of style is made here, templates only loop and print.

Nothing statistical is computed: an audit's own values are counted, formatted and put into words.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.audit import Audit
from auditor.report.audit.cards import Card, CardSources, make_card, prediction_rows
from auditor.report.audit.copies import CopySection, copy_groups, copy_section, group_links
from auditor.report.audit.data import Views, card_data, key, report_data
from auditor.report.audit.front import Front, HeatLegend, build_front, heat_legend, section_links
from auditor.report.audit.headline import verdict
from auditor.report.audit.lines import LineTable, Placement, place, tables
from auditor.report.audit.names import readable_audit
from auditor.report.audit.pagination import Item, Pager, pager, parts, split, table_lines, weigh
from auditor.report.audit.properties import PropertyRow, property_rows
from auditor.report.audit.similar import Symbol, copy_pictures, near_pictures, symbol_anchors, symbols
from auditor.report.shared.assets import Assets
from auditor.report.shared.parts import Link
from auditor.text import count, visible


@dataclass(frozen=True)
class Page:
    """Everything that `report.html.j2` prints. `front` is what only the first page has; `data` is for the script."""

    title: str
    name: str
    calm: bool
    links: tuple[Link, ...]
    version: str
    front: Front | None
    pager: Pager
    total: str
    cards: tuple[Card, ...]
    heat: HeatLegend | None
    copies: CopySection | None
    tables: tuple[LineTable, ...]
    symbols: tuple[Symbol, ...]
    data: Mapping[str, Any]


def build_pages(audit: Audit, assets: Assets, max_bytes: int | None = None, fixed: int = 0) -> tuple[Page, ...]:
    """The pages of a scan, in order: everything about the data set on the first, the images worst first on all.

    Args:
        audit: The scan; the same audit gives the same pages.
        assets: Takes the pictures.
        max_bytes: That no page may be larger than, as far as cards, groups and lines of tables can be moved to another
            one; None puts all on one page.
        fixed: Bytes of what every page has besides its record: styles and scripts.
    """
    named, ids = readable_audit(audit)
    whole = place(named)
    rows, properties = prediction_rows(whole), property_rows(named, whole.cards)
    pages = _paginate(audit, whole, assets, rows, properties, max_bytes, fixed, ids)
    views = Views(audit, pages)
    numbers = range(1, len(pages) + 1)
    return tuple(_page(audit, pages, number, assets, rows, properties, views, ids) for number in numbers)


def _paginate(
    audit: Audit,
    whole: Placement,
    assets: Assets,
    rows: Mapping[str, Mapping[str, Any]],
    properties: Mapping[str, tuple[PropertyRow, ...]],
    max_bytes: int | None,
    fixed: int,
    ids: Mapping[str, str],
) -> tuple[Placement, ...]:
    """The placement of each page: records are made once to see how large they are."""
    everything = parts(whole, [(slice(None), slice(None), slice(None))])[0]
    if max_bytes is None:
        return (everything,)
    anchors = symbol_anchors(everything)
    sources = CardSources(assets, anchors, rows, properties, group_links(everything, whole.groups))
    found = {finding.id: finding for finding in audit.findings}
    cards: list[Item] = []
    first: tuple[Card, ...] = ()
    for number, file in enumerate(whole.cards, 1):
        card = make_card(everything, key(number), file, sources)
        first = first or (card,)
        raw = [found[finding.id] for finding in whole.cards[file]]
        told = json.dumps(card_data(audit, everything, file, number, raw, rows))
        cards.append(Item(weigh(card) + len(told), near_pictures(whole.audit.evidence[file])))
    copies = copy_groups(everything, anchors, assets)
    groups = [
        Item(weigh(group), copy_pictures(whole.audit.copies[finding.id]))
        for group, finding in zip(copies, whole.groups, strict=True)
    ]
    lines = [Item(weigh(whole.line(finding))) for _, finding in table_lines(whole)]
    front = weigh(build_front(everything, first, copies[:1], anchors, assets, Views(audit, (everything,)), ids))
    front += sum(len(assets.link(picture)) for picture in set(whole.audit.examples.values()))
    return parts(whole, list(split(cards, groups, lines, front, max(max_bytes - fixed, 1), assets)))


def _page(
    audit: Audit,
    pages: Sequence[Placement],
    number: int,
    assets: Assets,
    rows: Mapping[str, Mapping[str, Any]],
    properties: Mapping[str, tuple[PropertyRow, ...]],
    views: Views,
    ids: Mapping[str, str],
) -> Page:
    placement = pages[number - 1]
    anchors = symbol_anchors(placement)
    all_groups = [finding for each in pages for finding in each.groups]
    sources = CardSources(assets, anchors, rows, properties, group_links(placement, all_groups))
    before = sum(len(each.cards) for each in pages[: number - 1])
    cards = tuple(
        make_card(placement, key(at), file, sources) for at, file in enumerate(placement.cards, before + 1)
    )
    groups = copy_groups(placement, anchors, assets)
    copies, line_tables = copy_section(placement, groups, len(all_groups)), tables(placement)
    headline = verdict(placement.audit)
    front = build_front(placement, cards, groups, anchors, assets, views, ids) if number == 1 else None
    name = visible(audit.name)
    total = sum(len(each.cards) for each in pages)
    return Page(
        title=f"{name}: {headline.sentence}" if number == 1 else f"{name}, page {number} of {len(pages)}",
        name=name,
        calm=headline.calm,
        links=section_links(cards, copies, line_tables, front),
        version=visible(audit.run.auditor_version),
        front=front,
        pager=pager(pages, number, total),
        total=count(total, "image"),
        cards=cards,
        heat=heat_legend(placement),
        copies=copies,
        tables=line_tables,
        symbols=symbols(anchors, assets),
        data=report_data(audit, pages, number, rows, ids),
    )
