"""The steps that may lie between pooled features and logits, and how they become the layers of a head."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.backends.head import Dense, Head

_LARGEST = 64 * 1024**2                                         # weights in a layer that is composed here


class NoHead(Exception):
    """Why a model has no head for heatmaps, as a clause; always caught inside a backend."""


@dataclass(frozen=True)
class Linear:
    """A linear layer: `outputs = inputs @ weights + bias`; weights (K, U), bias (U,) or (1,)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class Diagonal:
    """Elementwise: `outputs = inputs * scale + shift`, each (U,) or (1,)."""

    scale: NDArray[np.float32]
    shift: NDArray[np.float32]


@dataclass(frozen=True)
class Rectifier:
    """A ReLU with the upper bound `ceiling`; `implied` by the range of a quantisation, which may also clip nothing."""

    ceiling: float = np.inf
    implied: bool = False


Step = Linear | Diagonal | Rectifier


def normalisation(
    gain: NDArray[np.floating],
    offset: NDArray[np.floating],
    mean: NDArray[np.floating],
    variance: NDArray[np.floating],
    epsilon: float,
) -> Diagonal:
    """A batch normalisation with its running statistics, each (U,)."""
    scale = np.asarray(gain / np.sqrt(variance + np.float32(epsilon)), np.float32)
    return Diagonal(scale, np.asarray(offset - mean * scale, np.float32))


def compose(steps: Sequence[Step], width: int | None) -> Head:
    """Combines the affine steps between two ReLUs into one layer.

    Args:
        steps: From the pooling to the logits; if empty, the pooled maps are the logits, as in SqueezeNet.
        width: Number of pooled features, where there is no linear layer to take it from.

    Raises:
        NoHead: a ReLU comes last, or the steps do not fit together.
    """
    steps = list(steps)
    while steps and isinstance(last := steps[-1], Rectifier):
        if not last.implied:
            raise NoHead("its scores come from a ReLU, not from a linear layer")
        steps.pop()                                             # the logits' own quantisation
    first = next((step for step in steps if isinstance(step, Linear)), None)
    channels = first.weights.shape[0] if first else width
    if not channels:
        raise NoHead("its scores are pooled maps, and the graph does not say how many")
    try:
        return _fold(steps, channels)
    except ValueError as reason:
        raise NoHead(f"its last layers do not fit together ({reason})") from None


def _fold(steps: Sequence[Step], channels: int) -> Head:
    layers: list[Dense] = []
    weights: NDArray[np.float32] | None = None                  # (K, U) since the last ReLU; None while diagonal
    scale, bias = np.ones(channels, np.float32), np.zeros(channels, np.float32)

    def close(ceiling: float = np.inf) -> Dense:
        if weights is None and len(scale) ** 2 > _LARGEST:
            raise NoHead(f"its scores are {len(scale)} pooled maps, too many for one layer")
        return Dense(np.diag(scale) if weights is None else np.ascontiguousarray(weights), bias, ceiling)

    for step in steps:
        if isinstance(step, Diagonal):
            scale, bias = scale * step.scale, bias * step.scale + step.shift
            weights = None if weights is None else weights * step.scale
        elif isinstance(step, Linear):
            rows = len(scale) if weights is None else len(weights)
            if rows * step.weights.shape[1] > _LARGEST:
                raise NoHead(f"its layer of {step.weights.shape[1]} units is too large")
            weights = scale[:, None] * step.weights if weights is None else weights @ step.weights
            bias = bias @ step.weights + step.bias
            scale = np.ones(len(bias), np.float32)
        elif step.implied and weights is None:
            continue                                            # pooled features and outputs of a ReLU are >= 0 anyway
        else:
            layers.append(close(step.ceiling))
            weights, scale, bias = None, np.ones(len(bias), np.float32), np.zeros(len(bias), np.float32)
    return Head((*layers, close()))
