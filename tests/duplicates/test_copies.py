"""From a folder to pairs of images that are the same picture."""

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.checks.copies import KINDS
from auditor.data.sources import stated_dataset
from auditor.duplicates.copies import find_copies
from auditor.engines import LocalEngine, Outcomes, Task
from auditor.settings import Limits, Settings


def found(folder):
    """(centre, copy) -> kind and similarity; names without their folder."""
    samples = stated_dataset(Settings.load(data=str(folder), no_model=True)).samples
    outcomes = Outcomes.collect(LocalEngine().run(samples, Task(None, describe=True)), samples)
    copies = find_copies(outcomes, Limits())
    names = [sample.file.rpartition("/")[2] for sample in outcomes.samples]
    return {
        (names[centre], names[copy]): (KINDS[kind], round(float(similarity), 3))
        for centre, copy, similarity, kind in zip(
            copies.centre, copies.copy, copies.similarity, copies.kind, strict=True
        )
    }


def test_each_kind_of_copy_is_told(draw, place, tmp_path):
    photo = draw(0, 120, 160)
    place(photo, tmp_path / "a" / "0.png")
    (tmp_path / "a" / "1.png").write_bytes((tmp_path / "a" / "0.png").read_bytes())
    place(photo, tmp_path / "a" / "2.bmp")
    place(photo, tmp_path / "a" / "3.webp", lossless=True)
    place(photo, tmp_path / "a" / "4.jpg", quality=60)
    place(photo[6:-6, 8:-8][:, ::-1], tmp_path / "a" / "5.png")
    for seed in range(1, 6):
        place(draw(seed, 120, 160), tmp_path / "b" / f"other{seed}.png")

    pairs = found(tmp_path)

    assert {copy: kind for (_, copy), (kind, _) in pairs.items()} == {
        "1.png": "bytes", "2.bmp": "pixels", "3.webp": "pixels", "4.jpg": "altered", "5.png": "mirrored",
    }  # fmt: skip
    assert {centre for centre, _ in pairs} == {"0.png"}
    assert all((value == 1) == (kind in ("bytes", "pixels")) for kind, value in pairs.values())


def test_pixels_are_compared_upright(draw, place, tmp_path):
    photo = draw(0, 120, 160)
    turned = Image.Exif()
    turned[0x0112] = 6                                          # to be turned clockwise
    place(photo, tmp_path / "a" / "0.png")
    place(np.rot90(photo), tmp_path / "a" / "1.png", exif=turned)

    assert found(tmp_path) == {("0.png", "1.png"): ("pixels", 1)}


def test_one_pixel_makes_it_altered(draw, place, tmp_path):
    photo = draw(0, 120, 160)
    place(photo, tmp_path / "a" / "0.png")
    photo[60, 80] ^= 4
    place(photo, tmp_path / "a" / "1.png")

    [(kind, value)] = found(tmp_path).values()
    assert (kind, value > 0.99) == ("altered", True)


def test_blank_pictures_are_copies_only_if_they_are_equal(place, tmp_path):
    for number in range(6):
        blank = np.full((40, 50, 3), 250 + number // 2, np.uint8)
        place(blank, tmp_path / "a" / f"{number}.png", compress_level=number)

    assert set(found(tmp_path)) == {(f"{number}.png", f"{number + 1}.png") for number in (0, 2, 4)}


def test_many_equal_files_are_one_group(draw, place, tmp_path):
    data = place(draw(0, 24, 32), tmp_path / "a" / "000.png").read_bytes()
    for number in range(1, 120):
        (tmp_path / "a" / f"{number:03}.png").write_bytes(data)

    pairs = found(tmp_path)

    assert set(pairs) == {("000.png", f"{number:03}.png") for number in range(1, 120)}


def test_more_copies_than_candidates_are_one_group(draw, place, tmp_path):
    photo = draw(0, 90, 120)
    for number in range(24):
        place(photo, tmp_path / "a" / f"{number:02}.jpg", quality=50 + 2 * number)

    pairs = found(tmp_path)

    assert len(pairs) == 23 and len({centre for centre, _ in pairs}) == 1


def test_frames_of_a_video_are_no_chain(draw, place, tmp_path):
    scene = draw(5, 300, 400)
    for number in range(8):                                     # it pans by 8 % in each frame
        frame = scene[:, number * 24 : number * 24 + 160]
        place(np.ascontiguousarray(frame[:120]), tmp_path / "a" / f"{number}.png")

    pairs = found(tmp_path)

    assert ("0.png", "7.png") not in pairs and ("7.png", "0.png") not in pairs


def test_unreadable_files_and_empty_folders_are_no_error(tmp_path):
    for name in "ab":
        (tmp_path / "x").mkdir(exist_ok=True)
        (tmp_path / "x" / f"{name}.jpg").write_bytes(b"broken")

    assert found(tmp_path) == {}


def test_a_file_that_is_gone_meanwhile_is_no_copy(draw, place, tmp_path):
    place(draw(0), tmp_path / "a" / "0.png")
    path = place(cv2.resize(draw(0), (100, 80)), tmp_path / "a" / "1.png")
    samples = stated_dataset(Settings.load(data=str(tmp_path), no_model=True)).samples
    outcomes = Outcomes.collect(LocalEngine().run(samples, Task(None, describe=True)), samples)
    path.unlink()

    assert not len(find_copies(outcomes, Limits()))


@pytest.mark.parametrize("seed", range(2))
def test_drawings_of_the_same_parts_are_no_copies(place, tmp_path, seed):
    from auditor.demo.stickers import draw_sticker

    for number in range(8):
        sticker = draw_sticker(("cat", "dog")[number % 2], np.random.default_rng([seed, number]))
        place(np.asarray(sticker), tmp_path / "a" / f"{number}.png")

    assert found(tmp_path) == {}


def test_tiny_pictures_are_copies_only_with_equal_pixels(draw, place, tmp_path):
    digit = cv2.resize(draw(0, 64, 64), (16, 16), interpolation=cv2.INTER_AREA)
    place(digit, tmp_path / "a" / "0.png")
    place(digit, tmp_path / "a" / "1.bmp")
    place(np.clip(digit.astype(int) + 3, 0, 255).astype(np.uint8), tmp_path / "a" / "2.png")

    assert found(tmp_path) == {("0.png", "1.bmp"): ("pixels", 1.0)}
