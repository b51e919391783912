"""JPEG: decoded by simplejpeg, because libjpeg's warnings about lost picture data do not reach Python through Pillow.

libjpeg fills what is missing with grey and goes on. Both libraries give the same pixels; only one of them can be asked
to be strict. Pillow decodes what simplejpeg does not (CMYK colours, rare subsampling).
"""

import hashlib
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from auditor.images.unreadable import Unreadable

# A progressive JPEG can contain many scans in few bytes, and each takes the time of the whole picture: 0.3 s at the
# largest size. Encoders write about ten.
_MOST_SCANS = 100

#: libjpeg's warnings that mean lost picture data, and the reason. Others are about what surrounds the picture: bytes
#: between two segments, an unknown version of JFIF, a broken colour profile.
_LOSSES = {
    "premature end of data segment": "truncated: a part of its picture data is missing",
    "Premature end of JPEG file": "truncated: the file ends before the picture does",
    "instead of RST": "corrupt: a part of its picture data is missing",
    "bad Huffman code": "corrupt: its picture data are damaged",
    "bad arithmetic code": "corrupt: its picture data are damaged",
}

_SURPLUS = re.compile(r"(\d+) extraneous bytes before marker 0x(\w\w)")
_MOST_FILLING = 16

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_AFTER_DATA = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_JFIF, _EXIF, _ADOBE = 0xE0, 0xE1, 0xEE
#: Marker and name -> the fewest bytes of metadata that can be read.
_LEAST = {(_JFIF, b"JFIF\0"): 14, (_EXIF, b"Exif\0"): 6, (_ADOBE, b"Adobe"): 12}
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7})
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_ARITHMETIC = frozenset({0xC9, 0xCA})
_READ_FRAMES = frozenset({0xC0, 0xC1, 0xC2}) | _ARITHMETIC
_WITHOUT_BODY = frozenset({0x01, *range(0xD0, _SOI + 1)})

# Bytes that are no marker and no likely continuation of a picture.
_NOISE = bytes.fromhex("b56ed397")
_MOST_BYTES_FOR_NOISE = 2**26
_MOST_WORK_FOR_NOISE = 2**29                    # pixels times scans: some seconds for each of the two pictures

# A colour profile has at most 255 segments; the rest of a header has few.
_MOST_SEGMENTS = 10_000


class Segment(NamedTuple):
    """A part of the header: its marker, and where its body (without the length) starts and ends."""

    marker: int
    start: int
    end: int


def decode_jpeg(data: bytes, image: Image.Image) -> NDArray[np.uint8] | None:
    """Decodes a JPEG of which nothing is missing.

    Args:
        data: The whole file.
        image: The same, opened by Pillow and not loaded; its size, which `draft` may have reduced, is that wanted.

    Returns:
        (H, W, 3) RGB; None if Pillow has to decode it.

    Raises:
        Unreadable: a part of the picture is missing or damaged.
    """
    if data.count(b"\xff\xda") > _MOST_SCANS:                   # by chance in megabytes of other data: a phone's video
        scans = sum(part.marker == _SOS for part in segments(data))
        if scans > _MOST_SCANS:
            raise Unreadable(f"a JPEG of {scans} scans, over the limit of {_MOST_SCANS}")
    _check_scans(data)
    space = _SPACES.get(image.mode, "CMYK")
    pixels = _strictly(data, space, image.height, image.width)
    if isinstance(pixels, str):
        again = _strictly(essential(data, metadata=False), space, image.height, image.width)
        if isinstance(again, str):  # not about what surrounds the picture
            _check_surplus(again, data)
            _check_by_noise(data)
        return None
    if space == "CMYK" or pixels.shape[:2] != (image.height, image.width):
        return None
    return np.repeat(pixels, 3, axis=2) if space == "GRAY" else pixels


def check_stream(data: bytes) -> None:
    """Raises Unreadable if a part of the picture is missing: for a JPEG inside another file, such as a TIFF."""
    frame = next((part for part in segments(data) if part.marker in _FRAMES), None)
    if frame is not None:
        channels = data[frame.start + 5] if frame.start + 5 < len(data) else 3
        _strictly(data, {1: "GRAY", 3: "RGB"}.get(channels, "CMYK"), 1, 1)  # an eighth of the size: the same data


def segments(data: bytes) -> Iterator[Segment]:
    """Yields the segments of the first picture, up to its end; picture data are passed over."""
    position, pattern, count = 2, _MARKER, 0
    while (found := pattern.search(data, position)) is not None:
        marker, position = data[found.end() - 1], found.end()
        if marker == _EOI:
            return
        pattern = _MARKER
        if marker in _WITHOUT_BODY:
            continue
        count += 1
        if count > _MOST_SEGMENTS:
            raise Unreadable(f"a JPEG of over {_MOST_SEGMENTS} segments")
        length = max(2, int.from_bytes(data[position : position + 2], "big"))
        yield Segment(marker, position + 2, min(position + length, len(data)))
        position += length
        if marker == _SOS:
            pattern = _AFTER_DATA


def essential(data: bytes, *, metadata: bool = True) -> bytes:
    """Copies the first picture without what surrounds it: comments, colour profiles, previews.

    Args:
        data: The whole file.
        metadata: Keeps what changes how the picture is seen: EXIF, and the colour space.
    """
    listed = list(segments(data))
    ends = [part.start - 4 for part in listed[1:]] + [len(data)]
    kept = [data[:2]]
    for part, end in zip(listed, ends, strict=False):
        if _is_essential(data, part, metadata):  # a scan with the picture data behind it, up to the next segment
            kept.append(data[part.start - 4 : end if part.marker == _SOS else part.end])
    return b"".join(kept)


def unread_kind(data: bytes) -> str | None:
    """Names what is unusual about a JPEG that no decoder here reads; None if nothing is."""
    frame = next((part for part in segments(data) if part.marker in _FRAMES), None)
    if frame is None or frame.end - frame.start < 6:
        return None
    bits, height, channels = data[frame.start], data[frame.start + 1 : frame.start + 3], data[frame.start + 5]
    if frame.marker == 0xF7:
        return "JPEG-LS"
    if frame.marker == 0xC3:
        return "lossless JPEG"
    if frame.marker not in _READ_FRAMES:
        return "hierarchical or lossless JPEG"
    if bits != 8:
        return f"{bits} bits a channel"
    if channels not in (1, 3, 4):
        return f"{channels} channels"
    return "a height that is not in its header" if height == b"\0\0" else None


def _strictly(data: bytes, space: str, height: int, width: int) -> NDArray[np.uint8] | str:
    """Decodes with every warning an error: Unreadable for a loss; any other one is returned."""
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, space, min_height=height, min_width=width, strict=True)
    except ValueError as error:
        reason = next((reason for words, reason in _LOSSES.items() if words in str(error)), None)
        if reason is not None:
            raise Unreadable(reason) from None
        return str(error)
    return pixels


def _check_surplus(warning: str, data: bytes) -> None:
    """Raises Unreadable if a scan has more data than the picture needs: a hole shifted what each code means.

    A few bytes may be filling. A sequential picture with data left at its end has all its rows.
    """
    found = _SURPLUS.search(warning)
    if found is None or int(found[1]) <= _MOST_FILLING:
        return
    frame = next((part.marker for part in segments(data) if part.marker in _FRAMES), None)
    if frame in _PROGRESSIVE or int(found[2], 16) != _EOI:
        raise Unreadable(_LOSSES["bad Huffman code"])


def _check_scans(data: bytes) -> None:
    """Raises Unreadable unless the scans send all bits of all coefficients of all components.

    A progressive JPEG sends a picture in scans, each finer than the one before it. One that lost the last of them and
    has an end marker decodes without a warning, only less sharp; one with a scan for each colour loses colours.
    """
    missing: dict[int, bytearray] = {}  # component -> the lowest bit of each coefficient that was sent
    progressive = False
    for marker, start, end in segments(data):
        body = data[start:end]
        if marker in _FRAMES and not missing and len(body) >= 6:
            missing = {component: bytearray(b"\xff" * 64) for component in body[6 : 6 + 3 * body[5] : 3]}
            progressive = marker in _PROGRESSIVE
        elif marker == _SOS and len(body) >= 4:
            first, last, bits = body[-3:] if progressive else (0, 63, 0)
            for component in body[1 : 1 + 2 * body[0] : 2]:
                if component in missing:
                    missing[component][first : last + 1] = bytes([bits & 15]) * (min(last, 63) + 1 - first)
            if not any(map(any, missing.values())):
                return
    if missing:
        raise Unreadable("truncated: its last scans are missing")


def _check_by_noise(data: bytes) -> None:
    """Raises Unreadable if picture data end early, told without the decoder's help: for rare kinds only.

    Where the data of a scan end, or those before a restart marker, noise is put in. A decoder that has all it needs
    never reads it; one that lacks something makes other pixels of it.
    """
    frame = next((part for part in segments(data) if part.marker in _FRAMES), None)
    if frame is None or frame.marker in _ARITHMETIC:  # its decoder reads beyond the end by design
        return
    height, width = (int.from_bytes(data[at : at + 2], "big") for at in (frame.start + 1, frame.start + 3))
    work = height * width * sum(part.marker == _SOS for part in segments(data))
    if len(data) > _MOST_BYTES_FOR_NOISE or work > _MOST_WORK_FOR_NOISE:
        return
    parts, done = [], 0
    for scan in (part for part in segments(data) if part.marker == _SOS):
        found = _AFTER_DATA.search(data, scan.end)
        end = len(data) if found is None else found.start()
        restarts = _MARKER.sub(lambda marker: _NOISE + marker[0], data[scan.end : end])
        parts += [data[done : scan.end], restarts, _NOISE, *(bytes((0xFF, 0xD0 + n)) + _NOISE for n in range(8))]
        done = end
    if _digest(data) != _digest(b"".join([*parts, data[done:]])):
        raise Unreadable(_LOSSES["premature end of data segment"])


def _digest(data: bytes) -> bytes:
    """A hash of the pixels at full size."""
    digest = hashlib.sha256()
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        for top in range(0, image.height, 256):  # in bands: a copy of the largest image takes 700 MB
            digest.update(image.crop((0, top, image.width, min(top + 256, image.height))).tobytes())
    return digest.digest()


def _is_essential(data: bytes, part: Segment, metadata: bool) -> bool:
    if part.marker != _COM and not _JFIF <= part.marker <= 0xEF:
        return True
    least = _LEAST.get((part.marker, data[part.start : part.start + 5]))
    return metadata and least is not None and part.end - part.start >= least
