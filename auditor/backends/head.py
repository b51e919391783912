"""Classifier heads behind global average pooling, and their gradients without automatic differentiation.

A head is a stack of Dense layers with ReLU between. After the pooling only the mean of a feature map A_k matters. So
d logit_c / d A_k is the same in every cell, and the chain rule gives it as a product of matrices in which units with an
inactive ReLU are masked (Selvaraju et al., ICCV 2017, for a head of several layers).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dense:
    """One layer: `outputs = inputs @ weights + bias`, clipped to [0, ceiling] unless it is the last of its head.

    Attributes:
        weights: (K, U) float32.
        bias: (U,) float32.
        ceiling: Upper bound of its ReLU: infinity, or 6 for ReLU6. Not used in the last layer, which has no ReLU.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    ceiling: float = np.inf

    def __call__(self, inputs: NDArray[np.floating]) -> NDArray[np.floating]:
        """(..., K) -> (..., U), before the ReLU."""
        outputs: NDArray[np.floating] = inputs @ self.weights + self.bias
        return outputs


@dataclass(frozen=True, eq=False)
class Head:
    """Computes class logits from pooled features: Dense layers with ReLU between; the last one is linear.

    Attributes:
        layers: At least one, first to last.

    Raises:
        ValueError: two neighbouring layers do not fit together.

    Example:
        >>> head = linear_head(np.eye(3, dtype=np.float32))
        >>> head.jacobian(np.zeros(3), np.array([2]))
        array([[0., 0., 1.]], dtype=float32)
    """

    layers: tuple[Dense, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("a head without layers; expected at least one")
        for layer in self.layers:
            if layer.weights.ndim != 2 or layer.bias.shape != layer.weights.shape[1:]:
                raise ValueError(f"a layer of weights {layer.weights.shape} and bias {layer.bias.shape}")
        for first, second in zip(self.layers, self.layers[1:], strict=False):
            if first.weights.shape[1] != second.weights.shape[0]:
                raise ValueError(f"layers of {first.weights.shape} and {second.weights.shape} weights do not fit")

    @property
    def channels(self) -> int:
        """K, the number of pooled features."""
        return int(self.layers[0].weights.shape[0])

    @property
    def classes(self) -> int:
        """C, the number of logits."""
        return int(self.layers[-1].weights.shape[1])

    def logits(self, embedding: NDArray[np.floating]) -> NDArray[np.floating]:
        """(..., K) pooled features -> (..., C) logits."""
        return self.layers[-1](self.hidden(embedding))

    def hidden(self, embedding: NDArray[np.floating]) -> NDArray[np.floating]:
        """(..., K) pooled features -> (..., U), the input of the last layer; for one layer, the features themselves."""
        values = embedding
        for layer in self.layers[:-1]:
            values = np.clip(layer(values), 0, layer.ceiling)
        return values

    def jacobian(self, embedding: NDArray[np.floating], classes: NDArray[np.integer]) -> NDArray[np.float32]:
        """The derivatives d logit_c / d pooled feature k, for the given classes.

        Args:
            embedding: (..., K) pooled features.
            classes: (..., n) with the same leading axes, or (n,) for the same classes everywhere.

        Returns:
            (..., n, K) float32.
        """
        lead = embedding.shape[:-1]
        chosen = np.broadcast_to(classes, (*lead, classes.shape[-1]))           # (..., n)
        gradient = self._rows[chosen]                                           # (..., n, U): d logit / d last inputs
        masks, values = [], embedding
        for layer in self.layers[:-1]:
            sums = layer(values)                                                # (..., U)
            masks.append((sums > 0) & (sums < layer.ceiling))                   # inactive at 0, as in TensorFlow
            values = np.clip(sums, 0, layer.ceiling)
        for layer, mask in zip(self.layers[-2::-1], masks[::-1], strict=True):
            rows = (gradient * mask[..., None, :]).reshape(-1, mask.shape[-1])  # one product for all images
            gradient = (rows @ layer.weights.T).reshape(*chosen.shape, len(layer.weights))  # (..., n, its inputs)
        return np.ascontiguousarray(gradient, np.float32)

    def two_sided(self) -> Self:
        """The head itself; for a single unit, with its logit for the second class and the negative for the first."""
        last = self.layers[-1]
        if self.classes != 1:
            return self
        both = [np.concatenate([-part, part], axis=-1) for part in (last.weights, last.bias)]
        return type(self)((*self.layers[:-1], Dense(both[0], both[1])))

    @cached_property
    def _rows(self) -> NDArray[np.float32]:
        """(C, U): the last layer's weights, one row per class."""
        return np.ascontiguousarray(self.layers[-1].weights.T, np.float32)


def linear_head(weights: NDArray[np.floating], bias: NDArray[np.floating] | None = None) -> Head:
    """A head of one layer: (K, C) weights and (C,) bias, 0 if None."""
    offset = np.zeros(weights.shape[1]) if bias is None else bias
    return Head((Dense(np.asarray(weights, np.float32), np.asarray(offset, np.float32)),))
