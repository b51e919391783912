"""Pairs of near hashes among millions, in time about n log n and bounded memory.

Near hashes are found by sorting (Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002):
the bytes of all hashes are put into one of several orders, the hashes are sorted, and each is compared with the few
that it lies between. Two hashes that differ in few bits begin alike in at least one of the orders. Whatever a data set
looks like, an image is compared with a bounded number of others.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditor.images.perceptual_hash import BITS, mirrored
from auditor.resources import cores

#: Hashes of two views are near if they differ in at most this many of 256 bits. In 20,000 photographs different
#: pictures differ in at least 70; most altered copies in less than 32.
NEAR = 48
#: Most candidates of an image, the nearest: many pictures of a data set may look alike.
MOST = 16

_BYTES = BITS // 8
_LEAD = 4                                       # bytes that no other order of a shuffle begins with
_PREFIX = 8                                     # bytes that are sorted by
_SHUFFLES, _ASKING = 3, 2                       # in the first of them, queries are compared too
_WINDOW = 3                                     # hashes on either side that one is compared with, in each order
_SEED = 20
_BLOCK = 1 << 18                                # hashes that are compared at once
# A pair, its distance and whether a view is mirrored, packed into one integer that can be sorted.
_CODES = 1 << 10


@dataclass(frozen=True)
class Views:
    """E views of images: several of an image, each with a hash.

    Attributes:
        rows: (E,) the image.
        hashes: (E, 4) uint64.
        mirror: (E,) bool, whether the view is mirrored.
    """

    rows: NDArray[np.intp]
    hashes: NDArray[np.uint64]
    mirror: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: NDArray[np.intp], hashes: NDArray[np.uint64]) -> "Views":
        """Views that are not mirrored."""
        return cls(rows, hashes, np.zeros(len(rows), bool))

    def take(self, places: NDArray[np.intp] | slice) -> "Views":
        """Some of them."""
        return Views(self.rows[places], self.hashes[places], self.mirror[places])

    def with_mirrored(self) -> "Views":
        """The same views, and their mirror images."""
        return Views(
            np.concatenate([self.rows, self.rows]),
            np.concatenate([self.hashes, mirrored(self.hashes)]),
            np.concatenate([self.mirror, ~self.mirror]),
        )


@dataclass(frozen=True)
class Candidates:
    """P pairs of images that may be the same picture; each pair once.

    Attributes:
        first, second: (P,) rows, the smaller first; ascending.
        distance: (P,) number of bits in which their nearest views differ.
        mirror: (P,) bool, whether one of those two views is mirrored.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    distance: NDArray[np.intp]
    mirror: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    def where(self, kept: NDArray[np.bool_]) -> "Candidates":
        """Those of them that are kept (P,)."""
        return Candidates(self.first[kept], self.second[kept], self.distance[kept], self.mirror[kept])


def near_views(
    stored: Views, queries: Sequence[Views] = (), near: int = NEAR, most: int = MOST, threads: int | None = None
) -> Candidates:
    """Finds pairs of images that have near views.

    Args:
        stored: Views that are compared with each other, with their mirror images and with the queries.
        queries: More views, which are not compared with each other.
        near: Number of bits in which two views may differ.
        most: Number of candidates of an image, the nearest; a pair counts if it is among those of either image.
        threads: Number of threads; None is one per core.
    """
    both = stored.with_mirrored()
    count = max((int(views.rows.max()) + 1 for views in (stored, *queries) if len(views.rows)), default=0)
    codes = np.zeros(0, np.int64)
    with ThreadPoolExecutor(threads or cores()) as pool:
        for found in pool.map(partial(_compared, both, queries, near, most, count), _orders()):
            codes = _nearest(np.concatenate([codes, found]), most, count)
    pair, code = codes // _CODES, codes % _CODES
    return Candidates(pair // max(count, 1), pair % max(count, 1), code >> 1, (code & 1).astype(bool))


def _orders() -> Iterator[tuple[int, NDArray[np.intp]]]:
    """The number of a shuffle and the bytes that begin a hash in an order of it; no two of its orders begin alike."""
    rng = np.random.default_rng(_SEED)
    for shuffle in range(_SHUFFLES):
        shuffled = rng.permutation(_BYTES)
        for start in range(0, _BYTES, _LEAD):
            yield shuffle, np.roll(shuffled, -start)[:_PREFIX]


def _compared(
    both: Views, queries: Sequence[Views], near: int, most: int, count: int, numbered: tuple[int, NDArray[np.intp]]
) -> NDArray[np.int64]:
    """Codes of the near pairs in one order of the bytes."""
    shuffle, order = numbered
    keys = _keys(both.hashes, order)
    ranks = np.argsort(keys, kind="stable")
    keys, stored = keys[ranks], both.take(ranks)
    front, back = (np.ascontiguousarray(half) for half in np.hsplit(stored.hashes, 2))  # (E, 2) each
    codes = np.zeros(0, np.int64)

    def compare(views: Views, theirs: NDArray[np.intp]) -> NDArray[np.int64]:
        """Compares n views with one stored view each, (n,); half of the bits exclude most pairs."""
        half = np.bitwise_count(views.hashes[:, :2] ^ front[theirs])                    # (n, 2)
        close = np.flatnonzero(half[:, 0] + half[:, 1] <= near)
        some, theirs = views.take(close), theirs[close]
        rest = np.bitwise_count(some.hashes[:, 2:] ^ back[theirs])                      # (m, 2)
        distance = half[close].sum(axis=1, dtype=np.int64) + rest.sum(axis=1, dtype=np.int64)
        one, other, flipped = some.rows, stored.rows[theirs], stored.mirror[theirs]
        # Two mirrored views say no more than the two that are not.
        kept = (distance <= near) & (one != other) & ~(some.mirror & flipped)
        pair = np.minimum(one, other)[kept] * np.int64(count) + np.maximum(one, other)[kept]
        packed: NDArray[np.int64] = pair * _CODES + distance[kept] * 2 + (some.mirror ^ flipped)[kept]
        return packed

    for start in range(0, len(keys), _BLOCK):
        block = stored.take(slice(start, start + _BLOCK))
        place = np.arange(start, start + len(block.rows))
        steps = [(place + step, min(len(place), max(0, len(keys) - step - start))) for step in range(1, _WINDOW + 1)]
        found = [compare(block.take(slice(0, size)), at[:size]) for at, size in steps]
        codes = _nearest(np.concatenate([codes, *found]), most, count)
    for views in queries if shuffle < _ASKING and len(keys) else ():
        wanted = _keys(views.hashes, order)
        turn = np.argsort(wanted, kind="stable")
        place = np.searchsorted(keys, wanted[turn])                                     # (n,)
        for start in range(0, len(turn), _BLOCK):
            block, at = views.take(turn[start : start + _BLOCK]), place[start : start + _BLOCK]
            found = [compare(block, np.clip(at + step, 0, len(keys) - 1)) for step in range(-_WINDOW, _WINDOW)]
            codes = _nearest(np.concatenate([codes, *found]), most, count)
    return codes


def _keys(hashes: NDArray[np.uint64], order: NDArray[np.intp]) -> NDArray[np.uint64]:
    """(E,) the bytes of each hash that an order begins with, as one number."""
    chosen = np.ascontiguousarray(hashes).view(np.uint8).reshape(len(hashes), _BYTES)[:, order]
    return np.ascontiguousarray(chosen).view(">u8").ravel().astype(np.uint64)


def _nearest(codes: NDArray[np.int64], most: int, count: int) -> NDArray[np.int64]:
    """Sorts codes, keeps the nearest of each pair, and the nearest pairs of each image."""
    codes = np.sort(codes)
    fresh = np.ones(len(codes), bool)
    fresh[1:] = codes[1:] // _CODES != codes[:-1] // _CODES
    codes = codes[fresh]
    if len(codes) <= most:
        return codes
    pair = codes // _CODES
    ends = np.concatenate([pair // count, pair % count])                                # (2P,)
    if np.bincount(ends).max() <= most:
        return codes
    far = np.tile(codes % _CODES, 2)
    order = np.lexsort((far, ends))
    ends = ends[order]
    start = np.flatnonzero(np.concatenate([[True], ends[1:] != ends[:-1]]))
    place = np.arange(len(ends)) - np.repeat(start, np.diff([*start, len(ends)]))
    kept = np.zeros(len(codes), bool)
    kept[order[place < most] % len(codes)] = True
    return codes[kept]
