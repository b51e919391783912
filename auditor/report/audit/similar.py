"""The images that look most like a flagged one, and its nearest of the given and of the suggested class.

A thumbnail is often shown several times: each is in the page once, as an SVG symbol that its tiles refer to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import Evidence, Neighbour
from auditor.report.audit.lines import Placement
from auditor.text import data_uri, decimal, visible

#: The symbol of an image that could not be read again.
NO_PICTURE = "no-picture"


@dataclass(frozen=True)
class Symbol:
    """A thumbnail that is in the page once; `anchor` is what its tiles refer to."""

    anchor: str
    source: str


@dataclass(frozen=True)
class NeighbourTile:
    """A neighbour. `symbol` is its thumbnail, `link` the fragment of its own finding, "" where it has none.

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


def symbols(placement: Placement) -> tuple[Symbol, ...]:
    """Every thumbnail of the page, once."""
    return tuple(Symbol(anchor, data_uri(jpeg)) for jpeg, anchor in symbol_anchors(placement).items())


def symbol_anchors(placement: Placement) -> dict[bytes, str]:
    """Thumbnail -> t0, t1, ...: of the neighbours on cards, of copies, of examples for the data set."""
    audit = placement.audit
    pictures = (audit.evidence[file] for file in placement.cards)
    near = (neighbour for shown in pictures for neighbour in (*shown.similar, *shown.of_given, *shown.of_suggested))
    copies = (copy for finding in placement.groups for copy in audit.copies[finding.id])
    shown = (*(each.thumbnail for each in near), *(copy.thumbnail for copy in copies), *audit.examples.values())
    once = dict.fromkeys(thumbnail for thumbnail in shown if thumbnail is not None)
    return {jpeg: f"t{place}" for place, jpeg in enumerate(once)}


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
        link=placement.files.get(neighbour.file, ""),
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
