"""One phase of training: epochs until the validation loss stops falling; the best weights are kept.

The same loop trains a head on embeddings and a whole network on images, on any backend of Keras.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from auditor.errors import ModelError
from auditor.evaluation.training_history import Epoch, TrainingHistory
from auditor.progress import Progress
from auditor.training.checkpoints import Best, Checkpoints

_LEAST = 1e-7                                   # the loss of a probability of zero would be infinite


@dataclass(frozen=True)
class Score:
    """The results of a network on images: mean cross-entropy in nats, without smoothing, and accuracy."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class PhasePlan:
    """How a phase trains.

    Attributes:
        name: Of the phase, in the history.
        epochs: At most.
        patience: Epochs without a smaller validation loss after which it ends.
        learning_rate: The highest.
        warmup: Share of the steps in which the learning rate rises; then it falls along a cosine to zero.
        weight_decay: Of AdamW (Loshchilov and Hutter, ICLR 2019), on kernels.
        label_smoothing: Share of the target that is spread over all classes.
        bar_per_epoch: Whether each epoch has a progress bar of its own; else the phase has one.
    """

    name: str
    epochs: int
    patience: int
    learning_rate: float
    warmup: float
    weight_decay: float
    label_smoothing: float
    bar_per_epoch: bool


def prepare(
    model: Any, plan: PhasePlan, steps_per_epoch: int, *, loss: Any = None, metrics: Sequence[Any] | None = None
) -> None:
    """Compiles a model for a phase and builds the variables of its optimizer.

    Args:
        model: To train.
        plan: How to train it.
        steps_per_epoch: Number of batches.
        loss: For a model whose output is not the probabilities of one set of classes.
        metrics: For such a model, with the names "cross_entropy" and "accuracy".
    """
    steps = plan.epochs * steps_per_epoch
    warmup = min(steps - 1, round(plan.warmup * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / max(1, warmup), steps - warmup, warmup_target=plan.learning_rate, warmup_steps=warmup
    ) if warmup else keras.optimizers.schedules.CosineDecay(plan.learning_rate, steps)  # fmt: skip
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=plan.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    on_cpu_by_tensorflow = keras.backend.backend() == "tensorflow" and not _sees_gpu()
    model.compile(
        optimizer=optimizer,
        loss=loss or keras.losses.CategoricalCrossentropy(label_smoothing=plan.label_smoothing),
        # The minimised loss includes the smoothing; this one does not, so that it can be compared with validation.
        weighted_metrics=[],
        metrics=metrics or [
            keras.metrics.CategoricalCrossentropy(name="cross_entropy"),
            keras.metrics.CategoricalAccuracy(name="accuracy"),
        ],
        jit_compile=False if on_cpu_by_tensorflow else "auto",   # XLA takes minutes there and gains nothing
    )
    optimizer.build(model.trainable_variables)


def train_phase(
    model: Any,
    plan: PhasePlan,
    batches: Callable[[int], Any],
    validate: Callable[[], Score],
    history: TrainingHistory,
    checkpoints: Checkpoints | None,
    progress: Progress,
    *,
    failure: Callable[[], Exception | None] = lambda: None,
    after_epoch: Callable[[TrainingHistory], None] = lambda history: None,
) -> TrainingHistory:
    """Trains a prepared model and leaves it with its best weights, which may be those at the start.

    Args:
        model: Of `prepare`.
        plan: How to train.
        batches: Number of an epoch, from 1 -> its batches, a `keras.utils.PyDataset`.
        validate: Measures the model on the validation images, without augmentation.
        history: Of the earlier phases; that of a checkpoint replaces it.
        checkpoints: Where to write one after each epoch, and to continue from; None for a phase that takes seconds.
        progress: Watches the epochs.
        failure: Returns the error of the data, if any: Keras may raise an error of its own instead.
        after_epoch: Called with the history so far.

    Returns:
        The history with this phase's epochs.

    Raises:
        ModelError: the loss is not a finite number.
    """
    restored = checkpoints.restore(model) if checkpoints else None
    history, best = restored or (history, Best(validate().loss, model.get_weights()))
    begun = len(history.phase(plan.name).epochs)
    epochs: Iterable[int] = range(begun + 1, plan.epochs + 1)
    if not plan.bar_per_epoch:
        epochs = progress.track(epochs, plan.epochs - begun, plan.name)
    for number in epochs:
        if _epochs_since_best(history, plan.name, best) >= plan.patience:
            break
        watched = progress if plan.bar_per_epoch else Progress()
        epoch = _one_epoch(model, plan, number, batches(number), validate, watched, failure)
        history = history.with_epoch(plan.name, epoch)
        improved = epoch.val_loss < best.loss
        if improved:
            best = Best(epoch.val_loss, model.get_weights())
        if checkpoints:
            checkpoints.save(model, history, best, best_is_new=improved)
        after_epoch(history)
    model.set_weights(best.weights)
    return history


def score(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Score:
    """Scores (N, C) probabilities against (N,) labels."""
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)                # (N,)
    return Score(
        loss=float(-np.log(np.maximum(given, _LEAST)).mean()),
        accuracy=float((probabilities.argmax(axis=1) == labels).mean()),
    )


def _one_epoch(
    model: Any,
    plan: PhasePlan,
    number: int,
    batches: Any,
    validate: Callable[[], Score],
    progress: Progress,
    failure: Callable[[], Exception | None],
) -> Epoch:
    started = time.perf_counter()
    watcher = _Watcher(progress, len(batches), f"{plan.name}, epoch {number} of {plan.epochs}")
    try:
        logs = model.fit(batches, epochs=1, verbose=0, shuffle=False, callbacks=[watcher]).history
    except Exception:
        if (reason := failure()) is not None:
            raise reason from None
        raise
    loss, accuracy = float(logs["cross_entropy"][-1]), float(logs["accuracy"][-1])
    measured = validate()
    if not (math.isfinite(loss) and math.isfinite(measured.loss)):
        raise ModelError(
            f"the loss of epoch {number} ({plan.name}) is not a finite number. "
            f"Expected it to fall: lower --learning-rate, now {plan.learning_rate:g}, and start again with --overwrite."
        )
    rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    seconds = time.perf_counter() - started
    return Epoch(number, loss, accuracy, measured.loss, measured.accuracy, rate, round(seconds, 3))


def _epochs_since_best(history: TrainingHistory, phase: str, best: Best) -> int:
    """Epochs since the best one of a phase; all of them if the weights at its start are the best."""
    losses = [epoch.val_loss for epoch in history.phase(phase).epochs]
    return len(losses) - 1 - losses.index(best.loss) if best.loss in losses else len(losses)


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Advances a progress bar by one per step."""

    def __init__(self, progress: Progress, steps: int, what: str) -> None:
        super().__init__()
        self._bar: Iterator[int] = iter(progress.track(range(steps), steps, what))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keras calls this."""
        next(self._bar, None)

    def on_train_end(self, logs: Any = None) -> None:
        """Keras calls this; the bar ends."""
        next(self._bar, None)


def _sees_gpu() -> bool:
    import tensorflow

    return bool(tensorflow.config.list_physical_devices("GPU"))
