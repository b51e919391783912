"""The progress of long loops, which do not know how it is shown."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class Progress:
    """Shows nothing; for library use and tests."""

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yields the items; a subclass shows how many of `total` have passed."""
        yield from items


class TerminalProgress(Progress):
    """A bar on stderr, only if stderr is a terminal."""

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        from tqdm import tqdm

        # disable=None is tqdm's own test for a terminal; the delay keeps short loops silent.
        yield from tqdm(items, total=total, desc=what, unit="", disable=None, delay=1.0, leave=False)
