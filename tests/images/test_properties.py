"""What is measured of a picture, against values worked out by hand or by an independent computation."""

from math import erf, sqrt

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.images.decoding import decode
from auditor.images.properties import PROPERTIES, measure
from auditor.images.sharpness import sharpness
from tests.checks.pictured import recompressed
from tests.pictures import draw_photo


def measured(pixels):
    values = measure(pixels)
    assert values.dtype == np.float32
    assert values.shape == (len(PROPERTIES),)
    assert np.isfinite(values).all()
    return dict(zip(PROPERTIES, map(float, values), strict=True))


def test_light_is_measured_in_shares_of_white():
    half = np.zeros((50, 80, 3), np.uint8)
    half[:, 40:] = 255

    found = measured(half)

    assert (found["brightness"], found["contrast"], found["entropy"]) == pytest.approx((0.5, 0.5, 1.0))
    assert [found[f"brightness_p{share}"] for share in (1, 5, 50, 95, 99)] == [0, 0, 0, 1, 1]
    assert found["white"] == 0.5


def test_percentiles_are_those_of_numpy():
    photo = draw_photo(3)
    luma = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    found = measured(photo)

    for share in (1, 5, 50, 95, 99):
        expected = np.percentile(luma, share, method="inverted_cdf")
        assert found[f"brightness_p{share}"] * 255 == pytest.approx(expected, abs=1e-3)


def test_colourfulness_is_that_of_hasler_and_suesstrunk():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    red, green, blue = noise.reshape(-1, 3).astype(float).T
    first, second = red - green, (red + green) / 2 - blue
    expected = np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean())

    assert measured(noise)["colourfulness"] == pytest.approx(expected, rel=1e-4)


def test_a_grey_picture_has_no_chroma_also_as_a_jpeg_and_with_a_coloured_date():
    photo = draw_photo(1, 160, 200)
    grey = np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    dated = grey.copy()
    dated[150:156, 160:190] = (255, 120, 0)                     # 0.6 % of the area

    assert measured(photo)["chroma"] > 0.03
    assert [measured(grey)["chroma"], measured(dated)["chroma"]] == pytest.approx([0, 0], abs=1e-6)
    assert measured(recompressed(grey, 40))["chroma"] < 0.005


def test_the_border_is_the_area_outside_the_picture():
    photo = draw_photo(2, 80, 100)
    framed = cv2.copyMakeBorder(photo, 10, 10, 0, 0, cv2.BORDER_CONSTANT, value=(250, 250, 250))
    boxed = cv2.copyMakeBorder(framed, 0, 0, 25, 25, cv2.BORDER_CONSTANT, value=(0, 0, 0))

    assert measured(photo)["border"] == 0
    assert measured(framed)["border"] == pytest.approx(0.2)
    assert measured(cv2.copyMakeBorder(photo, 0, 0, 50, 50, cv2.BORDER_CONSTANT))["border"] == pytest.approx(0.5)
    assert measured(boxed)["border"] == pytest.approx(1 / 3)    # its rows differ, so only its columns are border
    assert measured(np.full((30, 40, 3), 77, np.uint8))["border"] == 1


def test_the_ring_is_the_outer_tenth_of_each_side():
    picture = np.zeros((50, 100, 3), np.uint8)
    picture[:] = (200, 100, 50)
    picture[5:45, 10:90] = (0, 0, 0)

    found = measured(picture)

    ring = [found[f"border_{name}"] * 255 for name in ("red", "green", "blue")]
    assert ring == pytest.approx([200, 100, 50], abs=0.1)
    assert found["border_brightness"] * 255 == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, abs=0.1)
    assert found["red"] * 255 == pytest.approx(200 * (1 - 0.64), abs=0.1)


@pytest.mark.parametrize("sigma", [1.0, 1.5, 3.0])
def test_sharpness_of_a_blurred_edge_is_the_ratio_of_error_functions(sigma):
    upright = erf(1 / sigma / sqrt(2)) / erf(4 / sigma / sqrt(2))
    diagonal = erf(sqrt(2) / sigma / sqrt(2)) / erf(3 * sqrt(2) / sigma / sqrt(2)) / sqrt(2)
    picture = np.full((128, 128), 40, np.uint8)
    cv2.circle(picture, (64, 64), 45, 220, -1)
    blurred = cv2.GaussianBlur(picture, (0, 0), sigma)

    sharpest, typical = sharpness(blurred)

    assert sharpest == pytest.approx(min(upright, diagonal), rel=0.1)
    assert typical <= sharpest


def test_sharpness_does_not_depend_on_contrast_and_lies_in_the_sharpest_part():
    photo = cv2.cvtColor(draw_photo(4, 160, 160), cv2.COLOR_RGB2GRAY)
    faint = (90 + 0.3 * photo).astype(np.uint8)
    background = cv2.GaussianBlur(photo, (0, 0), 4)
    background[40:120, 40:120] = photo[40:120, 40:120]

    assert sharpness(faint)[0] == pytest.approx(sharpness(photo)[0], abs=0.12)
    assert sharpness(background)[0] > 0.55 > 0.45 > sharpness(cv2.GaussianBlur(photo, (0, 0), 4))[0]


def test_motion_leaves_the_edges_along_it_sharp_and_is_found_all_the_same():
    photo = cv2.cvtColor(draw_photo(5, 160, 160), cv2.COLOR_RGB2GRAY)

    for kernel in (np.ones((1, 11)), np.ones((11, 1)), np.eye(11), np.eye(11)[::-1]):
        assert sharpness(cv2.filter2D(photo, -1, kernel / kernel.sum()))[0] < 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (2, 2), (3, 5), (7, 300), (16, 16), (256, 3)])
def test_pictures_of_any_size_are_measured(shape):
    rng = np.random.default_rng(1)

    measured(np.zeros((*shape, 3), np.uint8))
    measured(rng.integers(0, 256, (*shape, 3)).astype(np.uint8))


def test_transparent_16_bit_palette_and_single_pixel_files_are_measured_as_they_look(tmp_path):
    grey = cv2.cvtColor(draw_photo(6), cv2.COLOR_RGB2GRAY)
    clear = np.zeros((40, 40, 4), np.uint8)
    files = {
        "clear": Image.fromarray(clear),                        # nothing but transparent black: white
        "deep": Image.fromarray(grey.astype(np.uint16) * 257),
        "palette": Image.fromarray(draw_photo(6)).quantize(64),
        "pixel": Image.new("1", (1, 1), 1),
    }
    found = {}
    for name, image in files.items():
        image.save(tmp_path / f"{name}.png")
        found[name] = measured(decode((tmp_path / f"{name}.png").read_bytes()).pixels)

    assert found["clear"]["brightness"] == found["clear"]["white"] == found["clear"]["border"] == 1
    assert found["deep"]["brightness"] == pytest.approx(grey.mean() / 255, abs=0.002)
    assert found["deep"]["chroma"] == pytest.approx(0, abs=1e-6)
    assert found["palette"]["brightness"] == pytest.approx(grey.mean() / 255, abs=0.03)
    assert found["palette"]["sharpness"] > 0.5
    assert (found["pixel"]["brightness"], found["pixel"]["sharpness"]) == (1, 0)
