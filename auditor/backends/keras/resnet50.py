"""The ResNet50 classifier (He et al., 2016, as in keras.applications) and the three ways to fill it.

    arrays of the shared backbone  ->  fold_batchnorm  ->  Keras model  ->  tf2onnx  ->  model.onnx
                                                              ^------- fill_from_onnx -------'

Batch normalisation is folded into the convolutions before anything is exported: at inference it is a
scale and a shift per channel. Both files of a model therefore hold the same numbers under the names
`<layer>/kernel` and `<layer>/bias`, and Keras, given the ONNX file, computes with exactly the weights
that ONNX Runtime computes with.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import MissingDependency, ModelMismatch

BATCHNORM_EPSILON = 1.001e-5                    # keras.applications' ResNet; the backbone was trained with it
HEAD = "logits"                                 # name of the Dense layer

Weights = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def build_resnet50(classes: int, input_size: tuple[int, int], heads: Mapping[str, int] = MappingProxyType({})) -> Any:
    """An empty Keras ResNet50: pooled features, one Dense layer, softmax; further Dense layers beside it.

    Args:
        classes: Number of outputs.
        input_size: (height, width) in pixels.
        heads: Name -> number of classes, of further heads over the same pooled features.

    Returns:
        A flat `keras.Model` from (B, H, W, 3) preprocessed ("caffe") float32 to (B, classes) probabilities; with
        further heads to a list of these and the (B, C) logits of each, an output and its layer named as the head is.

    Raises:
        ModelMismatch: a further head has the name of another layer, or one that no layer can have.
    """
    try:
        import keras
    except ImportError:
        raise MissingDependency(
            "building a Keras model needs TensorFlow, which is not installed: pip install 'auditor[tensorflow]'"
        ) from None
    backbone = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(*input_size, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="avg_pool")(backbone.output)      # (B, 2048)
    logits = keras.layers.Dense(classes, name=HEAD)(pooled)                             # (B, C)
    scores = keras.layers.Softmax(name="probabilities")(logits)
    try:
        others = [keras.layers.Dense(outputs, name=name)(pooled) for name, outputs in heads.items()]
        return keras.Model(backbone.input, [scores, *others] if others else scores, name="resnet50")
    except ValueError as error:
        raise ModelMismatch(
            f"the card lists the heads {', '.join(heads)}, of which one has a name that it cannot have in Keras: "
            f"{' '.join(str(error).split())} Take the ONNX backend, or name the head otherwise, in file and card."
        ) from None


def fold_batchnorm(arrays: Mapping[str, NDArray[Any]]) -> Weights:
    """Convolutions with their batch normalisation multiplied in.

    Args:
        arrays: `<layer>_conv/kernel` (HWIO) and `<layer>_bn/{gamma,beta,moving_mean,moving_variance}`,
            convolutions without bias.

    Returns:
        Layer name -> (kernel (h, w, in, out), bias (out,)), rounded to float16, the precision that they are
        stored with, so that every later use sees the same numbers.
    """
    weights: Weights = {}
    for key in arrays:
        layer, _, kind = key.partition("/")
        if kind != "kernel":
            continue
        norm = layer.removesuffix("_conv") + "_bn"
        gamma, beta, mean, variance = (
            np.asarray(arrays[f"{norm}/{part}"], dtype=np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )                                                                               # each (out,)
        scale = gamma / np.sqrt(variance + BATCHNORM_EPSILON)
        kernel = np.asarray(arrays[key], dtype=np.float64) * scale                      # (h, w, in, out)
        weights[layer] = (stored(kernel), stored(beta - mean * scale))
    return weights


def fill(model: Any, weights: Weights) -> None:
    """Sets the folded convolutions and the head; batch normalisation becomes the identity.

    Raises:
        ModelMismatch: a layer is missing on either side, or its shape differs.
    """
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            channels = layer.moving_mean.shape[0]
            one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
            layer.set_weights([one, zero, zero, one - np.float32(BATCHNORM_EPSILON)])
        elif layer.weights:
            if layer.name not in weights:
                raise ModelMismatch(f"the weights have no layer {layer.name!r}; expected those of a ResNet50")
            try:
                layer.set_weights(list(weights[layer.name]))
            except ValueError as error:
                raise ModelMismatch(f"layer {layer.name!r}: {error}") from None
    unknown = sorted(set(weights) - {layer.name for layer in model.layers})
    if unknown:
        raise ModelMismatch(f"the weights have layers that a ResNet50 does not have: {', '.join(unknown[:5])}")


def fill_from_onnx(model: Any, path: Path) -> None:
    """Fills a model of `build_resnet50` from an exported `model.onnx`, by the initialisers' names.

    Raises:
        ModelMismatch: the file was not exported from such a model.
    """
    fill(model, read_onnx(path))


def read_onnx(path: Path) -> Weights:
    """The folded weights in an exported `model.onnx`, by the initialisers' names.

    Raises:
        ModelMismatch: the file was not exported from a ResNet50 whose batch normalisation is folded.
    """
    import onnx

    halves: dict[str, dict[str, NDArray[np.float32]]] = {}
    for tensor in onnx.load(str(path)).graph.initializer:
        layer, _, kind = tensor.name.partition("/")
        if kind in ("kernel", "bias"):
            halves.setdefault(layer, {})[kind] = onnx.numpy_helper.to_array(tensor).astype(np.float32)
    broken = [layer for layer, parts in halves.items() if len(parts) != 2]
    if broken or not halves:
        raise ModelMismatch(f"{path} has no initialisers named after Keras layers; it was not exported by auditor")
    return {layer: (_channels_last(parts["kernel"]), parts["bias"]) for layer, parts in halves.items()}


def _channels_last(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    return kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel                 # OIHW -> HWIO


def stored(values: NDArray[Any]) -> NDArray[np.float32]:
    """Values as they are after being stored: rounded to float16."""
    return values.astype(np.float16).astype(np.float32)
