"""The runs of a data set as lines for a terminal, and as values that JSON has."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from auditor.store.nights import Night
from auditor.text import visible

_GATES = {None: "-", True: "passed", False: "FAILED"}


def as_text(nights: Sequence[Night]) -> Iterator[str]:
    """A table with a line for each run, the oldest first; rules that never found anything have no column."""
    counted = [night.by_rule() for night in nights]
    rules = list(dict.fromkeys(rule for rules in counted for rule, found in rules.items() if found))
    heads = ["run", "started", "images", "new", "resolved", "gate", *rules]
    lines = [heads]
    for night, found in zip(nights, counted, strict=True):
        numbers = [str(found[rule]) if rule in found else "-" for rule in rules]
        lines.append([
            visible(night.run), night.started[:16].replace("T", " "), str(night.images), str(night.new),
            str(night.resolved), _GATES[night.gate], *numbers,
        ])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
        yield "  ".join((*left, *right))


def as_json(name: str, nights: Sequence[Night]) -> dict[str, Any]:
    """The history as values that JSON has."""
    runs = [{**asdict(night), "findings": night.by_rule(), "findings_by_class": night.by_class()} for night in nights]
    return {"name": name, "runs": runs}
