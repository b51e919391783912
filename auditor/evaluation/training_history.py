"""The history of a training run, epoch by epoch: `history.json`, from which learning curves are drawn."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from auditor.errors import ModelError
from auditor.text import read_text

HISTORY_FORMAT = 1
HISTORY_NAME = "history.json"


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images.

    Attributes:
        number: From 1, within its phase.
        loss, accuracy: Over the training images as they were trained on, augmented and with dropout.
        val_loss, val_accuracy: Over the validation images, as they are.
        learning_rate: At the end of the epoch.
        seconds: How long it took, validation included.
    """

    number: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Phase:
    """Epochs that trained the same layers: "head", then "fine-tuning"."""

    name: str
    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> Epoch | None:
        """The first epoch with the smallest validation loss, whose weights were kept; None without a finite one."""
        finite = [epoch for epoch in self.epochs if math.isfinite(epoch.val_loss)]
        return min(finite, key=lambda epoch: epoch.val_loss, default=None)


@dataclass(frozen=True)
class TrainingHistory:
    """All phases of a run, in their order."""

    phases: tuple[Phase, ...] = ()

    def with_epoch(self, phase: str, epoch: Epoch) -> Self:
        """The history with one more epoch of the phase with this name, which may be new."""
        known = [each.name for each in self.phases]
        phases = self.phases if phase in known else (*self.phases, Phase(phase))
        grown = [Phase(each.name, (*each.epochs, epoch)) if each.name == phase else each for each in phases]
        return type(self)(tuple(grown))

    def phase(self, name: str) -> Phase:
        """The phase with this name; one without epochs if it has not begun."""
        return next((phase for phase in self.phases if phase.name == name), Phase(name))

    def to_json(self) -> str:
        """The text of `history.json`; numbers that are not finite become null."""
        record = {"format_version": HISTORY_FORMAT, "phases": [_plain(asdict(phase)) for phase in self.phases]}
        return json.dumps(record, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the text of `history.json`.

        Raises:
            ModelError: it is not a history of this version.
        """
        try:
            record = json.loads(text)
            if record["format_version"] != HISTORY_FORMAT:
                raise ValueError(f"format_version {record['format_version']!r}, expected {HISTORY_FORMAT}")
            phases = tuple(
                Phase(str(phase["name"]), tuple(_epoch(epoch) for epoch in phase["epochs"]))
                for phase in record["phases"]
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            reason = f"{type(error).__name__} {error}"
            raise ModelError(f"this is not the history of a training run ({reason}); train the model again") from None
        return cls(phases)

    def write(self, folder: Path) -> None:
        """Writes `history.json` into a model's folder."""
        (folder / HISTORY_NAME).write_text(self.to_json(), encoding="utf-8")


def read_history(folder: Path) -> TrainingHistory | None:
    """The history in a model's folder; None if there is none: the model was not trained here.

    Raises:
        ModelError: `history.json` is there and cannot be read.
    """
    try:
        text = read_text(folder / HISTORY_NAME)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / HISTORY_NAME} cannot be read: {error}") from None
    return TrainingHistory.from_json(text)


def _epoch(record: Mapping[str, Any]) -> Epoch:
    values = {each.name: math.nan if record[each.name] is None else float(record[each.name]) for each in fields(Epoch)}
    return Epoch(int(values.pop("number")), **values)


def _plain(value: Any) -> Any:
    """The same, with None for numbers that are not finite, which JSON cannot express."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
