"""The images that look most like a flagged one, and its nearest of the given and of the suggested class.

A thumbnail is often shown several times: each is in the page once, as an SVG symbol that its tiles refer to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import CopyPicture, Evidence, Neighbour
from auditor.report.audit.lines import Placement
from auditor.report.shared.assets import Assets
from auditor.text import decimal, visible

#: The symbol of an image that could not be read again.
NO_PICTURE = "no-picture"


@dataclass(frozen=True)
class Symbol:
    """A thumbnail that is in the page once; `anchor` is what its tiles refer to."""

    anchor: str
    source: str


@dataclass(frozen=True)
class NeighbourTile:
    """A neighbour. `symbol` is its thumbnail, `link` leads to its own finding, "" where it has none.

    `role` is "given" or "suggested" where its label is that class of the card, else ""; `differs`: its label is not
    the given one.
    """

    symbol: str
    alt: str
    hint: str
    label: str
    role: str
    differs: bool
    link: str


@dataclass(frozen=True)
class NeighbourStrip:
    """Neighbours in a row under a title that may end in a class; `remark` is what they say, or why there are none."""

    title: str
    subject: str
    remark: str
    tiles: tuple[NeighbourTile, ...]


@dataclass(frozen=True)
class Similar:
    """All neighbours of a card: the strip, and the two that compare the given with the suggested class."""

    strip: NeighbourStrip | None
    compared: tuple[NeighbourStrip, ...]


def symbols(anchors: Mapping[bytes, str], assets: Assets) -> tuple[Symbol, ...]:
    """Every small picture of the page, once."""
    return tuple(Symbol(anchor, assets.link(picture)) for picture, anchor in anchors.items())


def symbol_anchors(placement: Placement) -> dict[bytes, str]:
    """Thumbnail -> t0, t1, ...: of neighbours on cards, of copies, and on the first page of the data set's examples."""
    audit = placement.audit
    small = [picture for file in placement.cards for picture in near_pictures(audit.evidence[file])]
    small += [picture for finding in placement.groups for picture in copy_pictures(audit.copies[finding.id])]
    examples = audit.examples.values() if placement.number == 1 else ()
    return {picture: f"t{place}" for place, picture in enumerate(dict.fromkeys((*small, *examples)))}


def near_pictures(evidence: Evidence) -> tuple[bytes, ...]:
    """The neighbours' thumbnails, as far as there are any."""
    near = (*evidence.similar, *evidence.of_given, *evidence.of_suggested)
    return tuple(neighbour.thumbnail for neighbour in near if neighbour.thumbnail is not None)


def copy_pictures(group: Sequence[CopyPicture]) -> tuple[bytes, ...]:
    """The thumbnails of a group, as far as there are any."""
    return tuple(copy.thumbnail for copy in group if copy.thumbnail is not None)


def similar(
    placement: Placement, anchors: Mapping[bytes, str], evidence: Evidence, label: str | None, suggested: str | None
) -> Similar:
    """What the neighbours of one image show; strips without a neighbour are left out.

    Args:
        placement: Where the findings of the neighbours are.
        anchors: Thumbnail -> its symbol.
        evidence: The image's own.
        label: The class that the data set gives it.
        suggested: The class that a rule suggests.
    """

    def tiles(neighbours: Sequence[Neighbour]) -> tuple[NeighbourTile, ...]:
        return tuple(_tile(placement, anchors, neighbour, label, suggested) for neighbour in neighbours)

    strip = NeighbourStrip("Most similar images", "", _remark(evidence.similar, label), tiles(evidence.similar))
    compared: tuple[NeighbourStrip, ...] = ()
    if suggested is not None and (evidence.of_given or evidence.of_suggested):
        pairs = ((label, evidence.of_given), (suggested, evidence.of_suggested))
        compared = tuple(
            NeighbourStrip(
                "Nearest of", visible(name), "" if near else "There is no other image of this class.", tiles(near)
            )
            for name, near in pairs
            if name is not None
        )
    return Similar(strip if strip.tiles else None, compared)


def _tile(
    placement: Placement, anchors: Mapping[bytes, str], neighbour: Neighbour, label: str | None, suggested: str | None
) -> NeighbourTile:
    differs = None not in (label, neighbour.label) and neighbour.label != label
    name = visible(neighbour.file)
    labelled = "without a label" if neighbour.label is None else f"labelled {visible(neighbour.label)}"
    other = f", not {visible(label)}" if differs else ""
    unread = ", which could not be read again" if neighbour.thumbnail is None else ""
    roles = {suggested: "suggested", label: "given"}
    return NeighbourTile(
        symbol=NO_PICTURE if neighbour.thumbnail is None else anchors[neighbour.thumbnail],
        alt=f"{name}, {labelled}{other}{unread}",
        hint=f"{name}, similarity {decimal(neighbour.similarity)}",
        label="no label" if neighbour.label is None else visible(neighbour.label),
        role="" if neighbour.label is None else roles.get(neighbour.label, ""),
        differs=differs,
        link=placement.file_href(neighbour.file),
    )


def _remark(neighbours: Sequence[Neighbour], label: str | None) -> str:
    """How many of the neighbours carry the given label."""
    if label is None or not neighbours:
        return ""
    same, total = sum(neighbour.label == label for neighbour in neighbours), len(neighbours)
    if total == 1:
        return "it has the given label" if same else "it does not have the given label"
    amount = {0: f"none of {total} has", 1: f"1 of {total} has", total: f"all {total} have"}
    return f"{amount.get(same, f'{same} of {total} have')} the given label"
