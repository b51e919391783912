"""Tables of counts, class against class, with cells tinted by their size."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from auditor.text import number, percent, visible

UPRIGHT_COLUMNS = 8  # more columns than this get vertical headings


@dataclass(frozen=True)
class Cell:
    """One number of a matrix. `tint` 0-5 is its step in the colour scale, "same" the diagonal of a confusion matrix.

    `href` leads to what was counted, where the page shows it.
    """

    text: str
    tint: str
    hint: str = ""
    href: str = ""


@dataclass(frozen=True)
class MatrixRow:
    """A row of a matrix."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """A table of numbers with a name on each row and column; `more` says what was left out.

    `ids` are the synset ids behind readable names.
    """

    corner: str
    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    upright: bool
    more: str = ""
    note: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)


def confusion_row(
    given: str,
    names: Sequence[str],
    others: bool,
    pairs: Counter[tuple[str, str]],
    href: Callable[[str, str], str] = lambda given, predicted: "",
) -> MatrixRow:
    """One row: how often images of a class were taken for each of `names`; `others` adds a last cell for the rest.

    `href(given, predicted)` leads to the images of a cell.
    """
    total = sum(times for (label, _), times in pairs.items() if label == given)
    numbers = [pairs[given, predicted] for predicted in names]
    cells = [
        Cell(number(times), "same")
        if predicted == given
        else cell(times, max(total, 1), _hint(times, total), href(given, predicted))
        for predicted, times in zip(names, numbers, strict=True)
    ]
    if others:
        rest = total - sum(numbers)
        cells.append(cell(rest, max(total, 1), hint=_hint(rest, total)))
    return MatrixRow(name=visible(given), cells=tuple(cells))


def _hint(times: int, total: int) -> str:
    return f"{percent(times / total)} of the row" if times else ""


def cell(times: int, largest: int, hint: str = "", href: str = "") -> Cell:
    """A count as a cell: empty for none, tinted by its share of the largest."""
    return Cell(number(times) if times else "\u00b7", tint(times, largest), hint, href if times else "")


def tint(times: int, largest: int) -> str:
    """The step of the scale, 0 for none; it grows with the square root, so that a few of many can still be seen."""
    return str(min(5, 1 + int(4.999 * (times / largest) ** 0.5))) if times else "0"
