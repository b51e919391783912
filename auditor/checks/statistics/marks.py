"""Marks: the same small pattern at the same place in many pictures of one class, such as a watermark or a logo.

Two unlike pictures have unlike details along their edges. So the edge of the miniature is cut into overlapping windows,
and in each the quadratic surface nearest to it is taken away: light and round shapes. What is left of two pictures is
compared by its correlation. Where one picture's window agrees with those of many others of its class, and of hardly any
other class, something was put there. The pattern is found in one half of the class's images and counted in the other.
No model is needed.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from auditor.checks.samples import Samples
from auditor.checks.statistics.measures import picture_numbers

#: Side of a window and step from one to the next, in pixels of the 32 x 32 miniature.
WINDOW, STEP = 8, 4
#: Images of a class that are compared with each other, over all classes together, and of one class, at most.
COMPARED, OF_ONE = 20_000, 400
#: Images of one class that a pattern is counted in, at most; of the others twice as many.
COUNTED = 2_000
#: Correlation from which two windows show the same.
AGREE = 0.7
#: Grey levels that what is left of a window must have as its standard deviation: less is noise.
FAINTEST = 3.0
#: How often a pattern must be in its class for once elsewhere: between untouched classes of photographs at most 4.6.
TIMES = 5.0
#: Share of the pictures with a mark that may also agree in a window in the middle; more, and they are alike as wholes.
ALIGNED = 0.5
_FEWEST = 5                                     # images with a mark


@dataclass(frozen=True)
class Mark:
    """A pattern that repeats in a class.

    Attributes:
        label: The class.
        where: The part of the picture, for a sentence.
        inside: Share of the class's images that show it.
        outside: Share of all other images that do.
        p: Probability of this many where the class has no more of it than `TIMES` the others, for one window.
        rows: Images of the class that show it, the clearest first.
    """

    label: int
    where: str
    inside: float
    outside: float
    p: float
    rows: NDArray[np.intp]

def find_marks(samples: Samples, share: float, significance: float) -> list[Mark]:
    """The clearest mark of each class that has one in at least this share of its images."""
    numbers = picture_numbers(samples)
    usable = (samples.labels >= 0) & np.isfinite(samples.properties.get("brightness", np.nan))
    if len(samples.miniatures) != len(samples):
        return []
    usable[samples.copies.copy] = False                         # one picture many times is another rule's finding
    order = np.lexsort((numbers, samples.labels))               # class by class, in an order that says nothing
    order = order[usable[order]]
    present, starts = np.unique(samples.labels[order], return_index=True)
    if len(present) < 2:
        return []
    of_class = dict(zip(present.tolist(), np.split(order, starts[1:]), strict=True))
    pool = _pool(list(of_class.values()), numbers)
    places = _windows(samples.miniatures.shape[1])
    most, tests = min(OF_ONE, COMPARED // len(present)), len(places) * len(present)
    found: dict[int, list[Mark]] = {label: [] for label in of_class}
    for place in places:
        common = _details(samples.miniatures[pool], *place)                             # (m, 64)
        for label, rows in of_class.items():
            first = numbers[rows] % 2 == 0
            seen, kept, rest = rows[first][:most], rows[~first][:COUNTED], samples.labels[pool] != label
            if len(seen) and len(kept) >= _FEWEST and rest.any():
                mark = _mark(samples.miniatures, label, place, seen, kept, common, rest)
                if mark.inside >= share and mark.p * tests < significance:
                    found[label].append(mark)
    clearest = (sorted(marks, key=lambda each: (each.p, each.outside - each.inside)) for marks in found.values())
    chosen = (next((mark for mark in marks if not _are_aligned(samples.miniatures, mark)), None) for marks in clearest)
    return [mark for mark in chosen if mark is not None]


def _pool(of_class: list[NDArray[np.intp]], numbers: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Images that stand for all others, whichever class is looked at: none has more than half of them."""
    rows = np.concatenate([rows[:COUNTED] for rows in of_class])
    return rows[np.argsort(numbers[rows], kind="stable")[: 2 * COUNTED]]


def _where(side: int, top: int, left: int) -> str:
    """The part of the picture that most of a window lies in."""
    down, across = ((start + WINDOW // 2) * 3 // side for start in (top, left))         # thirds
    vertical, sideways = ("top", "", "bottom")[down], ("left", "", "right")[across]
    if vertical and sideways:
        return f"in the {vertical} {sideways} corner"
    return f"at the {vertical or sideways} edge"


def _windows(side: int) -> list[tuple[int, int]]:
    """Top and left of every window that touches an edge of a square miniature."""
    steps = range(0, side - WINDOW + 1, STEP)
    return [place for place in product(steps, steps) if 0 in place or steps[-1] in place]


def _mark(
    miniatures: NDArray[np.uint8],
    label: int,
    place: tuple[int, int],
    seen: NDArray[np.intp],
    kept: NDArray[np.intp],
    common: NDArray[np.float32],
    rest: NDArray[np.bool_],
) -> Mark:
    """The pattern that most of the seen images share in one window, and how many of the kept ones show it.

    Of the details `common` (m, 64) of all classes in that window, the `rest` (m,) are those of other classes.
    """
    from scipy.special import bdtrc  # `auditor why` does without

    details = _details(miniatures[seen], *place)                                        # (n, 64)
    agree = details @ details.T > AGREE                                                 # (n, n)
    pattern = _direction(details[agree[agree.sum(axis=1).argmax()]])
    pattern = _direction(details[details @ pattern > AGREE])
    likeness = _details(miniatures[kept], *place) @ pattern                             # (m,)
    inside = int((likeness > AGREE).sum())
    outside, others = int((common @ pattern > AGREE)[rest].sum()), int(rest.sum())
    chance = min(1.0, TIMES * (outside + 1) / (others + 1))          # of few images, none says little
    order = np.argsort(-likeness, kind="stable")[:inside]
    p = float(bdtrc(inside - 1, len(kept), chance)) if inside >= _FEWEST else 1.0
    return Mark(label, _where(miniatures.shape[1], *place), inside / len(kept), outside / others, p, kept[order])


def _are_aligned(miniatures: NDArray[np.uint8], mark: Mark) -> bool:
    """Whether the pictures with the mark also agree in their middle: whole pictures of one kind, such as digits."""
    steps = range(WINDOW, miniatures.shape[1] - 2 * WINDOW + 1, STEP)
    for place in product(steps, steps):
        details = _details(miniatures[mark.rows[:OF_ONE]], *place)
        if float((details @ _direction(details) > AGREE).mean()) > ALIGNED:
            return True
    return False


def _details(miniatures: NDArray[np.uint8], top: int, left: int) -> NDArray[np.float32]:
    """What is left of one window without its smooth part, as unit vectors; (n, 64), zeros where it is faint."""
    window = miniatures[:, top : top + WINDOW, left : left + WINDOW].reshape(len(miniatures), -1).astype(np.float32)
    remains = window - (window @ _SMOOTH) @ _SMOOTH.T                                 # (n, 64)
    length = np.linalg.norm(remains, axis=1, keepdims=True)
    strong = length > FAINTEST * WINDOW                         # WINDOW is the root of the number of pixels
    return np.asarray(np.divide(remains, length, out=np.zeros_like(remains), where=strong), np.float32)


def _direction(details: NDArray[np.float32]) -> NDArray[np.float32]:
    """Their sum as a unit vector; (64,), zeros where there is none."""
    total = details.sum(axis=0)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length if length > 0 else total, np.float32)


def _smooth() -> NDArray[np.float32]:
    """An orthonormal base (64, 6) of all quadratic surfaces over a window."""
    down, across = np.mgrid[:WINDOW, :WINDOW].reshape(2, -1) / WINDOW - 0.5
    surfaces = [np.ones_like(down), down, across, down**2, across**2, down * across]
    return np.linalg.qr(np.stack(surfaces, axis=1))[0].astype(np.float32)


_SMOOTH = _smooth()
