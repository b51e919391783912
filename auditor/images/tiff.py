"""TIFF: what its tags say, which kinds are not read, and what Pillow and libtiff do not notice is missing."""

import io
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from PIL import Image, TiffImagePlugin

from auditor.images import jpeg
from auditor.images.unreadable import Unreadable, not_read

_KIND, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _CHANNELS, _ROWS, _STRIP_SIZES, _PLANES = 273, 274, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES = 322, 323, 324, 325
_SUB_IMAGES, _FORMAT, _TABLES, _SUBSAMPLING, _DNG = 330, 339, 347, 530, 50706

#: Tags that say how the pixels are stored. All others can be left out: a broken one must not make an image unreadable.
_ESSENTIAL = frozenset({
    _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, _STRIPS, _ORIENTATION, _CHANNELS, _ROWS, _STRIP_SIZES,
    _PLANES, 292, 293, 317, 320, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES, 338, _FORMAT, _TABLES, 529,
    _SUBSAMPLING, 532,
})  # fmt: skip

_SIGNED = 2
_FORMATS = {1: "", 2: " signed", 3: " float", 4: " of unknown meaning", 5: " complex", 6: " complex"}
_RAW, _OLD_JPEG, _JPEG, _FAX = 1, 6, 7, frozenset({2, 3, 4})
_COMPRESSIONS = {
    1: "uncompressed", 2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", 6: "old JPEG", 7: "JPEG", 8: "deflate",
    9: "JBIG", 10: "JBIG", 32773: "PackBits", 32946: "deflate", 34661: "JBIG", 34676: "SGI LogLuv",
    34677: "SGI LogLuv", 34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG", 34925: "LZMA", 50000: "Zstandard",
    50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
_PHOTOMETRICS = {
    4: "a mask", 9: "ICC Lab", 10: "ITU Lab", 32803: "a colour filter array", 32844: "LogL", 32845: "LogLuv",
}  # fmt: skip
_WHITE_IS_ZERO, _YCBCR = 0, 6

_SHORT = 3

# Codes that may end CCITT data: EOL twice (EOFB) or six times (RTC).
_EOL_BITS, _EOL = 12, 1
_NOISE = bytes.fromhex("b56ed397714b2ce8 0010") * 6            # with EOL in it: group 3 goes on there

_NOT_A_KIND = "this TIFF is not a kind that is read"

# Real directories have dozens.
_MOST_ENTRIES = 4096

Tags = Mapping[int, Any]


class Layout(NamedTuple):
    """How a TIFF stores its numbers.

    Attributes:
        order: Of the bytes, as in `struct`.
        first: Where the place of the first directory is.
        place: Type of a place in the file, as in `struct`.
        number: Type of the number of entries of a directory.
        size: Bytes of an entry.
        kind: Number of the type of `place` in an entry.
    """

    order: str
    first: int
    place: str
    number: str
    size: int
    kind: int


_CLASSIC = Layout("<", 4, "I", "H", 12, 4)
_BIG = Layout("<", 8, "Q", "Q", 20, 16)


class Entry(NamedTuple):
    """An entry of a directory as it is stored."""

    tag: int
    raw: bytes


def read_tags(data: bytes) -> Tags:
    """Reads the tags of the first picture; raises anything for a hostile file."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if data[2:4] in (b"+\0", b"\0+") else 8])
    file = io.BytesIO(data)
    file.seek(directory.next)
    directory.load(file)
    return directory


def check_kind(tags: Tags) -> None:
    """Raises Unreadable for files that Pillow opens and yet reads wrongly."""
    if _DNG in tags or (int(tags.get(_KIND, 0)) & 1 and _SUB_IMAGES in tags):  # a preview of what DNG, NEF, ARW contain
        raise Unreadable(not_read("camera raw"))
    is_raw = tags.get(_COMPRESSION, _RAW) == _RAW               # else libtiff decodes
    if is_raw and tags.get(_PHOTOMETRIC) == _YCBCR and _several(tags.get(_SUBSAMPLING, (2, 2))) != (1, 1):
        raise Unreadable(f"{_NOT_A_KIND}: {unread_kind(tags)}, subsampled colours")
    in_planes = tags.get(_PLANES) == 2 and int(tags.get(_CHANNELS, 1)) > 1
    if is_raw and in_planes and max(_several(tags.get(_BITS, 1))) > 8:
        raise Unreadable(f"{_NOT_A_KIND}: {unread_kind(tags)}, a plane for each channel")


def why_unread(data: bytes) -> str | None:
    """Says why Pillow does not open a TIFF whose tags and strips are sound; None if they are not."""
    try:
        tags = read_tags(bare(data))
        check_kind(read_tags(data))
        check_complete(data, tags)
        bits, ends = _several(tags.get(_BITS, 1)), zip(*_places(tags), strict=True)
        sound = all(0 < value <= 64 for value in bits) and all(sum(end) <= len(data) for end in ends)
        return f"{_NOT_A_KIND}: {unread_kind(tags)}" if sound and int(tags[_WIDTH]) > 0 else None
    except Unreadable as reason:
        return str(reason)
    except Exception:  # tags that cannot be read: it is corrupt
        return None


def unread_kind(tags: Tags) -> str:
    """Names the kind of pixels, as in "3 x 32-bit float", with what else may be unusual about it."""
    channels = int(tags.get(_CHANNELS, 1))
    bits, formats = _several(tags.get(_BITS, 1)), _several(tags.get(_FORMAT, 1))
    text = f"{channels} x {'/'.join(map(str, dict.fromkeys(bits)))}-bit"
    text += "/".join(dict.fromkeys(_FORMATS.get(value, "") for value in formats))
    photometric, compression = tags.get(_PHOTOMETRIC), tags.get(_COMPRESSION, _RAW)
    if photometric == _WHITE_IS_ZERO and channels == 1:
        text += ", white is zero"
    if photometric in _PHOTOMETRICS:
        text += f", {_PHOTOMETRICS[photometric]}"
    if compression != _RAW:
        text += f", {_COMPRESSIONS.get(compression, f'compression {compression}')}"
    return text


def check_complete(data: bytes, tags: Tags) -> None:
    """Raises Unreadable if strips or tiles are missing, or if JPEG data inside them end early."""
    offsets, sizes = _places(tags)
    wanted = _count(tags)
    present = sum(0 < offset < len(data) for offset in offsets[:wanted])
    if present < wanted:
        parts = "strips" if _STRIPS in tags else "tiles"
        raise Unreadable(f"truncated: {wanted - present} of its {wanted} {parts} are missing")
    if tags.get(_COMPRESSION) == _JPEG:
        tables = bytes(tags.get(_TABLES, b""))[:-2]  # without the end marker
        for offset, size in zip(offsets, sizes, strict=False):
            stream = data[offset : offset + size].rstrip(b"\0")
            ended = stream if stream.endswith(b"\xff\xd9") else stream + b"\xff\xd9"
            jpeg.check_stream(tables + ended[2:] if tables else ended)


def check_fax(data: bytes, tags: Tags, image: Image.Image) -> None:
    """Raises Unreadable if CCITT data end early: libtiff leaves the missing rows blank.

    CCITT codes have no length and no checksum. Noise is put behind each strip, in place of its end code: a decoder that
    has all it needs never reads it; one that lacks something makes other pixels of it.

    Args:
        data: The whole file.
        tags: Its tags.
        image: The same, loaded.
    """
    if tags.get(_COMPRESSION) not in _FAX:
        return
    reverse = tags.get(266) == 2                                # the first pixel is the lowest bit
    offsets, sizes = _places(tags)
    moved, body = [], bytearray(data)
    for offset, size in zip(offsets, sizes, strict=False):
        strip = _without_end_code(data[offset : offset + size], reverse)
        moved.append((len(body), len(strip)))
        body += strip
    places = (_STRIPS, _STRIP_SIZES) if _STRIPS in tags else (_TILES, _TILE_SIZES)
    replaced = {place: [part[which] for part in moved] for which, place in enumerate(places)}
    try:
        with Image.open(io.BytesIO(_with_values(data, body, replaced)), formats=["TIFF"]) as other:
            same = other.tobytes() == image.tobytes()
    except OSError:
        same = False
    if not same:
        raise Unreadable("truncated: a part of its picture data is missing")


def bare(data: bytes) -> bytes:
    """Copies a TIFF with only the tags that say how the pixels of its first picture are stored; no byte moves."""
    layout, start, entries = _essential_entries(data)
    directory = _directory(layout, [raw for _, raw in entries])
    return (data[:start] + directory + data[start + len(directory) :])[: len(data)]


def greatest(tags: Tags) -> int:
    """The greatest value of a whole-numbered picture with one channel."""
    bits, signed = int(_several(tags.get(_BITS, 1))[0]), _several(tags.get(_FORMAT, 1))[0] == _SIGNED
    return int(2 ** (bits - signed)) - 1


def is_inverted(tags: Tags) -> bool:
    """Whether zero is white."""
    return bool(tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _several(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,)


def _places(tags: Tags) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns where the strips or tiles start, and their sizes."""
    offsets, sizes = (_STRIPS, _STRIP_SIZES) if _STRIPS in tags else (_TILES, _TILE_SIZES)
    return _several(tags.get(offsets, ())), _several(tags.get(sizes, ()))


def _count(tags: Tags) -> int:
    """How many strips or tiles the picture has; 0 if the tags do not say it."""
    width, height = int(tags.get(_WIDTH, 0)), int(tags.get(_HEIGHT, 0))
    across, down = int(tags.get(_TILE_WIDTH, 0)), int(tags.get(_TILE_HEIGHT, 0))
    planes = int(tags.get(_CHANNELS, 1)) if tags.get(_PLANES) == 2 else 1
    if _STRIPS in tags and height > 0:
        return planes * -(-height // min(height, int(tags.get(_ROWS, 0)) or height))
    return planes * -(-width // across) * -(-height // down) if across > 0 and down > 0 else 0


def _without_end_code(strip: bytes, reverse: bool) -> bytes:
    """Replaces the end code of CCITT data, if there is one, by noise, and appends noise."""
    if reverse:
        strip = _reversed(strip)
    packed = strip.rstrip(b"\0")
    strip = packed + b"\0" if len(packed) < len(strip) else strip      # no code ends in more than a byte of zeros
    end = strip[-16:]
    bits, length = int.from_bytes(end, "big"), 8 * len(end)
    filled = (bits & -bits).bit_length() - 1 if bits else 0     # zeros that fill the last byte, if an end code precedes
    bits, length = bits >> filled, length - filled
    if bits & (2**_EOL_BITS - 1) != _EOL:
        strip += _NOISE
    else:
        while bits & (2**_EOL_BITS - 1) == _EOL and length > _EOL_BITS:
            bits, length = bits >> _EOL_BITS, length - _EOL_BITS
        noise = 8 * len(_NOISE)
        padding = -(length + noise) % 8
        tail = (bits << noise | int.from_bytes(_NOISE, "big")) << padding
        strip = strip[:-16] + tail.to_bytes((length + noise + padding) // 8, "big")
    return _reversed(strip) if reverse else strip


def _reversed(data: bytes) -> bytes:
    """The bytes, each with its bits in the opposite order."""
    return data.translate(bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256)))


def _with_values(data: bytes, body: bytearray, replaced: Mapping[int, list[int]]) -> bytes:
    """Appends a directory in which some tags have other values to a body that begins like the file."""
    layout, _, entries = _essential_entries(data)
    written = body + b"\0" * (-len(body) % 8)
    kept = []
    for tag, raw in entries:
        values = replaced.get(tag)
        if values is not None:
            packed = struct.pack(f"{layout.order}{len(values)}{layout.place}", *values)
            where = packed if len(values) == 1 else struct.pack(layout.order + layout.place, len(written))
            written += b"" if len(values) == 1 else packed
            raw = struct.pack(f"{layout.order}HH{layout.place}", tag, layout.kind, len(values)) + where
        kept.append(raw)
    struct.pack_into(layout.order + layout.place, written, layout.first, len(written))
    return bytes(written + _directory(layout, kept))


def _essential_entries(data: bytes) -> tuple[Layout, int, list[Entry]]:
    """Returns how the numbers are stored, where the first directory starts, and its essential entries."""
    big = data[2:4] in (b"+\0", b"\0+")
    layout = (_BIG if big else _CLASSIC)._replace(order="<" if data[:2] == b"II" else ">")
    (start,) = struct.unpack_from(layout.order + layout.place, data, layout.first)
    (count,) = struct.unpack_from(layout.order + layout.number, data, start)
    first = start + struct.calcsize(layout.number)
    last = first + layout.size * min(count, _MOST_ENTRIES, (len(data) - first) // layout.size)
    entries = []
    for at in range(first, last, layout.size):
        tag, kind = struct.unpack_from(f"{layout.order}HH", data, at)
        if tag in _ESSENTIAL and (tag != _ORIENTATION or kind == _SHORT):
            entries.append(Entry(tag, data[at : at + layout.size]))
    return layout, start, entries


def _directory(layout: Layout, entries: list[bytes]) -> bytes:
    number = struct.pack(layout.order + layout.number, len(entries))
    return number + b"".join(entries) + struct.pack(layout.order + layout.place, 0)
