"""The images that an export is calibrated and checked on: photographs, or seeded noise if none are given."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.backends.card import ModelCard
from auditor.classes.names import ClassMatch, match_classes
from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.errors import InputError
from auditor.images.decoding import resize
from auditor.images.reader import as_input, for_model, read
from auditor.progress import Progress
from auditor.settings import Limits
from auditor.text import shown

BATCH = 16
#: Accuracy is measured on held-out images alone if there are at least this many; fewer say less than all images.
HELD_OUT_AT_LEAST = 50
NOISE = 16                                                      # images
_SEED = 8675309                                                 # not 0: training may use 0 and draw the same images


@dataclass(frozen=True)
class Photographs:
    """A random sample of a folder, without duplicates, in two parts that share no image.

    Attributes:
        calibrating: Images on which the ranges are measured.
        checked: Images on which export and source are compared; those that the model was not trained on come first.
        trained_on: How many of `checked` the model was trained on; they come last.
        known: How many images of both parts the model was trained on.
        unreadable: Files that were drawn and could not be read.
        size: (height, width) that they are resized to.
        classes: Of the folder.
        match: How the model's classes map to those; None if they do not.
        limits: What the reader refuses.
    """

    calibrating: tuple[Sample, ...]
    checked: tuple[Sample, ...]
    trained_on: int
    known: int
    unreadable: int
    size: tuple[int, int]
    classes: tuple[str, ...]
    match: ClassMatch | None
    limits: Limits

    @property
    def judged(self) -> int:
        """On how many of `checked`, from the first, accuracy is measured: those held out from training, or all."""
        held_out = len(self.checked) - self.trained_on
        return held_out if held_out >= HELD_OUT_AT_LEAST else len(self.checked)

    def right(self) -> Callable[[NDArray[Any]], NDArray[np.bool_]] | None:
        """A function from probabilities (N, C) of `checked` to whether each of the first `judged` is right.

        None if the labels cannot tell.
        """
        match, index = self.match, {name: number for number, name in enumerate(self.classes)}
        if match is None:
            return None
        truth = np.array([index[sample.label or ""] for sample in self.checked[: self.judged]])
        return lambda rows: match.project(rows[: len(truth)], len(index)).argmax(axis=1) == truth

    def batches(self, samples: Sequence[Sample], batch: int = BATCH) -> Iterator[NDArray[np.uint8]]:
        """Batches (B, H, W, 3), decoded on demand; the last one may be smaller.

        Raises:
            InputError: a file that was readable when it was drawn no longer is.
        """
        for start in range(0, len(samples), batch):
            yield np.stack([self._pixels(sample) for sample in samples[start : start + batch]])

    def _pixels(self, sample: Sample) -> NDArray[np.uint8]:
        image = read(sample, self.limits, at_least=for_model(self.size))
        if image.picture is None:
            raise InputError(f"{sample.file} changed while the model was being exported: {image.failure}")
        return as_input(image.picture, self.size)


def draw(
    dataset: Dataset,
    card: ModelCard,
    images: int,
    *,
    calibrates: bool,
    progress: Progress,
    limits: Limits | None = None,
) -> Photographs:
    """Draws photographs for a model; the same ones every time.

    Args:
        dataset: Holds the photographs.
        card: Of the model.
        images: How many; all if there are fewer.
        calibrates: Whether one in three is reserved for calibration.
        progress: Watches the reading.
        limits: What the reader refuses.

    Raises:
        InputError: the data set holds no readable image.
    """
    limits = limits or Limits()
    found, unseen, unreadable = _readable(dataset, card, images, limits, progress)
    if not found:
        raise InputError(f"no file of {shown(str(dataset.root))} can be read as an image; expected photographs")
    # Images that the model was not trained on come first: the check is most reliable on them.
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
        limits=limits,
    )


def noise(size: tuple[int, int]) -> NDArray[np.uint8]:
    """(NOISE, H, W, 3): half grain, half soft colours. Enough to run every layer; says nothing about accuracy."""
    rng = np.random.default_rng(_SEED)
    grain = rng.integers(0, 256, (NOISE // 2, *size, 3), dtype=np.uint8)
    soft = [resize(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), *size) for _ in range(NOISE - len(grain))]
    return np.concatenate([grain, np.stack(soft)])


def _readable(
    dataset: Dataset, card: ModelCard, images: int, limits: Limits, progress: Progress
) -> tuple[list[Sample], set[Sample], int]:
    """Readable images without duplicates in random order; those that the model has not seen; number of failures."""
    found: list[Sample] = []
    unseen: set[Sample] = set()
    contents: set[str] = set()
    unreadable = 0
    order = np.random.default_rng(_SEED).permutation(len(dataset.samples))
    for place in progress.track(order, min(images, len(order)), "reading photographs"):
        sample = dataset.samples[place]
        image = read(sample, limits, at_least=for_model(card.input_size))
        if image.picture is None:
            unreadable += 1
            continue
        content = image.content
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
    """How the model's classes map to the folder's; None if one has no counterpart or an image has no label."""
    if len(dataset.classes) < 2 or not all(sample.label for sample in checked):
        return None
    match = match_classes(dataset.classes, card.classes, {})
    return match if match.complete else None
