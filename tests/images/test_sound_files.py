"""A picture that is whole is read, whatever surrounds it; and a sound file of an unread kind is not called corrupt."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from auditor.images import Unreadable, decode
from tests.images.files import chunk, encode, png, retag, tiff
from tests.pictures import draw_photo

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

PHOTO = draw_photo(7)
LARGE = zlib.compress(bytes(3_000_000))                         # over Pillow's limit for one text

ANCILLARY = {
    "a large text": chunk(b"zTXt", b"k\0\0" + LARGE),
    "a large international text": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LARGE),
    "a large colour profile": chunk(b"iCCP", b"p\0\0" + LARGE),
    "a profile that does not inflate": chunk(b"iCCP", b"p\0\0junk"),
    "a profile without a name": chunk(b"iCCP", b""),
    "an unknown compression": chunk(b"zTXt", b"k\0\7junk"),
    "short chromaticities": chunk(b"cHRM", b"\0\0\0"),
    "no gamma": chunk(b"gAMA", b""),
    "a short resolution": chunk(b"pHYs", b"\0\0\0\0\1"),
    "a short time": chunk(b"tIME", b"\x07"),
    "a broken EXIF block": chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
    "a short colour space": chunk(b"sRGB", b""),
    "a short animation": chunk(b"acTL", b"\0"),
    "frames out of order": chunk(b"fcTL", bytes(26)),
    "frame data without a frame": chunk(b"fdAT", b"\0\0\0\1abc"),
    "a short transparency": chunk(b"tRNS", b"\0"),
    "an unknown chunk": chunk(b"prVt", b"anything"),
    "a wrong checksum": chunk(b"tEXt", b"k\0words")[:-1] + b"?",
}


def reason(data):
    with pytest.raises(Unreadable) as error:
        decode(data)
    return str(error.value)


@pytest.mark.parametrize("what", ANCILLARY)
def test_ancillary_chunks_never_make_a_png_unreadable(what):
    for data in (png(PHOTO, 2, extra=ANCILLARY[what]), png(PHOTO, 2, after=ANCILLARY[what])):
        assert np.array_equal(decode(data).pixels, PHOTO)


def test_many_texts_that_are_large_together_do_not_either():
    texts = b"".join(chunk(b"zTXt", b"k%d\0\0" % n + zlib.compress(bytes(900_000))) for n in range(80))

    assert np.array_equal(decode(png(PHOTO, 2, extra=texts)).pixels, PHOTO)


def test_a_png_keeps_transparency_and_orientation_when_other_chunks_are_left_out():
    exif = Image.Exif()
    exif[0x0112] = 6
    layer = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)])
    layer[:20, :, 3] = 0
    data = encode(layer, "PNG", exif=exif)
    broken = data[:33] + ANCILLARY["short chromaticities"] + data[33:]

    assert np.array_equal(decode(broken).pixels, decode(data).pixels)
    assert decode(broken).pixels.shape == (128, 96, 3)


def test_a_damaged_png_stays_corrupt_without_its_ancillary_chunks():
    data = png(PHOTO, 2, extra=ANCILLARY["no gamma"])
    place = data.index(b"IDAT") + 400

    assert "checksum" in reason(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    assert reason(data[: len(data) // 2]).startswith("truncated")


@pytest.mark.parametrize("marker", [0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"JFIF\0\1", b"ICC_PROFILE\0", b"ICC_PROFILE\0\1\2abc", b"Adobe", b"MPF\0II*\0\x08\0\0\0\xff\xff",
        b"Exif\0\0II*\0\xff\xff\xff\xff", b"Photoshop 3.0\0008BIM\x03\xed\xff\xff", b"http://ns.adobe.com/xap/1.0/\0\xff",
    ],
)  # fmt: skip
def test_application_segments_never_make_a_jpeg_unreadable(marker, body):
    data = encode(PHOTO, "JPEG")
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    for place in (2, 20):
        assert np.array_equal(decode(data[:place] + segment + data[place:]).pixels, decode(data).pixels)


@pytest.mark.parametrize("progressive", [False, True])
def test_markers_outside_the_picture_are_no_scans(progressive):
    data = encode(PHOTO, "JPEG", progressive=progressive)
    many = b"\xff\xda\0\x08" * 150                              # by chance in the video behind a phone's picture
    segment = b"\xff\xed" + struct.pack(">H", len(many) + 2) + many

    for other in (data + many, data + data * 120, data[:2] + segment + data[2:]):
        assert np.array_equal(decode(other).pixels, decode(data).pixels)


@pytest.mark.parametrize("tag", [270, 274, 305, 700, 34377, 34665, 34675, 65000])
@pytest.mark.parametrize(("kind", "count", "value"), [(2, 10, 2**31 - 1), (5, 1, 2**31 - 1), (7, 2**31, 0), (3, 1, 9)])
def test_tags_that_do_not_describe_pixels_never_make_a_tiff_unreadable(tag, kind, count, value):
    for photo, options in ((PHOTO, {}), (PHOTO, {"compression": "tiff_lzw"})):
        data = encode(photo, "TIFF", **options)
        (start,) = struct.unpack_from("<I", data, 4)
        (length,) = struct.unpack_from("<H", data, start)
        entries = [data[at : at + 12] for at in range(start + 2, start + 2 + 12 * length, 12)]
        entries = [entry for entry in entries if struct.unpack_from("<H", entry)[0] != tag]
        entries.append(struct.pack("<HHII", tag, kind, count, value))
        entries.sort(key=lambda entry: struct.unpack_from("<H", entry)[0])
        directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
        broken = data[:4] + struct.pack("<I", len(data)) + data[8:] + directory

        assert np.array_equal(decode(broken).pixels, photo)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("shape", "kind", "words"),
    [
        ((9, 8, 3), "f4", "3 x 32-bit float"), ((9, 8), "f8", "1 x 64-bit float"), ((9, 8, 2), "u2", "2 x 16-bit"),
        ((9, 8, 13), "u2", "13 x 16-bit"), ((9, 8, 3), "u4", "3 x 32-bit"), ((9, 8, 3), "i2", "3 x 16-bit signed"),
        ((9, 8, 4), "i1", "4 x 8-bit signed"), ((9, 8, 7), "u1", "7 x 8-bit"),
    ],
)  # fmt: skip
def test_a_tiff_of_a_kind_that_is_not_read_is_named(order, shape, kind, words):
    data = tiff(np.full(shape, 100, kind), 2 if shape[2:] in ((3,), (4,)) else 1, order)

    assert reason(data) == f"this TIFF is not a kind that is read: {words}"
    assert reason(data[:100]) != reason(data)


def test_a_plane_for_each_channel_of_16_bits_is_read_or_named():
    values = np.random.default_rng(2).integers(0, 65536, (24, 32, 3)).astype(np.uint16)
    planes = [plane.tobytes() for plane in values.transpose(2, 0, 1)]
    packed = [zlib.compress(plane) for plane in planes]
    places = [8 + sum(map(len, packed[:number])) for number in range(3)]
    tags = {"t284": [2], "t278": [24]}
    sizes = [len(each) for each in packed]

    plain = tiff(values, 2, raw=b"".join(planes), strips=3, **tags)
    assert reason(plain).endswith("not a kind that is read: 3 x 16-bit, a plane for each channel")
    deflated = tiff(values, 2, raw=b"".join(packed), t259=[8], t273=places, t279=sizes, **tags)
    assert np.array_equal(decode(deflated).pixels, values >> 8)


def test_a_tiff_of_an_unread_kind_whose_pixels_are_not_there_is_truncated():
    data = tiff(np.full((64, 64, 3), 100, "f4"), 2, strips=8, present=7)

    assert reason(data) == "truncated: 1 of its 8 strips are missing"


@pytest.mark.parametrize(("compression", "words"), [(34712, "JPEG 2000"), (34887, "LERC"), (4711, "compression 4711")])
def test_a_tiff_with_a_compression_that_is_not_read_is_named(compression, words):
    data = retag(tiff(np.full((9, 8), 100, "u1")), 259, [compression])

    assert reason(data) == f"this TIFF is not a kind that is read: 1 x 8-bit, {words}"


def test_a_jpeg_of_a_kind_that_is_not_read_is_named():
    data = encode(PHOTO, "JPEG")
    frame = data.index(b"\xff\xc0")

    assert reason(data[: frame + 4] + b"\x0c" + data[frame + 5 :]).endswith("that is read: 12 bits a channel")
    assert reason(data[: frame + 1] + b"\xc3" + data[frame + 2 :]).endswith("lossless JPEG")
    assert reason(data[: frame + 1] + b"\xf7" + data[frame + 2 :]).endswith("JPEG-LS")


def test_a_png_that_xcode_made_is_named():
    data = png(PHOTO, 2)

    assert "CgBI" in reason(data[:8] + chunk(b"CgBI", bytes(4)) + data[8:])
