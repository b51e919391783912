"""What `auditor apply` and `auditor undo` say."""

import shlex
from collections.abc import Iterator

from auditor.review.apply import Applied, Request
from auditor.review.home import Home
from auditor.review.undo import Undone
from auditor.text import count, shown, visible


def told_apply(applied: Applied, request: Request) -> Iterator[str]:
    """What an apply did, or would do, in lines: each file where nothing was done, the refused ones, the counts."""
    made, home = applied.plan, applied.home
    if request.dry_run:
        yield from _would(applied, request)
    for file, reason in applied.refused:
        yield f"refused: {visible(file)}: {reason}"
    yield from applied.notes
    nothing = made.changes_nothing or not (applied.journal or request.dry_run)
    for word, number in _counts(applied, request).items():
        if number or word not in ("applied before", "refused"):
            yield f"{word:<15}{number:>7}"
    if nothing:
        yield "nothing is left to do: nothing was changed"
    elif request.dry_run:
        yield "dry run: nothing was changed"
    if request.manifest is not None and applied.journal:
        yield f"the corrected table is {shown(str(request.manifest))}; scan it with --name {home.name}"
    if request.into is not None and applied.journal:
        yield (
            f"the corrected tree is {shown(str(request.into))}, hard links to the same files, so edit none of them in "
            f"place; scan it with --name {home.name}"
        )
    if applied.journal:
        yield f"to put everything back: {_undo(home, applied.journal)}"


def told_undo(undone: Undone) -> Iterator[str]:
    """What an undo did, in lines."""
    if undone.before:
        yield f"{undone.journal} was undone before: nothing was changed"
        return
    for file, reason in undone.refused:
        yield f"not put back: {visible(file)}: {reason}"
    yield from undone.notes
    yield f"put back {count(undone.back, 'file')}; what was kept under {undone.journal} is listed again"
    if undone.wrote is not None:
        yield f"{shown(undone.wrote)} was written beside the data set, and stays; it may be deleted"


def _would(applied: Applied, request: Request) -> Iterator[str]:
    for step in applied.plan.steps if request.manifest is None else ():
        if step.kind == "move":
            yield f"would move: {visible(shown(step.source))} -> {visible(shown(step.target))}"
    for decision in applied.plan.moved if request.manifest is not None else ():
        yield f"would relabel: {visible(decision.file)}: {visible(decision.label)} -> {visible(decision.to)}"
    for decision in applied.plan.removed:
        yield f"would remove: {visible(decision.file)}"


def _counts(applied: Applied, request: Request) -> dict[str, int]:
    made = applied.plan
    beside = request.manifest is not None or request.into is not None
    moved = len(made.moved) if beside else sum(step.kind == "move" for step in applied.done)
    removed = len(made.removed) if beside else sum(step.kind == "remove" for step in applied.done)
    return {
        "relabelled": moved,
        "removed": removed,
        "kept": made.keeps,
        "unsure, left": made.unsure,
        "applied before": made.before,
        "refused": len(applied.refused),
    }


def _undo(home: Home, journal: str) -> str:
    words = ["auditor", "undo", journal, "--out", shown(str(home.out)), "--name", home.name]
    return shlex.join(words)
