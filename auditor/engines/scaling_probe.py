"""Which preprocessing a bare model expects, where nothing states it: the one under which it knows photographs best.

A few images of the folder are run through the model under several preprocessings. Where the model knows the folder's
classes, the best is the one with the most probable labels; elsewhere the one whose answers are confident and differ
from image to image, since a model that sees wrongly scaled pixels says the same of all, or nothing of any.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend
from auditor.backends.card import Preprocessing
from auditor.backends.guessed_card import as_guess, is_open
from auditor.classes.names import ClassMatch
from auditor.data.sample import Sample
from auditor.engines.base import Task
from auditor.engines.steps import load

IMAGES = 32                                     # that are run, at most
_FEWEST = 8                                     # under so many readable ones nothing is concluded
#: By how much another preprocessing must be better than the one that the layout suggests, in nats an image.
_MARGIN = {True: 0.1, False: 0.5}               # where labels say what is right, and where only confidence does
#: What is tried, by what the layout suggests. BGR is rare elsewhere than in Keras, and large numbers look confident.
_TRIED: dict[Preprocessing, tuple[Preprocessing, ...]] = {
    "torch": ("torch", "unit", "tf", "raw"), "tf": ("tf", "raw", "unit", "torch", "caffe"),
}  # fmt: skip
_FLOOR = 1e-4                                   # one wild answer must not outweigh all others


def settle_scaling(
    task: Task, match: ClassMatch, samples: Sequence[Sample], classes: Sequence[str]
) -> tuple[Task, tuple[str, ...]]:
    """The task with the preprocessing of its model settled, and what the reader must know about that.

    Args:
        task: What will be run. A model whose preprocessing is stated, or told by its graph, stays as it is.
        match: How the model's classes map to the folder's.
        samples: Of the folder, in any order that is the same every time.
        classes: Of the folder.
    """
    backend = task.backend
    if backend is None or not is_open(backend.card):
        return task, ()
    images, labels = _draw(task, samples, classes)
    if len(images) < _FEWEST:
        return task, (f"How the model wants its pixels is a guess: {backend.card.guessed['preprocessing']}.",)
    by_labels = match.complete and bool(np.all(labels >= 0)) and len(classes) > 1
    prior = backend.card.preprocessing
    tried = {how: _with_preprocessing(backend, how, "") for how in _TRIED[prior]}
    values = {
        how: _labels_known(each, images, labels, match, len(classes)) if by_labels else _said(each, images)
        for how, each in tried.items()
    }
    best = max(values, key=lambda how: (values[how], how == prior))
    decided = best == prior or values[best] >= values[prior] + _MARGIN[by_labels]
    best = best if decided else prior
    others = {how: value for how, value in values.items() if how != best}
    second = max(others, key=lambda how: others[how])
    measure = "mean log-probability of the given class" if by_labels else "confidence that differs between images"
    margin = values[best] - values[second]
    found = f"{measure} {values[best]:z.2f}, with {second} {values[second]:z.2f}, margin {margin:z.2f}"
    if decided and margin >= _MARGIN[by_labels]:
        why = f"guessed from {len(images)} images of the folder ({found})"
    else:
        layout = backend.card.guessed["preprocessing"].removeprefix(f"{prior}: ").partition("; ")[0]
        why = f"guessed, since {layout}; {len(images)} images of the folder do not decide ({found})"
    settled = _with_preprocessing(backend, best, as_guess(best, why))
    return replace(task, backend=settled), (
        f"How the model wants its pixels is stated nowhere: {as_guess(best, why)}.",
    )


def _with_preprocessing(backend: Backend, how: Preprocessing, guess: str) -> Backend:
    other = copy.copy(backend)
    other.card = replace(backend.card, preprocessing=how, guessed={**backend.card.guessed, "preprocessing": guess})
    return other


def _draw(
    task: Task, samples: Sequence[Sample], classes: Sequence[str]
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Up to `IMAGES` readable images (n, H, W, 3), from all classes in turn, and their labels (n,), -1 for none."""
    index = {name: place for place, name in enumerate(classes)}
    queues: dict[int, list[Sample]] = {}
    for sample in samples:
        queues.setdefault(index.get(sample.label or "", -1), []).append(sample)
    rng = np.random.default_rng(0)
    order = [(turn, label, queue[place]) for label, queue in sorted(queues.items())
             for turn, place in enumerate(rng.permutation(len(queue))[:IMAGES])]  # fmt: skip
    found, labels = [], []
    for _, label, sample in sorted(order, key=lambda each: each[:2]):
        pixels = load(sample, task).pixels
        if pixels is not None:
            found.append(pixels)
            labels.append(label)
        if len(found) == IMAGES:
            break
    return np.stack(found) if found else np.zeros((0, 1, 1, 3), np.uint8), np.array(labels, np.intp)


def _labels_known(
    backend: Backend, images: NDArray[np.uint8], labels: NDArray[np.intp], match: ClassMatch, classes: int
) -> float:
    """Mean log-probability of the labels."""
    projected = match.project(_probabilities(backend, images), classes)                 # (n, F)
    return float(np.log(np.maximum(projected[np.arange(len(labels)), labels], _FLOOR)).mean())


def _said(backend: Backend, images: NDArray[np.uint8]) -> float:
    """How much the answers say about which image it is, in nats: entropy of their mean, less their mean entropy."""
    rows = np.maximum(_probabilities(backend, images).astype(np.float64), 1e-12)        # (n, C)
    mean = rows.mean(axis=0)
    return float(-(mean * np.log(mean)).sum() + (rows * np.log(rows)).sum(axis=1).mean())


def _probabilities(backend: Backend, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, C); rows that mean nothing are zero."""
    return np.nan_to_num(backend.forward(images).probabilities, nan=0.0)
