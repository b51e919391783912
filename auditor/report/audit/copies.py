"""The same picture more than once: groups side by side, each copy with what differs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import CopyPicture, Finding
from auditor.report.audit.lines import FindingLine, Placement, anchor
from auditor.report.audit.rows import SEVERITIES
from auditor.report.audit.similar import NO_PICTURE
from auditor.report.shared.parts import Link
from auditor.runs.files import FINDINGS
from auditor.text import count, data_uri, number, percent, visible

#: How a copy is the same picture as the first one, in words.
_HOW = {
    "bytes": "the same file",
    "pixels": "the same pixels",
    "altered": "altered",
    "mirrored": "mirrored",
}


@dataclass(frozen=True)
class CopyTile:
    """One image of a group. `difference` is a picture, "" where there is none to show; `apart`: a label or split that
    the first one does not have; `link`: fragment of a finding about this image alone.
    """

    symbol: str
    alt: str
    file: str
    label: str
    split: str
    other_label: bool
    other_split: bool
    how: str
    difference: str
    difference_alt: str
    link: str


@dataclass(frozen=True)
class CopyGroup:
    """Images that are the same picture.

    `sides` are the labels or the splits, as `tag` says, that they are torn between, with `sign` between them; `tag` is
    "" where they all agree.
    """

    line: FindingLine
    sides: tuple[str, ...]
    tag: str
    sign: str
    tiles: tuple[CopyTile, ...]
    more: str


@dataclass(frozen=True)
class CopySection:
    """All groups that have pictures, the most severe first."""

    count: str
    intro: str
    groups: tuple[CopyGroup, ...]


def copy_section(placement: Placement, anchors: Mapping[bytes, str]) -> CopySection | None:
    """The groups of the page; None where there are none.

    Args:
        placement: Where the findings are.
        anchors: Thumbnail -> its symbol.
    """
    if not placement.groups:
        return None
    conflicts = placement.audit.rules_of("conflict")
    same = placement.audit.rules_of("copies") | conflicts
    found = [finding for finding in placement.audit.findings if finding.rule in same and finding.related]
    left = len(found) - len(placement.groups)
    more = f" {count(left, 'more group')} without pictures below, or in {FINDINGS}." if left > 0 else ""
    worst_first = sorted(placement.groups, key=lambda finding: SEVERITIES.index(finding.severity))
    groups = tuple(_group(placement, anchors, finding, finding.rule in conflicts) for finding in worst_first)
    altered = any(tile.difference for group in groups for tile in group.tiles)
    beside = "Beside a copy stands what differs: grey where it equals the first image." if altered else ""
    return CopySection(number(len(groups)), f"{beside}{more}".strip(), groups)


def _group(placement: Placement, anchors: Mapping[bytes, str], finding: Finding, is_conflict: bool) -> CopyGroup:
    pictures = placement.audit.copies[finding.id]
    first, *others = pictures
    tiles = [_tile(placement, anchors, first, None)]
    tiles += [_tile(placement, anchors, copy, first) for copy in others]
    labels, splits = _distinct([copy.label for copy in pictures]), _distinct([copy.split for copy in pictures])
    by_split = len(splits) > 1 and not is_conflict
    sides, tag, sign = (splits, "splits", "\u2194") if by_split else (labels, "labels", "\u2260")
    left = 1 + len(finding.related) - len(pictures)
    return CopyGroup(
        line=placement.line(finding),
        sides=sides,
        tag=tag if len(sides) > 1 else "",
        sign=sign,
        tiles=tuple(tiles),
        more=f"and {count(left, 'more copy', 'more copies')}, listed in {FINDINGS}" if left > 0 else "",
    )


def _tile(
    placement: Placement, anchors: Mapping[bytes, str], copy: CopyPicture, first: CopyPicture | None
) -> CopyTile:
    name, label, split = visible(copy.file), visible(copy.label or ""), visible(copy.split or "")
    traits = [f"labelled {label}"] if label else []
    traits += [f"in {split}"] if split else []
    traits += ["which could not be read again"] if copy.thumbnail is None else []
    how = "first image" if first is None else _how(copy)
    return CopyTile(
        symbol=NO_PICTURE if copy.thumbnail is None else anchors[copy.thumbnail],
        alt=", ".join((f"{name}", how, *traits)),
        file=name,
        label=label,
        split=split,
        other_label=first is not None and copy.label != first.label,
        other_split=first is not None and copy.split != first.split,
        how=how,
        difference="" if copy.difference is None else data_uri(copy.difference),
        difference_alt="" if first is None else f"What differs between {name} and {visible(first.file)}",
        link=placement.files[copy.file] if copy.file in placement.cards else "",
    )


def _how(copy: CopyPicture) -> str:
    how = visible(_HOW.get(copy.kind, copy.kind))
    exact = copy.similarity >= 1 or not math.isfinite(copy.similarity)
    return how if exact else f"{how}, {percent(copy.similarity)} alike"


def _distinct(names: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(visible(name) for name in names if name is not None))


def group_links(placement: Placement) -> dict[str, tuple[Link, ...]]:
    """File -> links to the groups that show it, as its card has them."""
    links: dict[str, tuple[Link, ...]] = {}
    for finding in placement.groups:
        link = Link(anchor(finding), placement.titles[finding.rule])
        for copy in placement.audit.copies[finding.id]:
            links[copy.file] = (*links.get(copy.file, ()), link)
    return links
