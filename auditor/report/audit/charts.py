"""The plots of findings about the data set: bars as a table, histograms over each other, a map of the picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.audit import Chart, Series
from auditor.heatmaps.grad_cam import palette
from auditor.report.shared.charts import Chart as Drawing
from auditor.report.shared.charts import Polyline, Tick, bar, curve, round_steps, ticks, x_axis, y_axis
from auditor.report.shared.parts import Stop, heat_stops
from auditor.text import decimal, percent, visible

MAX_BARS = 24                                   # labels of a bar chart; those that a finding is about come first
_X_TICKS = 6
_COLOURS = "inferno"


@dataclass(frozen=True)
class PlotBar:
    """A bar of one series, its number beside it; `role` is its style."""

    width: str
    text: str
    role: str


@dataclass(frozen=True)
class PlotRow:
    """The bars of one label."""

    name: str
    marked: bool
    bars: tuple[PlotBar, ...]


@dataclass(frozen=True)
class MapCell:
    """A cell of the picture in percent, and its colour."""

    x: str
    y: str
    colour: str
    opacity: str


@dataclass(frozen=True)
class Map:
    """Cells over the area of a picture, with the legend, and a sentence for those who do not see it."""

    cells: tuple[MapCell, ...]
    stops: tuple[Stop, ...]
    width: str
    height: str
    label: str


@dataclass(frozen=True)
class Entry:
    """A series in the legend; `role` is its style."""

    name: str
    role: str


@dataclass(frozen=True)
class Plot:
    """A plot; one of `rows`, `drawing` and `map` is there. `numbers` are those of a drawing, as a table."""

    title: str
    legend: tuple[Entry, ...]
    rows: tuple[PlotRow, ...] = ()
    drawing: Drawing | None = None
    numbers: tuple[PlotRow, ...] = ()
    map: Map | None = None
    more: str = ""


def plot(chart: Chart) -> Plot | None:
    """A chart as the page draws it; None where it has nothing to draw."""
    series = [each for each in chart.series if any(map(math.isfinite, each.values))]
    if not series or not chart.labels:
        return None
    if chart.kind == "map":
        return Plot(visible(chart.title), (), map=_map(chart, series[0]))
    legend = tuple(Entry(visible(each.name), _role(place)) for place, each in enumerate(series) if each.name)
    if chart.kind == "histogram":
        numbers = _rows(chart, series, range(len(chart.labels)))
        return Plot(visible(chart.title), legend, drawing=_histogram(chart, series), numbers=numbers)
    order = sorted(range(len(chart.labels)), key=lambda place: chart.labels[place] not in chart.marked)
    shown = sorted(order[:MAX_BARS])
    left = len(order) - len(shown)
    more = f"{left} more not drawn." if left else ""
    return Plot(visible(chart.title), legend, rows=_rows(chart, series, shown), more=more)


def _role(place: int) -> str:
    """The style of a series: the first is the ground that the others are compared with."""
    return ("first", "second", "further")[min(place, 2)]


def _rows(chart: Chart, series: Sequence[Series], places: Sequence[int]) -> tuple[PlotRow, ...]:
    known = [value for each in series for value in each.values if math.isfinite(value)]
    shares = all(0 <= value <= 1 for value in known) and not all(value.is_integer() for value in map(float, known))
    largest = max(map(abs, known)) or 1.0

    def one(value: float, role: str) -> PlotBar:
        if not math.isfinite(value):
            return PlotBar("0%", "unknown", role)
        return PlotBar(f"{abs(value) / largest:.1%}", percent(value) if shares else decimal(value), role)

    return tuple(
        PlotRow(
            name=visible(chart.labels[place]),
            marked=chart.labels[place] in chart.marked,
            bars=tuple(
                one(each.values[place], _role(position))
                for position, each in enumerate(series)
                if place < len(each.values)
            ),
        )
        for place in places
    )


def _histogram(chart: Chart, series: Sequence[Series]) -> Drawing:
    """The first series as columns, the others as lines with steps over them."""
    bins = len(chart.labels)
    top = max(value for each in series for value in each.values if math.isfinite(value))
    steps = round_steps(0, top or 1)
    x, y = x_axis(0, bins), y_axis(0, steps[-1])
    first, *others = series
    columns = [
        bar(place, place + 1, value, x, y, f"from {visible(label)}: {percent(value)}")
        for place, (label, value) in enumerate(zip(chart.labels, first.values, strict=False))
        if math.isfinite(value)
    ]
    lines: list[Polyline] = []
    for position, each in enumerate(others, 1):
        corners = [(edge, value) for place, value in enumerate(each.values) for edge in (place, place + 1)]
        lines += curve(_role(position), corners, x, y)
    every = max(1, math.ceil(bins / _X_TICKS))
    return Drawing(
        title=visible(chart.title),
        label=_histogram_words(chart, series),
        x_title="",
        x_ticks=tuple(Tick(x.percent(place), visible(chart.labels[place])) for place in range(0, bins, every)),
        y_ticks=ticks(y, steps, [percent(step) for step in steps]),
        lines=tuple(lines),
        bars=tuple(columns),
    )


def _histogram_words(chart: Chart, series: Sequence[Series]) -> str:
    """Where each series has its highest bin."""
    said = []
    for each in series:
        values = np.nan_to_num(np.array(each.values[: len(chart.labels)]), nan=-1.0)
        peak = visible(chart.labels[int(values.argmax())])
        said.append(f"{visible(each.name) or 'all images'} highest from {peak}")
    return f"Histogram, {visible(chart.title)}: {', '.join(said)}"


def _map(chart: Chart, series: Series) -> Map:
    rows = len(chart.labels)
    columns = max(1, len(series.values) // rows)
    values = np.array(series.values[: rows * columns], dtype=float)
    colours = palette(_COLOURS)
    cells = [
        MapCell(
            x=f"{100 * (place % columns) / columns:.2f}%",
            y=f"{100 * (place // columns) / rows:.2f}%",
            colour="#{:02x}{:02x}{:02x}".format(*colours[round(255 * min(1.0, max(0.0, value)))].tolist()),
            opacity=f"{min(1.0, max(0.0, 2 * value)):.2f}",
        )
        for place, value in enumerate(values.tolist())
        if math.isfinite(value)
    ]
    peak = int(np.nan_to_num(values, nan=-1.0).argmax())
    where = _where(peak // columns, rows, "top", "bottom"), _where(peak % columns, columns, "left", "right")
    place = " ".join(filter(None, where)) or "centre"
    return Map(
        cells=tuple(cells),
        stops=heat_stops(_COLOURS),
        width=f"{100 / columns:.2f}%",
        height=f"{100 / rows:.2f}%",
        label=f"Map of the picture, {visible(chart.title)}: strongest at the {place}",
    )


def _where(place: int, count: int, start: str, end: str) -> str:
    """Which third of a side a cell lies in."""
    share = (place + 0.5) / count
    return start if share < 1 / 3 else end if share > 2 / 3 else ""
