"""Layouts of folders: published data sets, folders that look alike, stated depths, and what is left out."""

import json
import unicodedata
from pathlib import Path

import pytest

from auditor.data.dataset import Dataset
from auditor.data.own_output import OWN_OUTPUT
from auditor.data.sources import load_dataset
from auditor.data.split_names import split_in
from auditor.errors import InputError


@pytest.fixture
def fill(tmp_path):
    """Makes empty files by their names below a root, data/set."""

    def make(*files: str) -> Path:
        root = tmp_path / "data" / "set"
        for file in files:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(b"")
        return root

    return make


def read(dataset: Dataset) -> dict[str, tuple[str | None, str | None]]:
    return {sample.file: (sample.label, sample.split) for sample in dataset.samples}


def says(dataset: Dataset, *words: str) -> bool:
    return any(all(word in note for word in words) for note in dataset.notes)


# Published data sets


def test_intel_scenes(fill):
    dataset = load_dataset(fill(
        "seg_train/seg_train/forest/1.jpg", "seg_train/seg_train/sea/2.jpg", "seg_test/seg_test/forest/3.jpg",
        "seg_test/seg_test/sea/4.jpg", "seg_pred/seg_pred/5.jpg",
    ))  # fmt: skip

    assert read(dataset) == {
        "seg_pred/seg_pred/5.jpg": (None, None),
        "seg_test/seg_test/forest/3.jpg": ("forest", "test"), "seg_test/seg_test/sea/4.jpg": ("sea", "test"),
        "seg_train/seg_train/forest/1.jpg": ("forest", "train"), "seg_train/seg_train/sea/2.jpg": ("sea", "train"),
    }  # fmt: skip
    assert dataset.classes == ("forest", "sea")
    assert says(dataset, "seg_train/seg_train (train)", "--classes-at 1")


def test_one_part_of_intel_scenes(fill):
    assert load_dataset(fill("seg_train/seg_train/sea/1.jpg", "seg_train/seg_train/forest/2.jpg")).classes == (
        "forest", "sea",
    )  # fmt: skip


def test_tiny_imagenet(fill):
    root = fill(
        "train/n01443537/images/a.JPEG", "train/n01443537/n01443537_boxes.txt", "train/n01629819/images/b.JPEG",
        "val/images/val_0.JPEG", "val/images/val_1.JPEG", "test/images/test_0.JPEG", "wnids.txt", "words.txt",
    )  # fmt: skip
    (root / "val/val_annotations.txt").write_text(
        "val_0.JPEG\tn01629819\t0\t32\t44\t62\nval_1.JPEG\tn01443537\t0\t0\t9\t9\n"
    )

    dataset = load_dataset(root)

    assert read(dataset) == {
        "test/images/test_0.JPEG": (None, "test"),
        "train/n01443537/images/a.JPEG": ("n01443537", "train"),
        "train/n01629819/images/b.JPEG": ("n01629819", "train"),
        "val/images/val_0.JPEG": ("n01629819", "val"), "val/images/val_1.JPEG": ("n01443537", "val"),
    }  # fmt: skip
    assert dataset.classes == ("n01443537", "n01629819")
    assert says(dataset, "val/val_annotations.txt")
    assert says(dataset, "Every class folder holds one folder, images", "--classes-at 3")


@pytest.mark.parametrize("above", ["", "PlantVillage-Dataset/raw/"])
def test_plant_village(fill, above):
    variants = ("color", "grayscale", "segmented")

    files = (f"{above}{variant}/{leaf}/1.jpg" for variant in variants for leaf in ("Grape", "Corn"))

    dataset = load_dataset(fill(*files))

    assert dataset.classes == ("Corn", "Grape")
    assert {split for _, split in read(dataset).values()} == {None}
    assert says(dataset, *variants, "--classes-at")


def test_kaggle_pet_images(fill):
    files = ("PetImages/Cat/1.jpg", "PetImages/Dog/2.jpg", "PetImages/Dog/Thumbs.db", "readme[1].txt")

    dataset = load_dataset(fill(*files))

    assert dataset.classes == ("Cat", "Dog")
    assert says(dataset, "PetImages", "--classes-at 1")


@pytest.mark.parametrize("above", ["images/", ""])
def test_oxford_pets_by_name(fill, above):
    names = ["Abyssinian_1.jpg", "american_pit_bull_terrier_12.jpg"]
    masks = ["annotations/trimaps/Abyssinian_1.png", "annotations/list.txt"] if above else []

    dataset = load_dataset(fill(*(above + name for name in names), *masks))

    assert dataset.classes == ("Abyssinian", "american_pit_bull_terrier")
    assert len(dataset.samples) == 2
    assert says(dataset, "Oxford-IIIT")


def test_names_that_only_look_like_those_of_the_oxford_pets_are_one_class(fill):
    assert load_dataset(fill("images/Abyssinian_1.jpg", "images/holiday_2.jpg")).classes == ("images",)


def test_stanford_dogs(fill):
    dogs = ("n02085620-Chihuahua", "n02085782-Japanese_spaniel")

    dataset = load_dataset(fill(*(f"Images/{dog}/1.jpg" for dog in dogs), *(f"Annotation/{dog}/n1_7" for dog in dogs)))

    assert dataset.classes == dogs


@pytest.mark.parametrize("above", ["imagenette2-160", "cifar10", "chest_xray"])
def test_a_folder_around_the_splits_is_stepped_into(fill, above):
    dataset = load_dataset(fill(*(f"{above}/{part}/{name}/1.png" for part in ("train", "test") for name in ("a", "b"))))

    assert dataset.classes == ("a", "b")
    assert {split for _, split in read(dataset).values()} == {"train", "test"}


# Folders that hold the same folders


@pytest.mark.parametrize(
    ("tops", "splits"),
    [
        (("train", "dev", "holdout"), ("train", "val", "test")),
        (("images_train", "images_val"), ("train", "val")),
        (("cars-train2017", "cars-val2017"), ("train", "val")),
        (("train", "extra"), ("train", None)),
        (("dev", "held-out"), ("val", "test")),
    ],
)
def test_folders_named_like_splits_that_hold_the_same_folders_are_splits(fill, tops, splits):
    dataset = load_dataset(fill(*(f"{top}/{name}/1.jpg" for top in tops for name in ("cat", "dog"))))

    assert dataset.classes == ("cat", "dog")
    found = {file.split("/")[0]: split for file, (_, split) in read(dataset).items()}
    assert found == dict(zip(tops, splits, strict=True))
    assert says(dataset, "folders of the same names", "--classes-at 1")


@pytest.mark.parametrize("tops", [("cat", "dog"), ("2019", "2020", "2021"), ("site a", "site b")])
def test_other_folders_that_hold_the_same_folders_are_classes_and_the_note_names_the_options(fill, tops):
    dataset = load_dataset(fill(*(f"{top}/{name}/1.jpg" for top in tops for name in ("in", "out"))))

    assert dataset.classes == tops
    assert says(dataset, *tops, "--classes-at 2", "--split-at 1")


@pytest.mark.parametrize("inner", ["images", "photos", "JPEGs"])
def test_one_folder_in_every_class_is_noted(fill, inner):
    dataset = load_dataset(fill(f"cat/{inner}/1.jpg", f"dog/{inner}/2.jpg"))

    assert dataset.classes == ("cat", "dog")
    assert says(dataset, inner, "--classes-at 2")


@pytest.mark.parametrize(
    ("name", "split"),
    [("seg_train", "train"), ("Images-Val2017", "val"), ("hold_out", "test"), ("dev", "val"), ("train_test", None),
     ("trainer", None), ("contest", None), ("cat", None)],
)  # fmt: skip
def test_the_split_in_a_name(name, split):
    assert split_in(name) == split


def test_a_table_beside_images_without_classes_is_pointed_at(fill):
    dataset = load_dataset(fill("train/1.jpg", "train/2.jpg", "train_labels.csv"))

    assert says(dataset, "train_labels.csv", "path of the table")


# Stated depths


def test_classes_and_splits_by_depth(fill):
    root = fill("a/train/cat/1.jpg", "b/dev/dog/x/2.jpg", "b/odd/dog/3.jpg", "4.jpg")

    assert load_dataset(root, classes_at=1).classes == ("a", "b")
    dataset = load_dataset(root, split_at=2)

    assert read(dataset) == {
        "4.jpg": (None, None), "a/train/cat/1.jpg": ("cat", "train"), "b/dev/dog/x/2.jpg": ("dog", "val"),
        "b/odd/dog/3.jpg": ("dog", None),
    }  # fmt: skip
    assert says(dataset, "no split", "odd")


def test_a_split_may_lie_below_the_class(fill):
    dataset = load_dataset(fill("cat/train/1.jpg", "dog/test/2.jpg"), classes_at=1, split_at=2)

    assert list(read(dataset).values()) == [("cat", "train"), ("dog", "test")]


def test_classes_by_depth_keep_the_splits_above(fill):
    dataset = load_dataset(fill("images/train/cat/1.jpg", "images/val/dog/2.jpg"), classes_at=3)

    assert list(read(dataset).values()) == [("cat", "train"), ("dog", "val")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes_at": 4}, "--classes-at is 4.*deepest is a/cat/1.jpg"),
        ({"split_at": 2}, "--classes-at is 3"),
        ({"split_at": 1, "classes_at": 1}, "both 1"),
        ({"classes_at": 1, "label_from": "name"}, "--classes-at 1.*file names"),
    ],
)
def test_depths_that_cannot_be_are_errors(fill, options, words):
    with pytest.raises(InputError, match=words):
        load_dataset(fill("a/cat/1.jpg"), **options)


# --exclude


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("*_mask.png", ["cat/1.png", "cat/thumbs/1.png", "masks/1.png"]),
        ("thumbs", ["cat/1.png", "cat/1_mask.png", "masks/1.png"]),
        ("cat/thumbs/**", ["cat/1.png", "cat/1_mask.png", "masks/1.png"]),
        ("masks/*", ["cat/1.png", "cat/1_mask.png", "cat/thumbs/1.png"]),
        ("**/1.png", ["cat/1_mask.png"]),
        ("cat/[!1]*", ["cat/1.png", "cat/1_mask.png", "masks/1.png"]),
        ("./cat/", ["masks/1.png"]),
    ],
)
def test_excluded_files_are_skipped_with_the_glob(fill, glob, left):
    root = fill("cat/1.png", "cat/1_mask.png", "cat/thumbs/1.png", "masks/1.png")

    dataset = load_dataset(root, exclude=[glob])

    assert [sample.file for sample in dataset.samples] == left
    assert {reason for _, reason in dataset.skipped} == {f"excluded by {glob}"}
    assert set(dataset.classes) == {file.split("/")[0] for file in left}
    assert not says(dataset, "Nothing is excluded")


def test_a_glob_that_matches_nothing_is_noted_and_case_counts(fill):
    dataset = load_dataset(fill("cat/1.png"), exclude=["*.PNG", "**/x[1"])

    assert says(dataset, "Nothing is excluded by *.PNG") and says(dataset, "x[1")
    assert len(dataset.samples) == 1


def test_a_glob_matches_a_name_in_any_unicode_form(fill):
    name = unicodedata.normalize("NFD", "Löwe")

    assert len(load_dataset(fill(f"{name}/1.png", "cat/2.png"), exclude=["Löwe"]).samples) == 1


def test_files_of_a_manifest_are_excluded(fill):
    root = fill("cat/1.png", "cat/1_mask.png")
    (root / "m.csv").write_text("file,label\ncat/1.png,cat\ncat/1_mask.png,cat\n")

    dataset = load_dataset(root / "m.csv", exclude=["*_mask.png"])

    assert dataset.skipped == (("cat/1_mask.png", "excluded by *_mask.png"),)


def test_an_empty_glob_is_an_error(fill):
    with pytest.raises(InputError, match="--exclude is empty"):
        load_dataset(fill("cat/1.png"), exclude=[""])


# auditor's own output


def write(folder: Path, name: str, record: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"format_version": 1, **record}))


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("summary.json", {"dataset": {}, "findings": {}, "outcomes": {}, "run": {}}),
        ("evaluation.json", {"confusion": [], "calibration": {}, "run": {}}),
        ("explain.json", {"written_by": "auditor explain", "files": ["a.png"]}),
        ("model.json", {"classes": [], "input_size": [1, 1], "preprocessing": "unit", "files": {}}),
        ("truth.json", {"seed": 0, "faults": [], "clean": []}),
    ],
)
@pytest.mark.parametrize("where", ["reports/set/20250101T000000Z", "renamed", "cat/old"])
def test_what_auditor_wrote_is_left_out_wherever_it_lies(fill, name, record, where):
    root = fill("cat/1.png", "dog/2.png", f"{where}/a.png", f"{where}/deep/b.png")
    write(root / where, name, record)
    (root / where).with_name("latest").symlink_to((root / where).name)

    dataset = load_dataset(root)

    assert [sample.file for sample in dataset.samples] == ["cat/1.png", "dog/2.png"]
    assert dataset.classes == ("cat", "dog")
    assert {reason for _, reason in dataset.skipped} == {OWN_OUTPUT}
    assert dataset.notes == ()


def test_at_the_root_only_the_files_that_explain_wrote_are_left_out(fill):
    root = fill("cat/1.png", "heat.png", "mine.png")
    write(root, "explain.json", {"written_by": "auditor explain", "files": ["heat.png"]})

    assert [sample.file for sample in load_dataset(root).samples] == ["cat/1.png", "mine.png"]


def test_the_demos_stickers_are_data_when_they_are_named(fill):
    root = fill("images/cat/1.png")
    write(root, "truth.json", {"seed": 0, "faults": [], "clean": []})

    assert len(load_dataset(root).samples) == 1


@pytest.mark.parametrize("name", ["summary.json", "model.json", "explain.json"])
def test_other_files_of_such_names_do_not_hide_images(fill, name):
    root = fill("cat/1.png")
    write(root / "cat", name, {"classes": []})

    assert len(load_dataset(root).samples) == 1


# Other layouts that are told


@pytest.mark.parametrize(
    ("files", "path", "option"),
    [
        (("food-101/images/pie/1.jpg", "food-101/images/soup/2.jpg"), "food-101/images", "--classes-at 3"),
        (("EuroSAT/2750/Forest/1.jpg", "EuroSAT/2750/River/2.jpg"), "EuroSAT/2750", "--classes-at 3"),
        (("a/b/c/cat/1.jpg", "a/b/c/dog/2.jpg"), "a/b/c", "--classes-at 4"),
    ],
)
def test_folders_deep_in_the_only_class_are_told(fill, files, path, option):
    assert says(load_dataset(fill(*files)), "one class", f"give the path of {path}", option)


@pytest.mark.parametrize("name", ["images", "Images", "JPEGImages"])
def test_a_folder_that_only_holds_images_is_hardly_a_class(fill, name):
    assert says(load_dataset(fill(f"{name}/cat.0.jpg", f"{name}/dog.1.jpg")), f"only class is {name}", "--label-from")


@pytest.mark.parametrize("parts", [("train", "val"), ("Training", "Testing"), ("dev", "holdout")])
def test_splits_in_the_classes_are_told_with_the_options_that_read_them(fill, parts):
    root = fill(*(f"{label}/{part}/1.jpg" for label in ("cat", "dog") for part in parts))

    assert says(load_dataset(root), "names of splits", "--classes-at 1 --split-at 2")
    assert all(sample.split for sample in load_dataset(root, classes_at=1, split_at=2).samples)


def test_folders_named_like_splits_that_hold_different_folders_are_told(fill):
    root = fill("abc_train/abc_train/A/1.jpg", "abc_train/abc_train/B/2.jpg", "abc_test/abc_test/A_test.jpg")

    assert says(load_dataset(root), "abc_test, abc_train", "--split-at 1 --classes-at 3")
    assert read(load_dataset(root, split_at=1, classes_at=3)) == {
        "abc_test/abc_test/A_test.jpg": (None, "test"),
        "abc_train/abc_train/A/1.jpg": ("A", "train"), "abc_train/abc_train/B/2.jpg": ("B", "train"),
    }  # fmt: skip
