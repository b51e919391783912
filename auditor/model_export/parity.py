"""Whether an exported model still answers like its source, measured on the same images."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import ModelError, ModelMismatch

Array = NDArray[Any]

_SURE = 1.645                                                   # standard deviations, exceeded by chance once in 20


@dataclass(frozen=True)
class Parity:
    """How an exported model compares with its source.

    Attributes:
        images: Number of images.
        largest_difference: Of any probability; NaN if either side gives NaN.
        same_class: Share of images with the same top class.
        accuracy: Of the exported model; None without labels.
        source_accuracy: Of its source, likewise.
        rounding: Log-odds between two classes up to which rounding decides which is on top; see `rounding_of`.
        clear_flips: Images with another top class although the source's margin was larger than `rounding`.
        labelled: Number of images on which the accuracies are measured.
        lost: How many of those were right before and are wrong now.
        gained: How many were wrong before and are right now.
    """

    images: int
    largest_difference: float
    same_class: float
    accuracy: float | None = None
    source_accuracy: float | None = None
    rounding: float = 0.0
    clear_flips: int = 0
    labelled: int = 0
    lost: int = 0
    gained: int = 0

    @property
    def flips(self) -> int:
        """Images with another top class."""
        return round(self.images * (1 - self.same_class))

    @property
    def points_lost(self) -> float | None:
        """Accuracy lost, in percentage points; negative if the export is better."""
        if self.accuracy is None or self.source_accuracy is None:
            return None
        return 100 * (self.source_accuracy - self.accuracy)

    @property
    def points_by_chance(self) -> float:
        """Loss of accuracy, in points, that chance exceeds once in 20 if answers become right as often as wrong.

        McNemar's test: the balance of n such changes has a standard deviation of sqrt(n).
        """
        return 100 * _SURE * float(np.sqrt(self.lost + self.gained)) / self.labelled if self.labelled else 0.0

    def __str__(self) -> str:
        text = f"same top class {self.same_class:.2%}"
        if self.flips:
            text += f" ({self.flips} of {self.images} changed, {self.clear_flips or 'none'} by more than rounding)"
        text += f", largest difference {self.largest_difference:.1e}"
        if self.accuracy is not None and self.source_accuracy is not None:
            text += f", accuracy {self.accuracy:.2%} (before: {self.source_accuracy:.2%})"
        return text

    def record(self) -> dict[str, Any]:
        """What is written into the model's card."""
        record: dict[str, Any] = {
            "images": self.images,
            "largest_difference": float(f"{self.largest_difference:.2g}"),
            "same_class": round(self.same_class, 4),
        }
        if self.flips:
            record |= {"clear_flips": self.clear_flips, "rounding": float(f"{self.rounding:.2g}")}
        if self.accuracy is not None and self.source_accuracy is not None:
            record |= {"accuracy": round(self.accuracy, 4), "source_accuracy": round(self.source_accuracy, 4)}
            if self.labelled not in (0, self.images):
                record["accuracy_images"] = self.labelled
        return record


@dataclass(frozen=True)
class Limits:
    """How much an export may differ from its source.

    Attributes:
        difference: Of any probability, at most.
        same_class: Share of images, at least.
        clear_flips: At most so many images with another top class that rounding does not explain; None for any number.
        points: Of accuracy, lost at most, if there are labels.
        chance: Whether more may be lost if the images are too few to tell the loss from chance (`points_by_chance`).
    """

    difference: float = 1.0
    same_class: float = 0.0
    clear_flips: int | None = None
    points: float = 100.0
    chance: bool = False

    def broken(self, parity: Parity) -> list[str]:
        """The limits that are broken, with the figures; the comparisons are written so that NaN breaks them."""
        found = []
        if not parity.largest_difference <= self.difference + 1e-9:
            found.append(f"largest difference {parity.largest_difference:.1e}, allowed {self.difference:g}")
        if not parity.same_class >= self.same_class - 1e-9:
            found.append(f"same top class {parity.same_class:.2%}, wanted {self.same_class:.0%}")
        if self.clear_flips is not None and not parity.clear_flips <= self.clear_flips:
            found.append(
                f"another top class on {parity.clear_flips} images by more than rounding explains "
                f"({_odds(parity.rounding)}), allowed {self.clear_flips}; {parity.flips} changed in total"
            )
        allowed = max(self.points, parity.points_by_chance if self.chance else 0.0)
        if parity.points_lost is not None and not parity.points_lost <= allowed + 1e-9:
            accuracies = f"{parity.accuracy:.2%} against {parity.source_accuracy:.2%}"
            found.append(f"accuracy {accuracies}, allowed {allowed:.2g} points less")
        return found

    def check(self, parity: Parity, what: str, advice: str) -> None:
        """Refuses an export that breaks a limit.

        Raises:
            ModelMismatch: with the figures, and what to try.
        """
        if found := self.broken(parity):
            raise ModelMismatch(
                f"nothing was written: {what} differs too much from its source on {parity.images} images "
                f"({'; '.join(found)}). {advice}"
            )


FLOAT32 = Limits(difference=1e-4)
FLOAT16 = Limits(difference=0.01, points=0.5)
#: In a model with many near ties, rounding alone changes many answers; above 5 %, 8 bits are too coarse for it.
INT8 = Limits(same_class=0.95, clear_flips=0, points=0.5, chance=True)


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
        batches: Images, in the form that both take.
        right: Maps the probabilities (N, C) of all images, in order, to whether each of the first M is right: those on
            which accuracy is measured. None without labels.

    Raises:
        ModelError: there is no image to compare them on.
    """
    pairs = [(source(batch), exported(batch)) for batch in batches]
    if not pairs:
        raise ModelError("there is no image to compare the exported model on; pass the folder that it was trained on")
    before, after = (np.concatenate(column) for column in zip(*pairs, strict=True))     # (N, C) each
    rounding = rounding_of(before, after)
    measured = Parity(
        images=len(before),
        largest_difference=float(np.abs(before - after).max()),
        same_class=float((_logits(before).argmax(axis=1) == _logits(after).argmax(axis=1)).mean()),
        rounding=rounding,
        clear_flips=int((_against(before, after) > rounding).sum()),
    )
    if right is None:
        return measured
    was, now = right(before), right(after)                                              # (M,) each, M <= N
    return replace(
        measured,
        accuracy=float(now.mean()),
        source_accuracy=float(was.mean()),
        labelled=len(now),
        lost=int((was & ~now).sum()),
        gained=int((now & ~was).sum()),
    )


def rounding_of(before: Array, after: Array, deviations: float = 4.0, at_most: float = float(np.log(2))) -> float:
    """The log-odds between two classes up to which rounding, not the picture, decides which is on top.

    An export changes every logit by a sum of very many small errors, one for each rounded number before it: noise that
    is close to normal (Widrow and Kollar, Quantization Noise, 2008), and whose size can be measured on the images
    themselves. If the source's two top classes are closer than this noise, either answer is as good as the other. The
    noise's standard deviation is taken from the median change of the log-odds between the two, which a few images with
    real errors cannot raise; over the half of the images of which the source was less sure, because only those are
    near a tie, and noise grows with the logits.

    Args:
        before: (N, C) probabilities of the source.
        after: Likewise, of the export.
        deviations: How many standard deviations count as noise. A normal error exceeds four in one direction on one
            image of 30,000: not once in a check.
        at_most: A larger change is damage, not noise. The logarithm of 2: one class is twice as probable as the other.
    """
    logits, moved = _logits(before), _logits(after)                                     # (N, C)
    rows = np.arange(len(logits))
    second, first = np.argsort(logits, axis=1)[:, -2:].T                                # (N,) each
    margin = logits[rows, first] - logits[rows, second]
    change = np.abs(margin - (moved[rows, first] - moved[rows, second]))
    unsure = margin <= np.median(margin)
    deviation = 1.4826 * float(np.median(change[unsure]))       # the factor is that of a normal distribution
    return min(at_most, deviations * deviation)


def _against(before: Array, after: Array) -> Array:
    """(N,) the source's log-odds of its own top class against the export's top class."""
    logits, rows = _logits(before), np.arange(len(before))                              # (N, C)
    return np.asarray(logits.max(axis=1) - logits[rows, _logits(after).argmax(axis=1)])


def _logits(rows: Array) -> Array:
    """(N, C) log probabilities, C >= 2; a single unit is the probability of the second class."""
    wide = np.asarray(rows, np.float64)
    if wide.shape[1] == 1:
        wide = np.concatenate([1 - wide, wide], axis=1)
    return np.log(np.clip(wide, np.finfo(np.float32).tiny, None))


def _odds(logits: float) -> str:
    """0.41 -> "60 : 40"."""
    share = 100 / (1 + np.exp(-logits))
    return f"{share:.0f} : {100 - share:.0f}"
