"""Finds all images of a scan that are the same picture: candidates from what was stored, then confirmed by reading."""

import numpy as np
from numpy.typing import NDArray

from auditor.checks.copies import KINDS, Copies, components
from auditor.duplicates.candidates import find_candidates
from auditor.duplicates.confirmation import CONFIRMED, confirm, pixel_digests
from auditor.duplicates.grouping import leads, not_compared, stars
from auditor.duplicates.near_hashes import Candidates
from auditor.engines import Outcomes
from auditor.progress import Progress
from auditor.settings import Limits

# Two files may hold equal pixels only if their hashes are nearly equal: a JPEG may have been decoded at a smaller size.
_NEARLY_EQUAL = 8
# Pixels of the shorter side under which a picture shows too little to tell an altered copy from another picture.
_SMALLEST = 24
# How often the likely centres are compared before all other candidates, and with images only connected to them.
_ROUNDS = 4
_BYTES, _PIXELS, _ALTERED, _MIRRORED = (KINDS.index(kind) for kind in ("bytes", "pixels", "altered", "mirrored"))


def find_copies(
    outcomes: Outcomes, limits: Limits, *, threads: int | None = None, progress: Progress | None = None
) -> Copies:
    """Finds pairs of images that are the same picture, and confirms them by reading both again.

    Equal files are collapsed first, then equal pixels; only the first image of each is compared further.

    Args:
        outcomes: Of the pass, with the descriptions of the pixels.
        limits: Larger files and images are refused when they are read.
        threads: Number of threads that decode; None is one per core.
        progress: Watches the steps.
    """
    rows = np.flatnonzero(np.isfinite(outcomes.properties).any(axis=1))
    if not len(rows):
        return Copies.none()
    by_bytes = np.arange(len(outcomes))         # (N,) the first row with equal bytes
    by_bytes[rows] = _first_of_equal(rows, outcomes.digests[rows])
    rows = rows[by_bytes[rows] == rows]
    candidates = find_candidates(rows, outcomes.hashes, outcomes.miniatures, threads)
    by_pixels = _equal_pixels(rows, candidates, outcomes, limits, threads, progress)[by_bytes]
    large = outcomes.sides.min(axis=1) >= _SMALLEST                                     # (N,)
    candidates = candidates.where(large[candidates.first] & large[candidates.second])
    pairs = _confirmed(by_pixels, candidates, outcomes, limits, threads, progress)
    return _with_all_rows(by_bytes, by_pixels, pairs)


def _first_of_equal(rows: NDArray[np.intp], keys: NDArray[np.generic]) -> NDArray[np.intp]:
    """(n,) for each of n rows, at least one, the first one with an equal key (n, ...)."""
    flat = np.ascontiguousarray(keys.reshape(len(rows), -1))
    whole = flat.view(np.dtype((np.void, flat.itemsize * flat.shape[1]))).ravel()
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return rows[first[inverse]]


def _equal_pixels(
    rows: NDArray[np.intp],
    candidates: Candidates,
    outcomes: Outcomes,
    limits: Limits,
    threads: int | None,
    progress: Progress | None,
) -> NDArray[np.intp]:
    """(N,) the first of these rows that has equal pixels, else the row itself."""
    shapes = np.sort(outcomes.sides, axis=1)    # upright, width and height may be exchanged
    sides = np.ascontiguousarray(shapes[rows]).view(np.uint8)                           # (n, 8)
    small = outcomes.miniatures[rows].reshape(len(rows), -1)                            # (n, 1024)
    twin = _first_of_equal(rows, np.concatenate([small, sides], axis=1))
    twins = twin != rows
    near = (candidates.distance <= _NEARLY_EQUAL) & ~candidates.mirror
    near &= (shapes[candidates.first] == shapes[candidates.second]).all(axis=1)
    asked = np.unique(np.concatenate([rows[twins], twin[twins], candidates.first[near], candidates.second[near]]))
    first = np.arange(len(outcomes))
    digests = pixel_digests(outcomes.samples, asked, limits, threads, progress)
    seen: dict[bytes, int] = {}
    for row, digest in zip(asked.tolist(), digests, strict=True):
        first[row] = seen.setdefault(digest, row) if digest else row
    return first


Pairs = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]


def _confirmed(
    first_of: NDArray[np.intp],
    candidates: Candidates,
    outcomes: Outcomes,
    limits: Limits,
    threads: int | None,
    progress: Progress | None,
) -> Pairs:
    """Confirmed pairs of images that stand for all with their pixels: rows, similarity, and whether mirrored.

    The likely centres are compared first: two copies of a centre need not be compared with each other any more.
    """
    images = np.bincount(first_of, minlength=len(first_of))                             # (N,)
    waiting = _distinct(first_of[candidates.first], first_of[candidates.second], candidates.mirror)
    done: list[Pairs] = []

    def compare(first: NDArray[np.intp], second: NDArray[np.intp], mirror: NDArray[np.bool_]) -> Pairs:
        order = np.lexsort((second, first, components(len(images), first, second)[first]))
        first, second = first[order], second[order]
        found, flipped = confirm(outcomes.samples, first, second, mirror[order], limits, threads, progress)
        done.append((first, second, found, flipped))
        return done[-1]

    for _ in range(_ROUNDS):
        first, second, mirror = waiting
        if not len(first):
            break
        rows, centre = leads(first, second, images)
        centre_of = centre[np.searchsorted(rows, first)]                                # (P,)
        now = (first == centre_of) | (second == centre_of)
        one, other, found, _flipped = compare(first[now], second[now], mirror[now])
        group = np.arange(len(images))          # the centre for its copies
        same = found >= CONFIRMED
        centre_is_first = np.isin(one, centre)[same]
        group[np.where(centre_is_first, other[same], one[same])] = np.where(centre_is_first, one[same], other[same])
        left = ~now & (group[first] != group[second])
        waiting = first[left], second[left], mirror[left]
    if len(waiting[0]):
        compare(*waiting)
    for _ in range(_ROUNDS if done else 0):
        first, second, found, flipped = (np.concatenate(parts) for parts in zip(*done, strict=True))
        one, other = not_compared(first, second, found >= CONFIRMED, images)
        if not len(one):
            break
        compare(one, other, np.zeros(len(one), bool))
    if not done:
        return *waiting[:2], np.zeros(0, np.float32), waiting[2]
    first, second, found, flipped = (np.concatenate(parts) for parts in zip(*done, strict=True))
    kept = found >= CONFIRMED
    return first[kept], second[kept], found[kept], flipped[kept]


def _distinct(
    one: NDArray[np.intp], other: NDArray[np.intp], mirror: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Each pair of different rows once, the smaller row first."""
    first, second = np.minimum(one, other), np.maximum(one, other)
    _, places = np.unique(np.stack([first, second]), axis=1, return_index=True)
    places = places[first[places] != second[places]]
    return first[places], second[places], mirror[places]


def _with_all_rows(by_bytes: NDArray[np.intp], by_pixels: NDArray[np.intp], pairs: Pairs) -> Copies:
    """The groups with every image: those that stand for others, and the others."""
    first, second, similarity, mirror = pairs
    images = np.bincount(by_pixels, minlength=len(by_pixels))                           # (N,)
    chosen, end = stars(first, second, similarity, images)
    ends = np.stack([first[chosen], second[chosen]])                                    # (2, M)
    centre, copy = ends[end, np.arange(len(chosen))], ends[1 - end, np.arange(len(chosen))]
    by_class = np.argsort(by_pixels, kind="stable")
    start, times = np.searchsorted(by_pixels[by_class], copy), images[copy]             # (M,) of the copy's pixels
    place = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times) + np.repeat(start, times)
    equal = np.flatnonzero(by_pixels != np.arange(len(by_pixels)))
    same_bytes = by_bytes[equal] == by_pixels[equal]
    centres = np.concatenate([np.repeat(centre, times), by_pixels[equal]])
    copies = np.concatenate([by_class[place], equal])
    values = np.concatenate([np.repeat(similarity[chosen], times), np.ones(len(equal), np.float32)])
    kinds = np.concatenate([
        np.repeat(np.where(mirror[chosen], _MIRRORED, _ALTERED), times), np.where(same_bytes, _BYTES, _PIXELS)
    ])  # fmt: skip
    order = np.lexsort((copies, centres))
    return Copies(centres[order], copies[order], values[order].astype(np.float32), kinds[order].astype(np.int8))
