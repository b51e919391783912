"""The end of a run: model files, evaluation on the test part, card and page, published together."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from auditor import __version__
from auditor.backends import FLOAT, KERAS, load_backend
from auditor.backends.base import Backend, preprocess
from auditor.backends.card import ModelCard, sha256
from auditor.backends.onnx.backend import OnnxBackend
from auditor.data.dataset import Dataset, name_of
from auditor.errors import MissingDependency, ModelError
from auditor.evaluation import Evaluation, evaluate
from auditor.evaluation.training_history import TrainingHistory
from auditor.model_export.keras_to_onnx import to_onnx
from auditor.model_export.parity import FLOAT32, Parity, compare
from auditor.model_export.training_data import DATA_PATH, data_path
from auditor.progress import Progress
from auditor.report.evaluation.page import write_training_page
from auditor.training.batches import Pixels
from auditor.training.network import Shape, build
from auditor.training.parts import PARTS, DataParts
from auditor.training.runs import TrainingRun

ONNX = FLOAT
_COMPARED = 64                                  # validation images on which export and source are compared


@dataclass(frozen=True)
class How:
    """Choices that the settings left open.

    Attributes:
        weights: Where the backbone's weights came from.
        batch_norm: "trained" or "frozen".
        trained_on: Hashes of images that these weights have seen.
    """

    weights: str
    batch_norm: str
    trained_on: frozenset[str]


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        folder: Of the model.
        page: Its training page.
        parts: The training, validation and test images.
        history: The history of its phases.
        evaluation: On the test part.
        parity: How `model.onnx` compares with `model.keras`; None if it could not be made.
        notes: Sentences for the reader.
    """

    folder: Path
    page: Path
    parts: DataParts
    history: TrainingHistory
    evaluation: Evaluation
    parity: Parity | None
    notes: tuple[str, ...]


def finish(
    run: TrainingRun,
    network: Any,
    shape: Shape,
    parts: DataParts,
    history: TrainingHistory,
    how: How,
    progress: Progress,
) -> Trained:
    """Writes everything that a model's folder holds, and publishes it.

    Args:
        run: An open run.
        network: The trained network.
        shape: Of the network.
        parts: Of the data.
        history: Of all phases.
        how: What was decided during the run.
        progress: Watches the long loops.
    """
    folder = run.folder
    model = build(shape)                        # a new one, without the training's precision and optimizer
    model.set_weights(network.get_weights())
    model.save(folder / KERAS)
    card = _card(run, shape, parts, history, how)
    parity, trouble = _export(model, folder, card, parts, run, progress)
    card = replace(card, files={name: sha256(folder / name) for name in (KERAS, ONNX) if (folder / name).is_file()})
    if parity is not None:
        card = replace(card, about={**card.about, "keras_parity": parity.record()})
    card.write(folder)
    backend = load_backend(folder, kind="keras" if parity is None else "onnx", threads=run.settings.threads)
    evaluation = _evaluate(backend, run, parts, progress)
    measured = {**card.about["measured"], "accuracy_test": round(evaluation.accuracy.value, 4)}
    card = replace(card, about={**card.about, "measured": measured})
    card.write(folder)
    history.write(folder)
    evaluation = replace(evaluation, model=replace(evaluation.model, about=card.about))
    page = write_training_page(evaluation, folder, history)
    target = run.publish()
    notes = (*parts.notes, *([trouble] if trouble else []))
    return Trained(target, target / page.relative_to(folder), parts, history, evaluation, parity, notes)


def _card(run: TrainingRun, shape: Shape, parts: DataParts, history: TrainingHistory, how: How) -> ModelCard:
    head = ", ".join([*(f"{units} ReLU" for units in shape.head), f"{shape.classes} softmax"])
    return ModelCard(
        name=run.settings.out.name,
        classes=parts.classes,
        input_size=shape.input_size,
        preprocessing=shape.preprocessing,
        trained_on=how.trained_on | {image.content[:16] for image in parts.train},
        about={
            "architecture": f"{shape.backbone}, global average pooling, Dense: {head}",
            "data": name_of(run.settings.data),
            DATA_PATH: data_path(Path(run.settings.data), run.settings.out),
            "backbone_from": how.weights,
            "batch_norm": how.batch_norm,
            "measured": {
                **{f"images_{name}": len(parts.part(name)) for name in PARTS},
                **_best(history),
            },
            "left_out": len(parts.left_out),
            "notes": list(parts.notes),
            "settings": run.settings.record(),
            "keras": f"{keras.__version__} on {keras.backend.backend()}",
            "auditor": __version__,
        },
    )


def _best(history: TrainingHistory) -> dict[str, float | int]:
    """The validation results of the weights that were kept."""
    found: dict[str, float | int] = {}
    for phase in history.phases:
        best = phase.best
        if best is not None:
            name = phase.name.replace("-", "_")
            found |= {f"epochs_{name}": len(phase.epochs), f"accuracy_val_{name}": round(best.val_accuracy, 4)}
    return found


def _export(
    model: Any, folder: Path, card: ModelCard, parts: DataParts, run: TrainingRun, progress: Progress
) -> tuple[Parity | None, str]:
    """Writes `model.onnx` if possible; returns its parity, or None and the reason."""
    path = folder / ONNX
    path.unlink(missing_ok=True)
    try:
        graph = to_onnx(model, card.name)
    except (MissingDependency, ModelError) as error:
        return None, f"There is no {ONNX} yet: {error}"
    stated = {"classes": json.dumps(card.classes, ensure_ascii=False), "preprocessing": card.preprocessing}
    onnx.helper.set_model_props(graph, stated)
    onnx.save(graph, str(path))
    exported = OnnxBackend(path, card=card)
    images = parts.val[:: max(1, len(parts.val) // _COMPARED)]
    pixels = Pixels([image.sample for image in images], card.input_size, run.settings.limits)
    rows = progress.track((pixels[row][None] for row in range(len(pixels))), len(pixels), "comparing")
    parity = compare(_by_keras(model, card), lambda batch: exported.forward(batch).probabilities, rows)
    if broken := FLOAT32.broken(parity):
        path.unlink()
        return None, f"There is no {ONNX}: it differed too much from {KERAS} ({'; '.join(broken)})."
    return parity, ""


def _by_keras(model: Any, card: ModelCard) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """A function from (B, H, W, 3) uint8 to (B, C) probabilities."""

    def classify(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores = model.predict_on_batch(preprocess(images, card.preprocessing))
        return np.asarray(keras.ops.convert_to_numpy(scores), np.float32)

    return classify


def _evaluate(backend: Backend, run: TrainingRun, parts: DataParts, progress: Progress) -> Evaluation:
    """Evaluates the model on the test part, which is used only here."""
    settings = run.settings
    source = Path(settings.data)
    samples = tuple(image.sample for image in parts.test)
    dataset = Dataset(
        root=source if source.is_dir() else source.parent,
        name=name_of(settings.data),
        samples=samples,
        skipped=(),
        failed=(),
        classes=parts.classes,
        notes=parts.notes,
    )
    return evaluate(
        backend,
        dataset,
        split="test",
        threads=settings.threads,
        limits=settings.limits,
        settings=settings.record(),
        progress=progress,
    )
