"""How far from the rest of its data set an image must be to be odd."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Severity
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage

#: Fewer images have no usual value to be far from.
FEWEST = 30
#: Robust standard deviations from which a value is an outlier (Iglewicz and Hoaglin, *How to detect and handle
#: outliers*, 1993).
FAR = 3.5
# The median absolute deviation of a normal distribution, in standard deviations.
_MAD = 0.6745
#: Share of the images from which a property is usual, however far it is from the rest.
USUAL = 0.25
#: What a rule says of an image that a run has no measurements of.
NOT_MEASURED = "not judged: this run has no measurements of it."
#: The lightest of the levels in which sentences give what is measured from 0 to 1.
LEVELS = 255
#: `detail` under which a picture shows nothing: about one of these levels.
BLANK = 0.005


def measured(samples: Samples, name: str) -> NDArray[np.float64]:
    """(N,) a property; NaN where it was not measured."""
    values = samples.properties.get(name)
    return np.full(len(samples), np.nan) if values is None else values


def fences(values: NDArray[np.float64], far: float = FAR) -> tuple[float, float]:
    """The lowest and the highest value that is not an outlier; infinite for fewer than `FEWEST` values.

    By the median and the median absolute deviation, which a quarter of faulty values hardly moves. What only has a
    sense as a ratio should come as a logarithm.

    Args:
        values: (N,); NaN is left out.
        far: In standard deviations of a normal distribution.
    """
    known = values[np.isfinite(values)]
    if len(known) < FEWEST:
        return -np.inf, np.inf
    middle = float(np.median(known))
    allowed = far / _MAD * float(np.median(np.abs(known - middle)))
    return middle - allowed, middle + allowed


def groups(samples: Samples) -> Iterator[NDArray[np.intp]]:
    """Rows of images to compare with each other: of each class with enough images, and all others together."""
    readable = np.isfinite(measured(samples, "width"))
    counts = np.bincount(samples.labels[readable & (samples.labels >= 0)], minlength=len(samples.classes))
    large = np.flatnonzero(counts >= FEWEST)
    for label in large:
        yield np.flatnonzero(samples.labels == label)
    yield np.flatnonzero(~np.isin(samples.labels, large))


def low_score(value: NDArray[np.float64], limit: float | NDArray[np.float64]) -> NDArray[np.float32]:
    """0 for a value of 0, 0.5 at the limit, towards 1 above it; NaN for NaN."""
    return np.asarray(value / np.maximum(value + limit, 1e-12), np.float32)


def high_score(value: NDArray[np.float64], limit: float | NDArray[np.float64]) -> NDArray[np.float32]:
    """1 for a value of 0, 0.5 at the limit, towards 0 above it; NaN for NaN."""
    return np.asarray(limit / np.maximum(value + limit, 1e-12), np.float32)


def graded(serious: NDArray[np.bool_], yes: Severity, no: Severity) -> tuple[Severity, ...]:
    """The severity of each row."""
    return tuple(yes if each else no for each in serious.tolist())


def stored(image: StoredImage, *names: str) -> tuple[Any, ...] | None:
    """Properties of an image from what a run stored; None where one is missing."""
    values = tuple(image.row.get(name) for name in names)
    return None if any(value is None or value != value for value in values) else values
