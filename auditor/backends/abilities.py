"""What some models can do besides the forward pass of `Backend`.

    ability                    who has it           asked by
    maps of inside layers      `HasLayers`          `isinstance(backend, HasLayers)`, or `open_layers`
    gradients of the logits    `HasGradients`       `isinstance(backend, HasGradients)`
    pictures of filters        `FilterGradients`    `isinstance(layers, FilterGradients)`

A class has an ability when it has the method, so no caller needs to know which backend it holds.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend
from auditor.backends.layers import Layer, Layers
from auditor.errors import ModelError

#: A model up to one of its layers: RGB pixels (B, H, W, 3) in 0-255 -> maps (B, h, w, K). Tensors of TensorFlow.
LayerFunction = Callable[[Any], Any]


@runtime_checkable
class HasLayers(Protocol):
    """A backend that gives access to the layers inside its model."""

    def open_layers(self) -> Layers:
        """The layers that hold maps.

        Raises:
            ModelError: this model's layers cannot be reached.
        """
        ...


@runtime_checkable
class HasGradients(Protocol):
    """A backend that can differentiate its logits at any layer."""

    def grad_maps(
        self, images: NDArray[np.uint8], classes: NDArray[np.integer], layer: str | None = None
    ) -> NDArray[np.float32]:
        """Grad-CAM by automatic differentiation (Selvaraju et al., ICCV 2017, equation 1), signed.

        Args:
            images: (B, H, W, 3) uint8 RGB at `card.input_size`. Not changed.
            classes: (B, n) model classes; their logits are differentiated, never their probabilities.
            layer: Name of a layer with maps (B, h, w, K), as `Layers` lists them; None is the last.

        Returns:
            (B, n, h, w), before relu and normalisation.

        Raises:
            InputError: there is no such layer.
            ModelError: this model cannot be differentiated, or no gradient reaches the layer.
        """
        ...


@runtime_checkable
class FilterGradients(Protocol):
    """Layers through which gradients flow back to the pixels, so that pictures can be made for their filters."""

    def differentiable_part(self, layer: Layer, side: int) -> tuple[LayerFunction, tuple[int, int]]:
        """The part of the model up to a layer, before its ReLU: the gradient of an inactive ReLU would be 0.

        Args:
            layer: One of `Layers.layers`.
            side: Wanted height and width of the pictures, in pixels. Smaller pictures cost less. A model that accepts
                only its own input size keeps that size.

        Returns:
            The function, and (H, W) of its pictures.

        Raises:
            MissingDependency: the library that computes gradients is not installed.
        """
        ...


def open_layers(backend: Backend) -> Layers:
    """The layers inside a loaded model.

    Raises:
        ModelError: they cannot be reached.
    """
    if not isinstance(backend, HasLayers):
        raise ModelError(f"the {backend.kind} backend does not give access to the layers inside a model")
    return backend.open_layers()
