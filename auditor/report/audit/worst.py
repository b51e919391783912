"""The picture of the first screen: the worst finding, shown."""

from dataclasses import dataclass

from auditor.report.audit.cards import Card, Photo
from auditor.report.audit.copies import CopyGroup


@dataclass(frozen=True)
class Worst:
    """The worst finding. A card has `photo` and `heat`; a group has `tiles`, of which two are shown.

    `why` says what is wrong with it, `href` leads to it.
    """

    href: str
    reason: str
    why: str
    label: str = ""
    suggested: str = ""
    photo: Photo | None = None
    heat: str = ""
    group: CopyGroup | None = None


def worst(cards: tuple[Card, ...], groups: tuple[CopyGroup, ...]) -> Worst | None:
    """The first card, else the first group of copies; None where nothing has a picture."""
    if cards:
        card = cards[0]
        return Worst(
            href=f"#{card.key}",
            reason=card.reason,
            why=card.why,
            label=card.label,
            suggested=card.suggested,
            photo=card.photo,
            heat=card.heats[0].source if card.heats else "",
        )
    if groups:
        group = groups[0]
        return Worst(href=f"#{group.line.anchor}", reason=group.line.rule, why=group.line.message, group=group)
    return None
