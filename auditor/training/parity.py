"""Whether an exported model still is the model that it was made from, measured on the same images."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import ModelError, ModelMismatch

Array = NDArray[Any]


@dataclass(frozen=True)
class Parity:
    """How an exported model compares with its source.

    Attributes:
        images: Number of images.
        largest_difference: Of any probability; NaN where either side gives one.
        same_class: Share of images with the same top class.
        accuracy: Of the exported model; None without labels.
        source_accuracy: Of its source, likewise.
    """

    images: int
    largest_difference: float
    same_class: float
    accuracy: float | None = None
    source_accuracy: float | None = None

    @property
    def points_lost(self) -> float | None:
        """Accuracy lost, in percentage points; negative where the export is the better one."""
        if self.accuracy is None or self.source_accuracy is None:
            return None
        return 100 * (self.source_accuracy - self.accuracy)

    def __str__(self) -> str:
        text = f"same top class {self.same_class:.2%}, largest difference {self.largest_difference:.1e}"
        if self.accuracy is not None and self.source_accuracy is not None:
            text += f", accuracy {self.accuracy:.2%} (before: {self.source_accuracy:.2%})"
        return text

    def record(self) -> dict[str, Any]:
        """What the model's card says about it."""
        record: dict[str, Any] = {
            "images": self.images,
            "largest_difference": float(f"{self.largest_difference:.2g}"),
            "same_class": round(self.same_class, 4),
        }
        if self.accuracy is not None and self.source_accuracy is not None:
            record |= {"accuracy": round(self.accuracy, 4), "source_accuracy": round(self.source_accuracy, 4)}
        return record


@dataclass(frozen=True)
class Limits:
    """What an export may cost.

    Attributes:
        difference: Of any probability, at most.
        same_class: Share of images, at least.
        points: Of accuracy, lost at most, where there are labels.
    """

    difference: float = 1.0
    same_class: float = 0.0
    points: float = 100.0

    def broken(self, parity: Parity) -> list[str]:
        """What is worse than it may be, with the figures; written so that NaN is."""
        found = []
        if not parity.largest_difference <= self.difference + 1e-9:
            found.append(f"largest difference {parity.largest_difference:.1e}, allowed {self.difference:g}")
        if not parity.same_class >= self.same_class - 1e-9:
            found.append(f"same top class {parity.same_class:.2%}, wanted {self.same_class:.0%}")
        if parity.points_lost is not None and not parity.points_lost <= self.points + 1e-9:
            accuracies = f"{parity.accuracy:.2%} against {parity.source_accuracy:.2%}"
            found.append(f"accuracy {accuracies}, allowed {self.points:g} points less")
        return found

    def check(self, parity: Parity, what: str, advice: str) -> None:
        """Refuses an export.

        Raises:
            ModelMismatch: naming the figures, and what to try.
        """
        if found := self.broken(parity):
            raise ModelMismatch(
                f"nothing was written: {what} differs too much from its source on {parity.images} images "
                f"({'; '.join(found)}). {advice}"
            )


FLOAT32 = Limits(difference=1e-4)
FLOAT16 = Limits(difference=0.01, points=0.5)
INT8 = Limits(same_class=0.99, points=0.5)


def compare(
    source: Callable[[Array], Array],
    exported: Callable[[Array], Array],
    batches: Iterable[Array],
    right: Callable[[Array], NDArray[np.bool_]] | None = None,
) -> Parity:
    """Runs two classifiers over the same batches.

    Args:
        source: From a batch to probabilities (B, C).
        exported: Likewise.
        batches: Images, whatever the two take.
        right: From the probabilities (N, C) of all images, in order, to whether each is right; None without labels.

    Raises:
        ModelError: there was no image to compare them on.
    """
    pairs = [(source(batch), exported(batch)) for batch in batches]
    if not pairs:
        raise ModelError("no image to compare the exported model on; pass the folder that it was trained on")
    before, after = (np.concatenate(column) for column in zip(*pairs, strict=True))     # (N, C) each
    return Parity(
        images=len(before),
        largest_difference=float(np.abs(before - after).max()),
        same_class=float((before.argmax(axis=1) == after.argmax(axis=1)).mean()),
        accuracy=None if right is None else float(right(after).mean()),
        source_accuracy=None if right is None else float(right(before).mean()),
    )
