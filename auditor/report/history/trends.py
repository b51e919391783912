"""Nights -> small line charts, one for each number that is followed."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from auditor.report.shared.charts import Chart, Dot, curve, round_steps, ticks, x_axis, y_axis
from auditor.store.nights import Night
from auditor.text import count, number, visible

#: Nights on the charts, the newest; and classes, those with the most findings.
MOST_NIGHTS, MOST_CLASSES = 90, 24
_STEPS = 3                                      # lines across a small chart, about


def status_trends(nights: Sequence[Night], first: Night) -> tuple[Chart, ...]:
    """Images, and findings by status; of the very first run everything is new, which is no news."""
    if len(nights) < 2:
        return ()
    return (
        _trend("Findings", nights, [sum(each.findings for each in night.counts) for night in nights]),
        _trend("New", nights, [math.nan if night is first else night.new for night in nights]),
        _trend("Resolved", nights, [math.nan if night is first else night.resolved for night in nights]),
        _trend("Images", nights, [night.images for night in nights]),
    )


def rule_trends(nights: Sequence[Night]) -> tuple[Chart, ...]:
    """Findings of every rule that ever had one; there is a gap where it did not run."""
    counted = [night.by_rule() for night in nights]
    rules = list(dict.fromkeys(rule for rules in reversed(counted) for rule in rules))
    found = [rule for rule in rules if any(rules.get(rule) for rules in counted)]
    return tuple(_trend(rule, nights, _of(counted, rule)) for rule in found)


def class_trends(nights: Sequence[Night]) -> tuple[Chart, ...]:
    """Findings on the images of the classes with the most of them now, or ever."""
    counted = [night.by_class() for night in nights]
    names = sorted({name for classes in counted for name in classes})
    worst = sorted(names, key=lambda name: [-classes.get(name, 0) for classes in (counted[-1], _most(counted))])
    found = [name for name in worst if any(classes.get(name) for classes in counted)]
    return tuple(_trend(visible(name), nights, _of(counted, name)) for name in found[:MOST_CLASSES])


def day(stamp: str) -> str:
    """A timestamp as a short date in UTC: "3 Nov"."""
    when = datetime.fromisoformat(stamp).astimezone(UTC)
    return f"{when.day} {when:%b}"


def _most(counted: Sequence[dict[str, int]]) -> dict[str, int]:
    most: dict[str, int] = {}
    for classes in counted:
        for name, findings in classes.items():
            most[name] = max(findings, most.get(name, 0))
    return most


def _of(counted: Sequence[dict[str, int]], name: str) -> list[float]:
    """Of each night the number of that name; NaN where there is none."""
    return [numbers.get(name, math.nan) for numbers in counted]


def _trend(title: str, nights: Sequence[Night], values: Sequence[float]) -> Chart:
    """One number over the nights, NaN where nobody measured it; its last value in the title."""
    steps = round_steps(0, max([1.0, *(value for value in values if math.isfinite(value))]), _STEPS)
    steps = [step for step in steps if step == round(step)]                     # half a finding is none
    x, y = x_axis(0.5, len(nights) + 0.5), y_axis(steps[0], steps[-1])
    last = next((value for value in reversed(values) if math.isfinite(value)), 0.0)
    ends = [1] if len(nights) == 1 else [1, len(nights)]
    return Chart(
        title=f"{title}: {number(int(last))}",
        label=f"{title} over {count(len(nights), 'run')}, in the last one {number(int(last))}",
        x_title="",
        x_ticks=ticks(x, ends, [day(nights[end - 1].started) for end in ends]),
        y_ticks=ticks(y, steps, [number(int(step)) for step in steps]),
        lines=curve("found", enumerate(values, 1), x, y),
        dots=tuple(_dots(nights, values, x.percent, y.percent)),
    )


def _dots(
    nights: Sequence[Night], values: Sequence[float], across: Callable[[float], str], up: Callable[[float], str]
) -> Iterator[Dot]:
    """A point for every night, with a hint."""
    for place, (night, value) in enumerate(zip(nights, values, strict=True), 1):
        if math.isfinite(value):
            hint = f"{day(night.started)}, {visible(night.run)}: {number(int(value))}"
            yield Dot(across(place), up(value), "found", hint, "2.5")
