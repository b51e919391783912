"""A classifier of a few lines for tests: the redder an image, the more of the second class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Forward, as_probabilities
from auditor.modelcard import ModelCard


class FakeBackend:
    """Sees an image as 4x4 cells of 8 features, pools them, and weighs them: deterministic, and consistent with `head`.

    Redness, feature 6, is evidence for the second class and against the first; any further class likes one other
    feature. An image without any red over green and blue is of the first class.
    """

    kind = "onnx"
    device = "cpu"
    sha256 = "fa4e" * 16
    no_head = ""

    def __init__(self, classes: Sequence[str] = ("cat", "dog"), input_size: tuple[int, int] = (32, 32)) -> None:
        self.card = ModelCard("fake", tuple(classes), input_size, "raw")
        self.head: NDArray[np.float32] | None = np.zeros((8, len(classes)), np.float32)     # (K, C)
        self.head[6, :2] = -20, 20
        self.head[np.arange(len(classes) - 2) % 6, np.arange(2, len(classes))] = 2
        self.bias = np.zeros(len(classes), np.float32)
        self.bias[0] = 6                                        # a mean redness of 0.15 sits on the fence

    def forward(self, images: NDArray[np.uint8]) -> Forward:
        """images: (B, H, W, 3) uint8 RGB, sides divisible by 4."""
        batch, height, width, _ = images.shape
        cells = images.reshape(batch, 4, height // 4, 4, width // 4, 3).mean(axis=(2, 4)) / 255     # (B, 4, 4, 3)
        redness = np.maximum(cells[..., 0] - cells[..., 1:].mean(axis=-1), 0)                       # (B, 4, 4)
        extra = np.stack([redness, cells.mean(axis=-1)], axis=-1)
        features = np.concatenate([cells, 1 - cells, extra], axis=-1).astype(np.float32)            # (B, 4, 4, 8)
        embedding = features.mean(axis=(1, 2))                                                      # (B, 8)
        assert self.head is not None
        logits = embedding @ self.head + self.bias                                                  # (B, C)
        return Forward(as_probabilities(logits, are_logits=True), embedding, features)
