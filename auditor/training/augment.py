"""Augmented views of a training image: cropped, rotated, mirrored, with other light and colour.

They are made in numpy and OpenCV, the same on any backend. There is one random generator per image and epoch, so that
a view depends neither on threads nor on where a run was resumed.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: Weights of red, green and blue in grey (ITU-R BT.601).
GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Augmentation:
    """How much a view may differ from the image.

    Attributes:
        smallest_area: Share of the image that the smallest crop shows.
        stretch: Largest factor by which a crop's aspect ratio changes.
        turn: Largest rotation, in degrees.
        mirror: Whether half of the views are mirrored left to right.
        brightness: Largest change of brightness, as a share of white.
        contrast: Largest change of contrast, as a share.
        saturation: Largest change of saturation, as a share.
        erase: Share of views in which a rectangle is painted over (random erasing; Zhong et al., 2020).
    """

    smallest_area: float = 0.5
    stretch: float = 4 / 3
    turn: float = 10.0
    mirror: bool = True
    brightness: float = 0.15
    contrast: float = 0.25
    saturation: float = 0.25
    erase: float = 0.0

    def view(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """One view of an image (H, W, 3) of the same size; the image itself is left as it is."""
        return self.draw(image.shape[0], image.shape[1], rng).of(image)

    def draw(self, height: int, width: int, rng: np.random.Generator) -> "AugmentedView":
        """Draws the parameters of a view, for an image of this size in pixels."""
        placement = self._placement(height, width, rng)
        light, contrast, colour = rng.uniform(-1, 1, 3) * (self.brightness, self.contrast, self.saturation)
        patch = _patch(height, width, rng) if rng.random() < self.erase else None
        return AugmentedView(placement, light, contrast, colour, patch)

    def _placement(self, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """(2, 3) affine map from a pixel of the view to its place in the image."""
        area, ratio = rng.uniform(self.smallest_area, 1.0), np.exp(rng.uniform(-1, 1) * np.log(self.stretch) / 2)
        across, down = min(1.0, np.sqrt(area) * ratio), min(1.0, np.sqrt(area) / ratio)     # of width, of height
        angle = np.deg2rad(rng.uniform(-self.turn, self.turn))
        flip = -1.0 if self.mirror and rng.random() < 0.5 else 1.0
        cosine, sine = np.cos(angle), np.sin(angle)
        linear = np.array([[cosine * across * flip, -sine * down], [sine * across * flip, cosine * down]])
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        room = np.array([width * (1 - across), height * (1 - down)]) / 2
        shift = centre + rng.uniform(-1, 1, 2) * room - linear @ centre
        return np.concatenate([linear, shift[:, None]], axis=1)


@dataclass(frozen=True)
class Patch:
    """A rectangle that is painted over: top left corner and size in pixels, and its colour, RGB 0-255."""

    top: int
    left: int
    height: int
    width: int
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class AugmentedView:
    """The parameters of one view.

    Attributes:
        placement: (2, 3) affine map from a pixel of the view to its place in the image, x before y.
        light: Brightness that is added, as a share of white.
        contrast: Growth of the differences from the mean grey, as a share.
        colour: Growth of the differences from grey, as a share.
        patch: The rectangle that is painted over; None for none.
    """

    placement: NDArray[np.float64]
    light: float
    contrast: float
    colour: float
    patch: Patch | None

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) -> (H, W, 3)."""
        view = cv2.warpAffine(
            image,
            self.placement,
            (image.shape[1], image.shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        pixels = view.astype(np.float32)                                                    # (H, W, 3)
        grey = pixels @ np.array(GREY, np.float32)                                          # (H, W)
        pixels += np.float32(self.colour) * (pixels - grey[..., None])
        mean = np.float32(grey.mean())
        pixels = (pixels - mean) * np.float32(1 + self.contrast) + mean + np.float32(255 * self.light)
        relit: NDArray[np.uint8] = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
        if (patch := self.patch) is not None:
            relit[patch.top : patch.top + patch.height, patch.left : patch.left + patch.width] = patch.colour
        return relit


def _patch(height: int, width: int, rng: np.random.Generator) -> Patch:
    area, ratio = rng.uniform(0.02, 0.25), np.exp(rng.uniform(-1, 1))
    tall = min(height, max(1, round(height * np.sqrt(area * ratio))))
    wide = min(width, max(1, round(width * np.sqrt(area / ratio))))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return Patch(top, left, tall, wide, (red, green, blue))
