"""Runs an ONNX classifier in onnxruntime, with its features and embedding as further outputs.

Model files are untrusted: no custom operator library is ever registered.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from auditor.backends.base import Forward, NamedHead, as_probabilities, check_images
from auditor.backends.card import ModelCard, Preprocessing
from auditor.backends.conventions import refuse_other_task
from auditor.backends.guessed_card import check_classes, check_size, choose_size, guess_card, names_stated
from auditor.backends.head import Head
from auditor.backends.onnx.file import open_model
from auditor.backends.onnx.graph import Graph
from auditor.backends.onnx.graph_parts import dissect, find_heads
from auditor.backends.onnx.image_input import read_input
from auditor.backends.onnx.layers import OnnxLayers
from auditor.backends.onnx.outputs import known_shapes, names_inside, other_task
from auditor.backends.onnx.scaling import expected_pixels
from auditor.backends.onnx.session import graph_input, open_session, with_outputs
from auditor.backends.onnx.spelled_out import spell_out
from auditor.errors import ModelError, ModelMismatch


class OnnxBackend:
    """Implements `Backend` for one ONNX file, and can show its layers (`HasLayers`).

    Args:
        path: The model.
        card: What is known about it; None for a file without a card: a card is then guessed from the graph.
        device: "cpu" or "cuda", as `resolve_device` gives it.
        preprocessing: For a guessed card, what the user stated.
        classes: For a guessed card, the class names that the user stated.
        heads: For a guessed card, further heads that it will list.
        output: The output with the class scores, where the file has several; overrides the card.
        threads: CPU threads; all cores if None.

    Attributes:
        notes: What the reader must know about the model, as sentences.
        no_embedding: Why its scores stand in for an embedding, as a clause; "" where it has one.

    Raises:
        ModelError: the file is not an ONNX model, or not an image classifier, or gives no numbers.
        ModelMismatch: card, stated classes and graph disagree.
        DeviceUnavailable: CUDA was requested and does not start.
    """

    kind = "onnx"

    def __init__(
        self,
        path: Path,
        *,
        card: ModelCard | None = None,
        device: str = "cpu",
        preprocessing: Preprocessing | None = None,
        classes: tuple[str, ...] | None = None,
        heads: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        output: str | None = None,
        threads: int | None = None,
    ) -> None:
        file = open_model(path, card)
        model, self.sha256 = file.model, file.sha256
        self._input = read_input(model)
        stated = (self._input.height, self._input.width)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        if card is None:
            refuse_other_task(metadata)
        size, size_guess = choose_size(stated, metadata) if card is None else (card.input_size, None)
        check_size(path, stated, size)
        # A head whose output is asked for is no further head.
        asked = output or (card.output if card else "")
        listed = {name: names for name, names in (card.heads if card else heads).items() if name != asked}
        known = classes or (card.classes if card else names_stated(metadata)) or names_inside(model)
        parts = dissect(model, size, listed, output=asked, classes=len(known))
        self.notes: tuple[str, ...] = tuple(filter(None, (*file.notes, self._input.layout_note, parts.note)))
        self.no_embedding = parts.no_head if parts.stands_in else ""
        self._path = path
        self._scores, self._embedding, self._are_logits = parts.scores, parts.embedding, parts.are_logits
        self._pooling = parts.pooling
        self.head: Head | None = parts.head                     # one column for a single unit, until it is checked
        self.no_head = parts.no_head
        self.other_heads: tuple[NamedHead, ...] = find_heads(model, size, listed, parts.pooling)
        features = [parts.pooling.features] if parts.pooling else []
        outputs = with_outputs(model, [parts.scores, parts.embedding, *features, *listed], spell_out(model))
        self._session = open_session(outputs, device, threads, path)
        self.device = device
        self._size = size
        self._batch = self._input.batch
        columns = self._probe(path, model)
        self.card = card or guess_card(
            path, columns, size, size_guess, metadata,
            channels_first=self._input.channels_first,
            evidence=expected_pixels(model, self._input),
            takes_pixels=self._input.takes_pixels,
            preprocessing=preprocessing, classes=classes, heads=listed, output=asked, inside=names_inside(model),
        )  # fmt: skip
        check_classes(path, self.card, columns)
        if self._input.takes_pixels and self.card.preprocessing != "raw":
            raise ModelMismatch(
                f"{path} takes {self._input.dtype} pixels as they are, but its preprocessing is "
                f"{self.card.preprocessing!r}; state `raw`"
            )
        self.head = self.head.two_sided() if self.head else None

    def forward(self, images: NDArray[np.uint8]) -> Forward:
        """images: (B, H, W, 3) uint8 RGB at `card.input_size`. Never changes its argument."""
        check_images(images, self._size)
        scores, embedding, features = self._run(images, self.card.preprocessing)
        return Forward(
            probabilities=as_probabilities(_flat(scores), are_logits=self._are_logits),
            embedding=_flat(embedding).astype(np.float32),
            features=None if features is None else self._channels_last(features),
        )

    def open_layers(self) -> OnnxLayers:
        """The layers of the graph that hold maps; they run on the CPU."""
        return OnnxLayers(self._path, self.card)

    def _run(
        self, images: NDArray[np.uint8], how: Preprocessing
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
        """(B, H, W, 3) uint8 -> raw scores, embedding and features."""
        names = [self._scores, self._embedding, *([self._pooling.features] if self._pooling else [])]
        arrays = self._outputs(images, names, how)
        return arrays[0], arrays[1], arrays[2] if self._pooling else None

    def _outputs(self, images: NDArray[np.uint8], names: list[str], how: Preprocessing) -> list[NDArray[Any]]:
        """(B, H, W, 3) uint8 -> these tensors of the graph, B rows each; batches have the size that the graph takes."""
        fixed = self._batch or max(len(images), 1)
        parts = []
        for start in range(0, max(len(images), 1), fixed):
            chunk = images[start : start + fixed]               # (n, H, W, 3)
            kept = len(chunk)
            if kept < fixed:
                chunk = np.concatenate([chunk, np.zeros((fixed - kept, *images.shape[1:]), np.uint8)])
            feed = {self._input.name: graph_input(chunk, self._input, how)}
            parts.append([np.asarray(array)[:kept] for array in self._session.run(names, feed)])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _channels_last(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """(B, K, h, w) or (B, h, w, K) -> (B, h, w, K) float32."""
        first = self._pooling is not None and self._pooling.channels_first
        return np.ascontiguousarray(features.transpose(0, 2, 3, 1) if first else features, dtype=np.float32)

    def _probe(self, path: Path, model: onnx.ModelProto) -> int:
        """Runs two images of noise, to check what the graph alone does not show; returns the scores per image."""
        noise = np.random.default_rng(0).integers(0, 256, (2, *self._size, 3), dtype=np.uint8)
        try:
            scores, embedding, features = self._run(noise, "raw")
        except Exception as error:  # onnxruntime's errors have no common base class
            if self._batch is not None:
                raise ModelError(f"{path} does not run: {error}") from None
            self._batch = 1                                     # a reshape in the graph may be fixed to one image
            return self._probe(path, model)
        if self._batch is None and len(scores) != 2:
            self._batch = 1
            return self._probe(path, model)
        if scores.dtype.kind != "f" or scores.size != len(scores) * max(scores.shape[1:], default=1):
            raise ModelError(
                f"{path} gives {scores.dtype} scores of shape {scores.shape}; expected float (batch, classes)"
                f"{_other_task(model, self._size, scores.shape)}"
            )
        scores = _flat(scores).astype(np.float64)               # (2, C)
        if not np.isfinite(scores).all():
            return int(scores.shape[1])                         # for noise it has no numbers; for photographs it may
        if self._are_logits and scores.shape[1] > 1 and any(_are_probabilities(scores / whole) for whole in (1, 100)):
            self._are_logits = False                            # a softmax that `dissect` did not recognise, or percent
        elif self.head is not None and features is not None:
            self._check_head(scores, _flat(embedding), self._channels_last(features))
        if features is not None:
            self._check_others(noise, self._channels_last(features), path)
        return int(scores.shape[1])

    def _check_head(self, scores: NDArray[np.float64], pooled: NDArray[Any], features: NDArray[np.float32]) -> None:
        """Recomputes the scores from the features; drops a head that does not reproduce them."""
        if self.head is None or not self._are_logits:
            return
        if not explains(self.head, features, scores):
            self.head, self._pooling = None, None
            self.no_head = "its head does not reproduce its scores from its features"
            self.other_heads = ()                               # without the pooling there are no features for them

    def _check_others(self, noise: NDArray[np.uint8], features: NDArray[np.float32], path: Path) -> None:
        """Recomputes the further heads' outputs from the features (2, h, w, K) of two images.

        Raises:
            ModelMismatch: a head does not reproduce its output.
        """
        for other in self.other_heads:
            rows = _flat(self._outputs(noise, [other.name], "raw")[0]).astype(np.float64)      # (2, C)
            if not explains(other.head, features, rows):
                raise ModelMismatch(
                    f"{path} does not compute its output {other.name!r} from its features as its layers say (two "
                    f"images of noise, {rows.shape[1]} logits); expected a plain head. Remove it from the card."
                )


def _other_task(model: onnx.ModelProto, size: tuple[int, int], scores: tuple[int, ...]) -> str:
    """What a model is for that gives such scores, by its outputs as the graph declares them, as far as it does."""
    shapes = known_shapes(Graph(model, size))
    names = [entry.name for entry in model.graph.output]
    return other_task([shapes[name] for name in names if name in shapes] or [scores], names)


def explains(head: Head, features: NDArray[np.float32], scores: NDArray[np.float64]) -> bool:
    """Whether a head computes these scores (B, C) from these features (B, h, w, K), up to quantisation error."""
    means = features.mean(axis=(1, 2), dtype=np.float64)        # (B, K)
    if head.channels != means.shape[1] or head.classes != scores.shape[1]:
        return False
    last, hidden = head.layers[-1], head.hidden(means)
    # Quantisation between two layers changes a sum by less than 1 % of its terms' magnitudes.
    size = np.abs(hidden) @ np.abs(last.weights) + np.abs(last.bias)
    return bool(np.all(np.abs(head.logits(means) - scores) <= 0.02 * len(head.layers) * size + 1e-4))


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(len(array), -1)                        # (B, C, 1, 1) and the like -> (B, C)


def _are_probabilities(rows: NDArray[np.float64]) -> bool:
    return bool(np.all(rows >= 0) and np.allclose(rows.sum(axis=1), 1.0, atol=0.02))
