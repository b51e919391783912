"""Finds images that are the same picture: by their bytes, and by a perceptual hash.

`fingerprints` reads and decodes every image once. The other functions work on arrays: `near_pairs` compares all pairs,
`joined` makes groups from pairs, and `groups_of` does both for a data set.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from auditor.data.sample import Sample
from auditor.images.perceptual_hash import DECODE_AT_LEAST, WORDS, mirrored, perceptual_hash
from auditor.images.reader import read
from auditor.progress import Progress
from auditor.settings import Limits

#: Two hashes are of the same picture if they differ in at most this many of 256 bits. In 20,000 photographs of cats and
#: dogs, copies differ in at most 12 bits and different pictures in at least 70; in 353 stickers drawn from the same
#: parts, different pictures differ in at least 46.
NEAR = 32

_CELLS = 2**18                                  # pairs compared at a time: 2 MB, which fits into the cache of a core
_AT_A_TIME = 512                                # images waiting for a thread

Result = TypeVar("Result")
Blocks = Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]


@dataclass(frozen=True)
class Fingerprint:
    """The identity of an image: its bytes and its picture.

    Attributes:
        content: sha256 of the bytes in hex; "" where they could not be read.
        hash: (4,) uint64, perceptual hash of the decoded picture; None if it could not be decoded.
        failure: Why it could not be decoded; None if it could.
    """

    content: str
    hash: NDArray[np.uint64] | None = None
    failure: str | None = None


def fingerprint(sample: Sample, limits: Limits | None = None) -> Fingerprint:
    """Reads, hashes and decodes one image."""
    image = read(sample, limits or Limits(), at_least=DECODE_AT_LEAST)
    hashed = None if image.picture is None else perceptual_hash(image.picture.pixels)
    return Fingerprint(image.content, hashed, image.failure)


def fingerprints(
    samples: Sequence[Sample], progress: Progress, threads: int | None = None, limits: Limits | None = None
) -> list[Fingerprint]:
    """Computes the fingerprint of each sample, in their order; by default with one thread per core."""
    found = in_threads(partial(fingerprint, limits=limits), samples, threads)
    return list(progress.track(found, len(samples), "fingerprints"))


def in_threads(
    work: Callable[[Sample], Result], samples: Sequence[Sample], threads: int | None = None, at_a_time: int = _AT_A_TIME
) -> Iterator[Result]:
    """Maps `work` over the samples in threads, in order, with at most `at_a_time` results in memory."""
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for start in range(0, len(samples), at_a_time):
            yield from pool.map(work, samples[start : start + at_a_time])


def near_pairs(
    hashes: NDArray[np.uint64], most: int = NEAR, *, mirror: bool = False, progress: Progress | None = None
) -> Blocks:
    """Compares every hash with every other, exactly, in bounded memory.

    Args:
        hashes: (N, 4) uint64.
        most: Number of bits in which a pair may differ.
        mirror: Compare with the mirror images of the pictures instead.
        progress: Reports the progress of the loop.

    Yields:
        Pairs (M, 2) of rows, the smaller first, and their distances (M,); block by block, in order.
    """
    count = len(hashes)
    words = np.ascontiguousarray(hashes.T)                                              # (4, N)
    others = np.ascontiguousarray(mirrored(hashes).T) if mirror else words
    rows = max(1, _CELLS // max(count, 1))
    starts = range(0, count, rows)
    for start in (progress or Progress()).track(starts, len(starts), "comparing"):
        end = min(start + rows, count)
        # Half of the bits exclude most pairs; the other half is computed only for the rest.
        distance = _distances(words[:2, start:end, None], others[:2, None, start:])     # (rows, N - start)
        first, second = np.nonzero(distance <= most)
        ahead = second > first                                                          # each pair once
        first, second = first[ahead] + start, second[ahead] + start
        rest = _distances(words[2:, first], others[2:, second])                         # (M,)
        total = distance[first - start, second - start].astype(np.intp) + rest
        near = total <= most
        if near.any():
            yield np.stack([first[near], second[near]], axis=1), total[near]


def _distances(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Number of different bits, summed over two words on the first axis: at most 128, so it fits into a byte."""
    assert len(one) == WORDS // 2
    count: NDArray[np.uint8] = np.bitwise_count(one[0] ^ other[0]) + np.bitwise_count(one[1] ^ other[1])
    return count


def joined(count: int, blocks: Blocks) -> NDArray[np.intp]:
    """Groups rows that are connected by pairs, also through other rows; each group has the number of its first row.

    Args:
        count: Number of rows, N.
        blocks: Pairs and distances, as from `near_pairs`.

    Returns:
        (N,) group of each row.
    """
    group = np.arange(count)
    for pairs, _ in blocks:
        # Of earlier blocks only the groups are kept, so that many copies of one picture do not need n² memory.
        ends = np.concatenate([pairs, np.stack([np.arange(count), group], axis=1)])
        graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
        parts, part = connected_components(graph, directed=False)
        first = np.full(parts, count)
        np.minimum.at(first, part, np.arange(count))
        group = first[part]
    return group


def groups_of(
    prints: Sequence[Fingerprint], most: int = NEAR, progress: Progress | None = None
) -> NDArray[np.intp]:
    """Groups images that are the same picture, also mirrored; each group has the number of its first row.

    Images that cannot be decoded are in the same group if their bytes are the same.

    Args:
        prints: Fingerprints of N images.
        most: Number of bits in which two hashes may differ.
        progress: Reports the progress of the comparison.

    Returns:
        (N,) group of each image.
    """
    group = _equal([one.content or f"unread {row}" for row, one in enumerate(prints)])
    readable = np.flatnonzero([one.hash is not None for one in prints])
    if not len(readable):
        return group
    hashes = np.stack([one.hash for one in prints if one.hash is not None])             # (R, 4)
    distinct, which = np.unique(hashes, axis=0, return_inverse=True)                    # (D, 4), (R,)
    near = joined(len(distinct), near_pairs(distinct, most, progress=progress))
    mirror = joined(len(distinct), near_pairs(distinct, most, mirror=True, progress=progress))
    links = [(readable, near[which]), (readable, mirror[which]), (np.arange(len(prints)), group)]
    return joined(len(prints), ((_chain(rows, labels), rows[:0]) for rows, labels in links))


def duplicate_groups(samples: Sequence[Sample], progress: Progress) -> NDArray[np.intp]:
    """Reads, hashes and compares samples; returns groups (N,) of the same picture, as `groups_of`."""
    return groups_of(fingerprints(samples, progress), progress=progress)


def _equal(keys: Sequence[str]) -> NDArray[np.intp]:
    """Groups (N,) of equal keys; each group has the number of its first row."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(key, row) for row, key in enumerate(keys)], dtype=np.intp)


def _chain(rows: NDArray[np.intp], labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Pairs (M, 2) that connect all rows with the same label, each with the next."""
    order = np.argsort(labels, kind="stable")
    same = labels[order[1:]] == labels[order[:-1]]
    return np.stack([rows[order[:-1][same]], rows[order[1:][same]]], axis=1)
