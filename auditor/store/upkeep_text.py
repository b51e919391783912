"""What the upkeep of a store found, as lines for the terminal."""

from collections.abc import Iterator

from auditor.store.pruning import Pruned
from auditor.store.upkeep import Checked, Contents
from auditor.text import shown


def contents_text(found: Contents) -> Iterator[str]:
    """The lines of `auditor cache info`."""
    yield f"{shown(str(found.folder))}: {_count(found.images, 'image')}, {_size(found.size)}"
    for source, files in found.sources.items():
        yield f"  {shown(source)}: {_count(files, 'file')}"
    for level in found.levels:
        used = f"last used {level.used:%Y-%m-%d}"
        yield f"  {level.name}: {_count(level.results, 'image')}, {_size(level.size)}, {used}"
    if found.runs:
        yield f"  reports that can be written again: {_count(found.runs, 'run')}, {_size(found.runs_size)}"


def pruned_text(done: Pruned) -> str:
    """The line of `auditor cache prune`."""
    forgot = f"{_count(done.images, 'image')} and {_count(done.results, 'result')}"
    if done.audits:
        forgot += f", and what the reports of {_count(done.audits, 'removed run')} said"
    return f"forgot {forgot}: {_size(done.before)} before, {_size(done.after)} now"


def checked_text(found: Checked) -> Iterator[str]:
    """The lines of `auditor cache verify`."""
    yield from found.wrong
    yield f"{_count(found.sound, 'result')} {'is' if found.sound == 1 else 'are'} what was written"
    if found.removed:
        yield f"{_count(found.removed, 'result')} removed, because damaged: the next scan computes them again"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
