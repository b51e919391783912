"""The views of `auditor.training.augment`, made where the network is trained.

A GPU trains faster than the processors beside it turn and relight images. So a batch travels as uint8 pixels with
sixteen numbers an image, drawn as ever on the CPU from one generator per image and epoch, and a layer in front of the
network moves the pixels. In Keras alone: JAX, PyTorch and TensorFlow give the same.
"""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from auditor.training.augment import GREY, View

#: Numbers of a view: placement, light, contrast, colour; the patch's top, left, height, width and colour.
NUMBERS = 6 + 3 + 4 + 3


def numbers_of(view: View) -> NDArray[np.float32]:
    """(16,) what the layer is told of a view; a patch of height 0 paints nothing."""
    patch = view.patch
    painted = (patch.top, patch.left, patch.height, patch.width, *patch.colour) if patch else (0,) * 7
    return np.array([*view.placement.ravel(), view.light, view.contrast, view.colour, *painted], np.float32)


class DeviceViews(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """(B, H, W, 3) uint8 and (B, 16) numbers -> (B, H, W, 3) float32 from 0 to 255, as `View.of` makes them.

    But for rounding, as OpenCV knows 32 places between two pixels, and for the last pixel, which is repeated where the
    image is mirrored at its edge.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(dtype="float32", autocast=False, **options)

    def call(self, images: Any, numbers: Any) -> Any:
        """Keras calls this."""
        pixels = ops.cast(images, "float32")                                                # (B, H, W, 3)
        placement = ops.concatenate([numbers[:, :6], ops.zeros_like(numbers[:, :2])], axis=1)           # (B, 8)
        pixels = ops.image.affine_transform(
            pixels, placement, interpolation="bilinear", fill_mode="reflect", data_format="channels_last"
        )
        light, contrast, colour = (number[:, None, None, None] for number in ops.unstack(numbers[:, 6:9], 3, axis=1))
        grey = ops.sum(pixels * np.array(GREY, np.float32), axis=-1, keepdims=True)         # (B, H, W, 1)
        mean = ops.mean(grey, axis=(1, 2), keepdims=True)                                   # (B, 1, 1, 1)
        pixels += colour * (pixels - grey)
        pixels = ops.clip((pixels - mean) * (1 + contrast) + mean + 255 * light, 0, 255)
        top, left, height, width = (number[:, None, None] for number in ops.unstack(numbers[:, 9:13], 4, axis=1))
        down = ops.cast(ops.arange(pixels.shape[1]), "float32")[None, :, None]              # (1, H, 1)
        across = ops.cast(ops.arange(pixels.shape[2]), "float32")[None, None, :]            # (1, 1, W)
        inside = (down >= top) & (down < top + height) & (across >= left) & (across < left + width)     # (B, H, W)
        return ops.where(inside[..., None], numbers[:, None, None, 13:], pixels)
