"""Encoding pictures for pages."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 82
#: Of a picture that a card shows large: nobody tells it from the original there, and it takes half of a JPEG's bytes.
WEBP_QUALITY = 60


def jpeg(pixels: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """Encodes pixels (H, W, 3) uint8 RGB as a JPEG."""
    return _encoded(".jpg", pixels, cv2.IMWRITE_JPEG_QUALITY, quality)


def webp(pixels: NDArray[np.uint8], quality: int = WEBP_QUALITY) -> bytes:
    """Encodes pixels (H, W, 3) uint8 RGB as a WebP picture."""
    return _encoded(".webp", pixels, cv2.IMWRITE_WEBP_QUALITY, quality)


def indexed_png(indices: NDArray[np.uint8], colours: NDArray[np.uint8]) -> bytes:
    """Encodes a picture of few colours, which may be transparent, as a PNG with a palette.

    Args:
        indices: (H, W), places in `colours`.
        colours: (n, 4) RGBA, at most 256.
    """
    image = Image.fromarray(indices, "L")
    image.putpalette(colours[:, :3].tobytes())                  # makes it a picture of indices
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True, transparency=colours[:, 3].tobytes())
    return file.getvalue()


def _encoded(suffix: str, pixels: NDArray[np.uint8], setting: int, quality: int) -> bytes:
    done, data = cv2.imencode(suffix, pixels[..., ::-1], [setting, quality])
    assert done                                 # an array of uint8 with three channels always encodes
    return data.tobytes()
