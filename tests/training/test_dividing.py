"""What a run trains on: three parts, no picture in two of them, and errors before anything is trained."""

from collections import Counter
from pathlib import Path

import pytest

from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.progress import Progress
from auditor.training.dividing import divide


def parts_of(folder: Path, seed=0):
    return divide(load_dataset(folder), seed, Progress())


def files(part):
    return [image.sample.file for image in part]


def test_a_folder_without_splits_is_divided_eight_to_one_to_one(colours, tmp_path):
    parts = parts_of(colours(tmp_path / "data", 20))

    assert [len(parts.part(name)) for name in ("train", "val", "test")] == [32, 4, 4]
    assert Counter(parts.labels("test").tolist()) == {0: 2, 1: 2}
    assert {image.sample.split for image in parts.val} == {"val"}
    assert "8 : 1 : 1" in parts.notes[-1]


def test_the_division_depends_on_the_seed_alone(colours, tmp_path):
    folder = colours(tmp_path / "data", 20)

    assert files(parts_of(folder).test) == files(parts_of(folder).test)
    assert files(parts_of(folder).test) != files(parts_of(folder, seed=1).test)


def test_copies_of_a_picture_stay_in_one_part(colours, tmp_path, draw, place):
    folder = colours(tmp_path / "data", 15)
    for number in range(6):
        place(draw(77, 64, 64), folder / "red" / f"copy{number}.jpg", quality=90 - 5 * number)

    parts = parts_of(folder)

    homes = {name for name in ("train", "val", "test") if any("copy" in file for file in files(parts.part(name)))}
    assert len(homes) == 1


def test_splits_of_the_source_are_kept(colours, tmp_path):
    for number, split in enumerate(("train", "val", "test")):
        colours(tmp_path / "data" / split, 4, seed=100 * number)

    parts = parts_of(tmp_path / "data")

    for name in ("train", "val", "test"):
        assert all(file.startswith(f"{name}/") for file in files(parts.part(name)))
    assert parts.left_out == ()


def test_a_copy_of_a_test_image_is_not_trained_on(colours, tmp_path, draw, place):
    for number, split in enumerate(("train", "val", "test")):
        colours(tmp_path / "data" / split, 4, seed=100 * number)
    for split, quality in (("train", 95), ("val", 80), ("test", 70)):
        place(draw(77, 64, 64), tmp_path / "data" / split / "red" / "copy.jpg", quality=quality)

    parts = parts_of(tmp_path / "data")

    assert "test/red/copy.jpg" in files(parts.test)
    assert [file for file, _ in parts.left_out] == ["train/red/copy.jpg", "val/red/copy.jpg"]
    assert "test part" in parts.left_out[0][1]
    assert "2" in parts.notes[-1]


def test_without_a_test_split_validation_is_measured_and_another_is_drawn(colours, tmp_path):
    colours(tmp_path / "data" / "train", 18)
    colours(tmp_path / "data" / "val", 5, seed=500)

    parts = parts_of(tmp_path / "data")

    assert all(file.startswith("val/") for file in files(parts.test))
    assert all(file.startswith("train/") for file in files(parts.val))
    assert [len(parts.part(name)) for name in ("train", "val", "test")] == [32, 4, 10]
    assert "measured" in parts.notes[-1]


def test_unreadable_and_unlabelled_images_are_left_out_by_name(colours, tmp_path):
    folder = colours(tmp_path / "data", 10)
    (folder / "red" / "broken.png").write_bytes(b"not an image")
    place_beside = folder / "loose.png"
    place_beside.write_bytes((folder / "red" / "000.png").read_bytes())

    parts = parts_of(folder)

    assert {file for file, _ in parts.left_out} == {"red/broken.png", "loose.png"}
    assert all(reason for _, reason in parts.left_out)


def one_class(folder, colours):
    colours(folder, 8, {"red": 0})


def empty_class(folder, colours):
    colours(folder, 8)
    (folder / "green").mkdir()


def one_image_per_class(folder, colours):
    colours(folder, 1)


def unreadable_class(folder, colours):
    colours(folder, 8)
    for path in (folder / "red").iterdir():
        path.write_bytes(b"not an image")


def no_training_split(folder, colours):
    colours(folder / "val", 4)
    colours(folder / "test", 4, seed=100)


def class_without_validation(folder, colours):
    for number, split in enumerate(("train", "val", "test")):
        colours(folder / split, 4, seed=100 * number)
    for path in (folder / "val" / "red").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (one_class, "one class, red.*at least two"),
        (empty_class, "no image of green"),
        (one_image_per_class, r"too few images of blue \(1\), red \(1\); expected at least 4"),
        (unreadable_class, "too few readable images of red.*left out"),
        (no_training_split, "none to train on"),
        (class_without_validation, r"val part.*red \(0\)"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_data_that_cannot_be_trained_on_is_refused(make, complaint, colours, tmp_path):
    make(tmp_path / "data", colours)

    with pytest.raises(InputError, match=complaint):
        parts_of(tmp_path / "data")
