"""The same picture more than once: groups side by side, each copy with what differs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import CopyPicture, Finding
from auditor.report.audit.lines import FindingLine, Placement
from auditor.report.audit.similar import NO_PICTURE
from auditor.report.shared.assets import Assets
from auditor.runs.files import FINDINGS
from auditor.text import count, number, percent, visible

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
    the first one does not have; `link` leads to a finding about this image alone.
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


def copy_section(placement: Placement, groups: Sequence[CopyGroup], total: int) -> CopySection | None:
    """The groups of the page; None where there are none.

    Args:
        placement: The findings of the page.
        groups: Of the page.
        total: Groups with pictures on all pages.
    """
    if not groups:
        return None
    same = placement.audit.rules_of("copies") | placement.audit.rules_of("conflict")
    found = [finding for finding in placement.audit.standing if finding.rule in same and finding.related]
    left, elsewhere = len(found) - total, total - len(groups)
    altered = any(tile.difference for group in groups for tile in group.tiles)
    sentences = (
        "Beside a copy stands what differs: grey where it equals the first image." if altered else "",
        f"{count(elsewhere, 'more group is', 'more groups are')} on the other pages." if elsewhere else "",
        f"{count(left, 'more group')} without pictures in the table at the end." if left > 0 else "",
    )
    return CopySection(number(len(groups)), " ".join(filter(None, sentences)), tuple(groups))


def copy_groups(placement: Placement, anchors: Mapping[bytes, str], assets: Assets) -> tuple[CopyGroup, ...]:
    """The groups of the page.

    Args:
        placement: Where the findings are.
        anchors: Thumbnail -> its symbol.
        assets: Takes the pictures of what differs.
    """
    conflicts = placement.audit.rules_of("conflict")
    return tuple(
        _group(placement, anchors, assets, finding, finding.rule in conflicts) for finding in placement.groups
    )


def _group(
    placement: Placement, anchors: Mapping[bytes, str], assets: Assets, finding: Finding, is_conflict: bool
) -> CopyGroup:
    pictures = placement.audit.copies[finding.id]
    first, *others = pictures
    tiles = [_tile(placement, anchors, assets, first, None)]
    tiles += [_tile(placement, anchors, assets, copy, first) for copy in others]
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
    placement: Placement, anchors: Mapping[bytes, str], assets: Assets, copy: CopyPicture, first: CopyPicture | None
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
        difference="" if copy.difference is None else assets.link(copy.difference),
        difference_alt="" if first is None else f"What differs between {name} and {visible(first.file)}",
        link=placement.card_href(copy.file),
    )


def _how(copy: CopyPicture) -> str:
    how = visible(_HOW.get(copy.kind, copy.kind))
    exact = copy.similarity >= 1 or not math.isfinite(copy.similarity)
    return how if exact else f"{how}, {percent(copy.similarity)} alike"


def _distinct(names: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(visible(name) for name in names if name is not None))


@dataclass(frozen=True)
class GroupLink:
    """The way from a card to a group that shows the same picture, with the group's rule."""

    href: str
    title: str


def group_links(placement: Placement, groups: Sequence[Finding]) -> dict[str, tuple[GroupLink, ...]]:
    """File -> links to the groups that show it, as its card has them; `groups` are those of all pages."""
    links: dict[str, tuple[GroupLink, ...]] = {}
    for finding in groups:
        link = GroupLink(placement.href(finding), placement.titles[finding.rule])
        for copy in placement.audit.copies[finding.id]:
            links[copy.file] = (*links.get(copy.file, ()), link)
    return links
