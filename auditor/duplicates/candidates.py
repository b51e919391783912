"""Candidates: pairs of images that may be the same picture, by their hashes.

Every image is there in several views, each with a hash: the picture, the picture without its border, its mirror image,
and parts of it, which are what a cropped copy shows. Views of two images whose hashes are near make a candidate.
"""

import numpy as np
from numpy.typing import NDArray

from auditor.duplicates.near_hashes import Candidates, Views, near_views
from auditor.images.perceptual_hash import BITS, hash_miniatures

#: Parts of a picture that a cropped copy may show: what is cut off at the top, bottom, left and right.
CUTS = (
    (0.025, 0.025, 0.025, 0.025), (0.05, 0.05, 0.05, 0.05), (0.1, 0.1, 0.1, 0.1),
    (0.05, 0, 0.05, 0), (0.05, 0, 0, 0.05), (0, 0.05, 0.05, 0), (0, 0.05, 0, 0.05),
    (0.05, 0, 0, 0), (0, 0.05, 0, 0), (0, 0, 0.05, 0), (0, 0, 0, 0.05),
)  # fmt: skip

# Views of an image that differ in fewer bits find the same others.
_SAME_VIEW = 16
# Grey levels: with less contrast in its miniature a picture has no structure that another could share.
_BLANK = 2.0
_BLOCK = 8192                                   # miniatures at once


def find_candidates(
    rows: NDArray[np.intp], hashes: NDArray[np.uint64], miniatures: NDArray[np.uint8], threads: int | None = None
) -> Candidates:
    """Finds pairs of images whose hashes are near, as they are, mirrored, without borders or cropped.

    Args:
        rows: (n,) the images that are compared; they have hashes and miniatures.
        hashes: (N, 4) of the pictures without their borders.
        miniatures: (N, 32, 32) of the whole pictures.
        threads: Number of threads; None is one per core.
    """
    rows = rows[~is_blank(rows, miniatures)]
    whole = Views.of(rows, hash_parts(rows, miniatures, (0, 0, 0, 0)))
    bare = Views.of(rows, hashes[rows])
    other = np.bitwise_count(whole.hashes ^ bare.hashes).sum(axis=1, dtype=np.int64) >= _SAME_VIEW
    stored = Views(
        np.concatenate([rows, rows[other]]),
        np.concatenate([bare.hashes, whole.hashes[other]]),
        np.zeros(len(rows) + int(other.sum()), bool),
    )
    queries = [Views.of(rows, hash_parts(rows, miniatures, cut)) for cut in CUTS]
    return near_views(stored, queries, threads=threads)


def hash_parts(
    rows: NDArray[np.intp], miniatures: NDArray[np.uint8], cut: tuple[float, float, float, float]
) -> NDArray[np.uint64]:
    """Hashes (n, 4) of a part of each picture, computed in blocks."""
    hashes = np.empty((len(rows), BITS // 64), np.uint64)
    for start in range(0, len(rows), _BLOCK):
        hashes[start : start + _BLOCK] = hash_miniatures(miniatures[rows[start : start + _BLOCK]], cut)
    return hashes


def is_blank(rows: NDArray[np.intp], miniatures: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) whether a picture has no structure to compare: blank pages, black frames."""
    blank = np.empty(len(rows), bool)
    for start in range(0, len(rows), _BLOCK):
        values = miniatures[rows[start : start + _BLOCK]].astype(np.float32)
        blank[start : start + _BLOCK] = values.std(axis=(1, 2)) < _BLANK
    return blank
