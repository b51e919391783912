"""Images that are the same picture, as checks see them: pairs in groups around a centre, confirmed by their pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

#: How two images are the same picture: equal files, equal pixels, altered, or altered and mirrored.
Kind = Literal["bytes", "pixels", "altered", "mirrored"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Those of them whose pixels are all the same.
EXACT: tuple[Kind, ...] = ("bytes", "pixels")


def kind_between(one: Kind, other: Kind) -> Kind:
    """How two copies of the same image are the same picture, from how each is that of the image."""
    kinds = {one, other}
    if kinds <= set(EXACT):
        return max(kinds, key=KINDS.index)
    return "mirrored" if len(kinds) == 2 and "mirrored" in kinds else "altered"


def components(count: int, first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """(count,) the first row that each row is connected with by pairs, directly or through others."""
    from scipy.sparse import coo_array  # `auditor why` does without
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    parts, part = connected_components(graph, directed=False)
    lowest = np.full(parts, count)
    np.minimum.at(lowest, part, np.arange(count))
    joined: NDArray[np.intp] = lowest[part]
    return joined


@dataclass(frozen=True)
class Copies:
    """M pairs of a centre and a copy of it.

    A group is all pairs with the same centre. An image may be in two groups; no pair is there twice, in either order.

    Attributes:
        centre: (M,) row of the image that the others of its group are compared with; ascending.
        copy: (M,) row of another image of the group; ascending within the group.
        similarity: (M,) float32 in [0, 1], 1 where all pixels are the same.
        kind: (M,) int8, index into `KINDS`.
    """

    centre: NDArray[np.intp]
    copy: NDArray[np.intp]
    similarity: NDArray[np.float32]
    kind: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.centre)

    @classmethod
    def none(cls) -> Self:
        """No two images are the same picture."""
        rows = np.zeros(0, np.intp)
        return cls(rows, rows, np.zeros(0, np.float32), np.zeros(0, np.int8))

    def keys(self, contents: Sequence[str]) -> list[str]:
        """The smallest sha256 among all that are connected to an image by pairs; (N,), "" for unread images.

        Copies have the same key, so that they lie in one fold and are not evidence for each other's label.

        Args:
            contents: (N,) sha256 of each image in hex, "" where it could not be read.
        """
        keys = list(contents)
        rows, ends = np.unique(np.stack([self.centre, self.copy]), return_inverse=True)     # (V,) all that have copies
        if not len(rows):
            return keys
        parts = components(len(rows), *ends.reshape(2, -1))                                 # (V,)
        digests = np.array([keys[row] for row in rows.tolist()])
        order = np.lexsort((digests, parts))
        smallest = order[np.searchsorted(parts[order], parts)]                              # (V,) place of the key
        for row, place in zip(rows.tolist(), smallest.tolist(), strict=True):
            keys[row] = str(digests[place])
        return keys
