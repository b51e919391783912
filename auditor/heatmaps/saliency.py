"""Heatmaps of classes from any classifier: by its head, else by gradients, else by occlusion."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditor.backends.abilities import HasGradients
from auditor.backends.base import Backend
from auditor.errors import ModelError
from auditor.heatmaps.grad_cam import evidence_maps, heat
from auditor.heatmaps.occlusion import answers_of, log_odds_lost

#: How a map was made, in the words that pages print. "Grad-CAM" and "Grad-CAM by gradients" are the same mathematics.
Method = Literal["Grad-CAM", "Grad-CAM by gradients", "occlusion"]


def class_maps(
    backend: Backend, images: NDArray[np.uint8], classes: NDArray[np.integer]
) -> tuple[NDArray[np.float32], Method]:
    """Heatmaps of several classes per image, each in [0, 1] with maximum 1, or all zero; and how they were made.

    Args:
        backend: Any classifier.
        images: (B, H, W, 3) uint8 RGB at the model's input size. Not changed.
        classes: (B, n) model classes.

    Returns:
        Maps (B, n, h, w), and the method.
    """
    maps, method = signed_maps(backend, images, classes)
    return heat(maps), method


def signed_maps(
    backend: Backend, images: NDArray[np.uint8], classes: NDArray[np.integer]
) -> tuple[NDArray[np.float32], Method]:
    """Evidence for (above 0) and against each class, by place: `class_maps` before relu and normalisation.

    The difference of two classes' maps shows the evidence for the one against the other. Arguments as in `class_maps`.
    """
    if backend.head is not None:
        found = backend.forward(images)
        assert found.features is not None                       # a backend with a head gives features
        return evidence_maps(found.features, backend.head.jacobian(found.embedding, classes)), "Grad-CAM"
    if isinstance(backend, HasGradients):
        try:
            return backend.grad_maps(images, classes), "Grad-CAM by gradients"
        except ModelError:
            pass                                                # for example a subclassed model: only occlusion is left
    return log_odds_lost(answers_of(backend), images, classes), "occlusion"
