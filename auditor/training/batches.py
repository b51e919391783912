"""What training steps are fed: pixels by the scanner's own decoder, in an order that only seed and epoch decide."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import preprocess
from auditor.dataset import Sample
from auditor.engines.local import load_image
from auditor.errors import InputError
from auditor.modelcard import Preprocessing
from auditor.training.augment import Augmentation

#: Decoded images are kept where all of them take no more than this share of the machine's memory, else no more than
#: the number of bytes, where the machine does not say how much it has.
MEMORY_SHARE, MEMORY_UNKNOWN = 0.25, 2**30
_ORDER, _VIEWS = 0, 1                           # what a random generator is for


class Pixels:
    """Images of one size, decoded when they are first asked for, and kept where they fit.

    Args:
        samples: The images; all of them have been read before.
        input_size: (height, width) in pixels.
        max_pixels: Images with more pixels in their header are refused.
        memory: Bytes that decoded images may take; None decides by the machine.

    Attributes:
        failure: The error that was raised last, if any was: a backend of Keras hides it in one of its own.
    """

    def __init__(
        self, samples: Sequence[Sample], input_size: tuple[int, int], max_pixels: int, memory: int | None = None
    ) -> None:
        self._samples, self._size, self._max_pixels = samples, input_size, max_pixels
        self.failure: InputError | None = None
        room = _memory() if memory is None else memory
        self._kept: list[NDArray[np.uint8] | None] | None = None
        if len(samples) * input_size[0] * input_size[1] * 3 <= room:
            self._kept = [None] * len(samples)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """(H, W, 3) of one image; it is shared, and not to be changed.

        Raises:
            InputError: the file can no longer be read.
        """
        if self._kept is not None and (kept := self._kept[row]) is not None:
            return kept
        outcome, pixels = load_image(self._samples[row], *self._size, self._max_pixels)
        if pixels is None:
            self.failure = InputError(
                f"{outcome.sample.file} was readable when the run began and is not any more ({outcome.failure}). "
                "Put it back and continue with --resume, or start again with --overwrite."
            )
            raise self.failure
        if self._kept is not None:
            self._kept[row] = pixels
        return pixels


class ImageBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """One epoch over training images: shuffled, augmented, in batches.

    Args:
        pixels: The N images.
        targets: (N, C) float32, one-hot.
        weights: (N,) float32, what each image counts.
        preprocessing: What happens to pixels in front of the network.
        augmentation: None leaves the images as they are.
        batch_size: Images per step; the images that fill no batch are left out of this epoch.
        seed, epoch: Of the order and the views.
        threads: That decode and augment; None is one per core.
    """

    def __init__(
        self,
        pixels: Pixels,
        targets: NDArray[np.float32],
        weights: NDArray[np.float32],
        preprocessing: Preprocessing,
        augmentation: Augmentation | None,
        *,
        batch_size: int,
        seed: int,
        epoch: int,
        threads: int | None = None,
    ) -> None:
        super().__init__(workers=max(2, threads or os.cpu_count() or 1), max_queue_size=8)
        self._pixels, self._targets, self._weights = pixels, targets, weights
        self._preprocessing, self._augmentation = preprocessing, augmentation
        self._seed, self._epoch = seed, epoch
        self._batches = shuffled(len(pixels), batch_size, seed, epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """(B, H, W, 3) preprocessed, (B, C) targets, (B,) weights."""
        rows = self._batches[index]
        images = np.stack([self._view(int(row)) for row in rows])
        return preprocess(images, self._preprocessing), self._targets[rows], self._weights[rows]

    def _view(self, row: int) -> NDArray[np.uint8]:
        if self._augmentation is None:
            return self._pixels[row]
        return self._augmentation.view(
            self._pixels[row], np.random.default_rng([self._seed, _VIEWS, self._epoch, row])
        )


class EmbeddingBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """One epoch over embeddings that were computed before: shuffled, in batches.

    Args:
        embeddings: (N, K) float32.
        targets: (N, C) float32, one-hot.
        weights: (N,) float32, what each image counts.
        batch_size: Embeddings per step.
        seed, epoch: Of the order.
    """

    def __init__(
        self,
        embeddings: NDArray[np.float32],
        targets: NDArray[np.float32],
        weights: NDArray[np.float32],
        *,
        batch_size: int,
        seed: int,
        epoch: int,
    ) -> None:
        super().__init__()
        self._arrays = embeddings, targets, weights
        self._batches = shuffled(len(embeddings), batch_size, seed, epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], ...]:
        return tuple(array[self._batches[index]] for array in self._arrays)


def shuffled(count: int, batch_size: int, seed: int, epoch: int) -> list[NDArray[np.intp]]:
    """Rows of each batch of an epoch; all batches have one size, so that the step is compiled once."""
    size = min(batch_size, count)
    order = np.random.default_rng([seed, _ORDER, epoch]).permutation(count)
    return list(order[: count // size * size].reshape(-1, size))


def in_order(
    pixels: Pixels, preprocessing: Preprocessing, batch_size: int, threads: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """(B, H, W, 3) batches of the images as they are, preprocessed; the last may be smaller."""
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for start in range(0, len(pixels), batch_size):
            rows = range(start, min(start + batch_size, len(pixels)))
            yield preprocess(np.stack(list(pool.map(pixels.__getitem__, rows))), preprocessing)


def _memory() -> int:
    try:
        return int(MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return MEMORY_UNKNOWN
