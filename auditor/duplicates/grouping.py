"""Groups around a centre: everything in a group is the same picture as its centre, not only as something in between.

Chains would join unlike pictures: of a video, each frame is nearly the next one, and the last has nothing of the first.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

from auditor.checks.copies import components


def stars(
    first: NDArray[np.intp], second: NDArray[np.intp], similarity: NDArray[np.float32], images: NDArray[np.int_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Covers confirmed pairs by groups around centres: each pair is in some group, as centre and copy or as two copies.

    The image with the most copies is the centre of the first group (of several the one with the highest sum of
    similarities, then the first row), and takes all its copies. What is left of the pairs is grouped in the same way.

    Args:
        first, second: (P,) rows of P different pairs.
        similarity: (P,) of each pair.
        images: (N,) number of images that each row stands for.

    Returns:
        The pairs between a centre and a copy, (M,), and which end of each is the centre: 0 the first, 1 the second.
    """
    others: dict[int, dict[int, int]] = {}      # row -> row that it is still to be grouped with -> pair
    for pair, (one, other) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        others.setdefault(one, {})[other] = pair
        others.setdefault(other, {})[one] = pair
    weights = similarity.tolist()

    def priority(row: int) -> tuple[int, float, int]:
        copies = int(images[row]) - 1 + sum(int(images[other]) for other in others[row])
        return -copies, -round(sum(weights[pair] for pair in others[row].values()), 2), row

    queue = [priority(row) for row in others]
    heapq.heapify(queue)
    pairs: list[int] = []
    ends: list[int] = []
    while queue:
        entry = heapq.heappop(queue)
        centre = entry[2]
        if not others[centre]:
            continue
        if (now := priority(centre)) != entry:                  # some of its pairs were grouped meanwhile
            heapq.heappush(queue, now)
            continue
        group = {centre, *others[centre]}
        for pair in others[centre].values():
            pairs.append(pair)
            ends.append(0 if first[pair] == centre else 1)
        for row in group:
            others[row] = {other: pair for other, pair in others[row].items() if other not in group}
    return np.array(pairs, np.intp), np.array(ends, np.intp)


def leads(
    first: NDArray[np.intp], second: NDArray[np.intp], images: NDArray[np.int_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The likely centre of everything that is connected by pairs: the row with most of them.

    Args:
        first, second: (P,) rows.
        images: (N,) number of images that each row stands for.

    Returns:
        The rows that are in pairs, (V,) ascending, and the likely centre of what each is connected with, (V,).
    """
    rows, ends = np.unique(np.stack([first, second]), return_inverse=True)
    if not len(rows):
        return rows, rows
    one, other = ends.reshape(2, -1)
    part = components(len(rows), one, other)
    degree = images[rows] - 1.0
    np.add.at(degree, one, images[second])
    np.add.at(degree, other, images[first])
    order = np.lexsort((np.arange(len(rows)), -degree, part))   # the likely centre of each part comes first
    begins = np.concatenate([[True], part[order[1:]] != part[order[:-1]]])
    centre = np.empty(len(rows), np.intp)
    centre[part[order[begins]]] = rows[order[begins]]
    return rows, centre[part]


def not_compared(
    first: NDArray[np.intp], second: NDArray[np.intp], confirmed: NDArray[np.bool_], images: NDArray[np.int_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of images that are connected by confirmed pairs, one of them the likely centre, and were not compared yet.

    An image has a bounded number of candidates, so that many copies of a picture are not all compared with each other.

    Args:
        first, second: (P,) the pairs that were compared.
        confirmed: (P,) whether they are the same picture.
        images: (N,) number of images that each row stands for.
    """
    rows, centre = leads(first[confirmed], second[confirmed], images)
    low, high = np.minimum(centre, rows), np.maximum(centre, rows)
    known = np.isin(low * len(images) + high, first * len(images) + second)
    fresh = (low != high) & ~known
    return low[fresh], high[fresh]
