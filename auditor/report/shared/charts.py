"""Charts as records of lines, dots and bars, which `_chart.html.j2` prints as SVG.

Every place is a percentage of the drawing's width or height, so that a chart fills its space while text and lines keep
their size. y runs down, as in SVG.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: Edges of the plotted area, in percent of the drawing: there is room for the numbers at the axes.
LEFT, RIGHT, TOP, BOTTOM = 12.0, 98.0, 9.0, 87.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SCALE = 10                                     # polylines are drawn in 1000 x 1000 units, stretched over the drawing


@dataclass(frozen=True)
class Tick:
    """A number at an axis."""

    place: str
    text: str


@dataclass(frozen=True)
class Polyline:
    """A curve; `kind` is its style. `points` is what an SVG polyline takes; a gap makes two lines."""

    kind: str
    points: str


@dataclass(frozen=True)
class Dot:
    """A point with a hint."""

    x: str
    y: str
    kind: str
    hint: str
    radius: str = "4"


@dataclass(frozen=True)
class ChartBar:
    """A rectangle standing on the x axis."""

    x: str
    y: str
    width: str
    height: str
    hint: str


@dataclass(frozen=True)
class Mark:
    """A vertical line with text to its right."""

    x: str
    text: str


@dataclass(frozen=True)
class Chart:
    """Everything that the template draws; `label` describes it in a sentence."""

    title: str
    label: str
    x_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Polyline, ...] = ()
    dots: tuple[Dot, ...] = ()
    bars: tuple[ChartBar, ...] = ()
    marks: tuple[Mark, ...] = ()
    left: str = field(default=f"{LEFT}%", init=False)
    right: str = field(default=f"{RIGHT}%", init=False)
    top: str = field(default=f"{TOP}%", init=False)
    bottom: str = field(default=f"{BOTTOM}%", init=False)


@dataclass(frozen=True)
class Axis:
    """Numbers from `low` to `high` along one side of the plotted area."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """In percent of the drawing, clipped to the plotted area."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * min(1.0, max(0.0, share))

    def percent(self, value: float) -> str:
        """The place as an attribute's value."""
        return f"{self.place(value):.2f}%"


def x_axis(low: float, high: float) -> Axis:
    """From left to right."""
    return Axis(low, high, LEFT, RIGHT)


def y_axis(low: float, high: float) -> Axis:
    """From the bottom up."""
    return Axis(low, high, BOTTOM, TOP)


def curve(kind: str, points: Iterable[tuple[float, float]], x: Axis, y: Axis) -> tuple[Polyline, ...]:
    """A line through points, interrupted at values that are not finite."""
    pieces: list[list[str]] = [[]]
    for across, up in points:
        if math.isfinite(up):
            pieces[-1].append(f"{x.place(across) * _SCALE:.1f},{y.place(up) * _SCALE:.1f}")
        elif pieces[-1]:
            pieces.append([])
    return tuple(Polyline(kind, " ".join(piece)) for piece in pieces if piece)


def bar(left: float, right: float, height: float, x: Axis, y: Axis, hint: str) -> ChartBar:
    """A bar from 0 to `height`, with a small gap on both sides."""
    start, end, top, ground = x.place(left), x.place(right), y.place(height), y.place(0)
    air = (end - start) * 0.06
    return ChartBar(
        f"{start + air:.2f}%", f"{top:.2f}%", f"{end - start - 2 * air:.2f}%", f"{max(ground - top, 0.2):.2f}%", hint
    )


def round_steps(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers that cover low..high in approximately `about` steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(each * power for each in _STEPS if each * power >= span / about * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def whole_steps(last: int, about: int = 8) -> list[int]:
    """Whole numbers from 1 to `last`, approximately `about` at most: 1, 5, 10, 15, ..."""
    if last <= about:
        return list(range(1, last + 1))
    step = next(step for step in _whole_steps() if last / step <= about)
    return [1, *range(step, last + 1, step)]


def _whole_steps() -> Iterable[int]:
    power = 1
    while True:
        yield from (2 * power, 5 * power, 10 * power)
        power *= 10


def ticks(axis: Axis, values: Sequence[float], texts: Sequence[str]) -> tuple[Tick, ...]:
    """Numbers at their places."""
    return tuple(Tick(axis.percent(value), text) for value, text in zip(values, texts, strict=True))
