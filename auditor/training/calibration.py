"""The images that an export is calibrated and checked on: photographs, or seeded noise where none were given."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.classes import ClassMatch, match_classes
from auditor.dataset import Dataset, Sample
from auditor.errors import InputError
from auditor.folders import shown
from auditor.images import Unreadable, decode, resize
from auditor.modelcard import ModelCard
from auditor.progress import Progress

BATCH = 16
#: Held-out images that accuracy is measured on where there are so many; fewer say less than all do together.
HELD_OUT_AT_LEAST = 50
NOISE = 16                                                      # images
_SEED = 8675309                                                 # not 0: training may draw with that, and see the same


@dataclass(frozen=True)
class Photographs:
    """A fair draw from a folder, its duplicates left out, in two parts that share no image.

    Attributes:
        calibrating: What ranges are measured on.
        checked: What the export is compared with its source on: first of all images that it was not trained on.
        trained_on: How many of `checked` the model was trained on; they come last.
        known: How many of both parts.
        unreadable: Files that were drawn and could not be read.
        size: (height, width) that they are squashed to.
        classes: Of the folder.
        match: How the model's classes map to those; None where they do not.
    """

    calibrating: tuple[Sample, ...]
    checked: tuple[Sample, ...]
    trained_on: int
    known: int
    unreadable: int
    size: tuple[int, int]
    classes: tuple[str, ...]
    match: ClassMatch | None

    @property
    def judged(self) -> int:
        """How many of `checked`, from the first on, accuracy is measured on: those held out from training, or all."""
        held_out = len(self.checked) - self.trained_on
        return held_out if held_out >= HELD_OUT_AT_LEAST else len(self.checked)

    def right(self) -> Callable[[NDArray[Any]], NDArray[np.bool_]] | None:
        """From probabilities (N, C) of `checked` to whether each of the `judged` first is right.

        None where labels say nothing about it.
        """
        match, index = self.match, {name: number for number, name in enumerate(self.classes)}
        if match is None:
            return None
        truth = np.array([index[sample.label or ""] for sample in self.checked[: self.judged]])
        return lambda rows: match.project(rows[: len(truth)], len(index)).argmax(axis=1) == truth

    def batches(self, samples: Sequence[Sample], batch: int = BATCH) -> Iterator[NDArray[np.uint8]]:
        """(B, H, W, 3) each, decoded when they are asked for; what is left over in the end is a smaller batch.

        Raises:
            InputError: a file that could be read when it was drawn no longer can.
        """
        for start in range(0, len(samples), batch):
            try:
                images = [_pixels(sample.read_bytes(), self.size) for sample in samples[start : start + batch]]
            except (OSError, Unreadable) as error:
                raise InputError(f"a photograph changed while the model was being exported: {error}") from None
            yield np.stack(images)


def draw(dataset: Dataset, card: ModelCard, images: int, *, calibrates: bool, progress: Progress) -> Photographs:
    """Draws photographs for a model; the same ones every time.

    Args:
        dataset: Where from.
        card: The model's.
        images: How many, or as many as there are.
        calibrates: Whether every third is set apart for calibration.
        progress: Told about the reading.

    Raises:
        InputError: the data set holds no readable image.
    """
    found, unseen, unreadable = _readable(dataset, card, images, progress)
    if not found:
        raise InputError(f"no file of {shown(str(dataset.root))} can be read as an image; expected photographs")
    # Images that the model was not trained on come first: they are what the check is worth most on.
    ordered = [sample for sample in found if sample in unseen] + [sample for sample in found if sample not in unseen]
    checks = len(ordered) - (len(ordered) // 3 if calibrates else 0)
    checked = tuple(ordered[:checks])
    return Photographs(
        calibrating=tuple(ordered[checks:]),
        checked=checked,
        trained_on=sum(sample not in unseen for sample in checked),
        known=len(found) - len(unseen),
        unreadable=unreadable,
        size=card.input_size,
        classes=dataset.classes,
        match=_match(dataset, card, checked),
    )


def noise(size: tuple[int, int]) -> NDArray[np.uint8]:
    """(NOISE, H, W, 3): half of it grain, half of it soft colours. Runs every layer, says nothing about accuracy."""
    rng = np.random.default_rng(_SEED)
    grain = rng.integers(0, 256, (NOISE // 2, *size, 3), dtype=np.uint8)
    soft = [resize(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), *size) for _ in range(NOISE - len(grain))]
    return np.concatenate([grain, np.stack(soft)])


def _readable(
    dataset: Dataset, card: ModelCard, images: int, progress: Progress
) -> tuple[list[Sample], set[Sample], int]:
    """Readable images of different content in a random order, those that the model has not seen, and failures."""
    found: list[Sample] = []
    unseen: set[Sample] = set()
    contents: set[str] = set()
    unreadable = 0
    order = np.random.default_rng(_SEED).permutation(len(dataset.samples))
    for place in progress.track(order, min(images, len(order)), "reading photographs"):
        sample = dataset.samples[place]
        try:
            data = sample.read_bytes()
            _pixels(data, card.input_size)
        except (OSError, Unreadable):
            unreadable += 1
            continue
        content = hashlib.sha256(data).hexdigest()
        if content in contents:
            continue
        contents.add(content)
        found.append(sample)
        if not card.saw(content):
            unseen.add(sample)
        if len(found) == images:
            break
    return found, unseen, unreadable


def _match(dataset: Dataset, card: ModelCard, checked: Sequence[Sample]) -> ClassMatch | None:
    """How the model's classes map to the folder's; None where one of them has no counterpart or an image no label."""
    if len(dataset.classes) < 2 or not all(sample.label for sample in checked):
        return None
    match = match_classes(dataset.classes, card.classes, {})
    return match if match.complete else None


def _pixels(data: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W, 3), as a scan would give them to the model."""
    return resize(decode(data, at_least=2 * max(size)).pixels, *size)
