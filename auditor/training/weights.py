"""The initial weights of a ResNet50 backbone: the bundled model's, ImageNet's, or a file in one of five formats."""

import contextlib
import socket
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from auditor.backends.card import CARD_NAME, read_card, sha256
from auditor.backends.keras.backend import load_keras
from auditor.backends.keras.resnet50 import fill, read_onnx
from auditor.errors import InputError, ModelError, ModelMismatch
from auditor.resources import bundled_model
from auditor.training.network import dense_layers

IMAGENET_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
_SECONDS_WITHOUT_A_BYTE = 30                    # of a download
_EXPECTED = (
    "expected bundled, imagenet, none, a model folder, or a file: .h5, .weights.h5 or .keras of "
    "keras.applications.ResNet50, .npz of a backbone, .onnx of auditor"
)

#: Layer name -> its arrays in Keras' order.
Layers = dict[str, list[NDArray[np.float32]]]


@dataclass(frozen=True)
class Origin:
    """Where a backbone's weights came from.

    Attributes:
        text: For the model's card.
        folded: Whether batch normalisation is multiplied into the convolutions, so that it has no statistics to train.
        trained_on: Hashes of the images that the weights were trained on, if a card lists them: a model made from the
            weights was trained on them too.
    """

    text: str
    folded: bool = False
    trained_on: frozenset[str] = frozenset()


def fill_backbone(network: Any, weights: str) -> Origin:
    """Sets all layers of a ResNet50 network except those of its head.

    Args:
        network: Of `build`.
        weights: "bundled", "imagenet", "none", or the path of a file or a model folder.

    Raises:
        InputError: there is no such file, or the download failed.
        ModelError: the file cannot be read.
        ModelMismatch: it holds other layers than a ResNet50.
    """
    if weights == "none":
        return Origin("random")
    if weights == "imagenet":
        _copy(network, _named(_download()), IMAGENET_FILE)
        return Origin("ImageNet, keras.applications")
    path = bundled_model() if weights == "bundled" else Path(weights)
    if path.is_dir():
        there = [path / name for name in ("model.keras", "model.onnx") if (path / name).is_file()]
        if not there:
            raise InputError(f"--weights {path} is a folder without model.keras or model.onnx; {_EXPECTED}")
        path = there[0]
    if not path.is_file():
        raise InputError(f"--weights {weights}: there is no such file; {_EXPECTED}")
    name = "bundled" if weights == "bundled" else path.name
    origin = Origin(f"{name} (sha256 {sha256(path)[:16]})", path.suffix == ".onnx", _seen(path))
    if origin.folded:
        kept = {layer.name: tuple(layer.get_weights()) for layer in dense_layers(network)}
        fill(network, {**{name: parts for name, parts in read_onnx(path).items() if name.endswith("_conv")}, **kept})
    else:
        _copy(network, _read(path), str(path))
    return origin


def _seen(path: Path) -> frozenset[str]:
    """Hashes of the images that a weights file was trained on, from the card beside it."""
    beside = path.parent / CARD_NAME
    if not beside.is_file():
        return frozenset()
    card = read_card(beside)
    return card.trained_on if path.name in card.files else frozenset()


def _read(path: Path) -> Layers:
    if path.suffix == ".npz":
        return _from_npz(path)
    if path.suffix == ".keras":
        return _named(load_keras(keras, path))
    if path.suffix in (".h5", ".hdf5"):
        return _named(_loaded(path))
    raise InputError(f"--weights {path} ends in {path.suffix!r}; {_EXPECTED}")


def _from_npz(path: Path) -> Layers:
    """The arrays of a backbone that was trained for this project: kernels without bias, batch normalisation."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name].astype(np.float32) for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ModelError(f"--weights {path} cannot be read as a .npz of arrays: {error}") from None
    layers: Layers = {}
    for key, array in arrays.items():
        name, _, part = key.partition("/")
        if part == "kernel":
            layers[name] = [array, np.zeros(array.shape[-1], np.float32)]
        elif part == "gamma":
            layers[name] = [_part(arrays, path, name, kind) for kind in _NORM]
    return layers


_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def _part(arrays: Mapping[str, NDArray[np.float32]], path: Path, layer: str, kind: str) -> NDArray[np.float32]:
    if f"{layer}/{kind}" not in arrays:
        raise ModelMismatch(f"--weights {path} has no {layer}/{kind}; expected {', '.join(_NORM)} of every *_bn")
    return arrays[f"{layer}/{kind}"]


def _loaded(path: Path) -> Any:
    """A ResNet50 of keras.applications with the weights of an .h5 file: Keras reads both of its layouts itself."""
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(path) as file:
            classes = _classes_of(file.get("model_weights", file))
        # Keras recognises the old layout by the file's name alone, and expects every layer in its place.
        model = keras.applications.ResNet50(
            weights=None,
            include_top=classes is not None,
            **({"input_shape": (224, 224, 3)} if classes is None else {"classes": classes}),
        )
        model.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds of errors for a broken file
        reason = " ".join(str(error).split())[:300]
        raise ModelMismatch(f"--weights {path} is not a ResNet50 of Keras ({reason}); {_EXPECTED}") from None
    return model


def _classes_of(layers: Any) -> int | None:
    """The number of outputs of the "predictions" layer in Keras' old layout; None without such a layer."""
    if "predictions" not in layers:
        return None
    sizes: list[int] = []
    layers["predictions"].visititems(lambda _, each: sizes.append(each.shape[-1]) if hasattr(each, "shape") else None)
    return sizes[0] if sizes else None


def _download() -> Any:
    """The ImageNet weights, downloaded by Keras, which keeps them in its own folder and checks their hash."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_WITHOUT_A_BYTE)
    try:
        with contextlib.redirect_stdout(sys.stderr):            # Keras shows its progress
            return keras.applications.ResNet50(weights="imagenet", include_top=False)
    except Exception as error:  # Keras raises a plain Exception if the download fails
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"--weights imagenet: {IMAGENET_FILE} could not be downloaded ({reason}). Without a network, fetch that "
            "file elsewhere and pass it: --weights FILE. Or start from the weights of auditor: --weights bundled"
        ) from None
    finally:
        socket.setdefaulttimeout(before)


def _named(model: Any) -> Layers:
    return {layer.name: layer.get_weights() for layer in _flat(model) if layer.weights}


def _flat(model: Any) -> list[Any]:
    """The layers of a model, with nested models replaced by their layers."""
    return [
        inner
        for layer in model.layers
        for inner in (_flat(layer) if isinstance(layer, keras.Model) else [layer])
    ]


def _copy(network: Any, layers: Layers, origin: str) -> None:
    head = {layer.name for layer in dense_layers(network)}
    for layer in network.layers:
        if not layer.weights or layer.name in head:
            continue
        if layer.name not in layers:
            raise ModelMismatch(f"--weights {origin} holds no layer {layer.name!r}; {_EXPECTED}")
        try:
            layer.set_weights(layers[layer.name])
        except ValueError as error:
            raise ModelMismatch(f"--weights {origin}, layer {layer.name!r}: {error}") from None
