"""Learning curves: loss and accuracy over the epochs of all phases, and sentences about each phase."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from auditor.evaluation.training_history import Epoch, Phase, TrainingHistory
from auditor.report.shared.charts import (
    Axis,
    Chart,
    Dot,
    Mark,
    Polyline,
    curve,
    round_steps,
    ticks,
    whole_steps,
    x_axis,
    y_axis,
)
from auditor.text import count, decimal, duration, percent, visible

_SMALLEST_SPAN = 0.02                           # of an accuracy axis, so that noise does not look like progress


@dataclass(frozen=True)
class PhaseText:
    """One phase: its name, and what happened in it."""

    name: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Learning:
    """The charts, and the phases in their order."""

    charts: tuple[Chart, ...]
    phases: tuple[PhaseText, ...]


def learning(history: TrainingHistory | None) -> Learning | None:
    """The section about training; None if nothing is known about it."""
    phases = [] if history is None else [phase for phase in history.phases if phase.epochs]
    if not phases:
        return None
    losses = _values(phases, lambda epoch: (epoch.loss, epoch.val_loss))
    accuracies = _values(phases, lambda epoch: (epoch.accuracy, epoch.val_accuracy))
    charts = []
    if losses:
        steps = round_steps(0.0, max(losses))
        chart = _chart(phases, "Loss", steps, [decimal(step) for step in steps], _losses)
        charts.append(chart)
    if accuracies:
        steps = round_steps(min(min(accuracies), max(accuracies) - _SMALLEST_SPAN), max(accuracies))
        texts = [f"{100 * step:g}%" for step in steps]
        charts.append(_chart(phases, "Accuracy", steps, texts, _accuracies))
    return Learning(tuple(charts), tuple(_text(phase) for phase in phases))


def _losses(epoch: Epoch) -> tuple[float, float]:
    return epoch.loss, epoch.val_loss


def _accuracies(epoch: Epoch) -> tuple[float, float]:
    return epoch.accuracy, epoch.val_accuracy


def _values(phases: list[Phase], of: Callable[[Epoch], tuple[float, float]]) -> list[float]:
    return [value for phase in phases for epoch in phase.epochs for value in of(epoch) if math.isfinite(value)]


def _chart(
    phases: list[Phase], title: str, steps: list[float], texts: list[str], of: Callable[[Epoch], tuple[float, float]]
) -> Chart:
    """Training and validation over the epochs of all phases, numbered consecutively."""
    total = sum(len(phase.epochs) for phase in phases)
    x, y = x_axis(0.5, total + 0.5), y_axis(steps[0], steps[-1])
    epochs = whole_steps(total)
    lines: list[Polyline] = []
    dots: list[Dot] = []
    marks = []
    for phase, first in _places(phases):
        numbered = [(float(first + place), of(epoch)) for place, epoch in enumerate(phase.epochs)]
        lines += curve("training", [(at, both[0]) for at, both in numbered], x, y)
        lines += curve("validation", [(at, both[1]) for at, both in numbered], x, y)
        dots += _dots(phase, first, of, x, y, title)
        if len(phases) > 1:
            marks.append(Mark(x.percent(first - 0.5), visible(phase.name)))
    return Chart(
        title=title,
        label=f"{title} of training and validation over {count(total, 'epoch')}",
        x_title="epoch",
        x_ticks=ticks(x, epochs, [str(number) for number in epochs]),
        y_ticks=ticks(y, steps, texts),
        lines=tuple(lines),
        dots=tuple(dots),
        marks=tuple(marks),
    )


def _places(phases: list[Phase]) -> Iterator[tuple[Phase, int]]:
    """Each phase with the number of its first epoch."""
    first = 1
    for phase in phases:
        yield phase, first
        first += len(phase.epochs)


def _dots(
    phase: Phase, first: int, of: Callable[[Epoch], tuple[float, float]], x: Axis, y: Axis, title: str
) -> Iterator[Dot]:
    """The best epoch; and every point of a phase of one epoch, which has no line."""
    for place, epoch in enumerate(phase.epochs):
        training, validation = of(epoch)
        at = x.percent(first + place)
        if len(phase.epochs) == 1 and math.isfinite(training):
            yield Dot(at, y.percent(training), "training", f"{title} of training: {decimal(training)}", "3")
        if not math.isfinite(validation):
            continue
        if epoch == phase.best:
            hint = f"best epoch of {visible(phase.name)}, {epoch.number}: {title.lower()} {decimal(validation)}"
            yield Dot(at, y.percent(validation), "best", hint, "5")
        elif len(phase.epochs) == 1:
            yield Dot(at, y.percent(validation), "validation", f"{title} of validation: {decimal(validation)}", "3")


def _text(phase: Phase) -> PhaseText:
    epochs, best = phase.epochs, phase.best
    seconds = sum(epoch.seconds for epoch in epochs if math.isfinite(epoch.seconds))
    sentences = [f"{count(len(epochs), 'epoch')} in {duration(seconds)}, {_rate(epochs)}."]
    if best is None:
        sentences.append("No epoch has a validation loss, so the last weights were kept.")
    else:
        later = len(epochs) - epochs.index(best) - 1
        after = f"; {count(later, 'later epoch was', 'later epochs were')} no better" if later else ""
        sentences.append(
            f"Best epoch: {best.number}, validation loss {decimal(best.val_loss)}, "
            f"accuracy {percent(best.val_accuracy)}{after}."
        )
    return PhaseText(visible(phase.name), tuple(sentences))


def _rate(epochs: tuple[Epoch, ...]) -> str:
    """The learning rate from the first epoch to the last, and its highest value if that is neither."""
    rates = [epoch.learning_rate for epoch in epochs if math.isfinite(epoch.learning_rate)]
    if not rates:
        return "learning rate not stated"
    if min(rates) == max(rates):
        return f"learning rate {rates[0]:.3g}"
    peak = max(rates)
    if peak in (rates[0], rates[-1]):
        return f"learning rate from {rates[0]:.3g} to {rates[-1]:.3g}"
    return f"learning rate up from {rates[0]:.3g} to {peak:.3g}, then down to {rates[-1]:.3g}"
