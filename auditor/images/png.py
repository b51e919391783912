"""PNG: what Pillow does not notice is missing, and what it refuses although the picture is whole."""

import io
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from auditor.images.unreadable import Unreadable

_SIGNATURE = 8
_HEADER = slice(16, 29)                                         # body of the first chunk, IHDR
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}                      # by colour type
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
#: Adam7: first column and row of each pass, and the steps between its columns and rows.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PORTION = 2**20                                                # bytes inflated at once


class Chunk(NamedTuple):
    """A chunk: its kind, where it starts (with its length), and where its body ends."""

    kind: bytes
    start: int
    end: int


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yields the chunks up to IEND; the last may be cut short."""
    start = _SIGNATURE
    while start + 12 <= len(data):
        end = start + 8 + int.from_bytes(data[start : start + 4], "big")
        yield Chunk(data[start + 4 : start + 8], start, end)
        if data[start + 4 : start + 8] == b"IEND":
            return
        start = end + 4


def check_chunks(data: bytes) -> None:
    """Raises Unreadable for wrong checksums of pixel data or a missing end: libpng checks them, Pillow does not."""
    if data[12:16] == b"CgBI":  # its colours are in another order, and premultiplied
        raise Unreadable("this PNG is not a kind that is read: CgBI, of an iOS app")
    view = memoryview(data)
    for kind, start, end in chunks(data):
        if kind == b"IEND":
            return
        checksum = int.from_bytes(view[end : end + 4], "big")
        if kind == b"IDAT" and end + 4 <= len(data) and zlib.crc32(view[start + 4 : end]) != checksum:
            raise Unreadable("corrupt: the checksum of its pixel data is wrong")
    raise Unreadable("truncated: the file ends before the picture does")


def check_rows(data: bytes, image: Image.Image) -> None:
    """Raises Unreadable if there are fewer rows than the header says: Pillow leaves the missing ones zero.

    Args:
        data: The whole file.
        image: The same, loaded, with its pixels as they are stored.
    """
    header = io.BytesIO(data[_HEADER])
    width, height = (int.from_bytes(header.read(4), "big") for _ in range(2))
    depth, colour, _, _, interlaced = header.read(5)
    # Most images are done here. Rows arrive from the top, in an interlaced image in seven passes.
    if not interlaced and np.asarray(image.crop((0, height - 1, width, height))).any():
        return
    bits = depth * _CHANNELS[colour]
    wanted = 0
    for left, top, across, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            wanted += rows * (1 + (columns * bits + 7) // 8)
    if _inflated(data, wanted) < wanted:
        raise Unreadable("truncated: it has fewer rows than its header says")


def bare(data: bytes) -> Iterator[bytes]:
    """Yields copies without ancillary chunks: with what changes how the picture is seen, then without transparency."""
    for kept in ((*_CRITICAL, b"tRNS", b"eXIf"), (*_CRITICAL, b"eXIf")):
        yield data[:_SIGNATURE] + b"".join(
            data[start : end + 4] for kind, start, end in chunks(data) if kind in kept
        )


def _inflated(data: bytes, most: int) -> int:
    """Counts the bytes that the pixel data inflate to, up to `most`."""
    stream, count = zlib.decompressobj(), 0
    for kind, start, end in chunks(data):
        body = data[start + 8 : end] if kind == b"IDAT" else b""
        while body and count < most and not stream.eof:
            count += len(stream.decompress(body, _PORTION))
            body = stream.unconsumed_tail
    return count + len(stream.flush()) if count < most else count
