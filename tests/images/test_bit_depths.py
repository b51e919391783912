"""Pictures of more than 8 bits: every format gives the same, and white stays white."""

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.images import decode
from tests.images.files import encode, png, tiff

GREYS = np.linspace(0, 65535, 48, dtype=np.uint16).reshape(6, 8)
COLOURS = np.dstack([GREYS, GREYS[::-1], GREYS[:, ::-1]])
HIGH_BYTES = np.repeat((GREYS >> 8)[:, :, None], 3, axis=2)


def ppm(values, greatest):
    magic = b"P6" if values.ndim == 3 else b"P5"
    header = b"%s\n# drawn\n%d %d\n%d\n" % (magic, values.shape[1], values.shape[0], greatest)
    return header + values.astype(">u2").tobytes()


@pytest.mark.parametrize(
    "data",
    [
        png(GREYS, 0, 16), png(GREYS, 0, 16, interlaced=True), png(np.dstack([GREYS, GREYS * 0 + 65535]), 4, 16),
        tiff(GREYS), tiff(GREYS, order=">"), tiff(65535 - GREYS, 0), encode(GREYS, "TIFF", compression="tiff_lzw"),
        ppm(GREYS, 65535), encode(Image.fromarray(GREYS), "JPEG2000"), tiff(GREYS.astype(np.uint32)),
        tiff(GREYS.astype(np.uint32) << 16), tiff((GREYS >> 1).astype(np.int16)),
        tiff(GREYS.astype(np.int32)), tiff(GREYS.astype(np.int32) << 15),
        b"P2\n8 6\n65535\n" + b" ".join(b"%d" % value for value in GREYS.ravel()),
    ],
)  # fmt: skip
def test_greys_of_16_bits_and_more(data):
    assert np.array_equal(decode(data).pixels, HIGH_BYTES)


@pytest.mark.parametrize(
    "data",
    [
        png(COLOURS, 2, 16), png(np.dstack([COLOURS, GREYS * 0 + 65535]), 6, 16), tiff(COLOURS, 2),
        tiff(COLOURS, 2, order=">"), ppm(COLOURS, 65535),
        cv2.imencode(".tiff", np.ascontiguousarray(COLOURS[..., ::-1]))[1].tobytes(),
    ],
)  # fmt: skip
def test_colours_of_16_bits(data):
    assert np.array_equal(decode(data).pixels, COLOURS >> 8)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("container", [True, False])
@pytest.mark.parametrize("bits", [16, 12, 10])
def test_jpeg_2000_of_more_than_8_bits_keeps_white(bits, container, alpha, capfd):
    most, middle = 2**bits - 1, 2 ** (bits - 1)
    levels = np.tile(np.linspace(0, 255, 64).astype(int), (64, 1))
    values = np.dstack([levels * most // 255] * 3 + [np.full_like(levels, most)] * alpha)
    # Values are stored as distances from the middle, so those of fewer bits can be written as 16 bits.
    data = bytearray(cv2.imencode(".jp2", (values - middle + 2**15).astype(np.uint16))[1].tobytes())
    start = data.index(b"\xff\x4f\xff\x51")
    for channel in range(values.shape[2]):
        data[start + 42 + 3 * channel] = bits - 1
    data[data.index(b"ihdr") + 14] = bits - 1

    pixels = decode(bytes(data if container else data[start:])).pixels

    assert np.abs(pixels - levels[..., None]).max() <= 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("greatest", [256, 1000, 1023, 4095, 16383, 65534])
def test_a_ppm_is_scaled_by_its_greatest_value(greatest):
    values = np.linspace(0, greatest, 48).astype(np.uint16).reshape(6, 8)

    for pixels in (decode(ppm(values, greatest)).pixels, decode(ppm(np.dstack([values] * 3), greatest)).pixels):
        assert (pixels[0, 0].tolist(), pixels[-1, -1].tolist()) == ([0, 0, 0], [255, 255, 255])
        assert np.abs(pixels[..., 1] - values / greatest * 255).max() <= 1


def test_a_large_ppm_of_16_bits_is_read_at_once():
    values = np.full((2100, 2000, 3), 4095, dtype=np.uint16)

    assert decode(ppm(values, 4095)).pixels.min() == 255


def test_a_ppm_of_8_bits_keeps_its_levels():
    header = b"P5\n4 1\n%d\n"

    assert decode(header % 255 + bytes([0, 1, 254, 255])).pixels[0, :, 0].tolist() == [0, 1, 254, 255]
    assert decode(header % 15 + bytes([0, 1, 8, 15])).pixels[0, :, 0].tolist() == [0, 17, 136, 255]


def test_a_tiff_of_12_bits_is_scaled_by_them():
    values = np.linspace(0, 4095, 48).astype(np.uint16).reshape(6, 8)
    first, second = values.ravel()[::2].astype(int), values.ravel()[1::2].astype(int)
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8)

    pixels = decode(tiff(values, bits=12, raw=packed.tobytes())).pixels

    assert np.array_equal(pixels[..., 0], values >> 4)


def test_negative_values_are_black_and_the_greatest_white():
    values = np.array([[-32768, -1, 0, 16384, 32767]], dtype=np.int16)

    assert decode(tiff(values)).pixels[0, :, 0].tolist() == [0, 0, 0, 128, 255]
    assert decode(tiff(np.array([[0, 2**31, 2**32 - 1]], dtype=np.uint32))).pixels[0, :, 0].tolist() == [0, 128, 255]


def test_a_floating_point_picture_is_scaled_by_its_numbers_alone():
    values = np.array([[0, 0.5, 1, np.inf, np.nan]], dtype=np.float32)

    assert decode(tiff(values)).pixels[0, :, 0].tolist() == [0, 127, 255, 0, 0]


@pytest.mark.parametrize("interlaced", [False, True])
def test_pixels_of_8_bits_are_as_stored(photo, interlaced):
    assert np.array_equal(decode(png(photo, 2, interlaced=interlaced)).pixels, photo)
    assert np.array_equal(decode(tiff(photo, 2)).pixels, photo)
