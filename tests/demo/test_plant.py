"""The planted folder: what the truth says is what lies on the disk."""

import io
from collections import Counter
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from auditor.demo.plant import FAULTS, Truth, plant_demo
from auditor.errors import InputError


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    root = tmp_path_factory.mktemp("demo") / "images"
    return root, plant_demo(root, per_class=8)


def pixels(path: Path) -> np.ndarray:
    """(64, 64) grey."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX), dtype=np.float64)


def label_of(file: str) -> str:
    return file.split("/")[1]


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_truth_names_every_file_once_but_for_originals(planted: tuple[Path, Truth]) -> None:
    root, truth = planted
    faulty = [fault.file for fault in truth.faults]
    originals = {file for fault in truth.faults for file in fault.related}

    assert len(set(faulty)) == len(faulty)
    assert set(contents(root)) == {*faulty, *truth.clean, *originals}
    assert not set(faulty) & set(truth.clean)
    assert not originals & set(truth.clean)


def test_every_kind_is_planted(planted: tuple[Path, Truth]) -> None:
    _, truth = planted
    counts = Counter(fault.kind for fault in truth.faults)

    assert set(counts) == set(FAULTS)
    assert Counter(label_of(fault.file) for fault in truth.of_kind("mislabelled")) == {"dog": 6, "cat": 4}
    broken = ("truncated", "truncated_png", "zero_bytes", "not_an_image", "wrong_extension")
    assert all(2 <= counts[kind] <= 3 for kind in broken)
    assert all(3 <= counts[kind] <= 8 for kind in FAULTS if kind not in (*broken, "mislabelled"))


def test_clean_files_open_as_what_their_name_says(planted: tuple[Path, Truth]) -> None:
    root, truth = planted

    assert Counter(map(label_of, truth.clean)) == {"cat": 8, "dog": 8}
    for file in truth.clean:
        with Image.open(root / file) as image:
            image.load()
            assert image.size == (256, 256)
            assert image.format == {".jpg": "JPEG", ".png": "PNG"}[Path(file).suffix]


def test_exact_duplicates_have_equal_bytes(planted: tuple[Path, Truth]) -> None:
    root, truth = planted
    for fault in truth.of_kind("exact_duplicate"):
        (original,) = fault.related
        assert (root / fault.file).read_bytes() == (root / original).read_bytes()


def test_near_duplicates_look_alike_in_other_bytes(planted: tuple[Path, Truth]) -> None:
    root, truth = planted
    for fault in truth.of_kind("near_duplicate"):
        (original,) = fault.related
        assert (root / fault.file).read_bytes() != (root / original).read_bytes()
        correlation = np.corrcoef(pixels(root / fault.file).ravel(), pixels(root / original).ravel())[0, 1]
        assert correlation > 0.8, (fault, correlation)


def test_conflicting_labels_show_one_picture_in_both_classes(planted: tuple[Path, Truth]) -> None:
    root, truth = planted
    for fault in truth.of_kind("conflicting_labels"):
        (original,) = fault.related
        assert {label_of(fault.file), label_of(original)} == {"cat", "dog"}
        assert np.abs(pixels(root / fault.file) - pixels(root / original)).mean() < 3


def test_leaks_lie_in_both_splits(planted: tuple[Path, Truth]) -> None:
    _, truth = planted
    splits = [(fault.related[0].split("/")[0], fault.file.split("/")[0]) for fault in truth.of_kind("split_leakage")]
    kinds = ("exact_duplicate", "near_duplicate", "conflicting_labels")
    copies = [fault for kind in kinds for fault in truth.of_kind(kind)]

    assert splits == [("train", "val")] * 6
    assert all(fault.file.split("/")[0] == fault.related[0].split("/")[0] for fault in copies)


def test_blurry_and_dark_stand_apart_from_the_clean(planted: tuple[Path, Truth]) -> None:
    root, truth = planted

    def worst(measure: Callable[[np.ndarray], float]) -> float:
        return min(measure(pixels(root / file)) for file in truth.clean)

    def edges(grey: np.ndarray) -> float:
        return float(np.abs(np.diff(grey, axis=1)).mean())

    assert all(edges(pixels(root / fault.file)) < worst(edges) for fault in truth.of_kind("blurry"))
    assert all(pixels(root / fault.file).mean() < worst(np.mean) / 2 for fault in truth.of_kind("dark"))


@pytest.mark.parametrize("kind", ["truncated", "truncated_png"])
def test_truncated_files_open_but_do_not_load(planted: tuple[Path, Truth], kind: str) -> None:
    root, truth = planted
    for fault in truth.of_kind(kind):
        with Image.open(root / fault.file) as image, pytest.raises(OSError):
            image.load()


def test_empty_files_and_text_are_not_images(planted: tuple[Path, Truth]) -> None:
    root, truth = planted

    assert all((root / fault.file).stat().st_size == 0 for fault in truth.of_kind("zero_bytes"))
    for fault in truth.of_kind("not_an_image"):
        data = (root / fault.file).read_bytes()
        assert data.decode("ascii").isprintable() or data.endswith(b"\n")
        with pytest.raises(UnidentifiedImageError):
            Image.open(io.BytesIO(data))


def test_wrong_extensions_hide_another_format(planted: tuple[Path, Truth]) -> None:
    root, truth = planted
    found: Counter[tuple[str | None, str]] = Counter()
    for fault in truth.of_kind("wrong_extension"):
        with Image.open(root / fault.file) as image:
            image.load()
            found[image.format, Path(fault.file).suffix] += 1

    assert found == {("PNG", ".jpg"): 2, ("WEBP", ".png"): 1}


def test_file_names_show_neither_species_nor_fault(planted: tuple[Path, Truth]) -> None:
    root, truth = planted
    names = [Path(file).stem for file in contents(root)]

    assert sorted(names) == [f"sticker_{i + 1:04d}" for i in range(len(names))]
    numbers = {label: [int(file[-8:-4]) for file in truth.clean if label_of(file) == label] for label in ("cat", "dog")}
    assert min(numbers["cat"]) < max(numbers["dog"])
    assert min(numbers["dog"]) < max(numbers["cat"])


def test_same_seed_same_bytes_other_seed_other_pictures(planted: tuple[Path, Truth], tmp_path: Path) -> None:
    root, truth = planted
    again = plant_demo(tmp_path / "a" / "images", per_class=8)
    other = plant_demo(tmp_path / "b" / "images", seed=8, per_class=8)

    assert again == truth
    assert contents(tmp_path / "a" / "images") == contents(root)
    assert other != truth
    assert contents(tmp_path / "b" / "images") != contents(root)


def test_truth_is_written_beside_the_folder_and_can_be_read_again(planted: tuple[Path, Truth]) -> None:
    root, truth = planted

    assert Truth.read(root.parent / "truth.json") == truth


def test_truth_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text('{"format_version": 99}')

    with pytest.raises(InputError, match="99"):
        Truth.read(tmp_path / "truth.json")


def test_the_demo_has_240_clean_stickers_by_default(planted: tuple[Path, Truth]) -> None:
    _, truth = planted
    default = signature(plant_demo).parameters["per_class"].default

    assert len(truth.clean) == 2 * 8  # per_class of each class
    assert 2 * default >= 240
    assert len(truth.faults) == 79


def test_a_folder_that_is_not_empty_is_not_changed(tmp_path: Path) -> None:
    mine = tmp_path / "images" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("precious")

    with pytest.raises(InputError, match=r"mine\.txt"):
        plant_demo(tmp_path / "images", per_class=1)

    assert contents(tmp_path) == {"images/mine.txt": b"precious"}


def test_an_older_truth_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text("{}")

    with pytest.raises(InputError, match=r"truth\.json"):
        plant_demo(tmp_path / "images", per_class=1)

    assert not (tmp_path / "images").exists()


def test_a_file_is_not_a_folder_for_the_demo(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file")

    with pytest.raises(InputError, match="is a file"):
        plant_demo(tmp_path / "images", per_class=1)


def test_an_empty_folder_is_accepted_but_zero_stickers_are_not(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()

    with pytest.raises(InputError, match="per_class is 0"):
        plant_demo(tmp_path / "images", per_class=0)
    assert plant_demo(tmp_path / "images", per_class=1).clean
