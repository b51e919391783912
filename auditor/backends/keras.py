"""Runs a Keras 3 classifier: a `.keras` file, flat or with whole models as layers, or the bundled ResNet50.

A nested model (transfer learning: a ResNet50 as one layer) hides its inner tensors. So the layers are called anew, one
by one, on a new input: the weights stay shared, and features and embedding become outputs beside the scores.
"""

import contextlib
import importlib
import json
import os
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.backends.bare import bare_card, check_classes, check_size, choose_size
from auditor.backends.base import Forward, as_probabilities, preprocess, two_sided
from auditor.errors import DeviceUnavailable, MissingDependency, ModelError
from auditor.modelcard import ModelCard, Preprocessing, sha256, verify

_LONGEST_CONFIG = 64 * 1024**2                                  # bytes of config.json inside a .keras file
# Layers that hand their input on at inference, in the same order once the sides of length 1 are gone.
_PASSING = frozenset({"Activation", "Dropout", "Flatten", "Identity", "Reshape", "SpatialDropout2D"})
# Parts of the names of keras.applications, with the preprocessing that their weights were trained with.
_FAMILIES: tuple[tuple[str, Preprocessing], ...] = (
    ("resnetv2", "tf"), ("v2_resnet", "tf"), ("resnet", "caffe"), ("vgg", "caffe"), ("densenet", "torch"),
    ("efficientnet", "raw"), ("convnext", "raw"), ("mobilenetv3", "raw"),
)  # fmt: skip


class KerasBackend:
    """Implements `Backend` for Keras.

    Args:
        path: A `.keras` file, or the `model.onnx` whose weights fill the bundled ResNet50.
        card: What is known about it; None for a bare file: the rest is read from its layers, or guessed.
        device: "auto", "cpu" or "cuda".
        preprocessing, classes: For a bare file, what the user stated.
        threads: Of the CPU, where TensorFlow has not started yet; all cores if None.

    Raises:
        MissingDependency: Keras, or what it runs on, is not installed.
        ModelError: the file cannot be loaded safely, or is no image classifier.
        ModelMismatch: card, stated classes and model disagree.
        DeviceUnavailable: CUDA was asked for and Keras sees none.
    """

    kind = "keras"

    def __init__(
        self,
        path: Path,
        *,
        card: ModelCard | None = None,
        device: str = "auto",
        preprocessing: Preprocessing | None = None,
        classes: tuple[str, ...] | None = None,
        threads: int | None = None,
    ) -> None:
        self._keras = _import_keras(threads)
        self.device = _resolve_device(self._keras, device)
        self.sha256 = verify(card, path) if card else sha256(path)
        with self._placed():
            model = _load(self._keras, path) if path.suffix.lower() == ".keras" else _bundled(path, card)
            stated, columns = _shapes(path, model)
            self._model, self.head, self._are_logits, self.no_head = _promote(self._keras, model)
        size, size_guess = choose_size(stated, {}) if card is None else (card.input_size, None)
        check_size(path, stated, size)
        self.card = card or bare_card(
            path, columns, size, size_guess, {},
            channels_first=False,
            evidence=_evidence(model), preprocessing=preprocessing, classes=classes,
        )  # fmt: skip
        check_classes(path, self.card, columns)

    def forward(self, images: NDArray[np.uint8]) -> Forward:
        """images: (B, H, W, 3) uint8 RGB at `card.input_size`. Never changes its argument."""
        if images.dtype != np.uint8 or images.shape[1:] != (*self.card.input_size, 3):
            raise ValueError(f"received {images.dtype} {images.shape}; expected uint8 (B, {self.card.input_size}, 3)")
        pixels = preprocess(images, self.card.preprocessing)    # (B, H, W, 3)
        with self._placed():
            outputs = [self._keras.ops.convert_to_numpy(array) for array in self._model.predict_on_batch(pixels)]
        scores, embedding = (array.reshape(len(images), -1) for array in outputs[:2])      # (B, C), (B, K)
        return Forward(
            probabilities=as_probabilities(scores, are_logits=self._are_logits),
            embedding=np.asarray(embedding, np.float32),
            features=np.ascontiguousarray(outputs[2], np.float32) if self.head is not None else None,
        )

    def _placed(self) -> Any:
        """The context in which Keras makes and runs things on this device."""
        return self._keras.device("gpu:0" if self.device == "cuda" else "cpu:0")


def _import_keras(threads: int | None) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")          # TensorFlow reports its build on stderr
    try:
        import keras
    except ImportError as error:
        raise MissingDependency(
            f"a Keras model needs {error.name or 'keras'}, which is not installed: `pip install 'auditor[tensorflow]'`"
        ) from None
    if threads and keras.backend.backend() == "tensorflow":
        import tensorflow

        with contextlib.suppress(RuntimeError):                 # it has started already; only its speed is at stake
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    return keras


def _resolve_device(keras: Any, device: str) -> str:
    """"auto", "cpu" or "cuda" -> the device that Keras' own backend sees."""
    if device not in ("auto", "cpu", "cuda"):
        raise DeviceUnavailable(f"device {device!r} is not known; expected auto, cpu or cuda")
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


def _load(keras: Any, path: Path) -> Any:
    """Loads a stranger's `.keras` file: without any code that it brings."""
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
    from auditor.training.resnet50 import build_resnet50, fill_from_onnx

    model = build_resnet50(len(card.classes), card.input_size)
    fill_from_onnx(model, path)
    return model


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


def _promote(keras: Any, model: Any) -> tuple[Any, NDArray[np.float32] | None, bool, str]:
    """A model with the outputs scores, embedding and, where there is a head, features; its head; logits?; why none."""
    image = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    try:
        scores = _call_anew(keras, model, image)
    except (AttributeError, NotImplementedError):               # a subclassed model: nothing to take apart
        scores = model(image)
        return keras.Model(image, [scores, scores]), None, False, "it is a subclassed Keras model"
    are_logits, dense, last = _last_dense(scores)
    if dense is None:
        return keras.Model(image, [scores, scores]), None, are_logits, f"its scores come from {last}, not from Dense"
    embedding, pool = _back(_inputs_of(scores, dense)[0])
    if type(pool).__name__ != "GlobalAveragePooling2D" or pool.data_format != "channels_last":
        flat = keras.layers.Flatten()(embedding)
        reason = f"its last Dense layer follows {type(pool).__name__}, not a global average pooling"
        return keras.Model(image, [scores, flat]), None, are_logits, reason
    features = _node(embedding).input_tensors[0]
    head = np.asarray(keras.ops.convert_to_numpy(dense.kernel), np.float32)     # (K, C)
    return keras.Model(image, [scores, embedding, features]), two_sided(head), are_logits, ""


def _call_anew(keras: Any, model: Any, tensor: Any) -> Any:
    """Calls a model's layers on a new tensor, and those of the models inside it."""

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nested = isinstance(layer, keras.Model) and len(args) == 1 and len(layer.inputs) == 1
        return _call_anew(keras, layer, args[0]) if nested else layer(*args, **kwargs)

    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            tensor = call(layer, tensor)
        return tensor
    # What keras.models.clone_model uses; that function itself does not look into nested models.
    return model._run_through_graph(tensor, operation_fn=lambda layer: partial(call, layer))


def _last_dense(scores: Any) -> tuple[bool, Any, str]:
    """Whether the scores are logits, the Dense layer that makes them, or None and what makes them instead."""
    activations = []
    tensor = scores
    while True:
        layer = _node(tensor).operation
        name = type(layer).__name__
        activations.append("softmax" if name == "Softmax" else _activation(layer))
        if name not in _PASSING and name != "Softmax":
            break
        tensor = _node(tensor).input_tensors[0]
    are_logits = not {"softmax", "sigmoid"}.intersection(activations)
    return are_logits, layer if name == "Dense" else None, name


def _back(tensor: Any) -> tuple[Any, Any]:
    """Walks back from a tensor over layers that hand their input on; the tensor there, and the layer that makes it."""
    while type(layer := _node(tensor).operation).__name__ in _PASSING:
        if _activation(layer) != "linear":
            break
        tensor = _node(tensor).input_tensors[0]
    return tensor, layer


def _inputs_of(tensor: Any, layer: Any) -> Any:
    """The inputs of a layer that lies behind a tensor, with only passing layers between."""
    while _node(tensor).operation is not layer:
        tensor = _node(tensor).input_tensors[0]
    return _node(tensor).input_tensors


def _node(tensor: Any) -> Any:
    """The call that made a symbolic tensor: `operation`, `input_tensors`."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _activation(layer: Any) -> str:
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def _lambdas(config: Any) -> set[str]:
    """Kinds of Python code in a saved configuration, however deep."""
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
    """What a model's layers say about its preprocessing, and why."""
    layers = _layers(model)
    if any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in layers):
        return "raw", "a layer of the model scales its input"
    names = [layer.name.lower() for layer in layers]
    for part, how in _FAMILIES:
        if any(part in name for name in names):
            return how, f"a layer is named like {part} in keras.applications"
    return None
