"""Embeddings of a frozen backbone: one forward pass over the images, as in a scan, stored in pieces."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Forward, NamedHead, preprocess
from auditor.backends.card import ModelCard
from auditor.backends.head import Head
from auditor.engines import LocalEngine, Task
from auditor.errors import InputError
from auditor.progress import Progress
from auditor.settings import Limits
from auditor.training.checkpoints import write_arrays
from auditor.training.network import Shape, embedder
from auditor.training.parts import Image

#: Images per stored piece: the most that a killed run loses.
PIECE = 512


class FrozenBackbone:
    """A network up to its pooled features, for the pixel pass: a `Backend` without scores.

    Args:
        network: Of `network.build`.
        shape: Of the network.
        batch_size: Images per forward pass; smaller batches are padded, so that it is compiled once.
    """

    kind = "keras"
    device = ""
    sha256 = ""
    head: Head | None = None
    no_head = "a backbone without classes"
    other_heads: tuple[NamedHead, ...] = ()
    notes: tuple[str, ...] = ()
    no_embedding = ""

    def __init__(self, network: Any, shape: Shape, batch_size: int) -> None:
        self.card = ModelCard("backbone", (), shape.input_size, shape.preprocessing)
        self._model, self._batch_size = embedder(network), batch_size

    def forward(self, images: NDArray[np.uint8]) -> Forward:
        """images: (B, H, W, 3) uint8 RGB; only the embedding is filled."""
        pixels = preprocess(images, self.card.preprocessing)                            # (B, H, W, 3)
        filled = np.zeros((self._batch_size, *pixels.shape[1:]), np.float32)
        filled[: len(pixels)] = pixels
        pooled = keras.ops.convert_to_numpy(self._model.predict_on_batch(filled))[: len(pixels)]        # (B, K)
        return Forward(np.zeros((len(pixels), 0), np.float32), np.asarray(pooled, np.float32), None)


@dataclass(frozen=True)
class _Piece:
    images: Sequence[Image]
    path: Path


def embed(
    backbone: FrozenBackbone,
    images: Sequence[Image],
    folder: Path,
    *,
    batch_size: int,
    threads: int | None,
    limits: Limits,
    progress: Progress,
) -> NDArray[np.float32]:
    """Embeddings of images that have all been read before.

    Args:
        backbone: Computes them.
        images: In the order of the rows.
        folder: Where finished pieces are stored, and those of an earlier, killed run are found.
        batch_size, threads, limits: Of the pass.
        progress: Watches the pass.

    Returns:
        (N, K) float32, with the precision of float16, as a scan stores them.

    Raises:
        InputError: an image changed after it was first read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, len(images), PIECE)
    pieces = [_Piece(images[start : start + PIECE], folder / f"embeddings-{start:07d}.npz") for start in starts]
    rows: list[NDArray[np.floating]] = []
    missing = [piece for piece in pieces if _kept(piece) is None]
    run = (row for piece in missing for row in _computed(piece, Task(backbone, limits, batch_size, threads)))
    for _ in progress.track(run, sum(len(piece.images) for piece in missing), "embeddings"):
        pass
    for piece in pieces:
        kept = _kept(piece)
        if kept is None:
            raise InputError(f"{piece.path} cannot be read; start again with --overwrite")
        rows.append(kept)
    return np.concatenate(rows).astype(np.float32)


def _computed(piece: _Piece, task: Task) -> Iterator[None]:
    """Computes and stores a piece; yields once per image."""
    samples = [image.sample for image in piece.images]
    rows, contents = [], []
    for outcome, image in zip(LocalEngine().run(samples, task), piece.images, strict=True):
        if outcome.inferred is None or outcome.content != image.content:
            raise InputError(
                f"{image.sample.file} changed during the run "
                f"({outcome.failure or 'its bytes differ'}). Start again with --overwrite."
            )
        rows.append(outcome.inferred.embedding)
        contents.append(outcome.content)
        if len(rows) == len(samples):
            write_arrays(piece.path, {"contents": np.array(contents), "embeddings": np.stack(rows)})
        yield


def _kept(piece: _Piece) -> NDArray[np.floating] | None:
    """(n, K) stored by an earlier run; None if it did not store exactly these images."""
    try:
        with np.load(piece.path, allow_pickle=False) as archive:
            if archive["contents"].tolist() != [image.content for image in piece.images]:
                return None
            embeddings: NDArray[np.floating] = archive["embeddings"]
            return embeddings
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
