"""Runs a Keras 3 classifier: a `.keras` file, flat or with whole models as layers, or the bundled ResNet50."""

import contextlib
import importlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import (
    Forward,
    NamedHead,
    as_probabilities,
    check_images,
    check_listed_heads,
    further_head,
    preprocess,
)
from auditor.backends.card import ModelCard, Preprocessing, sha256, verify
from auditor.backends.guessed_card import check_classes, check_size, choose_size, guess_card
from auditor.backends.keras.graph import KerasGraphParts, take_apart
from auditor.backends.keras.layers import KerasLayers
from auditor.backends.keras.names import name_apart
from auditor.backends.layers import find_layer
from auditor.data.tensorflow_log import without_log
from auditor.errors import DeviceUnavailable, MissingDependency, ModelError
from auditor.settings import DEVICES

_LONGEST_CONFIG = 64 * 1024**2                                  # bytes of config.json inside a .keras file
_GRADIENT_BATCH = 8                                             # images whose activations are kept for the gradients
# Parts of the layer names in keras.applications, with the preprocessing that their weights were trained with.
_FAMILIES: tuple[tuple[str, Preprocessing], ...] = (
    ("resnetv2", "tf"), ("v2_resnet", "tf"), ("resnet", "caffe"), ("vgg", "caffe"), ("densenet", "torch"),
    ("efficientnet", "raw"), ("convnext", "raw"), ("mobilenetv3", "raw"),
)  # fmt: skip


class KerasBackend:
    """Implements `Backend` for Keras, and can show its layers and differentiate (`HasLayers`, `HasGradients`).

    Args:
        path: A `.keras` file, or the `model.onnx` whose weights fill the bundled ResNet50.
        card: What is known about it; None for a file without a card: a card is then guessed from its layers.
        device: "auto", "cpu" or "cuda".
        preprocessing, classes: For a guessed card, what the user stated.
        heads: For a guessed card, further heads that it will list.
        threads: CPU threads, unless TensorFlow has started already; all cores if None.

    Attributes:
        keras: The module.
        model: From preprocessed (B, H, W, 3) to scores, embedding and, where the head is known, the maps that it pools.
        names: Name of an operation in it -> its name in the file, where that could not be kept.

    Raises:
        MissingDependency: Keras, or the library that it runs on, is not installed.
        ModelError: the file cannot be loaded safely, or is not an image classifier.
        ModelMismatch: card, stated classes and model disagree.
        DeviceUnavailable: CUDA was requested and Keras finds no GPU.
    """

    kind = "keras"
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        path: Path,
        *,
        card: ModelCard | None = None,
        device: str = "auto",
        preprocessing: Preprocessing | None = None,
        classes: tuple[str, ...] | None = None,
        heads: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        threads: int | None = None,
    ) -> None:
        self.keras = import_keras(threads)
        self.device = resolve_device(self.keras, device)
        self.sha256 = verify(card, path) if card else sha256(path)
        with self.placed():
            model = load_keras(self.keras, path) if path.suffix.lower() == ".keras" else _bundled(path, card)
            self.names = name_apart(model)
            model, others = _split(self.keras, model, card.heads if card else heads)
            stated, columns = _shapes(path, model)
            parts = take_apart(self.keras, model)
            self.other_heads = tuple(_other_head(self.keras, *other, parts) for other in others)
        self.model, self._logits, self._are_logits = parts.model, parts.logits, parts.are_logits
        self.head, self.no_head = parts.head, parts.no_head
        self.no_embedding = parts.no_head if parts.model.outputs[0] is parts.model.outputs[1] else ""
        self._gradients: dict[str | None, Any] = {}             # layer -> model with the outputs maps and logits
        size, size_guess = choose_size(stated, {}) if card is None else (card.input_size, None)
        check_size(path, stated, size)
        self.card = card or guess_card(
            path, columns, size, size_guess, {},
            channels_first=False,
            evidence=_evidence(model), preprocessing=preprocessing, classes=classes, heads=heads,
        )  # fmt: skip
        check_classes(path, self.card, columns)

    def forward(self, images: NDArray[np.uint8]) -> Forward:
        """images: (B, H, W, 3) uint8 RGB at `card.input_size`. Never changes its argument."""
        check_images(images, self.card.input_size)
        pixels = preprocess(images, self.card.preprocessing)    # (B, H, W, 3)
        with self.placed():
            outputs = [self.keras.ops.convert_to_numpy(array) for array in self.model.predict_on_batch(pixels)]
        scores, embedding = (array.reshape(len(images), -1) for array in outputs[:2])      # (B, C), (B, K)
        return Forward(
            probabilities=as_probabilities(scores, are_logits=self._are_logits),
            embedding=np.asarray(embedding, np.float32),
            features=np.ascontiguousarray(outputs[2], np.float32) if self.head is not None else None,
        )

    def open_layers(self) -> KerasLayers:
        """The layers that hold maps, those of nested models included."""
        return KerasLayers(self)

    def grad_maps(
        self, images: NDArray[np.uint8], classes: NDArray[np.integer], layer: str | None = None
    ) -> NDArray[np.float32]:
        """Grad-CAM by automatic differentiation at any layer, nested models included: as `HasGradients` says."""
        rows = [slice(start, start + _GRADIENT_BATCH) for start in range(0, len(images), _GRADIENT_BATCH)]
        with self.placed():
            part = self._gradient_part(layer)
            return np.concatenate([self._signed_maps(part, images[row], classes[row]) for row in rows])

    def _gradient_part(self, layer: str | None) -> Any:
        """The model with a layer's maps and the logits as outputs."""
        if self.keras.backend.backend() != "tensorflow":
            raise ModelError(
                f"Grad-CAM by gradients needs TensorFlow, but Keras runs on {self.keras.backend.backend()}; "
                "set KERAS_BACKEND=tensorflow"
            )
        if self._logits is None:
            raise ModelError("there are no logits to differentiate: it is a subclassed model, or its softmax is fused")
        if layer not in self._gradients:
            inside = self.open_layers()
            chosen = inside.layers[-1] if layer is None else find_layer(inside.layers, layer)
            self._gradients[layer] = self.keras.Model(self.model.inputs[0], [inside.tensor(chosen), self._logits])
        return self._gradients[layer]

    def _signed_maps(
        self, part: Any, images: NDArray[np.uint8], classes: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """(b, H, W, 3) and (b, n) -> (b, n, h, w): sum_k mean(d logit_c / d A_k) A_k."""
        import tensorflow as tf

        pixels = tf.constant(preprocess(images, self.card.preprocessing))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pixels)                                  # else frozen layers are not recorded on the tape
            maps, logits = part(pixels, training=False)         # (b, h, w, K), (b, C)
            if logits.shape[1] == 1:
                logits = tf.concat([-logits, logits], axis=1)
            chosen = tf.gather(logits, tf.constant(classes), batch_dims=1)      # (b, n)
            columns = tf.unstack(chosen, num=classes.shape[1], axis=1)          # n times (b,)
        signed = []
        for column in columns:
            gradient = tape.gradient(column, maps)              # (b, h, w, K): images do not affect each other
            if gradient is None:
                raise ModelError("no gradient of the logits reaches this layer")
            weights = tf.reduce_mean(gradient, axis=(1, 2))     # (b, K)
            signed.append(tf.einsum("bhwk,bk->bhw", maps, weights).numpy())
        return np.stack(signed, axis=1).astype(np.float32)

    def placed(self) -> Any:
        """The context in which Keras creates and runs models on this device."""
        return self.keras.device("gpu:0" if self.device == "cuda" else "cpu:0")


def import_keras(threads: int | None) -> Any:
    """Keras, with this many CPU threads unless TensorFlow has started already.

    Raises:
        MissingDependency: Keras, or the library that it runs on, is not installed.
    """
    try:
        with without_log():
            import keras
    except ImportError as error:
        raise MissingDependency(
            f"a Keras model needs {error.name or 'keras'}, which is not installed: `pip install 'auditor[tensorflow]'`"
        ) from None
    if threads and keras.backend.backend() == "tensorflow":
        import tensorflow

        with contextlib.suppress(RuntimeError):                 # it has started already; this affects only its speed
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    return keras


def resolve_device(keras: Any, device: str) -> str:
    """"auto", "cpu" or "cuda" -> the device that the library below Keras finds."""
    if device not in DEVICES:
        raise DeviceUnavailable(f"device {device!r} is not known; expected one of {', '.join(DEVICES)}")
    if device == "cpu":
        return "cpu"
    runs_on = keras.backend.backend()
    there = False
    if runs_on == "tensorflow":
        import tensorflow

        there = bool(tensorflow.config.list_physical_devices("GPU"))
    elif runs_on == "torch":
        there = importlib.import_module("torch").cuda.is_available()
    elif runs_on == "jax":
        there = importlib.import_module("jax").default_backend() == "gpu"
    if device == "cuda" and not there:
        raise DeviceUnavailable(
            f"device cuda was asked for, but Keras runs on {runs_on}, which sees no GPU. Install its build for CUDA "
            "(`pip install 'tensorflow[and-cuda]'`), or take --device cpu or the ONNX model."
        )
    return "cuda" if there else "cpu"


def load_keras(keras: Any, path: Path) -> Any:
    """Loads an untrusted `.keras` file, without running any code in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo("config.json")
            if info.file_size > _LONGEST_CONFIG:
                raise ModelError(f"{path} describes its layers in {info.file_size} bytes; expected {_LONGEST_CONFIG}")
            config = json.loads(archive.read(info))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, RecursionError) as error:
        raise ModelError(
            f"{path} is not a .keras file of Keras 3 ({type(error).__name__}); save it with `model.save('name.keras')`"
        ) from None
    if lambdas := sorted(_lambdas(config)):
        raise ModelError(
            f"{path} carries Python code ({', '.join(lambdas)}), which is never run from a model file. "
            "Replace Lambda layers with layers of Keras, or export the model to ONNX."
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its layers raise
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"Keras {keras.__version__} cannot load {path}: {reason}") from None


def _bundled(path: Path, card: ModelCard | None) -> Any:
    """The bundled ResNet50 with the weights of its ONNX file."""
    if card is None or not card.has_classes:
        raise ModelError(f"{path} has no card with classes; the keras backend takes a model folder or a .keras file")
    from auditor.backends.keras.resnet50 import build_resnet50, fill_from_onnx

    model = build_resnet50(
        len(card.classes), card.input_size, {name: len(classes) for name, classes in card.heads.items()}
    )
    fill_from_onnx(model, path)
    return model


def _split(
    keras: Any, model: Any, heads: Mapping[str, tuple[str, ...]]
) -> tuple[Any, list[tuple[str, tuple[str, ...], Any]]]:
    """A model with its class scores as the only output; (name, classes, model) of each further head on its card.

    Raises:
        ModelMismatch: the card lists a head, and the model has no output of this name.
    """
    if not heads:
        return model, []
    outputs = dict(zip(model.output_names, model.outputs, strict=True))
    check_listed_heads(heads, list(outputs))
    scores = [tensor for name, tensor in outputs.items() if name not in heads]
    image = model.inputs[0]
    others = [(name, classes, keras.Model(image, outputs[name])) for name, classes in heads.items()]
    return keras.Model(image, scores[0] if len(scores) == 1 else scores), others


def _other_head(keras: Any, name: str, classes: tuple[str, ...], model: Any, own: KerasGraphParts) -> NamedHead:
    """Reads a further head.

    Raises:
        ModelMismatch: it reads other features than the model's own scores, or has other classes.
    """
    found = take_apart(keras, model)
    return further_head(name, classes, found.head if found.pooling is own.pooling else None, found.no_head)


def _shapes(path: Path, model: Any) -> tuple[tuple[int | None, int | None], int]:
    """(height, width) of a model's input and the number of its scores.

    Raises:
        ModelError: it has other inputs than RGB images, or other outputs than class scores.
    """
    taken, given = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if not isinstance(taken, tuple) or len(taken) != 4 or taken[3] != 3:
        raise ModelError(f"{path} takes {taken}; expected one input of RGB images, (batch, height, width, 3)")
    if not isinstance(given, tuple) or len(given) != 2 or not given[1]:
        raise ModelError(f"{path} gives {given}; expected one output of class scores, (batch, classes)")
    return (taken[1], taken[2]), given[1]


def _lambdas(config: Any) -> set[str]:
    """The kinds of Python code in a saved configuration, at any depth."""
    found: set[str] = set()
    pending = [config]
    while pending:
        entry = pending.pop()
        if isinstance(entry, dict):
            found.update(kind for kind in ("Lambda", "__lambda__") if entry.get("class_name") == kind)
            pending.extend(entry.values())
        elif isinstance(entry, list):
            pending.extend(entry)
    return found


def _layers(model: Any) -> list[Any]:
    """All layers, those of nested models included."""
    return [model, *(inner for layer in getattr(model, "layers", ()) for inner in _layers(layer))]


def _evidence(model: Any) -> tuple[Preprocessing, str] | None:
    """The preprocessing that a model's layers indicate, and why."""
    layers = _layers(model)
    if any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in layers):
        return "raw", "a layer of the model scales its input"
    names = [layer.name.lower() for layer in layers]
    for part, how in _FAMILIES:
        if any(part in name for name in names):
            return how, f"a layer is named like {part} in keras.applications"
    return None
