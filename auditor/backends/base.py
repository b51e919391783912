"""What every model can do: probabilities, embedding and data for heatmaps from one forward pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auditor.backends.card import ModelCard, Preprocessing
from auditor.backends.head import Head
from auditor.errors import ModelMismatch

# Per channel, of ImageNet; https://keras.io/api/applications (imagenet_utils.preprocess_input).
_CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], dtype=np.float32)
TORCH_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
TORCH_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
_ROUNDED = 1e-3                                                 # a probability of 0 may come out so far below it


@dataclass(frozen=True)
class Forward:
    """The outcome of one forward pass over a batch of B images.

    Attributes:
        probabilities: (B, C) float32, rows sum to 1.
        embedding: (B, K) float32, the pooled features that the head sees.
        features: (B, h, w, K) float32, the last feature map, channels last; None where the graph has no head
            that starts with global average pooling.
    """

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    features: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class NamedHead:
    """A further head of a classifier, over the same embedding that the classifier's own scores are computed from.

    `head.logits(forward.embedding)` equals the head's output in the graph, so one forward pass serves all heads.

    Attributes:
        name: Name of the graph's output, as the model's card lists it.
        classes: One name per logit.
        head: From (..., K) pooled features to logits.
    """

    name: str
    classes: tuple[str, ...]
    head: Head


class Backend(Protocol):
    """Runs a classifier over batches of images. What only some backends can do is in `abilities`.

    Attributes:
        card: What is known about the model; classes, input size, preprocessing.
        kind: "onnx" or "keras".
        device: Where it runs, "cpu" or "cuda".
        sha256: Of the weights file, in hex.
        head: Computes logits from the pooled features, one column per class, two for a single sigmoid unit; None
            where there is no head that starts with global average pooling.
        no_head: Why `head` is None, as a clause that the report can print; "" where there is a head.
        other_heads: The further heads that the card lists; empty where `head` is None.
        notes: What the reader must know about the model, as sentences.
        no_embedding: Why its scores stand in for an embedding, as a clause; "" where it has one.
    """

    card: ModelCard
    kind: str
    device: str
    sha256: str
    head: Head | None
    no_head: str
    other_heads: tuple[NamedHead, ...]
    notes: tuple[str, ...]
    no_embedding: str

    def forward(self, images: NDArray[np.uint8]) -> Forward:
        """images: (B, H, W, 3) uint8 RGB at `card.input_size`. Never changes its argument."""
        ...


def check_images(images: NDArray[np.uint8], size: tuple[int, int]) -> None:
    """Checks the argument of `Backend.forward`.

    Raises:
        ValueError: it is not uint8 (B, H, W, 3) with this (H, W).
    """
    if images.dtype != np.uint8 or images.shape[1:] != (*size, 3):
        raise ValueError(f"received {images.dtype} {images.shape}; expected uint8 (B, {size[0]}, {size[1]}, 3)")


def check_listed_heads(listed: Iterable[str], outputs: Sequence[str]) -> None:
    """Compares the further heads that a card lists with the outputs of the model.

    Raises:
        ModelMismatch: the model has no output of such a name.
    """
    if missing := [name for name in listed if name not in outputs]:
        raise ModelMismatch(
            f"the card lists a head {missing[0]!r}, but the model's outputs are {', '.join(outputs)}. Export the model "
            "again, or remove the head from the card."
        )


def further_head(name: str, classes: tuple[str, ...], head: Head | None, reason: str) -> NamedHead:
    """A further head, checked against the card.

    Args:
        name: Name of the output.
        classes: Its class names, as the card lists them.
        head: What was found; None where the output is not a head over the features of the model's own scores.
        reason: Why it is not, as a clause; "" where it is a head, but over other features.

    Raises:
        ModelMismatch: it is not such a head, or the numbers of classes differ.
    """
    if head is None:
        reason = reason or "it reads other features than the model's own scores"
        raise ModelMismatch(
            f"the model's output {name!r} is not a head, although its card says so: "
            f"{reason}; expected linear layers over the features that the scores are computed from. Remove it from the "
            "card."
        )
    if head.classes != len(classes):
        raise ModelMismatch(
            f"the model's head {name!r} has {head.classes} outputs, but its card lists {len(classes)} classes "
            f"({', '.join(classes[:3])}, ...). List one name per output, in their order."
        )
    return NamedHead(name, classes, head)


def preprocess(images: NDArray[np.uint8], how: Preprocessing) -> NDArray[np.float32]:
    """(B, H, W, 3) uint8 RGB -> float32 of the same shape, as the model was trained to see it."""
    pixels = images.astype(np.float32)                          # (B, H, W, 3), a copy
    if how == "unit":
        return pixels / np.float32(255.0)
    if how == "tf":
        return pixels / 127.5 - 1.0
    if how == "torch":
        return ((pixels / 255.0 - TORCH_MEAN) / TORCH_STD).astype(np.float32)
    if how == "caffe":
        return np.ascontiguousarray(pixels[..., ::-1]) - _CAFFE_MEAN_BGR
    if how == "bgr":
        return np.ascontiguousarray(pixels[..., ::-1])
    return pixels


def as_probabilities(outputs: NDArray[np.floating], *, are_logits: bool) -> NDArray[np.float32]:
    """(B, C) logits, probabilities or one sigmoid unit (B, 1) -> (B, C) float32 rows that sum to 1, C >= 2.

    A single unit is the probability (or the logit) of the second class, as in Keras. A row whose scores say nothing
    (NaN, infinite, all zero, a negative "probability") is NaN throughout. A logit of -inf is a class left out, of
    probability 0, where others are finite.
    """
    values = outputs.astype(np.float64)                         # (B, C)
    if values.shape[1] == 1:
        positive = 1.0 / (1.0 + np.exp(-np.clip(values, -60, 60))) if are_logits else np.clip(values, 0, 1)
        positive[~np.isfinite(values) | (not are_logits and (values < -_ROUNDED))] = np.nan
        return np.concatenate([1.0 - positive, positive], axis=1).astype(np.float32)
    with np.errstate(invalid="ignore"):                         # inf - inf and the like give the NaN that is wanted
        if are_logits:
            values = np.exp(values - values.max(axis=1, keepdims=True))
        total = values.sum(axis=1, keepdims=True)
        means_something = np.isfinite(total) & (total > 0) & (values >= -_ROUNDED).all(axis=1, keepdims=True)
        shares = np.maximum(values, 0) / np.where(means_something, total, np.nan)
    return np.asarray(shares, np.float32)
