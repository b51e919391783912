"""What is exported: a Keras model or a float ONNX graph, as one record that runs and converts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from auditor.backends import FLOAT, KERAS, load_backend
from auditor.backends.base import as_probabilities, preprocess
from auditor.backends.card import CARD_NAME, ModelCard, read_card
from auditor.errors import InputError, ModelError, ModelMismatch
from auditor.model_export.keras_to_onnx import as_classifier, import_tools, to_onnx


@dataclass(frozen=True)
class ExportSource:
    """A model that can be exported.

    Attributes:
        path: Its weights file.
        card: What is known about it.
        graph: The model as a float ONNX graph; converted if it is a Keras model.
        classify: From (B, H, W, 3) uint8 RGB to probabilities (B, C).
    """

    path: Path
    card: ModelCard
    graph: onnx.ModelProto
    classify: Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def read_source(
    model: Path, *, from_keras: bool, preprocessing: str | None = None, classes: Path | None = None
) -> ExportSource:
    """Reads what is to be exported.

    Args:
        model: A model folder, a `.keras` file or an `.onnx` file.
        from_keras: Whether a Keras model is required. Otherwise a folder's float ONNX graph is preferred, which needs
            no TensorFlow.
        preprocessing, classes: As the user stated them; they override the card.

    Raises:
        InputError: it is an ONNX file, but a Keras model is required.
        ModelError: there is no model, or it cannot be read or converted.
        MissingDependency: a Keras model needs TensorFlow, which is not installed.
    """
    path = weights_of(model, from_keras=from_keras)
    if path.suffix.lower() == ".onnx":
        if from_keras and not model.is_dir():
            raise InputError(
                f"{path} is an ONNX model already; --int8 or --fp16 makes a smaller one of it, a plain export needs "
                "the Keras model"
            )
        if from_keras:
            return _rebuilt(path, preprocessing, classes)
        return _from_onnx(path, preprocessing, classes)
    return _from_keras(path, preprocessing, classes)


def weights_of(model: Path, *, from_keras: bool) -> Path:
    """The file to start from: the suitable one of a model folder, or the file itself.

    Raises:
        ModelError: there is none, or the folder's card does not list it.
    """
    folder = model
    if not folder.is_dir():
        return model
    names = [KERAS, FLOAT] if from_keras else [FLOAT, KERAS]
    card = read_card(folder / CARD_NAME)
    for name in names:
        if (folder / name).is_file():
            if name not in card.files:
                raise ModelMismatch(
                    f"{folder / name} is not listed in the card beside it, so nothing says what it is. "
                    f"Write the card with `auditor models card {folder / name}`."
                )
            return folder / name
    raise ModelError(f"{folder} holds no model to export; looked for {' and '.join(names)}")


def _from_onnx(path: Path, preprocessing: str | None, classes: Path | None) -> ExportSource:
    from auditor.backends.onnx.file import read_model

    backend = load_backend(path, device="cpu", preprocessing=preprocessing, classes=classes)
    graph, _ = read_model(path)
    return ExportSource(path, backend.card, graph, lambda images: backend.forward(images).probabilities)


def _from_keras(path: Path, preprocessing: str | None, classes: Path | None) -> ExportSource:
    from auditor.backends.keras.backend import load_keras
    from auditor.backends.keras.names import name_apart

    keras, _, _ = import_tools()
    card = load_backend(path, device="cpu", preprocessing=preprocessing, classes=classes).card
    model = load_keras(keras, path)
    name_apart(model)
    return _of_keras(model, path, card)


def _rebuilt(path: Path, preprocessing: str | None, classes: Path | None) -> ExportSource:
    """A folder of the bundled kind, whose ONNX file holds the weights of a ResNet50 under Keras' names."""
    from auditor.backends.keras.resnet50 import build_resnet50, fill_from_onnx

    import_tools()
    card = load_backend(path, device="cpu", preprocessing=preprocessing, classes=classes).card
    heads = {name: len(classes) for name, classes in card.heads.items()}
    model = build_resnet50(len(card.classes), card.input_size, heads)
    fill_from_onnx(model, path)
    return _of_keras(model, path, card)


def _of_keras(model: Any, path: Path, card: ModelCard) -> ExportSource:
    model = as_classifier(model)

    def classify(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        outputs = model(preprocess(images, card.preprocessing), training=False)
        rows = np.asarray(outputs[0] if card.heads else outputs, np.float32)            # the scores come first
        return as_probabilities(rows, are_logits=False)         # (B, C)

    return ExportSource(path, card, to_onnx(model, card.name), classify)


def home(path: Path) -> Path:
    """Where the exports of a weights file belong: its folder if the card there lists it, else a new one of its name."""
    card = path.parent / CARD_NAME
    try:
        if card.is_file() and path.name in read_card(card).files:
            return path.parent
    except ModelError:
        pass                                                    # model.json of some other program
    return path.with_suffix("")
