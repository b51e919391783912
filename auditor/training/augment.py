"""Other views of a training image: cropped, turned, mirrored, relit. In numpy and OpenCV, the same on any backend.

One random generator per image and epoch, so that a view depends neither on threads nor on where a run was resumed.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Augmentation:
    """How far a view may go from the image.

    Attributes:
        smallest_area: Share of the image that the smallest crop shows.
        stretch: Largest ratio by which a crop's sides are stretched against each other.
        turn: Largest rotation, in degrees.
        mirror: Whether half of the views are mirrored left to right.
        brightness: Largest change of brightness, as a share of white.
        contrast: Largest change of contrast, as a share.
        saturation: Likewise of saturation.
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
        view = cv2.warpAffine(
            image,
            self._placement(image.shape[0], image.shape[1], rng),
            (image.shape[1], image.shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        view = self._relit(view, rng)
        if rng.random() < self.erase:
            _erase(view, rng)
        return view

    def _placement(self, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """(2, 3) where in the image each pixel of the view comes from."""
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

    def _relit(self, view: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        light, contrast, colour = rng.uniform(-1, 1, 3) * (self.brightness, self.contrast, self.saturation)
        pixels = view.astype(np.float32)                                                    # (H, W, 3)
        grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)                         # (H, W), ITU-R BT.601
        pixels += np.float32(colour) * (pixels - grey[..., None])
        mean = np.float32(grey.mean())
        pixels = (pixels - mean) * np.float32(1 + contrast) + mean + np.float32(255 * light)
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _erase(view: NDArray[np.uint8], rng: np.random.Generator) -> None:
    height, width = view.shape[:2]
    area, ratio = rng.uniform(0.02, 0.25), np.exp(rng.uniform(-1, 1))
    tall = min(height, max(1, round(height * np.sqrt(area * ratio))))
    wide = min(width, max(1, round(width * np.sqrt(area / ratio))))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    view[top : top + tall, left : left + wide] = rng.integers(0, 256, 3)
