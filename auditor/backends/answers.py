"""Answers that mean nothing: models that give NaN, infinite numbers or only zeros, for some images or for all."""

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend
from auditor.errors import ModelError

#: Why an image that could be read has no result.
NO_SCORES = "the model gave NaN for it, or scores that are infinite, negative or all zero"
NO_FEATURES = "the model gave features for it that are NaN or infinite"


def refuse_silent(readable: int, answered: int, name: str) -> None:
    """Refuses a model that had a usable answer for none of the images that could be read.

    Args:
        readable: How many images it was asked about.
        answered: For how many of them it gave numbers.
        name: Of the model.

    Raises:
        ModelError: there were images, and not one answer.
    """
    if readable and not answered:
        raise ModelError(
            f"the model {name} was asked about {readable:,} {'image' if readable == 1 else 'images'} and gave NaN for "
            "every one of them, or scores that are infinite, negative or all zero; expected a finite score for each "
            "class. Float16 arithmetic that overflows is the usual cause: export the model in float32, and check its "
            "--preprocessing."
        )


def silent_note(readable: int, answered: int) -> tuple[str, ...]:
    """What the reader must know where a model has no numbers for some of the images that could be read."""
    missing = readable - answered
    if not missing:
        return ()
    return (
        f"The model gave NaN, or other scores or features that mean nothing (infinite, negative, all zero), for "
        f"{missing:,} of {readable:,} images: they count as failed and were not judged. If it computes in float16, "
        "export it in float32.",
    )


def failure_of(probabilities: NDArray[np.float32], embedding: NDArray[np.float32]) -> str | None:
    """Why the model's numbers for an image, (C,) and (K,), cannot be used; None where they can.

    A backbone without classes has no probabilities that could be wrong.
    """
    if len(probabilities) and not (np.isfinite(probabilities).all() and probabilities.any()):
        return NO_SCORES
    return None if np.isfinite(embedding).all() else NO_FEATURES


def drawn_images(size: tuple[int, int]) -> NDArray[np.uint8]:
    """(6, H, W, 3): gradients, a chequerboard, stripes and noise, the same every time.

    All of full contrast, as photographs are: what overflows for photographs overflows for these. None is of one colour:
    a model that scales every image by its own spread has no answer to that.
    """
    height, width = size
    rows, columns = np.mgrid[0:height, 0:width]
    down, right = 255 * rows / max(height - 1, 1), 255 * columns / max(width - 1, 1)        # (H, W)
    squares, stripes = 255 * ((rows // 2 + columns // 2) % 2), 255 * (columns % 2)
    drawn = [(down, right, 255 - down), (right, down, 255 - right), (squares,) * 3, (stripes, 255 - stripes, down)]
    noise = np.random.default_rng(0).integers(0, 256, (2, height, width, 3))
    return np.stack([*(np.stack(each, axis=-1) for each in drawn), *noise]).astype(np.uint8)


def check_answers(backend: Backend) -> None:
    """Asks a model about drawn images.

    Raises:
        ModelError: it has a usable answer for none of them.
    """
    images = drawn_images(backend.card.input_size)
    found = backend.forward(images)
    reasons = [failure_of(*row) for row in zip(found.probabilities, found.embedding, strict=True)]
    refuse_silent(len(images), reasons.count(None), backend.card.name)
