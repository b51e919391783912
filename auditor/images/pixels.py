"""From Pillow's modes to 8-bit RGB, upright.

Whole numbers are scaled by the range in which they are stored, so white stays white: 16 bits by their high byte, 12
by their high 8 bits. A 12-bit scan stored in 16 bits is dark, as in other tools.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from auditor.images import tiff
from auditor.images.unreadable import Unreadable

# It warns on stderr of a JPEG 2000 that does not name its colours.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_ORIENTATION = 0x0112

# JPEG 2000: how its codestream begins, and how far behind that the bits of the first channel are.
_CODESTREAM, _BITS_AT = b"\xff\x4f\xff\x51", 42

# Pillow decodes PPM in Python if it is text, or if its number of levels is not a power of two: 4 s per megapixel.
_SLOW_PPM = frozenset({"ppm", "ppm_plain"})
_MOST_SLOW_PIXELS = 4_000_000


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Converts a loaded image to (H, W, 3)."""
    if 0 in image.size:
        raise Unreadable(f"no pixels ({image.width} x {image.height})")
    if image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        values = np.where(np.isfinite(values), values, 0)
        scale = 255.0 if values.max() <= 1.0 else 1.0
        return _grey(np.clip(values * scale, 0, 255).astype(np.uint8))
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _grey(_whole_numbers(image))
    rows = max(1, 2**22 // image.width)
    if image.height <= rows:
        return _colours(image)
    pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
    for top in range(0, image.height, rows):  # in bands: a copy of the largest image takes 700 MB
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = _colours(image.crop((0, top, image.width, bottom)))
    return pixels


def upright(pixels: NDArray[np.uint8], image: Image.Image) -> NDArray[np.uint8]:
    """Turns pixels (H, W, 3) as the image's EXIF block says."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a corrupt EXIF block does not affect the pixels
        return pixels
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def levels_of_ppm(data: bytes, image: ImageFile) -> NDArray[np.uint8] | None:
    """Reads a binary PPM or PGM of two bytes a value, (H, W, 3); None if Pillow has to read it.

    Args:
        data: The whole file.
        image: The same, opened by Pillow and not loaded.

    Raises:
        Unreadable: it is too short, or of a kind that takes minutes.
    """
    tile = image.tile[0]
    greatest = 65535 if tile.args == "I;16B" else 255
    if tile.codec_name in _SLOW_PPM and isinstance(tile.args, tuple):
        greatest = int(tile.args[1])
    channels = 3 if image.mode == "RGB" else 1
    if greatest > 255 and tile.codec_name != "ppm_plain":
        count = image.width * image.height * channels
        if len(data) - tile.offset < 2 * count:
            raise Unreadable("truncated: the file ends before the picture does")
        values = np.frombuffer(data, dtype=">u2", count=count, offset=tile.offset).astype(np.uint32)
        scaled = np.minimum(values * 256 // (greatest + 1), 255).astype(np.uint8)
        scaled = scaled.reshape(image.height, image.width, channels)
        return np.repeat(scaled, 3, axis=2) if channels == 1 else scaled
    if tile.codec_name in _SLOW_PPM and image.width * image.height > _MOST_SLOW_PIXELS:
        raise Unreadable("a large PPM of a kind that takes minutes to decode (text, or odd number of levels)")
    return None


def levels_of_jpeg2000(data: bytes, image: Image.Image) -> NDArray[np.uint8] | None:
    """Reads colours of more than 8 bits, (H, W, 3); None if Pillow can read it.

    Pillow rounds up when it drops bits, so that the brightest values become 0.

    Args:
        data: The whole file.
        image: The same, loaded.

    Raises:
        Unreadable: the second decoder does not read it.
    """
    header = data.find(_CODESTREAM)
    bits = (data[header + _BITS_AT] & 0x7F) + 1 if 0 <= header < len(data) - _BITS_AT else 8
    if bits <= 8 or image.mode not in ("RGB", "RGBA"):
        return None
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        values = None
    if values is None or values.dtype != np.uint16 or values.shape != (image.height, image.width, len(image.mode)):
        raise Unreadable(f"this JPEG 2000 is not a kind that is read: {len(image.mode)} x {bits}-bit")
    levels = (values >> (bits - 8)).clip(0, 255).astype(np.uint8)
    order = [2, 1, 0, 3][: len(image.mode)]                     # OpenCV has blue first
    return _colours(Image.fromarray(np.ascontiguousarray(levels[:, :, order])))


def _whole_numbers(image: Image.Image) -> NDArray[np.uint8]:
    """Scales whole numbers of more than 8 bits: (H, W)."""
    values: NDArray[Any] = np.asarray(image)
    greatest = 65535
    if isinstance(image, TiffImageFile):
        greatest = tiff.greatest(image.tag_v2)
        if greatest == 2**32 - 1:
            values = values.view(np.uint32)                     # Pillow has no such mode and reads them as signed
    values = np.maximum(values, 0)
    if greatest > 65535 and values.max() <= 65535:              # 16 bits, stored in 32
        greatest = 65535
    scaled: NDArray[np.uint8] = (values >> (greatest.bit_length() - 8)).clip(0, 255).astype(np.uint8)
    if isinstance(image, TiffImageFile) and tiff.is_inverted(image.tag_v2):
        scaled = 255 - scaled
    return scaled


def _grey(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) to (H, W, 3)."""
    return np.repeat(values[:, :, None], 3, axis=2)


def _colours(image: Image.Image) -> NDArray[np.uint8]:
    """Converts an image with 8 bits per channel to (H, W, 3), transparent parts over white."""
    try:
        if image.mode in _WITH_ALPHA or "transparency" in image.info:
            layer = image.convert("RGBA")
            white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
            image = Image.alpha_composite(white, layer)
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)
    except ValueError:
        raise Unreadable(f"its colours ({image.mode}) cannot be converted to RGB") from None
