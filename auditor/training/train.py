"""`auditor train`, in order: divide, fill_backbone, embed, the head's phase, fine-tuning, finish."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from auditor.data.sources import stated_dataset
from auditor.errors import InputError
from auditor.evaluation.training_history import TrainingHistory
from auditor.labels.probe import assign_folds, out_of_fold
from auditor.progress import Progress
from auditor.training.augment import Augmentation
from auditor.training.batches import EmbeddingBatches, ImageBatches, Pixels, in_order
from auditor.training.checkpoints import numbered, unnumbered, write_arrays
from auditor.training.dividing import divide
from auditor.training.embeddings import FrozenBackbone, embed
from auditor.training.finish import How, Trained, finish
from auditor.training.loop import PhasePlan, Score, prepare, score, train_phase
from auditor.training.network import Shape, build, build_head, copy_head, dense_layers, set_trainable
from auditor.training.parts import DataParts, PartName
from auditor.training.runs import TrainingRun
from auditor.training.settings import TrainSettings
from auditor.training.weights import Origin, fill_backbone

HEAD_PHASE, FINE_PHASE, SCRATCH_PHASE = "head", "fine-tuning", "training"
OUT_OF_FOLD = "out_of_fold.npz"
#: The batch normalisation of a fine-tuned backbone is trained if there are this many images, in batches of at least
#: this size: fewer give worse statistics than those that it has.
NORM_IMAGES, NORM_BATCH = 2000, 16
_HEAD_STEPS, _HEAD_BATCH = 20, 256              # of the head's phase: fewest steps per epoch, most images per step


def train(run: TrainingRun, progress: Progress) -> Trained:
    """Trains a new run, or the rest of an unfinished one, and publishes its model's folder.

    Raises:
        AuditorError: the data, the weights or a setting cannot be used. The run's folder stays: it can be continued.
    """
    settings = run.settings
    keras.utils.set_random_seed(settings.seed)
    parts = _parts(run, progress)
    shape = Shape(settings.backbone, settings.input_size, len(parts.classes), settings.head, settings.dropout)
    network = build(shape)
    origin = fill_backbone(network, settings.weights) if settings.backbone != "small" else Origin("random")
    norm = "trained" if _trains_norm(settings, origin, len(parts.train)) else "frozen"
    how = How(origin.text, norm, origin.trained_on)
    history = TrainingHistory()
    if not settings.from_scratch:
        history = _train_head(run, network, shape, parts, progress)
    if settings.stages:
        if settings.mixed_precision:
            weights = network.get_weights()
            network = build(shape, dtype="mixed_bfloat16")
            network.set_weights(weights)
        set_trainable(network, settings.stages, batch_norm=how.batch_norm == "trained")
        history = _fine_tune(run, network, shape, parts, history, progress)
    return finish(run, network, shape, parts, history, how, progress)


def _parts(run: TrainingRun, progress: Progress) -> DataParts:
    settings = run.settings
    dataset = stated_dataset(settings)
    if run.parts is not None:
        return run.parts.join(dataset)
    parts = divide(dataset, settings.seed, progress, settings.threads, settings.limits)
    run.begin(parts)
    return parts


def _trains_norm(settings: TrainSettings, origin: Origin, images: int) -> bool:
    """Whether batch normalisation is trained, in the stages that are trained.

    Raises:
        InputError: it was asked for, but it is folded into the weights.
    """
    if settings.batch_norm == "trained" and origin.folded:
        raise InputError(
            f"--batch-norm trained with weights from {origin.text}: batch normalisation is multiplied into their "
            "convolutions. Expected --batch-norm frozen, or weights that still have it (.npz, .h5, .keras, imagenet)."
        )
    if settings.batch_norm != "auto":
        return settings.batch_norm == "trained"
    enough = images >= NORM_IMAGES and settings.batch_size >= NORM_BATCH
    return settings.from_scratch or (settings.fine_tune == "all" and enough and not origin.folded)


def _train_head(run: TrainingRun, network: Any, shape: Shape, parts: DataParts, progress: Progress) -> TrainingHistory:
    """Trains the network's head on embeddings of its unchanged backbone, and writes the out-of-fold probabilities."""
    done = run.checkpoints / "head.npz"
    if done.is_file():
        with np.load(done, allow_pickle=False) as archive:
            for layer, arrays in zip(dense_layers(network), _pairs(unnumbered("head", archive)), strict=True):
                layer.set_weights(arrays)
            return TrainingHistory.from_json(str(archive["curves"]))
    settings = run.settings
    backbone = FrozenBackbone(network, shape, settings.batch_size)
    points: dict[PartName, NDArray[np.float32]] = {
        part: embed(
            backbone,
            parts.part(part),
            run.checkpoints / part,
            batch_size=settings.batch_size,
            threads=settings.threads,
            limits=settings.limits,
            progress=progress,
        )
        for part in ("train", "val")
    }                                                                                   # (N, K) each
    _write_out_of_fold(run.folder, points["train"], parts)
    mean, deviation = points["train"].mean(axis=0), points["train"].std(axis=0)
    deviation = np.where(deviation > 1e-6, deviation, np.float32(1.0))                  # (K,)
    head = build_head(shape, points["train"].shape[1])
    standardised = {name: (rows - mean) / deviation for name, rows in points.items()}
    history = _fit_head(head, settings, parts, standardised, progress)
    copy_head(head, network, mean, deviation)
    arrays = [array for layer in dense_layers(network) for array in layer.get_weights()]
    write_arrays(done, {"curves": np.array(history.to_json()), **numbered("head", arrays)})
    return history


def _fit_head(
    head: Any,
    settings: TrainSettings,
    parts: DataParts,
    points: Mapping[PartName, NDArray[np.float32]],
    progress: Progress,
) -> TrainingHistory:
    images = len(points["train"])
    batch_size = min(_HEAD_BATCH, max(1, images // _HEAD_STEPS))
    plan = _plan(settings, HEAD_PHASE)
    prepare(head, plan, images // batch_size)
    targets, weights = _targets(parts, settings)

    def batches(epoch: int) -> EmbeddingBatches:
        return EmbeddingBatches(
            points["train"], targets, weights, batch_size=batch_size, seed=settings.seed, epoch=epoch
        )

    def validate() -> Score:
        return score(keras.ops.convert_to_numpy(head.predict_on_batch(points["val"])), parts.labels("val"))

    return train_phase(head, plan, batches, validate, TrainingHistory(), None, progress)


def _fine_tune(
    run: TrainingRun, network: Any, shape: Shape, parts: DataParts, history: TrainingHistory, progress: Progress
) -> TrainingHistory:
    """Trains the network's trainable layers on the images themselves."""
    settings = run.settings
    pixels = {
        part: Pixels([image.sample for image in parts.part(part)], shape.input_size, settings.limits)
        for part in ("train", "val")
    }
    plan = _plan(settings, SCRATCH_PHASE if settings.from_scratch else FINE_PHASE)
    prepare(network, plan, max(1, len(parts.train) // settings.batch_size))
    targets, weights = _targets(parts, settings)

    def batches(epoch: int) -> ImageBatches:
        return ImageBatches(
            pixels["train"],
            targets,
            weights,
            shape.preprocessing,
            Augmentation() if settings.augment else None,
            batch_size=settings.batch_size,
            seed=settings.seed,
            epoch=epoch,
            threads=settings.threads,
        )

    def validate() -> Score:
        count = -(-len(pixels["val"]) // settings.batch_size)
        images = in_order(pixels["val"], shape.preprocessing, settings.batch_size, settings.threads)
        rows = [
            keras.ops.convert_to_numpy(network.predict_on_batch(batch))
            for batch in progress.track(images, count, "validation")
        ]
        return score(np.concatenate(rows), parts.labels("val"))

    def keep(grown: TrainingHistory) -> None:
        grown.write(run.folder)

    return train_phase(
        network, plan, batches, validate, history, run.checkpoints_of(plan.name), progress,
        failure=lambda: pixels["train"].failure, after_epoch=keep,
    )  # fmt: skip


def _plan(settings: TrainSettings, phase: str) -> PhasePlan:
    fine = phase != HEAD_PHASE
    return PhasePlan(
        name=phase,
        epochs=settings.epochs if fine else settings.head_epochs,
        patience=settings.patience,
        learning_rate=settings.learning_rate if fine else settings.head_learning_rate,
        warmup=settings.warmup,
        weight_decay=settings.weight_decay,
        label_smoothing=settings.label_smoothing,
        bar_per_epoch=fine,
    )


def _targets(parts: DataParts, settings: TrainSettings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, C) one-hot labels of the training images, and (N,) their weights: 1 on average."""
    labels = parts.labels("train")
    counts = np.bincount(labels, minlength=len(parts.classes))                          # (C,)
    weights = len(labels) / (len(counts) * counts) if settings.class_weights else np.ones(len(counts))
    return np.eye(len(counts), dtype=np.float32)[labels], weights[labels].astype(np.float32)


def _write_out_of_fold(folder: Path, embeddings: NDArray[np.float32], parts: DataParts) -> None:
    """Writes `out_of_fold.npz`: class probabilities of the training images, by a probe that has not seen them."""
    contents, labels = [image.content for image in parts.train], parts.labels("train")
    probe = out_of_fold(embeddings, labels, assign_folds(contents), len(parts.classes))
    write_arrays(
        folder / OUT_OF_FOLD,
        {
            "files": np.array([image.sample.file for image in parts.train]),
            "contents": np.array(contents),
            "labels": labels,
            "classes": np.array(parts.classes),
            "probabilities": probe.probabilities,                                       # (N, C)
        },
    )


def _pairs(arrays: list[NDArray[Any]]) -> list[list[NDArray[Any]]]:
    """Kernels and biases, layer by layer."""
    return [list(pair) for pair in zip(arrays[::2], arrays[1::2], strict=True)]
