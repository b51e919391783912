"""The two steps that every engine runs: reading a sample, and inference on a batch of images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.backends.answers import failure_of
from auditor.backends.base import Backend, Forward
from auditor.backends.head import Head
from auditor.data.sample import Sample
from auditor.engines.base import Task
from auditor.engines.outcome import Decoded, Inferred, Outcome
from auditor.heatmaps.grad_cam import evidence_maps
from auditor.images.decoding import DecodedImage
from auditor.images.description import DESCRIBE_AT_LEAST, describe
from auditor.images.reader import as_input, fetch, for_model, read_fetched

#: To be raised whenever the same pixels or the same answer of a model become another `Inferred` than before: results
#: that were stored under a lower number are not used again.
INFERENCE_VERSION = 1
#: Up to this many classes the maps of all classes are kept; with more, those of the most probable ones.
ALL_MAPS_UP_TO, TOP_MAPS = 20, 5
_HALF_MAX = float(np.finfo(np.float16).max)      # larger features are stored as this


@dataclass(frozen=True)
class Loaded:
    """A sample after the first step. `pixels`: (H, W, 3) at the model's input size; None without inference."""

    outcome: Outcome
    pixels: NDArray[np.uint8] | None = None


def load(sample: Sample, task: Task) -> Loaded:
    """Reads a sample, and decodes it only if the task needs that."""
    backend = task.backend
    stamp = sample.stamp()
    fetched = fetch(sample, task.limits)
    outcome = Outcome(sample, fetched.content, fetched.size, failure=fetched.failure, stamp=stamp)
    if fetched.failure is not None:
        return Loaded(outcome)
    known = task.memory.known(fetched.content)
    outcome = replace(outcome, failure=known.failure, decoded=known.decoded, inferred=known.inferred)
    if known.suffices(backend):
        return Loaded(replace(outcome, remembered=True))
    image = read_fetched(fetched, task.limits, at_least=least_side(task))
    if image.picture is None:
        return Loaded(replace(outcome, failure=image.failure, passing=image.passing))
    if known.decoded is None:
        outcome = replace(outcome, decoded=_decoded(image.picture, describes=task.describe))
    if backend is None or known.inferred is not None:
        return Loaded(outcome)
    return Loaded(outcome, as_input(image.picture, backend.card.input_size))


def least_side(task: Task) -> int:
    """Returns `at_least` for the decoder: pixels of the shorter side that a JPEG may be decoded at."""
    at_least = DESCRIBE_AT_LEAST if task.backend is None else for_model(task.backend.card.input_size)
    return max(at_least, DESCRIBE_AT_LEAST) if task.describe else at_least


def _decoded(picture: DecodedImage, *, describes: bool) -> Decoded:
    description = describe(picture.pixels) if describes else None
    return Decoded(picture.format, picture.mode, picture.width, picture.height, description)


def infer(batch: Sequence[Loaded], backend: Backend | None) -> Iterator[Outcome]:
    """Yields the outcomes of a batch, after inference on all samples with pixels together.

    An image that the model has no numbers for is a failed outcome; one bad row does not affect the others.
    """
    pixels = [image.pixels for image in batch if image.pixels is not None]
    inferred: Iterator[Inferred] = iter(())
    failures: Iterator[str | None] = iter(())
    if pixels and backend is not None:
        forward = backend.forward(np.stack(pixels))
        reasons = [failure_of(*row) for row in zip(forward.probabilities, forward.embedding, strict=True)]
        failures, inferred = iter(reasons), _inferred(_usable(forward, reasons), backend.head)
    for image in batch:
        if image.pixels is None:
            yield image.outcome
        elif (failure := next(failures)) is not None:
            yield replace(image.outcome, failure=failure)
        else:
            yield replace(image.outcome, inferred=next(inferred))


def _usable(forward: Forward, reasons: Sequence[str | None]) -> Forward:
    """The rows of a batch without a reason against them."""
    if not any(reasons):
        return forward
    kept = np.array([reason is None for reason in reasons])
    features = None if forward.features is None else forward.features[kept]
    return Forward(forward.probabilities[kept], forward.embedding[kept], features)


def _inferred(forward: Forward, head: Head | None) -> Iterator[Inferred]:
    """Yields one record per image of a batch of B."""
    if not len(forward.probabilities):
        return
    classes, maps = _maps(forward, head)
    embeddings = np.clip(forward.embedding, -_HALF_MAX, _HALF_MAX).astype(np.float16)   # (B, K)
    for row, probabilities in enumerate(forward.probabilities):
        # Copies, because a view would keep the whole batch in memory as long as the outcome.
        yield Inferred(
            probabilities=probabilities.copy(),
            embedding=embeddings[row].copy(),
            map_classes=classes[row].copy(),
            maps=maps[row].copy(),
        )


def _maps(forward: Forward, head: Head | None) -> tuple[NDArray[np.intp], NDArray[np.float16]]:
    """Computes classes (B, n) and their signed maps (B, n, h, w); n is 0 without a head."""
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
