"""The input of training steps: images decoded as in a scan, in an order that depends only on seed and epoch."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import preprocess
from auditor.backends.card import Preprocessing
from auditor.data.sample import Sample
from auditor.errors import InputError
from auditor.images.reader import as_input, for_model, read
from auditor.settings import Limits
from auditor.training.augment import Augmentation

#: Decoded images are kept if all of them fit into this share of the machine's memory, or into this number of bytes if
#: the machine does not say how much memory it has.
MEMORY_SHARE, MEMORY_UNKNOWN = 0.25, 2**30
_ORDER, _VIEWS = 0, 1                           # what a random generator is used for: part of its seed


class Pixels:
    """Images of one size, decoded on first use, and kept if they fit into memory.

    Args:
        samples: The images; all of them have been read once before.
        input_size: (height, width) in pixels.
        limits: What the reader refuses.
        memory: Bytes that decoded images may take; None decides by the machine.

    Attributes:
        failure: The last error, if any: Keras may hide it in an error of its own.
    """

    def __init__(
        self, samples: Sequence[Sample], input_size: tuple[int, int], limits: Limits, memory: int | None = None
    ) -> None:
        self._samples, self._size, self._limits = samples, input_size, limits
        self.failure: InputError | None = None
        room = _memory() if memory is None else memory
        self._kept: list[NDArray[np.uint8] | None] | None = None
        if len(samples) * input_size[0] * input_size[1] * 3 <= room:
            self._kept = [None] * len(samples)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """(H, W, 3) of one image; the array is shared: do not change it.

        Raises:
            InputError: the file can no longer be read.
        """
        if self._kept is not None and (kept := self._kept[row]) is not None:
            return kept
        image = read(self._samples[row], self._limits, at_least=for_model(self._size))
        if image.picture is None:
            self.failure = InputError(
                f"{self._samples[row].file} was readable when the run began and is not any more ({image.failure}). "
                "Put it back and continue with --resume, or start again with --overwrite."
            )
            raise self.failure
        pixels = as_input(image.picture, self._size)
        if self._kept is not None:
            self._kept[row] = pixels
        return pixels


class ImageBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """One epoch over training images: shuffled, augmented, in batches.

    Args:
        pixels: The N images.
        targets: (N, C) float32, one-hot.
        weights: (N,) float32, the weight of each image.
        preprocessing: What happens to pixels before the network.
        augmentation: None leaves the images as they are.
        batch_size: Images per step; images that do not fill a batch are left out of this epoch.
        seed, epoch: Decide the order and the views.
        threads: Threads that decode and augment; None is one per core.
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
    """One epoch over precomputed embeddings: shuffled, in batches.

    Args:
        embeddings: (N, K) float32.
        targets: (N, C) float32, one-hot.
        weights: (N,) float32, the weight of each image.
        batch_size: Embeddings per step.
        seed, epoch: Decide the order.
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
    """Rows of each batch of an epoch; all batches have the same size, so that the step is compiled once."""
    size = min(batch_size, count)
    order = np.random.default_rng([seed, _ORDER, epoch]).permutation(count)
    return list(order[: count // size * size].reshape(-1, size))


def in_order(
    pixels: Pixels, preprocessing: Preprocessing, batch_size: int, threads: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """Preprocessed batches (B, H, W, 3) of the images without augmentation; the last one may be smaller."""
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for start in range(0, len(pixels), batch_size):
            rows = range(start, min(start + batch_size, len(pixels)))
            yield preprocess(np.stack(list(pool.map(pixels.__getitem__, rows))), preprocessing)


def _memory() -> int:
    try:
        return int(MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return MEMORY_UNKNOWN
