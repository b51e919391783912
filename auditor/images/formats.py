"""The formats that are read, by header and by extension."""

import contextlib
from pathlib import Path, PurePath

from PIL import Image

_HEIF: dict[str, tuple[str, ...]] = {}
with contextlib.suppress(ImportError):  # an extra: `pip install 'auditor[heif]'`
    import pillow_heif

    pillow_heif.register_heif_opener()
    _HEIF = {"HEIF": (".heic", ".heif", ".hif")}

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
    **_HEIF,
}
IMAGE_EXTENSIONS = frozenset(extension for extensions in FORMATS.values() for extension in extensions)

# Pillow reads MPO with its JPEG reader and has no reader of that name.
READERS = tuple(name for name in FORMATS if name != "MPO")


def identify(path: Path) -> str | None:
    """Returns Pillow's format name from a file's header; None if the file is not an image that `decode` accepts."""
    try:
        with Image.open(path, formats=READERS) as image:
            return image.format
    except Exception:  # as in decode: a hostile header can cause any error
        return None


def extension_matches(name: str, format_name: str) -> bool:
    """Whether a file name's extension belongs to the format; always True if it is not that of an image."""
    extension = PurePath(name).suffix.lower()
    return extension not in IMAGE_EXTENSIONS or extension in FORMATS.get(format_name, (extension,))
