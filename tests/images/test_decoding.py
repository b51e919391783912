"""Decoding: which bytes are read as an image, and which are refused."""

import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from auditor.images import Unreadable, decode
from auditor.images.decoding import resize, thumbnail
from auditor.images.formats import FORMATS, extension_matches, identify
from tests.images.files import encode

# Pillow warns about damage that it repairs; auditor suppresses this, but pytest enables it again.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def difference(one, other):
    """Mean absolute difference in grey levels."""
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def reason(data, **options):
    with pytest.raises(Unreadable) as error:
        decode(data, **options)
    return str(error.value)


@pytest.fixture(scope="session")
def hostile(shared):
    """Name -> bytes of the broken, odd and malicious images."""
    with tarfile.open(shared / "data" / "hostile-images.tar") as tar:
        return {
            member.name.removeprefix("./").removeprefix("hostile-images/"): tar.extractfile(member).read()
            for member in tar.getmembers()
            if member.isfile() and not member.name.endswith(".txt")
        }


# Results


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_lossless_formats_give_the_original_pixels(photo, format_name):
    picture = decode(encode(photo, format_name))

    assert np.array_equal(picture.pixels, photo)
    assert picture.pixels.dtype == np.uint8
    assert (picture.format, picture.width, picture.height, picture.mode) == (format_name, 128, 96, "RGB")


@pytest.mark.parametrize(
    ("format_name", "options"),
    [("JPEG", {"quality": 95}), ("JPEG", {"progressive": True}), ("WEBP", {"quality": 95}), ("AVIF", {"quality": 95})],
)
def test_lossy_formats_give_nearly_the_original_pixels(photo, format_name, options):
    picture = decode(encode(photo, format_name, **options))

    assert picture.format == format_name
    assert difference(picture.pixels, photo) < 6


def test_a_greyscale_jpeg_has_three_equal_channels(photo):
    pixels = decode(encode(Image.fromarray(photo).convert("L"), "JPEG")).pixels

    assert pixels.shape == (96, 128, 3)
    assert np.ptp(pixels, axis=2).max() == 0


def test_cmyk_keeps_its_colours():
    red = np.zeros((16, 16, 3), dtype=np.uint8) + np.array([220, 30, 40], dtype=np.uint8)

    picture = decode(encode(Image.fromarray(red).convert("CMYK"), "JPEG", quality=95))

    assert picture.mode == "CMYK"
    assert difference(picture.pixels, red) < 5


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bit_greys_keep_their_high_byte(format_name):
    levels = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16) + 77

    picture = decode(encode(Image.fromarray(levels), format_name))

    assert picture.mode == "I;16"
    assert np.array_equal(picture.pixels[:, :, 0], levels >> 8)


def test_sixteen_bit_pgm_keeps_its_high_byte():
    data = b"P5\n2 1\n65535\n" + bytes([200, 1, 9, 255])

    assert decode(data).pixels[0, :, 0].tolist() == [200, 9]


@pytest.mark.parametrize(("top", "white"), [(1.0, 255), (255.0, 255), (1000.0, 255)])
def test_floating_point_tiffs_are_read_as_zero_to_one_or_as_levels(top, white):
    values = np.array([[0, top / 2, top]], dtype=np.float32)

    pixels = decode(encode(Image.fromarray(values), "TIFF")).pixels

    assert pixels[0, 0, 0] == 0
    assert pixels[0, 2, 0] == white


def test_floating_point_without_numbers_is_black():
    values = np.full((2, 2), np.nan, dtype=np.float32)

    assert decode(encode(Image.fromarray(values), "TIFF")).pixels.max() == 0


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_shown_over_white(format_name):
    layer = np.zeros((8, 8, 4), dtype=np.uint8)
    layer[:, :, 0] = 200
    layer[:4, :, 3] = 255
    layer[6:, :, 3] = 128

    pixels = decode(encode(layer, format_name, **({"lossless": True} if format_name == "WEBP" else {}))).pixels

    assert pixels[0, 0].tolist() == [200, 0, 0]
    assert pixels[5, 0].tolist() == [255, 255, 255]
    assert pixels[7, 0].tolist() == pytest.approx([227, 127, 127], abs=1)


def test_a_transparent_palette_colour_is_shown_over_white(photo):
    image = Image.fromarray(photo).quantize(16)
    index = image.getpixel((0, 0))

    pixels = decode(encode(image, "PNG", transparency=index)).pixels

    assert pixels[0, 0].tolist() == [255, 255, 255]
    opaque = np.asarray(image) != index
    assert np.array_equal(pixels[opaque], np.asarray(image.convert("RGB"))[opaque])


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_frame_of_an_animation_is_decoded(format_name):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]

    pixels = decode(encode(frames[0], format_name, save_all=True, append_images=frames[1:])).pixels

    assert pixels.shape == (32, 32, 3)
    assert pixels[16, 16].tolist() == pytest.approx([255, 0, 0], abs=6)


def test_the_first_picture_of_a_camera_s_multi_picture_jpeg_is_decoded(photo, draw):
    data = encode(photo, "MPO", save_all=True, append_images=[Image.fromarray(draw(1))], quality=95)

    picture = decode(data)

    assert picture.format == "MPO"
    assert extension_matches("IMG_1.JPG", picture.format)
    assert difference(picture.pixels, photo) < 6


def test_large_images_are_converted_in_bands_without_seams():
    levels = (np.arange(2300)[:, None] + np.arange(2000)[None, :]).astype(np.uint8)  # over 4 megapixels
    layer = np.dstack([levels, levels[::-1], levels, np.full_like(levels, 255)])

    assert np.array_equal(decode(encode(layer, "PNG", compress_level=1)).pixels, layer[:, :, :3])
    assert np.array_equal(decode(encode(layer[:, :, :3], "BMP")).pixels, layer[:, :, :3])


# Orientation


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(photo, orientation, format_name):
    stored = {  # as a camera in another orientation stores it
        1: photo, 2: photo[:, ::-1], 3: photo[::-1, ::-1], 4: photo[::-1], 5: photo.transpose(1, 0, 2),
        6: photo.transpose(1, 0, 2)[::-1], 7: photo.transpose(1, 0, 2)[::-1, ::-1],
        8: photo.transpose(1, 0, 2)[:, ::-1],
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 97}, "WEBP": {"lossless": True}}.get(format_name, {})

    picture = decode(encode(np.ascontiguousarray(stored), format_name, exif=exif, **options))

    assert picture.pixels.shape == photo.shape
    assert difference(picture.pixels, photo) < 5


def test_a_corrupt_exif_block_does_not_affect_the_pixels(photo):
    picture = decode(encode(photo, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40))

    assert picture.pixels.shape == photo.shape


def test_real_orientations_come_out_upright(hostile):
    for name in ("sharp/Landscape_{}.jpg", "sharp/Portrait_{}.jpg", "pillow/hopper_orientation_{}.webp"):
        upright, *others = [thumbnail(decode(hostile[name.format(n)]).pixels, 64) for n in range(2, 9)]
        assert {other.shape for other in others} == {upright.shape}
        assert max(difference(upright, other) for other in others) < 3
        assert min(difference(upright, upright[::-1]), difference(upright, upright[:, ::-1])) > 30
    straight = decode(hostile["sharp/Landscape_1.jpg"]).pixels  # brighter than its seven copies
    assert difference(thumbnail(straight, 64), thumbnail(decode(hostile["sharp/Landscape_6.jpg"]).pixels, 64)) < 20


# Reduced decoding


@pytest.mark.parametrize("at_least", [64, 224])
def test_reduced_decoding_gives_nearly_the_same_after_resizing(draw, at_least):
    data = encode(draw(3, 1500, 2000), "JPEG", quality=90)

    full, reduced = decode(data), decode(data, at_least=at_least)

    assert at_least <= min(reduced.pixels.shape[:2]) < 1500
    assert (reduced.width, reduced.height) == (full.width, full.height) == (2000, 1500)
    one, other = resize(full.pixels, at_least, at_least), resize(reduced.pixels, at_least, at_least)
    assert difference(one, other) < 1
    assert np.abs(one.astype(int) - other.astype(int)).max() < 24


def test_reduced_decoding_is_never_smaller_than_requested(photo):
    data = encode(photo, "JPEG")

    assert decode(data, at_least=90).pixels.shape == photo.shape
    assert decode(data, at_least=48).pixels.shape == (48, 64, 3)
    assert decode(encode(photo, "PNG"), at_least=10).pixels.shape == photo.shape


# Bytes that are not an image


def test_an_empty_file():
    assert reason(b"") == "empty file (0 bytes)"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"just text", "text, not an image"),
        (bytes(range(200, 256)), "not an image in a format that is known"),
        (b"\n <!DOCTYPE html><html>404</html>", "a web page (HTML)"),
        (bytes(5000), "5000 zero bytes"),
        (b"\x89PNG\r\r\n\x1a\n", "begins like a PNG"),
        (b"GIF8", "begins like a GIF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "not read (EPS"),
        (b"\0\0\1\0\1\0", "not read (Windows icon"),
    ],
)
def test_the_reason_says_what_the_bytes_are_instead_of_an_image(data, words):
    assert words in reason(data)


TRUNCATED = [
    ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {}), ("WEBP", {}), ("WEBP", {"lossless": True}),
    ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "jpeg"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}), ("TIFF", {"compression": "packbits"}),
    ("AVIF", {}), ("JPEG2000", {}),
    ("PPM", {}),
]  # fmt: skip


@pytest.mark.parametrize(("format_name", "options"), TRUNCATED)
def test_truncated_images_are_never_read(photo, format_name, options):
    data = encode(photo, format_name, **options)
    decode(data)

    for kept in np.linspace(0.02, 0.98, 33):
        assert reason(data[: int(len(data) * kept)])
    assert reason(data[:-8], at_least=8)


COMPRESSED = [case for case in TRUNCATED if case[0] not in ("BMP", "TIFF", "PPM")]


@pytest.mark.parametrize(("format_name", "options"), COMPRESSED)
def test_unfinished_downloads_are_never_read(photo, format_name, options):
    data = encode(photo, format_name, **options)

    for kept in (0.3, 0.6):
        end = int(len(data) * kept)
        assert reason(data[:end] + bytes(len(data) - end))


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "AVIF", "PNG"])
def test_plain_pictures_are_not_mistaken_for_unfinished_ones(format_name):
    for colour in ("black", "white", "red"):
        assert decode(encode(Image.new("RGB", (1000, 1000), colour), format_name)).pixels.shape == (1000, 1000, 3)


def test_zeros_after_the_end_of_a_jpeg_are_accepted(photo):
    assert decode(encode(photo, "JPEG") + bytes(4096)).pixels.shape == photo.shape


def test_a_png_with_a_wrong_checksum_is_not_read(photo):
    data = bytearray(encode(photo, "PNG"))
    start = data.index(b"IDAT")
    length = int.from_bytes(data[start - 4 : start], "big")
    data[start + 4 + length] ^= 1

    assert "checksum" in reason(bytes(data))


# Bombs


def test_more_pixels_than_allowed_are_refused_from_the_header(photo):
    assert "0 megapixels" in reason(encode(photo, "JPEG"), max_pixels=128 * 96 - 1)
    assert decode(encode(photo, "JPEG"), max_pixels=128 * 96)


def test_a_huge_size_in_a_header_is_refused_before_decoding():
    data = encode(Image.new("RGB", (8, 8)), "JPEG")
    frame = data.index(b"\xff\xc0") + 5
    data = data[:frame] + (64250).to_bytes(2, "big") * 2 + data[frame + 4 :]

    assert "4128 megapixels" in reason(data)


def test_a_jpeg_that_repeats_its_scans_is_refused(photo):
    data = encode(photo, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]

    assert "scans" in reason(data[:-2] + last * 100 + data[-2:])


def test_a_large_picture_written_as_text_is_refused_and_a_small_one_read():
    assert "minutes" in reason(b"P2\n3000 3000\n255\n" + b"1 " * 9_000_000)
    assert decode(b"P2\n2 1\n255\n7 8\n").pixels[0, :, 0].tolist() == [7, 8]


def test_the_hostile_images_give_a_picture_or_a_reason(hostile, capfd):
    good, bad = {}, {}
    for name, data in hostile.items():
        try:
            good[name] = decode(data)
        except Unreadable as error:
            bad[name] = str(error)

    assert len(hostile) == 196
    assert capfd.readouterr() == ("", "")
    assert all(picture.pixels.ndim == 3 and picture.pixels.dtype == np.uint8 for picture in good.values())
    assert all(5 < len(text) < 300 and "\n" not in text for text in bad.values())
    assert "4128 megapixels" in bad["fuzzdb/lottapixel.jpg"]
    assert {name for name in hostile if "pngsuite-corrupt" in name} <= set(bad)
    assert {name for name in bad if "sharp/" in name} == {
        "sharp/corrupt-header.jpg", "sharp/truncated.jpg", "sharp/truncated.png",
    }  # fmt: skip


def test_files_with_flipped_bytes_give_a_picture_or_a_reason(photo, capfd):
    rng = np.random.default_rng(0)
    for format_name, options in TRUNCATED:
        data = encode(photo[:24, :32], format_name, **options)
        for _ in range(60):
            damaged = bytearray(data)
            for position in rng.integers(0, len(data), rng.integers(1, 6)):
                damaged[position] = rng.integers(256)
            try:
                decode(bytes(damaged), max_pixels=10**6)
            except Unreadable as error:
                assert str(error)
    assert capfd.readouterr() == ("", "")


def test_threads_decode_the_same_as_a_single_one(draw, hostile):
    files = [encode(draw(seed), name) for seed in range(6) for name in ("JPEG", "PNG", "WEBP", "TIFF", "GIF")]
    files += [data for name, data in hostile.items() if name.endswith(".tif")]

    def outcome(data):
        try:
            return decode(data, at_least=32).pixels.tobytes()
        except Unreadable as error:
            return str(error)

    alone = [outcome(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(outcome, files * 4))

    assert together == alone * 4


# Names and sizes


def test_identify_reads_the_header_and_not_the_name(tmp_path, photo):
    (tmp_path / "portrait").write_bytes(encode(photo, "WEBP"))
    (tmp_path / "page.jpg").write_bytes(b"<html>")
    (tmp_path / "empty").write_bytes(b"")

    assert identify(tmp_path / "portrait") == "WEBP"
    assert identify(tmp_path / "page.jpg") is None
    assert identify(tmp_path / "empty") is None
    assert identify(tmp_path / "gone") is None


@pytest.mark.parametrize(
    ("name", "format_name", "matches"),
    [
        ("a.jpg", "JPEG", True), ("A.JPEG", "JPEG", True), ("a.jpg", "PNG", False), ("a.png", "WEBP", False),
        ("a.tif", "TIFF", True), ("a", "PNG", True), ("a.txt", "PNG", True), ("a.jpg.png", "PNG", True),
        ("a.jpg", "MPO", True),
    ],
)  # fmt: skip
def test_extensions_that_match(name, format_name, matches):
    assert extension_matches(name, format_name) is matches


def test_every_format_of_the_table_can_be_read(photo):
    for format_name in FORMATS:
        assert decode(encode(photo, format_name)).format in (format_name, "JPEG")


def test_resize_keeps_the_whole_image(photo):
    assert resize(photo, 224, 224).shape == (224, 224, 3)
    assert resize(photo, 96, 128) is photo
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    board = np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8)
    assert np.ptp(resize(board, 8, 8)) <= 1  # areas are averaged: no aliasing


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(1000, 500, (64, 32)), (500, 1000, (32, 64)), (20, 30, (20, 30)), (5000, 3, (64, 1))],
)
def test_thumbnails_keep_the_aspect_and_never_enlarge(height, width, expected):
    assert thumbnail(np.zeros((height, width, 3), dtype=np.uint8), 64).shape[:2] == expected
