"""A picture of which a part is missing is never read, though its file ends as it should."""

import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.images import Unreadable, decode
from auditor.images.jpeg import segments
from tests.images.files import chunk, encode, png, retag, tiff, tiff_tags
from tests.pictures import draw_photo

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SOS, END = 0xDA, b"\xff\xd9"
PHOTO = draw_photo(3, 240, 320)
GREY, BLACK_AND_WHITE = Image.fromarray(PHOTO).convert("L"), Image.fromarray(PHOTO).convert("1")


def sampled(factors):
    return cv2.imencode(".jpg", PHOTO, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factors])[1].tobytes()


JPEGS = {
    "baseline": encode(PHOTO, "JPEG"),
    "4:4:4": encode(PHOTO, "JPEG", subsampling=0),
    "4:1:1": sampled(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411),
    "4:4:0": sampled(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440),
    "progressive": encode(PHOTO, "JPEG", progressive=True),
    "restarts": encode(PHOTO, "JPEG", restart_marker_blocks=7),
    "progressive with restarts": encode(PHOTO, "JPEG", progressive=True, restart_marker_rows=1),
    "grey": encode(GREY, "JPEG"),
    "CMYK": encode(Image.fromarray(PHOTO).convert("CMYK"), "JPEG"),
    "stored as RGB": encode(PHOTO, "JPEG", keep_rgb=True),
    "MPO": encode(PHOTO, "MPO", save_all=True, append_images=[Image.fromarray(draw_photo(5))]),
}
#: What makes libjpeg warn, and harms nothing.
HARMLESS = {
    "nothing": b"",
    "bytes between segments": b"abc",
    "an unknown version of JFIF": b"\xff\xe0\0\x10JFIF\0\7\1\0\0\1\0\1\0\0",
    "a broken colour profile": b"\xff\xe2\0\x10ICC_PROFILE\0\5\2",
    "an unknown Adobe transform": b"\xff\xee\0\x0eAdobe\0d\0\0\0\0\7",
}


def reason(data, **options):
    with pytest.raises(Unreadable) as error:
        decode(data, **options)
    return str(error.value)


def largest_scan(data):
    """Start and end of the picture data of the scan that has most."""
    listed = [*segments(data), None]
    scans = [
        (part.end, data.index(END, part.end) if after is None else after.start - 4)
        for part, after in itertools.pairwise(listed)
        if part.marker == SOS
    ]
    return max(scans, key=lambda scan: scan[1] - scan[0])


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("warning", HARMLESS)
def test_a_jpeg_that_was_cut_and_closed(kind, warning):
    data = JPEGS[kind][:2] + HARMLESS[warning] + JPEGS[kind][2:]
    start, end = largest_scan(data)

    assert decode(data).pixels.shape == PHOTO.shape
    for kept in (0, 0.4, 0.97):
        cut = data[: start + int((end - start) * kept)].rstrip(b"\xff") + END
        assert reason(cut).startswith("truncated") or "RST" in reason(cut)
        assert reason(cut, at_least=40)


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_with_a_hole(kind):
    data = JPEGS[kind]
    start, end = largest_scan(data)

    for place in np.linspace(0.05, 0.7, 7):
        first = start + int((end - start) * place)
        assert reason(data[:first] + data[first + (end - start) // 4 :])


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_whose_header_says_more_rows_than_there_are(kind):
    data = JPEGS[kind]
    frame = next(part for part in segments(data) if part.marker in (0xC0, 0xC2)).start

    for height in (256, 480, 960):
        assert reason(data[: frame + 1] + height.to_bytes(2, "big") + data[frame + 3 :])


@pytest.mark.parametrize("kind", ["progressive", "progressive with restarts"])
def test_a_progressive_jpeg_without_its_last_scans(kind):
    data = JPEGS[kind]
    scans = [part.start - 4 for part in segments(data) if part.marker == SOS]

    assert len(scans) > 4
    for end in scans[1:]:
        assert reason(data[:end] + END) == "truncated: its last scans are missing"


def test_a_jpeg_of_one_scan_a_colour_without_the_last_colour():
    frame = b"\xff\xc0\0\x11\x08\0\x08\0\x08\x03\x01\x11\0\x02\x11\0\x03\x11\0"
    source = encode(Image.new("L", (8, 8), 90), "JPEG")
    tables = b"".join(source[part.start - 4 : part.end] for part in segments(source) if part.marker in (0xDB, 0xC4))
    data = source[largest_scan(source)[0] : -2]                 # one block: the same for each colour
    scans = [b"\xff\xda\0\x08\x01" + bytes([colour, 0, 0, 63, 0]) + data for colour in (1, 2, 3)]
    start = b"\xff\xd8" + tables + frame

    assert decode(start + b"".join(scans) + END).pixels.shape == (8, 8, 3)
    assert reason(start + b"".join(scans[:2]) + END) == "truncated: its last scans are missing"


def test_bytes_that_the_picture_does_not_need_are_accepted():
    for kind in ("baseline", "progressive", "restarts"):
        data = JPEGS[kind]
        same = decode(data).pixels
        assert np.array_equal(decode(data[:-2] + b"\x12\x34\x56" + END).pixels, same)
        assert np.array_equal(decode(data + b"trailing bytes").pixels, same)


PIXELS = np.random.default_rng(0).integers(1, 65535, (23, 37, 4))
PNGS = {
    "RGB": (PIXELS[..., :3] % 255 + 1, 2, 8),
    "RGB of 16 bits": (PIXELS[..., :3], 2, 16),
    "RGBA": (PIXELS % 256, 6, 8),
    "RGBA of 16 bits": (PIXELS, 6, 16),
    "grey": (PIXELS[..., 0] % 256, 0, 8),
    "grey of 16 bits": (PIXELS[..., 0], 0, 16),
    "grey of 1 bit": (PIXELS[..., 0] % 2, 0, 1),
    "grey of 4 bits": (PIXELS[..., 0] % 16, 0, 4),
    "grey with alpha": (PIXELS[..., :2] % 256, 4, 8),
    "palette of 8 bits": (PIXELS[..., 0] % 200, 3, 8),
    "palette of 2 bits": (PIXELS[..., 0] % 4, 3, 2),
}


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("kind", PNGS)
def test_a_png_with_too_few_rows(kind, interlaced):
    values, colour, depth = PNGS[kind]
    extra = chunk(b"PLTE", bytes(3 * 2**depth)) if colour == 3 else b""

    assert decode(png(values, colour, depth, interlaced, extra=extra)).pixels.shape == (23, 37, 3)
    for kept in (0, 0.3, 0.8, 0.99):
        assert reason(png(values, colour, depth, interlaced, kept=kept, extra=extra)).startswith("truncated")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 3), (8, 8), (40, 30)])
def test_a_black_png_has_all_its_rows(size, interlaced):
    for colour, channels in ((0, ()), (2, (3,)), (6, (4,))):
        values = np.zeros((*size, *channels), dtype=np.uint8)
        assert decode(png(values, colour, interlaced=interlaced)).pixels.shape == (*size, 3)
        assert reason(png(values, colour, interlaced=interlaced, kept=0.99)).startswith("truncated")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_png_that_claims_many_rows_takes_no_time():
    data = png(np.zeros((4, 4), dtype=np.uint8), 0)
    header = chunk(b"IHDR", (13000).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0")

    assert reason(data[:8] + header + data[33:]).startswith("truncated")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("missing", [1, 3])
def test_a_tiff_without_its_last_strips(order, missing):
    values = np.full((40, 30, 3), 200, dtype=np.uint8)

    assert decode(tiff(values, 2, order, strips=8)).pixels.min() == 200
    text = reason(tiff(values, 2, order, strips=8, present=8 - missing))
    assert text == f"truncated: {missing} of its 8 strips are missing"


def test_a_tiff_with_a_strip_that_is_nowhere():
    data = encode(PHOTO, "TIFF", tiffinfo={278: 40})
    places = list(tiff_tags(data)[273])

    assert len(places) == 6
    assert reason(retag(data, 273, [*places[:3], 0, *places[4:]])) == "truncated: 1 of its 6 strips are missing"


def test_a_tiff_without_its_last_tiles():
    values = np.full((64, 64), 200, dtype=np.uint8)
    raw = values[:32, :32].tobytes()
    tags = {"t322": [32], "t323": [32], "t325": [1024] * 4}
    whole = tiff(values, raw=raw * 4, t324=[8, 1032, 2056, 3080], **tags)
    short = tiff(values, raw=raw * 4, t324=[8, 1032, 2056], **tags)
    # Tiles instead of strips: the tags of strips become ones that nobody reads.
    whole, short = (data.replace(b"\x11\1\4\0", b"\xf0\xfd\4\0") for data in (whole, short))

    assert decode(whole).pixels.min() == 200
    assert reason(short) == "truncated: 1 of its 4 tiles are missing"


@pytest.mark.parametrize("picture", [PHOTO, GREY, Image.fromarray(PHOTO).convert("CMYK")])
def test_jpeg_data_in_a_tiff_that_end_early(picture):
    data = encode(picture, "TIFF", compression="jpeg", tiffinfo={278: 240})
    tags = tiff_tags(data)
    start, size = tags[273][0], tags[279][0]
    cut = data[start : start + size // 2] + END

    assert decode(data).pixels.shape == PHOTO.shape
    assert reason(data[:start] + cut.ljust(size, b"\0") + data[start + size :]).startswith("truncated")
    assert reason(retag(data, 279, [size // 2])).startswith("truncated")


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_fax_data_in_a_tiff_that_end_early(compression):
    data = encode(BLACK_AND_WHITE, "TIFF", compression=compression, tiffinfo={278: 240})
    start, size = (tiff_tags(data)[tag][0] for tag in (273, 279))
    end = b"\0\x10\x01" if compression == "group4" else b""

    assert np.array_equal(decode(data).pixels[..., 0] > 0, np.asarray(BLACK_AND_WHITE))
    for kept in (0.1, 0.5, 0.95):
        cut = data[start : start + int(size * kept)] + end
        assert reason(data[:start] + cut.ljust(size, b"\0") + data[start + size :]).startswith("truncated")
        assert reason(retag(data, 279, [int(size * kept)])).startswith("truncated")


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_blank_and_whole_fax_pages_are_read(compression):
    for colour in (0, 255):
        page = Image.new("1", (1000, 700), colour)
        assert decode(encode(page, "TIFF", compression=compression)).pixels.mean() == colour
    data = encode(BLACK_AND_WHITE, "TIFF", compression="group4", tiffinfo={278: 240})
    size = tiff_tags(data)[279][0]
    assert decode(retag(data, 279, [size - 3])).pixels.shape == PHOTO.shape     # the end code is not needed


def test_other_formats_that_are_cut_and_closed():
    gif = encode(Image.fromarray(PHOTO).quantize(32), "GIF")
    webp = encode(PHOTO, "WEBP", lossless=True)
    half = len(webp) // 4 * 2
    codestream = encode(PHOTO, "JPEG2000", no_jp2=True)

    assert reason(gif[: len(gif) // 2].rstrip(b"\0") + b"\0;")
    riff = b"RIFF" + (half + 12).to_bytes(4, "little") + b"WEBPVP8L" + half.to_bytes(4, "little")
    assert reason(riff + webp[20 : 20 + half])
    assert reason(codestream[: len(codestream) // 2] + END)
    assert reason(b"P5\n4 4\n4095\n" + bytes(31)) == "truncated: the file ends before the picture does"
    assert reason(b"P2\n4 4\n255\n1 2 3\n") == "truncated: the file ends before the picture does"


def test_simplejpeg_and_pillow_give_the_same_pixels():
    for kind, data in JPEGS.items():
        for at_least in (None, 150, 60):
            with Image.open(io.BytesIO(data)) as image:
                image.draft(None, None if at_least is None else (at_least, at_least))
                expected = np.asarray(image.convert("RGB"))
            assert np.array_equal(decode(data, at_least=at_least).pixels, expected), (kind, at_least)
