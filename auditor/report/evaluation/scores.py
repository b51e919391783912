"""The tables of an evaluation: per class, given against predicted, the most confused pairs, calibration."""

import math
from collections import Counter
from dataclasses import dataclass, replace

from auditor.classes.imagenet import readable
from auditor.evaluation import Evaluation
from auditor.evaluation.metrics import ClassScore
from auditor.report.shared.charts import Chart, ChartBar, Dot, bar, curve, ticks, x_axis, y_axis
from auditor.report.shared.matrix import UPRIGHT_COLUMNS, Matrix, confusion_row, tint
from auditor.runs.files import EVALUATION
from auditor.text import count, listing, number, percent, visible

MAX_NUMBERS = 20                                # classes of a matrix with numbers in it
MAX_GRID = 120                                  # classes of a matrix of coloured cells
MAX_PAIRS = 12
OPEN_SCORES, MAX_SCORES = 30, 1000              # rows of the table of classes: before a click, and at most
ELSEWHERE = "another class"
_CELL, _NARROW, _NAMES, _NUMBERS = 14, 10, 200, 26      # pixels of the grid
_ROOMY, _LONGEST = 70, 30                       # classes that get wide cells; characters of a name
_DIGITS = 7                                     # pixels that a digit takes


@dataclass(frozen=True)
class ScoreRow:
    """A class with its scores; each is (width of the bar, text)."""

    name: str
    support: str
    precision: tuple[str, str]
    recall: tuple[str, str]
    f1: tuple[str, str]


@dataclass(frozen=True)
class ScoreTable:
    """The classes that need attention, and all others; `note` says in which order, and what was left out."""

    rows: tuple[ScoreRow, ...]
    rest: tuple[ScoreRow, ...]
    rest_title: str
    note: str


@dataclass(frozen=True)
class GridRow:
    """A class of the grid, with its number, "" if there is no room for it; places in pixels."""

    name: str
    number: str
    middle: float
    middle_across: float


@dataclass(frozen=True)
class GridCell:
    """A pair of classes that was confused, or a class that was not."""

    x: int
    y: int
    tint: str
    hint: str


@dataclass(frozen=True)
class Grid:
    """The confusion matrix as coloured cells, without numbers; places and sizes in pixels."""

    label: str
    width: int
    height: int
    left: int
    top: int
    across: int
    down: int
    cell_width: int
    cell_height: int
    names_end: int
    numbers_end: int
    rows: tuple[GridRow, ...]
    cells: tuple[GridCell, ...]


@dataclass(frozen=True)
class Pair:
    """Images of one class that were taken for another."""

    given: str
    predicted: str
    count: str
    total: str
    width: str


@dataclass(frozen=True)
class CalibrationView:
    """The reliability diagram, how the images are distributed in it, and sentences about both."""

    charts: tuple[Chart, ...]
    sentences: tuple[str, ...]


def called(name: str) -> str:
    """A class name for people: the name of a synset instead of its id, and no misleading characters."""
    return visible(readable(name))


def score_table(evaluation: Evaluation) -> ScoreTable:
    """Classes with the lowest F1 first; two classes keep their order; those without images come last."""
    scores = list(evaluation.scores)
    if len(scores) > 2:
        scores.sort(key=lambda score: (math.isnan(score.f1), score.f1, score.name))
    note = "The lowest F1 first." if len(scores) > 2 else ""
    if len(scores) > MAX_SCORES:
        note = f"The lowest F1 first; {number(len(scores) - MAX_SCORES)} more classes are in {EVALUATION}."
    rows = tuple(map(_score_row, scores[:MAX_SCORES]))
    rest = rows[OPEN_SCORES:]
    return ScoreTable(rows[:OPEN_SCORES], rest, f"{count(len(rest), 'more class', 'more classes')}", note)


def _score_row(score: ClassScore) -> ScoreRow:
    undefined = "no image" if not score.support else "never predicted"
    cells = [_bar(value, undefined) for value in (score.precision, score.recall, score.f1)]
    return ScoreRow(called(score.name), number(score.support), *cells)


def _bar(value: float, undefined: str) -> tuple[str, str]:
    return ("0%", undefined) if math.isnan(value) else (f"{100 * value:.1f}%", percent(value))


def _pairs(evaluation: Evaluation) -> Counter[tuple[str, str]]:
    """(given, predicted) -> images, also of those that were right; answers that are none of the classes under ""."""
    found: Counter[tuple[str, str]] = Counter()
    for row, given in enumerate(evaluation.classes):
        for column in evaluation.confusion[row].nonzero()[0].tolist():
            found[given, evaluation.classes[column]] = int(evaluation.confusion[row, column])
        if evaluation.elsewhere[row]:
            found[given, ""] = int(evaluation.elsewhere[row])
    return found


def confusion_table(evaluation: Evaluation) -> Matrix | None:
    """Given x predicted in numbers; None if there are too many classes to read it."""
    names = evaluation.classes
    if len(names) > MAX_NUMBERS:
        return None
    pairs, others = _pairs(evaluation), bool(evaluation.elsewhere.any())
    return Matrix(
        corner="Given",
        columns=(*map(called, names), *((ELSEWHERE,) if others else ())),
        rows=tuple(replace(confusion_row(name, names, others, pairs), name=called(name)) for name in names),
        upright=len(names) + others > UPRIGHT_COLUMNS,
    )


def confusion_grid(evaluation: Evaluation) -> Grid | None:
    """Given x predicted in colours; None if a table of numbers can show it, or if a page cannot hold it."""
    names = evaluation.classes
    if not MAX_NUMBERS < len(names) <= MAX_GRID:
        return None
    step = _CELL if len(names) <= _ROOMY else _NARROW
    every = 1 if step == _CELL else 5
    left, top, across, down = _NAMES + _DIGITS, _NUMBERS, step * len(names), _CELL * len(names)
    totals = {score.name: score.support for score in evaluation.scores}
    places = {name: place for place, name in enumerate(names)}
    cells = [
        GridCell(
            x=left + step * places[predicted],
            y=top + _CELL * places[given],
            tint="same" if given == predicted else tint(times, totals[given]),
            hint=f"{called(given)}, taken for {called(predicted)}: {_of(times, totals[given])}"
            if given != predicted
            else f"{called(given)}: {_of(times, totals[given])} right",
        )
        for (given, predicted), times in _pairs(evaluation).items()
        if predicted
    ]
    rows = [
        GridRow(
            name=f"{_short(called(name))}  {place + 1}",
            number=str(place + 1) if (place + 1) % every == 0 else "",
            middle=top + _CELL * (place + 0.5),
            middle_across=left + step * (place + 0.5),
        )
        for place, name in enumerate(names)
    ]
    return Grid(
        label=f"Given class against predicted class, {len(names)} classes",
        width=left + across + 2,
        height=top + down + 2,
        left=left,
        top=top,
        across=across,
        down=down,
        cell_width=step - 1,
        cell_height=_CELL - 1,
        names_end=_NAMES,
        numbers_end=_NUMBERS - _DIGITS,
        rows=tuple(rows),
        cells=tuple(cells),
    )


def _of(times: int, total: int) -> str:
    return f"{number(times)} of {number(total)} ({percent(times / total)})"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "\u2026"


def confused_pairs(evaluation: Evaluation) -> tuple[Pair, ...]:
    """The pairs of classes that were confused most often; none if a small matrix shows them all."""
    if len(evaluation.classes) <= 2 and not evaluation.elsewhere.any():
        return ()
    totals = {score.name: score.support for score in evaluation.scores}
    wrong = [(times, given, said) for (given, said), times in _pairs(evaluation).items() if said not in (given, "")]
    wrong += [(times, given, said) for given, said, times in evaluation.other_classes]
    wrong.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
    largest = wrong[0][0] if wrong else 1
    return tuple(
        Pair(
            given=called(given),
            predicted=called(said),
            count=number(times),
            total=number(totals[given]),
            width=f"{100 * times / largest:.1f}%",
        )
        for times, given, said in wrong[:MAX_PAIRS]
    )


def other_classes(evaluation: Evaluation) -> str:
    """A sentence about the answers that are none of the data set's classes; "" if there are none."""
    if not evaluation.other_classes:
        return ""
    names: Counter[str] = Counter()
    for _, name, times in evaluation.other_classes:
        names[name] += times
    total = names.total()
    named = [f"{called(name)} ({number(times)})" for name, times in names.most_common(5)]
    more = len(names) - len(named)
    if more:
        named.append(f"{count(more, 'other class', 'other classes')}")
    return f"{count(total, 'answer is', 'answers are')} none of the data set's classes: {listing(named)}."


def calibration_view(evaluation: Evaluation) -> CalibrationView:
    """Accuracy over confidence, beside the line on which both are equal; and the share of images in each range."""
    found = evaluation.calibration
    x, y = x_axis(0, 1), y_axis(0, 1)
    steps = [0, 0.25, 0.5, 0.75, 1]
    texts = [f"{100 * step:g}%" for step in steps]
    hints = [
        f"confidence {percent(each.low)} to {percent(each.high)}: {count(each.images, 'image')}, "
        f"{percent(each.accuracy)} right"
        for each in found.bins
    ]
    bars: list[ChartBar] = []
    dots: list[Dot] = []
    for each, hint in zip(found.bins, hints, strict=True):
        bars.append(bar(each.low, each.high, each.accuracy, x, y, hint))
        dots.append(Dot(x.percent(each.confidence), y.percent(each.accuracy), "measured", hint))
    total = evaluation.accuracy.total
    largest = max(each.images for each in found.bins) / total
    counts = y_axis(0, largest)
    reliability = Chart(
        title="Accuracy by confidence",
        label="Reliability diagram: accuracy against confidence",
        x_title="confidence",
        x_ticks=ticks(x, steps, texts),
        y_ticks=ticks(y, steps, texts),
        lines=curve("ideal", [(0, 0), (1, 1)], x, y),
        dots=tuple(dots),
        bars=tuple(bars),
    )
    images = Chart(
        title="Images by confidence",
        label="Share of the images in each range of confidence",
        x_title="confidence",
        x_ticks=ticks(x, steps, texts),
        y_ticks=ticks(counts, [0, largest], ["0%", percent(largest)]),
        bars=tuple(
            bar(each.low, each.high, each.images / total, x, counts, hint)
            for each, hint in zip(found.bins, hints, strict=True)
        ),
    )
    return CalibrationView((reliability, images), _calibration_sentences(evaluation))


def _calibration_sentences(evaluation: Evaluation) -> tuple[str, ...]:
    found, accuracy = evaluation.calibration, evaluation.accuracy.value
    gap = found.confidence - accuracy
    leaning = "It is neither too sure nor too doubtful on the whole."
    if abs(gap) >= 0.01:
        leaning = "On the whole it is too sure." if gap > 0 else "On the whole it is right more often than it says."
    return (
        f"The model says {percent(found.confidence)} on average and is right in {percent(accuracy)}. {leaning}",
        f"Expected calibration error: {100 * found.error:.1f} points, over {len(found.bins)} ranges of confidence "
        "that hold images.",
    )
