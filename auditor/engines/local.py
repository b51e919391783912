"""The pixel pass on this machine: threads decode ahead, the model runs on whole batches."""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend, Forward
from auditor.dataset import Sample
from auditor.engines.base import Decoded, Inferred, Outcome
from auditor.head import Head
from auditor.heatmap import evidence_maps
from auditor.images import Unreadable, decode, resize

MAX_FILE_BYTES = 512 * 1024**2
#: Up to this many classes every class keeps its heatmap; beyond, the most probable ones do.
ALL_MAPS_UP_TO, TOP_MAPS = 20, 5
_BATCHES_AHEAD = 3
_HALF_MAX = float(np.finfo(np.float16).max)      # beyond it a float16 is infinite, and the image would not be judged

Loaded = tuple[Outcome, NDArray[np.uint8] | None]


def run_pass(
    samples: Iterable[Sample],
    backend: Backend,
    *,
    batch_size: int,
    threads: int | None = None,
    max_pixels: int,
) -> Iterator[Outcome]:
    """Reads, decodes and infers on every sample once; yields outcomes in the order of the samples.

    Memory holds a few batches at a time, whatever the number of samples.
    """
    height, width = backend.card.input_size
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        queue = iter(samples)
        waiting: deque[Future[Loaded]] = deque()

        def refill() -> None:
            for sample in islice(queue, _BATCHES_AHEAD * batch_size - len(waiting)):
                waiting.append(pool.submit(load_image, sample, height, width, max_pixels))

        refill()
        while waiting:
            batch = [waiting.popleft().result() for _ in range(min(batch_size, len(waiting)))]
            refill()
            yield from _infer(batch, backend)


def load_image(sample: Sample, height: int, width: int, max_pixels: int) -> Loaded:
    """The file's bytes, hashed and decoded to (height, width, 3); or its failure."""
    try:
        size = sample.size()
        if size > MAX_FILE_BYTES:
            reason = f"{size / 1024**2:.0f} MB, over the limit of {MAX_FILE_BYTES / 1024**2:.0f} MB for one file"
            return Outcome(sample, content="", size=size, failure=reason), None
        data = sample.read_bytes()
    except OSError as error:
        return Outcome(sample, content="", size=0, failure=f"cannot be opened: {error.strerror or error}"), None
    content = hashlib.sha256(data).hexdigest()
    try:
        picture = decode(data, at_least=2 * max(height, width), max_pixels=max_pixels)
    except Unreadable as reason:
        return Outcome(sample, content, len(data), failure=str(reason)), None
    decoded = Decoded(picture.format, picture.mode, picture.width, picture.height)
    return Outcome(sample, content, len(data), decoded=decoded), resize(picture.pixels, height, width)


def _infer(batch: list[Loaded], backend: Backend) -> Iterator[Outcome]:
    pixels = [image for _, image in batch if image is not None]
    inferred = iter(_inferred(backend.forward(np.stack(pixels)), backend.head) if pixels else ())
    for outcome, image in batch:
        yield outcome if image is None else replace(outcome, inferred=next(inferred))


def _inferred(forward: Forward, head: Head | None) -> Iterator[Inferred]:
    """One record per image of a batch of B."""
    classes, maps = _maps(forward, head)
    embeddings = np.clip(forward.embedding, -_HALF_MAX, _HALF_MAX).astype(np.float16)   # (B, K)
    for row, probabilities in enumerate(forward.probabilities):
        # Copies: a view would keep the whole batch alive for as long as the outcome is.
        yield Inferred(
            probabilities=probabilities.copy(),
            embedding=embeddings[row].copy(),
            map_classes=classes[row].copy(),
            maps=maps[row].copy(),
        )


def _maps(forward: Forward, head: Head | None) -> tuple[NDArray[np.intp], NDArray[np.float16]]:
    """Classes (B, n) and their signed maps (B, n, h, w); n is 0 without a head."""
    count, columns = forward.probabilities.shape                                        # B, C
    if forward.features is None or head is None:
        return np.zeros((count, 0), np.intp), np.zeros((count, 0, 1, 1), np.float16)
    if columns <= ALL_MAPS_UP_TO:
        classes = np.broadcast_to(np.arange(columns, dtype=np.intp), (count, columns))
    else:
        classes = np.argsort(-forward.probabilities, axis=1, kind="stable")[:, :TOP_MAPS]
    maps = evidence_maps(forward.features, head.jacobian(forward.embedding, classes))
    peak = np.abs(maps).max(axis=(1, 2, 3), keepdims=True)                              # (B, 1, 1, 1)
    return classes, np.divide(maps, peak, out=np.zeros_like(maps), where=peak > 0).astype(np.float16)
