"""Decodes bytes to RGB pixels: the only decoder, for scanning and for training.

Pillow decodes, because it raises an error on truncated data instead of leaving the rest undefined, and because it
reads a header without decoding the picture. OpenCV resizes. Colour profiles are not applied: training pipelines do
not apply them either, and the model should see what it was trained on.
"""

import ctypes
import io
import logging
import re
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePath

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, _imaging

from auditor.settings import MAX_PIXELS

#: Pillow format -> its extensions. Formats outside this table are never opened: some of Pillow's other readers start
#: programs (EPS) or follow references. PPM is included, because data sets of traffic signs and faces use it; its rare
#: variants, which Pillow decodes in Python, have their own limit. ICO is excluded: it is not used for photographs, it
#: contains several pictures, and its header does not give the size of the PNG inside, so no limit can be checked first.
FORMATS: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "MPO": (".mpo", ".jpg", ".jpeg"),  # written by many cameras: a JPEG followed by more pictures
}
IMAGE_EXTENSIONS = frozenset(extension for extensions in FORMATS.values() for extension in extensions)

# Pillow reads MPO with its JPEG reader and has no reader of that name.
_READERS = tuple(name for name in FORMATS if name != "MPO")

#: The first bytes of each format, to explain why a file cannot be read.
_SIGNATURES: dict[str, bytes | tuple[bytes, ...]] = {
    "JPEG": b"\xff\xd8",
    "PNG": b"\x89PNG",
    "GIF": b"GIF8",
    "WebP": b"RIFF",
    "BMP": b"BM",
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "JPEG 2000": (b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51"),
}

# Modes of 16-bit grey values. Their high byte is used; Pillow itself would clip them to white.
_SIXTEEN_BIT = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa"})

#: EXIF orientation -> the operation that makes the picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112

# A progressive JPEG can contain many scans in few bytes, and each takes the time of the whole picture: 0.3 s at the
# largest size. Encoders write about ten.
_MOST_SCANS = 100

# Text, or a number of levels that is not a power of two: 4 s per megapixel.
_SLOW_PPM = frozenset({"ppm", "ppm_plain"})
_MOST_SLOW_PIXELS = 4_000_000

# Pillow warns about damage that it repairs (invalid EXIF, extra bytes); this would fill the log of a nightly run.
warnings.filterwarnings("ignore", module=r"PIL(\..*)?$")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors go to stderr if logging is not set up


class Unreadable(ValueError):
    """The bytes are not a complete, valid image; the text is the reason, ready for a report."""


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
        with Image.open(io.BytesIO(data), formats=_READERS) as image:
            width, height, mode, format_name = *image.size, image.mode, image.format or "?"
            if width * height > max_pixels:
                raise Unreadable(_too_large(width * height, max_pixels))
            if width * height > _MOST_SLOW_PIXELS and format_name == "PPM" and image.tile[0].codec_name in _SLOW_PPM:
                raise Unreadable("a large PPM of a kind that takes minutes to decode (text, or odd number of levels)")
            _check_undetected_damage(data, format_name)
            if at_least is not None and format_name in ("JPEG", "MPO"):
                image.draft(None, (at_least, at_least))  # None keeps the colour mode
            image.load()
            pixels = _to_rgb(_upright(image))
    except Unreadable:
        raise
    except UnidentifiedImageError:
        raise Unreadable(_what_it_is(data)) from None
    except Image.DecompressionBombError as error:
        claimed = re.search(r"\d+", str(error))
        raise Unreadable(_too_large(int(claimed[0]) if claimed else 0, max_pixels)) from None
    except MemoryError:
        raise Unreadable("decoding it needs more memory than there is") from None
    except Exception as error:  # hostile bytes can cause any error: struct.error, IndexError, zlib.error, ...
        raise Unreadable(_reason(error)) from None
    return DecodedImage(pixels=pixels, format=format_name, width=width, height=height, mode=mode)


def identify(path: Path) -> str | None:
    """Returns Pillow's format name from a file's header; None if the file is not an image that `decode` accepts."""
    try:
        with Image.open(path, formats=_READERS) as image:
            return image.format
    except Exception:  # as in decode: a hostile header can cause any error
        return None


def extension_matches(name: str, format_name: str) -> bool:
    """Whether a file name's extension belongs to the format; always True if it is not that of an image."""
    extension = PurePath(name).suffix.lower()
    return extension not in IMAGE_EXTENSIONS or extension in FORMATS.get(format_name, (extension,))


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


def _check_undetected_damage(data: bytes, format_name: str) -> None:
    """Raises Unreadable for damage that Pillow does not report."""
    if format_name == "PNG":
        _check_png(data)
        return
    if format_name in ("JPEG", "MPO"):
        scans = data.count(b"\xff\xda")
        if scans > _MOST_SCANS:
            raise Unreadable(f"a JPEG of {scans} scans, over the limit of {_MOST_SCANS}")
        open_ended = data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")  # no end marker after the last scan
    else:  # plain pictures end in zeros too: up to 1/20 of the bytes
        open_ended = format_name in ("WEBP", "AVIF") and not any(data[-(len(data) // 4) :])
    zeros = len(data) - len(data.rstrip(b"\0"))
    if open_ended and zeros >= 64:  # an unfinished download: the space was reserved but not filled
        raise Unreadable(f"truncated: its last {zeros} bytes are zeros")


def _check_png(data: bytes) -> None:
    """Raises Unreadable for wrong checksums of pixel data or a missing end: libpng checks them, Pillow does not."""
    view, start = memoryview(data), 8
    while start + 12 <= len(data):
        length = int.from_bytes(view[start : start + 4], "big")
        kind, end = bytes(view[start + 4 : start + 8]), start + 8 + length
        if kind == b"IEND":
            return
        checksum = int.from_bytes(view[end : end + 4], "big")
        if kind == b"IDAT" and end + 4 <= len(data) and zlib.crc32(view[start + 4 : end]) != checksum:
            raise Unreadable("corrupt: the checksum of its pixel data is wrong")
        start = end + 4
    raise Unreadable("truncated: the file ends before the picture does")


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a corrupt EXIF block does not affect the pixels
        return image
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Converts to (H, W, 3) uint8, scaled by the mode's range: a 12-bit scan in 16 bits is dark, as in other tools."""
    if 0 in image.size:
        raise Unreadable(f"no pixels ({image.width} x {image.height})")
    if image.mode in _SIXTEEN_BIT:
        grey = (np.asarray(image) >> 8).astype(np.uint8)                                        # (H, W)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "I":
        grey = (np.clip(np.asarray(image), 0, 65535).astype(np.uint16) >> 8).astype(np.uint8)   # (H, W)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, dtype=np.float32))
        scale = 255.0 if values.max() <= 1.0 else 1.0
        grey = np.clip(values * scale, 0, 255).astype(np.uint8)                                 # (H, W)
        return np.repeat(grey[:, :, None], 3, axis=2)
    rows = max(1, 2**22 // image.width)
    if image.height <= rows:
        return _colours(image)
    pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
    for top in range(0, image.height, rows):  # in bands: a copy of the largest image takes 700 MB
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = _colours(image.crop((0, top, image.width, bottom)))
    return pixels


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


def _what_it_is(data: bytes) -> str:
    """Returns the reason for bytes that no reader accepts."""
    for name, signature in _SIGNATURES.items():
        if data.startswith(signature):
            return f"corrupt or truncated: it begins like a {name}, but its header cannot be read"
    if data[:1024].lstrip().startswith(b"<"):
        return "a web page or XML, not an image"
    return "not an image in a format that is known" if any(data) else f"{len(data)} zero bytes, not an image"


def _too_large(pixels: int, limit: int) -> str:
    return f"its header claims {pixels / 1e6:.0f} megapixels, over the limit of {limit / 1e6:.0f}"


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    if "truncated" in text.lower():
        return "truncated: the file ends before the picture does"
    plain = {"decoder error -2": "its pixel data cannot be decoded", "cannot load this image": "it holds no pixel data"}
    return f"corrupt or truncated: {plain.get(text, text)}"


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
