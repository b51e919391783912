"""The page of a folder: its images with thumbnails, each a link to its own page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from auditor import __version__
from auditor.explain.gallery import Drawn, Gallery
from auditor.explain.look import Look
from auditor.explain.model import Model
from auditor.explain.pages.parts import STYLES, CaptionedPicture, figure_of, model_parts
from auditor.explain.pages.sentences import GLOSSARY, model_facts, run_facts
from auditor.explain.pictures import fit
from auditor.explain.request import Request
from auditor.report.shared.facts import Fact, Skipped, Term, facts, skipped
from auditor.report.shared.html import render
from auditor.report.shared.parts import Link, Stop, heat_stops
from auditor.text import count, number, percent, shown, visible

_THUMBNAIL = 240                                                # pixels


@dataclass(frozen=True)
class IndexEntry:
    """One image of the page of a folder."""

    page: str
    file: str
    answer: str
    share: str
    given: str
    differs: bool
    image: CaptionedPicture
    overlay: CaptionedPicture

    @classmethod
    def of(cls, seen: Look, gallery: Gallery, page: str) -> Self:
        """An entry from what the model sees; its pictures are small copies."""
        best, name = seen.ranked[0], visible(seen.read.source.file)
        given = seen.given
        return cls(
            page=page,
            file=name,
            answer=visible(best.name),
            share=percent(best.probability),
            given="" if given is None else visible(given.name),
            differs=given is not None and given.index != best.index,
            image=figure_of(_small(gallery.original), f"The image {name}", ""),
            overlay=figure_of(
                _small(gallery.classes[0].overlay),
                f"Heatmap over {name}: where the evidence for {visible(best.name)} lies",
                "",
            ),
        )


@dataclass(frozen=True)
class IndexPage:
    """Everything that `explain_index.html.j2` prints."""

    title: str
    name: str
    path: str
    model: tuple[str, ...]
    headline: str
    rest: str
    also: str
    links: tuple[Link, ...]
    heat: tuple[Stop, ...]
    colours: str
    entries: tuple[IndexEntry, ...]
    entries_count: str
    unreadable: tuple[Skipped, ...]
    unreadable_count: str
    model_facts: tuple[Fact, ...]
    guessed: tuple[Fact, ...]
    run: tuple[Fact, ...]
    glossary: tuple[Term, ...]
    version: str


def render_index(
    request: Request, model: Model, entries: Sequence[IndexEntry], total: int, unread: Sequence[tuple[str, str]]
) -> str:
    """The page of a folder as HTML.

    Args:
        request: What was asked for.
        model: The model that is explained.
        entries: The images, in the order of their names.
        total: How many images the folder holds.
        unread: Files that could not be read, with the reason.
    """
    differ = sum(entry.differs for entry in entries)
    folder = shown(request.source.absolute().name)
    page = IndexPage(
        title=f"{visible(folder)}: {count(len(entries), 'image')} explained",
        name=visible(folder),
        path=shown(str(request.source)),
        model=model_parts(model),
        headline=number(len(entries)),
        rest=f" {'image' if len(entries) == 1 else 'images'} explained.",
        also=_index_remark(request, len(entries) + len(unread), total, differ),
        links=_index_links(entries, unread),
        heat=heat_stops(request.colours),
        colours=request.colours,
        entries=tuple(entries),
        entries_count=number(len(entries)),
        unreadable=skipped(tuple(unread)),
        unreadable_count=number(len(unread)),
        model_facts=model_facts(model),
        guessed=facts(model.backend.card.guessed),
        run=run_facts(request),
        glossary=GLOSSARY,
        version=visible(__version__),
    )
    return render("explain_index.html.j2", page, styles=STYLES)


def _index_remark(request: Request, looked: int, total: int, differ: int) -> str:
    parts = []
    if looked < total:
        spread = f"these are spread evenly over their names (--limit {request.limit})."
        parts.append(f"The folder holds {number(total)}; {spread}")
    if differ:
        parts.append(f"{count(differ, 'image')} where the model predicts another class than the folder names.")
    return " ".join(parts)


def _index_links(entries: Sequence[IndexEntry], unread: Sequence[tuple[str, str]]) -> tuple[Link, ...]:
    links = [Link("images", "Images", number(len(entries)))] if entries else []
    if unread:
        links.append(Link("unreadable", "Unreadable", number(len(unread))))
    return (*links, Link("model", "Model"), Link("reading", "How to read"))


def _small(drawn: Drawn) -> Drawn:
    return replace(drawn, pixels=fit(drawn.pixels, _THUMBNAIL))
