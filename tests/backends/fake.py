"""A classifier of a few lines for tests: the redder an image, the more of the second class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Forward, NamedHead, as_probabilities
from auditor.backends.card import ModelCard
from auditor.backends.head import Head, linear_head


class FakeBackend:
    """Sees an image as 4x4 cells of 8 features, pools them, and weighs them: deterministic, and consistent with `head`.

    Redness, feature 6, is evidence for the second class and against the first; any further class likes one other
    feature. An image without any red over green and blue is of the first class. With `no_head`, a reason, the head
    stays inside.
    """

    kind = "onnx"
    device = "cpu"
    sha256 = "fa4e" * 16

    other_heads: tuple[NamedHead, ...] = ()
    notes: tuple[str, ...] = ()
    no_embedding = ""

    def __init__(
        self, classes: Sequence[str] = ("cat", "dog"), input_size: tuple[int, int] = (32, 32), no_head: str = ""
    ) -> None:
        self.no_head = no_head
        self.card = ModelCard("fake", tuple(classes), input_size, "raw")
        weights = np.zeros((8, len(classes)), np.float32)       # (K, C)
        weights[6, :2] = -20, 20
        weights[np.arange(len(classes) - 2) % 6, np.arange(2, len(classes))] = 2
        bias = np.zeros(len(classes), np.float32)
        bias[0] = 6                                             # a mean redness of 0.15 sits on the fence
        self.weights = linear_head(weights, bias)
        self.head: Head | None = None if no_head else self.weights

    def forward(self, images: NDArray[np.uint8]) -> Forward:
        """images: (B, H, W, 3) uint8 RGB, sides divisible by 4."""
        batch, height, width, _ = images.shape
        cells = images.reshape(batch, 4, height // 4, 4, width // 4, 3).mean(axis=(2, 4)) / 255     # (B, 4, 4, 3)
        redness = np.maximum(cells[..., 0] - cells[..., 1:].mean(axis=-1), 0)                       # (B, 4, 4)
        extra = np.stack([redness, cells.mean(axis=-1)], axis=-1)
        features = np.concatenate([cells, 1 - cells, extra], axis=-1).astype(np.float32)            # (B, 4, 4, 8)
        embedding = features.mean(axis=(1, 2))                                                      # (B, 8)
        probabilities = as_probabilities(self.weights.logits(embedding), are_logits=True)                  # (B, C)
        return Forward(probabilities, embedding, features if self.head is not None else None)
