"""The pixel pass on this machine: threads decode ahead, the model runs on whole batches."""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend, Forward
from auditor.dataset import Sample
from auditor.engines.base import Decoded, Inferred, Outcome
from auditor.heatmap import class_heatmaps
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
                waiting.append(pool.submit(_load, sample, height, width, max_pixels))

        refill()
        while waiting:
            batch = [waiting.popleft().result() for _ in range(min(batch_size, len(waiting)))]
            refill()
            yield from _infer(batch, backend)


def _load(sample: Sample, height: int, width: int, max_pixels: int) -> Loaded:
    """The file's bytes, hashed and decoded to (height, width, 3); or its failure."""
    try:
        size = sample.path.stat().st_size
        if size > MAX_FILE_BYTES:
            reason = f"{size / 1024**2:.0f} MB, over the limit of {MAX_FILE_BYTES / 1024**2:.0f} MB for one file"
            return Outcome(sample, content="", size=size, failure=reason), None
        data = sample.path.read_bytes()
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
    forward = backend.forward(np.stack(pixels)) if pixels else None                     # B' readable images
    row = 0
    for outcome, image in batch:
        if image is None or forward is None:
            yield outcome
            continue
        yield Outcome(
            outcome.sample,
            outcome.content,
            outcome.size,
            decoded=outcome.decoded,
            inferred=_inferred(forward, row, backend.head),
        )
        row += 1


def _inferred(forward: Forward, row: int, head: NDArray[np.float32] | None) -> Inferred:
    probabilities = forward.probabilities[row]                                          # (C,)
    if len(probabilities) <= ALL_MAPS_UP_TO:
        classes = np.arange(len(probabilities))
    else:
        classes = np.argsort(-probabilities, kind="stable")[:TOP_MAPS]
    if forward.features is None or head is None:
        classes, maps = classes[:0], np.zeros((0, 1, 1), dtype=np.float16)
    else:
        maps = class_heatmaps(forward.features[row], head, classes).astype(np.float16)  # (n, h, w)
    return Inferred(
        # Copies: a view would keep the whole batch alive for as long as the outcome is.
        probabilities=probabilities.copy(),
        embedding=np.clip(forward.embedding[row], -_HALF_MAX, _HALF_MAX).astype(np.float16),
        map_classes=classes.astype(np.intp),
        maps=maps,
    )
