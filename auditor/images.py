"""Bytes -> RGB pixels: the only decoder, for scanning and for training.

Pillow decodes, because it raises on truncated data instead of filling the rest with whatever the buffer
held, and because it reads a header without decoding the picture. OpenCV resizes. Colour profiles are not
applied: no training pipeline applies them, and the model should see what it was trained on.
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

#: Pillow format -> the extensions that name it. Formats outside this table are never opened: some of
#: Pillow's other readers start programs (EPS) or follow references. PPM stays, because data sets of traffic signs
#: and faces are made of it; its rare kinds, which Pillow decodes in Python, have a limit of their own. ICO is left
#: out: it is no photograph, it holds several pictures, and the size in its header says nothing about the PNG inside,
#: so that no limit could be checked first.
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
    "MPO": (".mpo", ".jpg", ".jpeg"),  # what many cameras write: a JPEG with more pictures behind it
}
IMAGE_EXTENSIONS = frozenset(extension for extensions in FORMATS.values() for extension in extensions)

# Pillow reads MPO through its JPEG reader and knows no reader of that name.
_READERS = tuple(name for name in FORMATS if name != "MPO")

#: The first bytes of a format, for the reason why a file cannot be read.
_STARTS: dict[str, bytes | tuple[bytes, ...]] = {
    "JPEG": b"\xff\xd8",
    "PNG": b"\x89PNG",
    "GIF": b"GIF8",
    "WebP": b"RIFF",
    "BMP": b"BM",
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "JPEG 2000": (b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51"),
}

# 16-bit greys keep their high byte; Pillow itself clips them to white.
_SIXTEEN_BIT = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa"})

#: EXIF orientation -> what turns the picture upright.
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

# A progressive JPEG may repeat its scans at hardly any cost in bytes, and each takes time for the whole picture:
# 0.3 s at the largest size. Encoders write about ten.
_MOST_SCANS = 100

# Text, or a number of levels that is no power of two: 4 s per megapixel.
_SLOW_PPM = frozenset({"ppm", "ppm_plain"})
_MOST_SLOW_PIXELS = 4_000_000

# Pillow warns about what it repairs (odd EXIF, extra bytes); each such file would print lines in a nightly log.
warnings.filterwarnings("ignore", module=r"PIL(\..*)?$")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors go to stderr where no log is set up


class Unreadable(ValueError):
    """The bytes are no image that can be trusted; the text is the reason, fit for a report."""


@dataclass(frozen=True)
class Picture:
    """A decoded image.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, upright, transparency laid over white. A large JPEG may have been
            decoded at 1/2, 1/4 or 1/8 of its size.
        format: Pillow's name of the format that the bytes are in, whatever the file is called.
        width: Width in pixels as stored, before orientation and reduced decoding.
        height: Height in pixels, likewise.
        mode: Pillow's colour mode as stored ("RGB", "CMYK", "P", "I;16", ...).
    """

    pixels: NDArray[np.uint8]
    format: str
    width: int
    height: int
    mode: str


def decode(data: bytes, *, at_least: int | None = None, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decodes the first frame of an image to upright 8-bit RGB.

    Args:
        data: The whole file.
        at_least: A JPEG may be decoded at a reduced size whose sides are no shorter than this, in pixels,
            which is several times as fast. None decodes at full size.
        max_pixels: Images with more pixels than this in their header are refused before decoding. The
            default is where Pillow itself sees a decompression bomb.

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
            _check_what_decoders_pass(data, format_name)
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
    except Exception as error:  # decoders of hostile bytes raise anything: struct.error, IndexError, zlib.error, ...
        raise Unreadable(_reason(error)) from None
    return Picture(pixels=pixels, format=format_name, width=width, height=height, mode=mode)


def identify(path: Path) -> str | None:
    """Reads a file's header; its Pillow format name, or None where it is no image that `decode` would take."""
    try:
        with Image.open(path, formats=_READERS) as image:
            return image.format
    except Exception:  # as in decode: a hostile header can raise anything, and then it is no image
        return None


def extension_matches(name: str, format_name: str) -> bool:
    """Whether a file name's extension is one of the format's; a name that claims no image format always does."""
    extension = PurePath(name).suffix.lower()
    return extension not in IMAGE_EXTENSIONS or extension in FORMATS.get(format_name, (extension,))


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Squashes (H, W, 3) to (height, width, 3): the whole image stays, so that a heatmap covers all of it."""
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinks = pixels.shape[0] > height or pixels.shape[1] > width
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR  # area averages: no aliasing
    resized: NDArray[np.uint8] = cv2.resize(pixels, (width, height), interpolation=interpolation)
    return resized


def thumbnail(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrinks to `side` pixels at most on the longer side, aspect kept; never enlarges."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def _check_what_decoders_pass(data: bytes, format_name: str) -> None:
    """Raises Unreadable for damage that Pillow decodes without a word."""
    if format_name == "PNG":
        _check_png(data)
        return
    if format_name in ("JPEG", "MPO"):
        scans = data.count(b"\xff\xda")
        if scans > _MOST_SCANS:
            raise Unreadable(f"a JPEG of {scans} scans, over the limit of {_MOST_SCANS}")
        open_ended = data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")  # no end marker behind the last scan
    else:  # a plain picture ends in zeros too, up to a twentieth of its bytes
        open_ended = format_name in ("WEBP", "AVIF") and not any(data[-(len(data) // 4) :])
    zeros = len(data) - len(data.rstrip(b"\0"))
    if open_ended and zeros >= 64:  # a download that was never finished: its space was kept and not filled
        raise Unreadable(f"truncated: its last {zeros} bytes are zeros")


def _check_png(data: bytes) -> None:
    """Pixel data must match their checksum and the file must have an end, as libpng demands and Pillow does not."""
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
    except Exception:  # a corrupt EXIF block says nothing about the pixels
        return image
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3). Keeps the range of the format: a 12-bit scan in 16 bits comes out dark, as everywhere else."""
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
    for top in range(0, image.height, rows):  # in bands: each whole copy of the largest image would be 700 MB
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = _colours(image.crop((0, top, image.width, bottom)))
    return pixels


def _colours(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) of an image with 8 bits a channel, over white where it has transparency."""
    try:
        if image.mode in _WITH_ALPHA or "transparency" in image.info:
            layer = image.convert("RGBA")
            white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
            image = Image.alpha_composite(white, layer)
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)
    except ValueError:
        raise Unreadable(f"its colours ({image.mode}) cannot be converted to RGB") from None


def _what_it_is(data: bytes) -> str:
    """The reason for bytes that no reader takes."""
    for name, starts in _STARTS.items():
        if data.startswith(starts):
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
    """Keeps libtiff from writing to stderr: a corrupt file gives hundreds of lines, and an exception says it anyway.

    Pillow has no switch for it. The library is the one that Pillow is linked to, found through Pillow's own
    module; where it is linked in whole (Windows) the functions are not to be found and nothing changes.
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
