"""One phase of training: epochs until the validation loss falls no more, the best weights kept.

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

from auditor.curves import Curves, Epoch
from auditor.errors import ModelError
from auditor.progress import Progress
from auditor.training.checkpoints import Best, Checkpoints

_LEAST = 1e-7                                   # a probability of zero would cost infinitely much


@dataclass(frozen=True)
class Score:
    """How a network does on images: mean cross-entropy in nats, without smoothing, and accuracy."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Plan:
    """How a phase trains.

    Attributes:
        name: Of the phase, in the curves.
        epochs: At most.
        patience: Epochs without a smaller validation loss after which it ends.
        learning_rate: The highest.
        warmup: Share of the steps in which it rises; then it falls along a cosine to nothing.
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
    model: Any, plan: Plan, steps_per_epoch: int, *, loss: Any = None, metrics: Sequence[Any] | None = None
) -> None:
    """Compiles a model for a phase; its optimizer has all its variables then.

    Args:
        model: To train.
        plan: How.
        steps_per_epoch: Number of batches.
        loss: Of a model with other outputs than the probabilities of one set of classes.
        metrics: Of such a model, by the names "cross_entropy" and "accuracy".
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
        # The loss that is minimised has the smoothing in it; the one in the curves can be compared with validation.
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
    plan: Plan,
    batches: Callable[[int], Any],
    validate: Callable[[], Score],
    curves: Curves,
    checkpoints: Checkpoints | None,
    progress: Progress,
    *,
    failure: Callable[[], Exception | None] = lambda: None,
    after_epoch: Callable[[Curves], None] = lambda curves: None,
) -> Curves:
    """Trains a prepared model and leaves it with the best weights that it had, those at the start included.

    Args:
        model: Of `prepare`.
        plan: How to train.
        batches: Number of an epoch, from 1 -> its batches, a `keras.utils.PyDataset`.
        validate: Measures the model on the validation images, as they are.
        curves: Of the phases before; those of a checkpoint come in their place.
        checkpoints: Where to write one after each epoch, and to continue from; None for a phase of seconds.
        progress: Watches.
        failure: What went wrong with the data, if anything did: a backend of Keras may raise an error of its own then.
        after_epoch: Told the curves so far.

    Returns:
        The curves with this phase's epochs.

    Raises:
        ModelError: the loss is no number any more.
    """
    restored = checkpoints.restore(model) if checkpoints else None
    curves, best = restored or (curves, Best(validate().loss, model.get_weights()))
    begun = len(curves.phase(plan.name).epochs)
    epochs: Iterable[int] = range(begun + 1, plan.epochs + 1)
    if not plan.bar_per_epoch:
        epochs = progress.track(epochs, plan.epochs - begun, plan.name)
    for number in epochs:
        if _epochs_since_best(curves, plan.name, best) >= plan.patience:
            break
        watched = progress if plan.bar_per_epoch else Progress()
        epoch = _one_epoch(model, plan, number, batches(number), validate, watched, failure)
        curves = curves.with_epoch(plan.name, epoch)
        improved = epoch.val_loss < best.loss
        if improved:
            best = Best(epoch.val_loss, model.get_weights())
        if checkpoints:
            checkpoints.save(model, curves, best, best_is_new=improved)
        after_epoch(curves)
    model.set_weights(best.weights)
    return curves


def score(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Score:
    """Scores (N, C) probabilities against (N,) labels."""
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)                # (N,)
    return Score(
        loss=float(-np.log(np.maximum(given, _LEAST)).mean()),
        accuracy=float((probabilities.argmax(axis=1) == labels).mean()),
    )


def _one_epoch(
    model: Any,
    plan: Plan,
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
            f"the loss of epoch {number} ({plan.name}) is no number any more. "
            f"Expected it to fall: lower --learning-rate, now {plan.learning_rate:g}, and start again with --overwrite."
        )
    rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    seconds = time.perf_counter() - started
    return Epoch(number, loss, accuracy, measured.loss, measured.accuracy, rate, round(seconds, 3))


def _epochs_since_best(curves: Curves, phase: str, best: Best) -> int:
    """Epochs since the best one of a phase; all of them, where the weights that it started with are the best."""
    losses = [epoch.val_loss for epoch in curves.phase(phase).epochs]
    return len(losses) - 1 - losses.index(best.loss) if best.loss in losses else len(losses)


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Moves a progress bar by one a step."""

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
