"""What is known of every image without looking at its subject: properties of its pixels and of its file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.checks.samples import Samples
from auditor.text import decimal

_BINS = 20
_IN_WORDS: Mapping[str, str] = {
    "brightness_p1": "brightness of the darkest 1%",
    "brightness_p5": "brightness of the darkest 5%",
    "brightness_p50": "median brightness",
    "brightness_p95": "brightness of the lightest 5%",
    "brightness_p99": "brightness of the lightest 1%",
    "white": "share of nearly white pixels",
    "sharpness": "sharpness of the sharpest edges",
    "sharpness_typical": "sharpness of the typical edge",
    "correlation": "likeness of neighbouring pixels",
    "red": "mean red",
    "green": "mean green",
    "blue": "mean blue",
    "border": "size of a uniform border",
    "border_brightness": "brightness of the border",
    "border_red": "red of the border",
    "border_green": "green of the border",
    "border_blue": "blue of the border",
}


@dataclass(frozen=True)
class Measure:
    """One number about every image.

    Attributes:
        name: In plain words.
        values: (N,) float64, NaN where nothing was measured; indices into `categories` if there are any.
        of_file: Whether it says how the image is stored, not what it shows.
        categories: What the values stand for; empty for a quantity.
        means_something: Whether a value alone tells a reader anything.
    """

    name: str
    values: NDArray[np.float64]
    of_file: bool
    categories: tuple[str, ...] = ()
    means_something: bool = True

    def shown(self, value: float) -> str:
        """A value for a sentence."""
        return self.categories[round(value)] if self.categories else decimal(value)

    def histogram_edges(self) -> NDArray[np.float64]:
        """Bins of equal width over all but the outermost values; (B + 1,)."""
        if self.categories:
            return np.arange(len(self.categories) + 1, dtype=np.float64) - 0.5
        known = self.values[np.isfinite(self.values)]
        low, high = np.quantile(known, [0.005, 0.995])
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges: NDArray[np.float64] = np.linspace(low, high, _BINS + 1, dtype=np.float64)
        return edges


def measures(samples: Samples) -> Iterator[Measure]:
    """Everything about the images that is no subject, the pixels' properties first."""
    width, height = (samples.properties.get(side) for side in ("width", "height"))
    for name, values in samples.properties.items():
        if name not in ("width", "height"):
            yield Measure(_IN_WORDS.get(name, name.replace("_", " ")), values, of_file=False)
    if width is not None and height is not None:
        yield Measure("width", width, of_file=True)
        yield Measure("height", height, of_file=True)
        yield Measure("aspect ratio", width / height, of_file=True)
        yield Measure("bytes per pixel", samples.sizes / (width * height), of_file=True)
    names = tuple(sorted({each for each in samples.formats if each is not None}))
    index = {name: float(place) for place, name in enumerate(names)}
    formats = np.fromiter((index.get(each or "", np.nan) for each in samples.formats), np.float64, len(samples))
    yield Measure("file format", formats, of_file=True, categories=names)


def picture_numbers(samples: Samples) -> NDArray[np.uint64]:
    """A number for every picture that looks random and is the same for the same pixels; (N,).

    It draws halves and samples: the same every night, whatever else is in the folder, and copies of a picture are never
    learned from in one half and judged in the other. It mixes the bits of all properties (the last step of splitmix64).
    """
    mixed = np.zeros(len(samples), np.uint64)
    for values in samples.properties.values():
        mixed = (mixed ^ np.ascontiguousarray(values, np.float64).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def drawn(rows: NDArray[np.intp], numbers: NDArray[np.uint64], most: int) -> NDArray[np.intp]:
    """At most so many of these rows, in their order: those with the smallest numbers."""
    if len(rows) <= most:
        return rows
    return np.sort(rows[np.argsort(numbers[rows], kind="stable")[:most]])
