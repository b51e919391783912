"""Confirmation: candidates are read again and compared; equal pixels are recognised by their hash."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditor.data.sample import Sample
from auditor.duplicates.agreement import prepare, similarity
from auditor.duplicates.groups import in_threads
from auditor.images.description import DESCRIBE_AT_LEAST
from auditor.images.reader import read_again
from auditor.progress import Progress
from auditor.resources import cores
from auditor.settings import Limits

#: Similarity from which two pictures are confirmed to be the same one, so that they share a fold. Rules ask for more.
CONFIRMED = 0.6

_PICTURES = 256                                 # working copies in memory: 50 MB


def confirm(
    samples: Sequence[Sample],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    mirror: NDArray[np.bool_],
    limits: Limits,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Reads the images of P pairs again and compares them.

    Args:
        samples: All N.
        first, second: (P,) rows; pairs of one image should lie together.
        mirror: (P,) whether a pair is probably mirrored; the other way is tried where that is not confirmed.
        limits: Larger files and images are not read.
        threads: Number of threads; None is one per core.
        progress: Watches the loop.

    Returns:
        (P,) similarity in [0, 1], and whether the pictures are mirrored.
    """
    found = np.zeros(len(first), np.float32)
    flipped = mirror.copy()
    pictures: dict[int, NDArray[np.uint8] | None] = {}
    watched = (progress or Progress()).track(range(len(first)), len(first), "comparing copies")
    with ThreadPoolExecutor(threads or cores()) as pool:
        for block in _blocks(first, second, watched):
            rows = dict.fromkeys([*first[block].tolist(), *second[block].tolist()])
            pictures = {row: pictures[row] for row in rows if row in pictures}
            missing = [row for row in rows if row not in pictures]
            read = partial(_picture, limits=limits)
            pictures.update(zip(missing, pool.map(read, (samples[row] for row in missing)), strict=True))
            pairs = [(pictures[int(first[pair])], pictures[int(second[pair])], bool(mirror[pair])) for pair in block]
            for pair, (value, way) in zip(block, pool.map(_compare, pairs), strict=True):
                found[pair], flipped[pair] = value, way
    return found, flipped


def _blocks(first: NDArray[np.intp], second: NDArray[np.intp], pairs: Iterable[int]) -> Iterator[list[int]]:
    """Consecutive pairs whose images fit into memory together."""
    block: list[int] = []
    held: set[int] = set()
    for pair in pairs:
        held |= {int(first[pair]), int(second[pair])}
        if len(held) > _PICTURES:
            yield block
            block, held = [], {int(first[pair]), int(second[pair])}
        block.append(pair)
    if block:
        yield block


def _picture(sample: Sample, limits: Limits) -> NDArray[np.uint8] | None:
    pixels = read_again(sample, DESCRIBE_AT_LEAST, limits)
    return None if pixels is None else prepare(pixels)


def _compare(pair: tuple[NDArray[np.uint8] | None, NDArray[np.uint8] | None, bool]) -> tuple[float, bool]:
    one, other, mirror = pair
    if one is None or other is None:            # it can no longer be read
        return 0.0, mirror
    turned = np.ascontiguousarray(other[:, ::-1])
    likely, unlikely = (turned, other) if mirror else (other, turned)
    value = similarity(one, likely)
    if value >= CONFIRMED:
        return value, mirror
    second = similarity(one, unlikely)
    return (second, not mirror) if second >= CONFIRMED else (value, mirror)


def pixel_digests(
    samples: Sequence[Sample],
    rows: NDArray[np.intp],
    limits: Limits,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[bytes]:
    """Reads images in full; the sha256 of the shape and the pixels of each, b"" where it can no longer be read."""
    found = in_threads(partial(_digest, limits=limits), [samples[row] for row in rows], threads)
    return list((progress or Progress()).track(found, len(rows), "comparing pixels"))


def _digest(sample: Sample, limits: Limits) -> bytes:
    pixels = read_again(sample, None, limits)
    return b"" if pixels is None else hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).digest()
