"""Image files made by hand: broken on purpose, or of kinds that Pillow does not write."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def encode(pixels, format_name="PNG", **options):
    """The bytes of a file; takes an array or an image of any mode."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, format=format_name, **options)
    return buffer.getvalue()


def chunk(kind, body):
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(pixels, colour, depth=8, interlaced=False, kept=1.0, extra=b"", after=b""):
    """A PNG of values (H, W) or (H, W, C), of which only the first part is there; its chunks are sound."""
    height, width = pixels.shape[:2]
    parts = [pixels[top::down, left::across] for left, top, across, down in PASSES] if interlaced else [pixels]
    raw = b"".join(b"\0" + _row(row, depth) for part in parts if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    data = chunk(b"IDAT", zlib.compress(raw[: int(len(raw) * kept)]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + data + after + chunk(b"IEND", b"")


def _row(row, depth):
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = (row[..., None].astype(np.uint8) >> np.arange(depth - 1, -1, -1, dtype=np.uint8)) & 1
    return np.packbits(bits.reshape(-1)).tobytes()


def tiff(values, photometric=1, order="<", bits=None, raw=None, strips=1, present=None, **tags):
    """An uncompressed TIFF of values (H, W) or (H, W, C); further tags by number, as in `t338=[2]`.

    Args:
        values: The pixels; their type says the bits and the sample format.
        photometric: 0 white is zero, 1 black is zero, 2 RGB.
        order: "<" or ">", the order of bytes.
        bits: Bits a sample, where it is not that of the type.
        raw: The pixels as they are stored, where they are not those of the values.
        strips: How many strips the picture has.
        present: How many of them the file has.
    """
    height, width, channels = (*values.shape, 1)[:3]
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    raw = values.astype(values.dtype.newbyteorder(order)).tobytes() if raw is None else raw
    rows, size = -(-height // strips), -(-len(raw) // strips)
    present = strips if present is None else present
    fields = {
        256: [width], 257: [height], 258: [bits or values.itemsize * 8] * channels, 259: [1], 262: [photometric],
        273: [8 + size * n for n in range(present)], 277: [channels], 278: [rows],
        279: [min(size, len(raw) - size * n) for n in range(present)], 284: [1], 339: [kind] * channels,
    }  # fmt: skip
    fields.update({int(name[1:]): value for name, value in tags.items()})
    start, extra, directory = 8 + len(raw) + len(raw) % 2, b"", b""
    for tag, numbers in sorted(fields.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(packed) > 4:
            place = start + 2 + 12 * len(fields) + 4 + len(extra)
            extra, packed = extra + packed, struct.pack(f"{order}I", place)
        directory += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + packed
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", start)
    count = struct.pack(f"{order}H", len(fields))
    return head + raw + b"\0" * (len(raw) % 2) + count + directory + bytes(4) + extra


def retag(data, tag, values):
    """A little-endian TIFF in which a tag has other values, all of 32 bits."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    packed, changed = struct.pack(f"<{len(values)}I", *values), bytearray(data)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, at)[0] == tag:
            where = packed if len(values) == 1 else struct.pack("<I", len(changed))
            changed[at : at + 12] = struct.pack("<HHI", tag, 4, len(values)) + where
            changed += b"" if len(values) == 1 else packed
    return bytes(changed)


def tiff_tags(data):
    """The tags of the first picture of a TIFF."""
    with Image.open(io.BytesIO(data)) as image:
        return dict(image.tag_v2)
