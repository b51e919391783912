"""Decodes bytes to RGB pixels: the only decoder, for scanning and for training.

Pillow decodes, because it raises an error on truncated data instead of leaving the rest undefined, and because it
reads a header without decoding the picture; of JPEGs simplejpeg decodes the picture (`jpeg.py` says why). What neither
notices is checked here. OpenCV resizes. Colour profiles are not applied: training pipelines do not apply them either,
and the model should see what it was trained on.
"""

import contextlib
import ctypes
import io
import logging
import re
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, _imaging
from PIL.TiffImagePlugin import TiffImageFile

from auditor.images import jpeg, png, tiff
from auditor.images.formats import READERS
from auditor.images.pixels import levels_of_jpeg2000, levels_of_ppm, to_rgb, upright
from auditor.images.unreadable import NoMemoryLeft, Unreadable, what_it_is
from auditor.settings import MAX_PIXELS

# Pillow warns about damage that it repairs (invalid EXIF, extra bytes); this would fill the log of a nightly run.
warnings.filterwarnings("ignore", module=r"PIL(\..*)?$")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors go to stderr if logging is not set up


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, upright, transparent parts over white. A large JPEG may have been decoded at 1/2,
            1/4 or 1/8 of its size.
        format: Pillow's name of the actual format, independent of the file name.
        width: Width in pixels as stored, before orientation and reduced decoding.
        height: Height in pixels as stored.
        mode: Pillow's colour mode as stored ("RGB", "CMYK", "P", "I;16", ...).
    """

    pixels: NDArray[np.uint8]
    format: str
    width: int
    height: int
    mode: str


def decode(data: bytes, *, at_least: int | None = None, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Decodes the first frame of an image to upright 8-bit RGB.

    Args:
        data: The whole file.
        at_least: A JPEG may be decoded at a reduced size with no side shorter than this, in pixels, which is several
            times as fast. None decodes at full size.
        max_pixels: Images with more pixels than this in their header are refused before decoding. The default is
            Pillow's own limit for decompression bombs.

    Raises:
        Unreadable: with the reason, for anything that is empty, not an image, truncated, corrupt or too large.
    """
    if not data:
        raise Unreadable("empty file (0 bytes)")
    try:
        return _decode(data, at_least, max_pixels)
    except (Unreadable, MemoryError, Image.DecompressionBombError) as error:
        raise _reason(error, data, max_pixels) from None
    except Exception as error:  # hostile bytes can cause any error: struct.error, IndexError, zlib.error, ...
        failure = error
    for copy in _bare(data):  # what surrounds the pixels never makes an image unreadable
        try:
            return _decode(copy, at_least, max_pixels)
        except Exception as error:
            failure = failure if isinstance(error, UnidentifiedImageError) else error
    raise _reason(failure, data, max_pixels) from None


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resizes (H, W, 3) to (height, width, 3) without cropping, so that a heatmap covers the whole image."""
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinks = pixels.shape[0] > height or pixels.shape[1] > width
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR  # area averages: no aliasing
    resized: NDArray[np.uint8] = cv2.resize(pixels, (width, height), interpolation=interpolation)
    return resized


def thumbnail(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrinks (H, W, 3) to at most `side` pixels on the longer side, with the same aspect ratio; never enlarges."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def _decode(data: bytes, at_least: int | None, max_pixels: int) -> DecodedImage:
    """Does the work of `decode`; raises any error."""
    with Image.open(io.BytesIO(data), formats=READERS) as image:
        width, height, mode, format_name = *image.size, image.mode, image.format or "?"
        if width * height > max_pixels:
            raise Unreadable(_too_large(width * height, max_pixels))
        _check_before(data, image)
        pixels = None
        if format_name in ("JPEG", "MPO"):
            if at_least is not None:
                image.draft(None, (at_least, at_least))  # None keeps the colour mode
            pixels = jpeg.decode_jpeg(data, image)
        elif format_name == "PPM":
            pixels = levels_of_ppm(data, image)
        if pixels is None:
            image.load()
            _check_after(data, image)
            pixels = levels_of_jpeg2000(data, image) if format_name == "JPEG2000" else None
            pixels = to_rgb(image) if pixels is None else pixels
        pixels = upright(pixels, image)
    return DecodedImage(pixels=pixels, format=format_name, width=width, height=height, mode=mode)


def _check_before(data: bytes, image: Image.Image) -> None:
    """Raises Unreadable for damage that neither Pillow nor simplejpeg reports, told from the file."""
    if image.format == "PNG":
        png.check_chunks(data)
        return
    if isinstance(image, TiffImageFile):
        tiff.check_kind(image.tag_v2)
        tiff.check_complete(data, image.tag_v2)
        return
    if image.format in ("JPEG", "MPO"):
        open_ended = data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")  # no end marker after the last scan
    else:  # plain pictures end in zeros too: up to 1/20 of the bytes
        open_ended = image.format in ("WEBP", "AVIF", "HEIF") and not any(data[-(len(data) // 4) :])
    zeros = len(data) - len(data.rstrip(b"\0"))
    if open_ended and zeros >= 64:  # an unfinished download: the space was reserved but not filled
        raise Unreadable(f"truncated: its last {zeros} bytes are zeros")


def _check_after(data: bytes, image: Image.Image) -> None:
    """Raises Unreadable for damage that is told from the pixels as they are stored."""
    if image.format == "PNG":
        png.check_rows(data, image)
    elif isinstance(image, TiffImageFile):
        tiff.check_fax(data, image.tag_v2, image)


def _bare(data: bytes) -> Iterator[bytes]:
    """Yields copies of a file without what does not belong to the picture, for formats that have such parts."""
    if data.startswith(b"\x89PNG"):
        yield from png.bare(data)
    elif data.startswith(b"\xff\xd8"):
        yield jpeg.essential(data)
    elif data[:2] in (b"II", b"MM"):
        with contextlib.suppress(struct.error):  # a header without a directory
            yield tiff.bare(data)


def _too_large(pixels: int, limit: int) -> str:
    megapixels = f"over the limit of {limit / 1e6:.0f} megapixels (max_pixels)"
    return f"its header claims {pixels / 1e6:.0f} megapixels, {megapixels}"


def _reason(error: Exception, data: bytes, max_pixels: int) -> Unreadable:
    """Returns the reason for an error of a decoder."""
    if isinstance(error, Unreadable):
        return error
    if isinstance(error, Image.DecompressionBombError):
        claimed = re.search(r"\d+", str(error))
        return Unreadable(_too_large(int(claimed[0]) if claimed else 0, max_pixels))
    if isinstance(error, MemoryError):
        return NoMemoryLeft("decoding it needs more memory than there is")
    if (kind := _unread_kind(data, error)) is not None:
        return Unreadable(kind)
    if isinstance(error, UnidentifiedImageError):
        return Unreadable(what_it_is(data))
    text = " ".join(str(error).split())[:200] or type(error).__name__
    if "truncated" in text.lower() or text == "not enough image data":
        return Unreadable("truncated: the file ends before the picture does")
    plain = {"decoder error -2": "its pixel data cannot be decoded", "cannot load this image": "it holds no pixel data"}
    return Unreadable(f"corrupt or truncated: {plain.get(text, text)}")


def _unread_kind(data: bytes, error: Exception) -> str | None:
    """Says that a sound file is of a kind that is not read; None if that is not why it failed."""
    if data.startswith(b"\xff\xd8"):
        kind = jpeg.unread_kind(data)
        return None if kind is None else f"this JPEG is not a kind that is read: {kind}"
    if data[:2] in (b"II", b"MM") and isinstance(error, UnidentifiedImageError):
        return tiff.why_unread(data)
    return None


def _silence_libtiff() -> None:
    """Keeps libtiff from writing to stderr: a corrupt file causes hundreds of lines, and an exception reports it too.

    Pillow has no option for this. The library that Pillow is linked to is found through Pillow's own module; if it is
    linked statically (Windows), the functions cannot be found and nothing changes.
    """
    try:
        library = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            setter = getattr(library, name)
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)
    except (OSError, AttributeError):
        return


_silence_libtiff()
