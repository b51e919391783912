"""Finds images that are the same picture: by their bytes, and by a perceptual hash.

`fingerprints` reads and decodes every image once, `groups_of` joins what is near, also through other images: copies
must not be in two parts of a split, and none of them is confirmed. A scan is stricter (`auditor.duplicates.copies`).
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from auditor.checks.copies import components
from auditor.data.sample import Sample
from auditor.duplicates.near_hashes import Views, near_views
from auditor.images.perceptual_hash import DECODE_AT_LEAST, perceptual_hash
from auditor.images.reader import read
from auditor.progress import Progress
from auditor.settings import Limits

#: Two hashes are of the same picture if they differ in at most this many of 256 bits. In 20,000 photographs of cats and
#: dogs, copies differ in at most 12 bits and different pictures in at least 70; in 353 stickers drawn from the same
#: parts, different pictures differ in at least 46.
NEAR = 32

_AT_A_TIME = 512                                # images waiting for a thread

Result = TypeVar("Result")


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
    equal = _equal([one.content or f"unread {row}" for row, one in enumerate(prints)])
    readable = np.flatnonzero([one.hash is not None for one in prints])
    steps = iter((progress or Progress()).track(range(1), 1, "comparing"))
    next(steps)
    links = [np.stack([np.arange(len(prints)), equal])]                                 # (2, n) each
    if len(readable):
        hashes = np.stack([one.hash for one in prints if one.hash is not None])         # (R, 4)
        _, first, which = np.unique(hashes, axis=0, return_index=True, return_inverse=True)
        links.append(np.stack([readable, readable[first][which]]))
        near = near_views(Views.of(readable[first], hashes[first]), near=most)
        links.append(np.stack([near.first, near.second]))
    next(steps, None)
    return components(len(prints), *np.concatenate(links, axis=1))


def duplicate_groups(samples: Sequence[Sample], progress: Progress) -> NDArray[np.intp]:
    """Reads, hashes and compares samples; returns groups (N,) of the same picture, as `groups_of`."""
    return groups_of(fingerprints(samples, progress), progress=progress)


def _equal(keys: Sequence[str]) -> NDArray[np.intp]:
    """Groups (N,) of equal keys; each group has the number of its first row."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(key, row) for row, key in enumerate(keys)], dtype=np.intp)

