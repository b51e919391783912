"""Encoding pictures for pages."""

import cv2
import numpy as np
from numpy.typing import NDArray

JPEG_QUALITY = 82


def jpeg(pixels: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """Encodes pixels (H, W, 3) uint8 RGB as a JPEG."""
    done, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done                                 # an array of uint8 with three channels always encodes
    return data.tobytes()
