"""The splits of a data set as numbers."""

import numpy as np
from numpy.typing import NDArray

from auditor.checks.samples import Samples


def splits_of(samples: Samples) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """The names of the splits, sorted, and (N,) the index of each image's; -1 where it is in none."""
    names = tuple(sorted({split for split in samples.splits if split is not None}))
    index = {name: place for place, name in enumerate(names)}
    return names, np.fromiter((index.get(split or "", -1) for split in samples.splits), np.intp, len(samples))
