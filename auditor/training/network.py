"""The networks that are trained: a backbone, global average pooling, Dense layers, softmax; one flat Keras model.

Layers are named, because everything else finds them by name: weights files, stages, the export, the heatmaps.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from auditor.backends.card import Preprocessing
from auditor.backends.keras.resnet50 import HEAD
from auditor.training.settings import STAGES

POOLED = "avg_pool"
HIDDEN = "hidden"                               # hidden_1, hidden_2, ...
_SMALL_FILTERS = (32, 64, 128, 256)
# A moving average over about ten steps: with Keras' default, .99, it would lag hundreds of steps behind.
_MOMENTUM = 0.9


@dataclass(frozen=True)
class Shape:
    """The architecture of a network, without its weights."""

    backbone: str
    input_size: tuple[int, int]
    classes: int
    head: tuple[int, ...]
    dropout: float

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing of its input."""
        return "caffe" if self.backbone == "resnet50" else "tf"


def build(shape: Shape, *, dtype: str = "float32") -> Any:
    """An untrained network, from (B, H, W, 3) preprocessed float32 to (B, C) probabilities.

    Args:
        shape: Its architecture.
        dtype: What it computes in: "float32", or a mixed policy of Keras. Its weights and its softmax are float32.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        image, features = _resnet50(shape) if shape.backbone == "resnet50" else _small(shape)
        pooled = keras.layers.GlobalAveragePooling2D(name=POOLED)(features)             # (B, K)
        return keras.Model(image, attach_head(pooled, shape), name=shape.backbone)
    finally:
        keras.config.set_dtype_policy(before)


def attach_head(pooled: Any, shape: Shape) -> Any:
    """(B, K) pooled features -> (B, C) probabilities: Dense layers with ReLU between, dropout in front of each.

    The last layer starts at zero: what remains of random weights over 2048 features would cost a point of accuracy.
    """
    tensor = pooled
    for number, units in enumerate(shape.head, 1):
        tensor = keras.layers.Dropout(shape.dropout, name=f"dropout_{number}")(tensor)
        tensor = keras.layers.Dense(units, activation="relu", name=f"{HIDDEN}_{number}")(tensor)
    tensor = keras.layers.Dropout(shape.dropout, name="dropout")(tensor)
    logits = keras.layers.Dense(shape.classes, kernel_initializer="zeros", name=HEAD)(tensor)       # (B, C)
    return keras.layers.Softmax(name="probabilities", dtype="float32")(logits)


def build_head(shape: Shape, features: int) -> Any:
    """The head alone, from (B, K) features to (B, C) probabilities."""
    pooled = keras.Input((features,), name=POOLED)
    return keras.Model(pooled, attach_head(pooled, shape), name="head")


def embedder(network: Any) -> Any:
    """The network up to its pooled features, sharing its weights."""
    return keras.Model(network.input, network.get_layer(POOLED).output)


def dense_layers(network: Any) -> list[Any]:
    """The Dense layers of the head, from the pooled features up."""
    return [layer for layer in network.layers if layer.name == HEAD or layer.name.startswith(f"{HIDDEN}_")]


def copy_head(head: Any, network: Any, mean: NDArray[np.float32], deviation: NDArray[np.float32]) -> None:
    """Puts a head that was trained on standardised features into a network, whose features are not.

    Args:
        head: Of `build_head`.
        network: Of `build`.
        mean: (K,) that was subtracted from the features.
        deviation: (K,) by which they were then divided.
    """
    for place, (source, target) in enumerate(zip(dense_layers(head), dense_layers(network), strict=True)):
        kernel, bias = source.get_weights()                                             # (K, U), (U,)
        if place == 0:
            kernel = kernel / deviation[:, None]
            bias = bias - mean @ kernel
        target.set_weights([kernel, bias])


def set_trainable(network: Any, stages: tuple[str, ...], *, batch_norm: bool) -> None:
    """Makes the head and these stages of the backbone trainable, and nothing else.

    Args:
        network: Of `build`.
        stages: Names of stages; a layer's name starts with that of its stage.
        batch_norm: Whether the batch normalisation in them uses and updates the batches' own statistics. If not, it is
            frozen completely: few images give poor statistics, and the convolutions beside it can learn scale and
            shift.
    """
    head = {layer.name for layer in dense_layers(network)}
    for layer in network.layers:
        inside = layer.name.startswith(tuple(f"{stage}_" for stage in stages))
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = layer.name in head or (inside and (batch_norm or not is_norm))
        if is_norm and layer.trainable:
            layer.momentum = _MOMENTUM


def _resnet50(shape: Shape) -> tuple[Any, Any]:
    backbone = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(*shape.input_size, 3))
    return backbone.input, backbone.output


def _small(shape: Shape) -> tuple[Any, Any]:
    """A plain network for comparison: four times convolution, batch normalisation, ReLU, pooling by two."""
    image = tensor = keras.Input((*shape.input_size, 3), name="image")
    for block, filters in zip(STAGES["small"], _SMALL_FILTERS, strict=True):
        convolution = keras.layers.Conv2D(filters, 3, padding="same", name=f"{block}_conv")
        tensor = keras.layers.BatchNormalization(name=f"{block}_bn")(convolution(tensor))
        tensor = keras.layers.Activation("relu", name=f"{block}_relu")(tensor)
        if block != STAGES["small"][-1]:                        # heatmaps are made from the last map
            tensor = keras.layers.MaxPooling2D(name=f"{block}_pool")(tensor)
    return image, tensor
