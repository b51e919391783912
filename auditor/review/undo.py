"""`auditor undo`: everything that a journal says is put back, whatever came in the middle of it."""

import os
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import Incomplete, InputError
from auditor.review.folders import restore_folders
from auditor.review.home import Home
from auditor.review.journal import Journal, Step, journals_of, read_journal
from auditor.review.kept import take_back
from auditor.review.lines import appending
from auditor.review.moving import is_same_file, relocate
from auditor.text import shown, some


@dataclass(frozen=True)
class Undone:
    """What was put back.

    Attributes:
        journal: Whose.
        back: How many files.
        refused: (file, reason) of those that are where they were.
        before: It was undone before, and nothing was done now.
        wrote: A file or folder that the apply wrote, which stays; None where it wrote none.
        notes: Sentences for the user.
    """

    journal: str
    back: int
    refused: tuple[tuple[str, str], ...]
    before: bool
    wrote: str | None
    notes: tuple[str, ...]


def undo(home: Home, identity: str | None) -> Undone:
    """Undoes an apply; where that was done before, or in part, the rest.

    Args:
        home: Where its journal lies.
        identity: Of the journal; None is the last one that was not undone.

    Raises:
        InputError: there is no such journal, it cannot be read, or another apply or undo is at work.
        Incomplete: interrupted; what is left can be undone again.
    """
    journal = _last(home) if identity is None else read_journal(home, identity)
    if journal.taken_back:
        return Undone(journal.header.id, 0, (), before=True, wrote=journal.header.wrote, notes=())
    if journal.steps and not journal.root.is_dir():
        raise InputError(f"the data set is not at {shown(journal.header.root)} any more; put it back there first")
    with home.at_work(journal.root):
        journal = read_journal(home, journal.header.id)         # as it is now that nobody else writes it
        try:
            return _put_all_back(journal)
        except KeyboardInterrupt as interruption:
            raise Incomplete(
                f"{str(interruption) or 'interrupted'}; run `auditor undo {journal.header.id}` again to go on"
            ) from None


def _last(home: Home) -> Journal:
    standing = [journal for journal in journals_of(home) if not journal.taken_back]
    if not standing:
        raise InputError(f"nothing is left to undo for {shown(home.name)}; {home.hint()}")
    return standing[-1]


def _put_all_back(journal: Journal) -> Undone:
    home, header = journal.home, journal.header
    back, refused = 0, []
    with appending(home.journal(header.id)) as lines:
        for step in journal.standing():
            was_there = os.path.lexists(journal.target(step))
            reason = _put_back(journal, step)
            if reason is None:
                lines.add({"undone": step.number})
                back += was_there
            else:
                refused.append((shown(step.source), reason))
        restore_folders(journal.root, home.removed(header.id), header)
        take_back(home, header.id)
        if not refused:
            lines.add({"taken_back": True})
    notes: tuple[str, ...] = ()
    if journal.damaged:
        told = some(map(str, journal.damaged))
        notes = (f"Lines of the journal that cannot be read, so what they say was not undone: {told}.",)
    return Undone(header.id, back, tuple(sorted(refused)), before=False, wrote=header.wrote, notes=notes)


def _put_back(journal: Journal, step: Step) -> str | None:
    """Undoes a step as far as it was done; returns why that cannot be, None where it was or need not be."""
    source, target = journal.source(step), journal.target(step)
    if not _is_below(source, journal.root) or not _is_below(target, _base(journal, step)):
        return "a folder on its path is a link that leads elsewhere"
    try:
        for place in (source, target):
            place.with_name(step.draft).unlink(missing_ok=True)
        if not os.path.lexists(target):
            never = step.number not in journal.ended and os.path.lexists(source)
            return None if never or step.state.is_at(source) else f"{shown(str(target))} is gone"
        if os.path.lexists(source):
            if not is_same_file(source, target) and not (step.state.is_at(source) and step.state.is_at(target)):
                return "something else is at its place now, and is not overwritten"
            target.unlink()
            return None
        if not step.state.holds_same(target):
            return f"{shown(str(target))} was changed since"
        source.parent.mkdir(parents=True, exist_ok=True)
        relocate(target, source, step.draft)
    except OSError as error:
        return f"{shown(str(target))} cannot be put back ({error.strerror})"
    return None


def _base(journal: Journal, step: Step) -> Path:
    return journal.root if step.kind == "move" else journal.home.removed(journal.header.id)


def _is_below(path: Path, root: Path) -> bool:
    """Whether the folder of a path is really below another one, links followed."""
    return Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(root))

