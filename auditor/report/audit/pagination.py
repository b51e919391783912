"""What goes on which page, so that no page is larger than a mail may be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from html import escape
from itertools import chain

from auditor.audit import Finding
from auditor.report.audit.lines import Placement
from auditor.report.shared.assets import Assets
from auditor.runs.files import page_name
from auditor.text import count, number

#: Shares of the first page that are kept for what is no card, where there is enough of it.
_GROUPS_FIRST, _LINES_FIRST = 0.2, 0.1
_MARKUP = 80                                    # bytes around a text, as the templates write them on average
_AROUND = 20_000                                # bytes that all pages have, beside styles and scripts
_LISTED = 9                                     # pages that are linked one by one


@dataclass(frozen=True)
class Item:
    """Something that goes on one page or another: its bytes there, and the small pictures that it needs."""

    size: int
    pictures: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class PageLink:
    """A page of the report; `href` is "" for the one that is shown, and for a gap in the list."""

    title: str
    href: str
    current: bool = False


@dataclass(frozen=True)
class Pager:
    """What is on this page, and the way to the others."""

    sentence: str
    previous: str
    next: str
    pages: tuple[PageLink, ...]


def weigh(record: object) -> int:
    """Bytes that a record takes on a page: its texts, escaped, and the markup around each."""
    if isinstance(record, str):
        text = record if record.startswith("data:") else escape(record)
        return len(text.encode("utf-8", "replace")) + _MARKUP
    if isinstance(record, Mapping):
        return sum(map(weigh, chain(record.keys(), record.values())))
    if isinstance(record, tuple | list):
        return sum(map(weigh, record))
    if is_dataclass(record):
        return sum(weigh(getattr(record, each.name)) for each in fields(record))
    return _MARKUP if record is not None else 0


@dataclass
class _Room:
    """What is left of a page's bytes; small pictures count once on a page."""

    left: int
    assets: Assets
    seen: set[bytes]

    def take(self, items: Sequence[Item], start: int, share: float = 1.0) -> int:
        """Where the items end that fit, from `start`, into a share of what is left."""
        floor = self.left - int(share * self.left)
        for place in range(start, len(items)):
            new = set(items[place].pictures) - self.seen
            size = items[place].size + sum(_MARKUP + len(self.assets.link(picture)) for picture in new)
            if self.left - size < floor:
                return place
            self.left -= size
            self.seen |= new
        return len(items)


def split(
    cards: Sequence[Item], groups: Sequence[Item], lines: Sequence[Item], front: int, room: int | None, assets: Assets
) -> Iterator[tuple[slice, slice, slice]]:
    """Page after page, the cards, groups and lines that are on it; what no page has room for gets one of its own.

    Args:
        cards, groups, lines: In the order in which they are shown.
        front: Bytes of what is on the first page alone.
        room: Bytes of a page; None for any number.
        assets: Takes the small pictures.
    """
    ends = [0, 0, 0]
    queues = (cards, groups, lines)
    if room is None:
        yield slice(0, len(cards)), slice(0, len(groups)), slice(0, len(lines))
        return
    is_first = True
    while is_first or any(end < len(queue) for end, queue in zip(ends, queues, strict=True)):
        starts = list(ends)
        left = _Room(room - _AROUND - (front if is_first else 0), assets, set())
        if is_first:
            ends[2] = left.take(lines, 0, _LINES_FIRST)
            ends[1] = left.take(groups, 0, _GROUPS_FIRST)
        for kind in range(3):
            ends[kind] = left.take(queues[kind], ends[kind])
            if ends[kind] < len(queues[kind]):
                break
        if ends == starts and not is_first:
            kind = next(kind for kind in range(3) if ends[kind] < len(queues[kind]))
            ends[kind] += 1
        is_first = False
        yield tuple(slice(start, end) for start, end in zip(starts, ends, strict=True))     # type: ignore[misc]


def parts(whole: Placement, slices: Sequence[tuple[slice, slice, slice]]) -> tuple[Placement, ...]:
    """The placement of each page: what is on it, and where everything else is."""
    files, lines = list(whole.cards), table_lines(whole)
    page_of: dict[str, int] = {}
    for page, (of_cards, of_groups, of_lines) in enumerate(slices, 1):
        for finding in chain(
            chain.from_iterable(whole.cards[file] for file in files[of_cards]),
            whole.groups[of_groups],
            (finding for _, finding in lines[of_lines]),
        ):
            page_of[finding.id] = page
    page_of |= {finding.id: 1 for finding in whole.general}
    return tuple(
        replace(
            whole,
            cards={file: whole.cards[file] for file in files[of_cards]},
            groups=whole.groups[of_groups],
            not_decoded=_of(lines[of_lines], "not_decoded"),
            plain=_of(lines[of_lines], "plain"),
            accepted=_of(lines[of_lines], "accepted"),
            page_of=page_of,
            number=page,
        )
        for page, (of_cards, of_groups, of_lines) in enumerate(slices, 1)
    )


def table_lines(whole: Placement) -> list[tuple[str, Finding]]:
    """The lines of all tables in their order, each with its table."""
    return [
        (table, finding)
        for table, findings in (
            ("not_decoded", whole.not_decoded), ("plain", whole.plain), ("accepted", whole.accepted),
        )
        for finding in findings
    ]  # fmt: skip


def _of(lines: Sequence[tuple[str, Finding]], table: str) -> tuple[Finding, ...]:
    return tuple(finding for name, finding in lines if name == table)


def pager(pages: Sequence[Placement], page: int, total: int) -> Pager:
    """What a page says of itself and of the others.

    Args:
        pages: All.
        page: Its number.
        total: Images with cards on all pages.
    """
    shown = len(pages[page - 1].cards)
    before = sum(len(each.cards) for each in pages[: page - 1])
    last = len(pages)
    if last == 1:
        sentence = f"{count(total, 'image')}, worst first." if total > 1 else ""
    elif shown:
        sentence = f"Showing {number(before + 1)} to {number(before + shown)} of {count(total, 'image')}, worst first."
    else:
        before_it = f" {count(total, 'image')} with pictures are on the pages before." if total else ""
        sentence = f"Page {page} of {last}.{before_it}"
    listed = range(1, last + 1)
    if last > _LISTED:
        near = {1, last, *range(max(1, page - 2), min(last, page + 2) + 1)}
        listed_pages = sorted(near)
    else:
        listed_pages = list(listed)
    links: list[PageLink] = []
    for place, each in enumerate(listed_pages):
        if place and each > listed_pages[place - 1] + 1:
            links.append(PageLink("\u2026", ""))
        links.append(PageLink(number(each), "" if each == page else page_name(each), each == page))
    return Pager(
        sentence=sentence,
        previous=page_name(page - 1) if page > 1 else "",
        next=page_name(page + 1) if page < last else "",
        pages=tuple(links) if last > 1 else (),
    )
