"""Splits: by the shares, per class, copies of a picture in one part, and the source unchanged."""

import csv
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from auditor.cli import app
from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.progress import Progress
from auditor.settings import Settings
from auditor.splitting.output import run_split
from auditor.splitting.split import Shares, plan_split, split_samples
from auditor.splitting.text import as_text


def noise(seed):
    """A 32 x 32 picture of noise, different for each seed."""
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.fixture
def pets(tmp_path, place):
    """30 cats, 20 dogs and 10 birds, all different pictures."""
    for number in range(60):
        label = "cat" if number < 30 else "dog" if number < 50 else "bird"
        place(noise(number), tmp_path / "data" / "pets" / label / f"{number:02}.png")
    return tmp_path / "data" / "pets"


def plan(source, shares=None, seed=0, **options):
    return plan_split(load_dataset(source, **options).samples, shares or Shares(), seed, Progress())


def run(source, target=None, shares=None, seed=0, by="manifest", **options):
    return run_split(Settings.load(data=source, **options), target, shares or Shares(), seed, by, Progress())


def state(folder):
    """Everything that could change in a folder: names, contents, times."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes() if path.is_file() else None, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


# The plan


def test_every_class_is_divided_by_the_shares(pets):
    assert plan(pets).counts == {"bird": (8, 1, 1), "cat": (24, 3, 3), "dog": (16, 2, 2)}


@pytest.mark.parametrize(
    ("shares", "birds"),
    [((0.7, 0.0, 0.3), (7, 0, 3)), ((1, 0, 0), (10, 0, 0)), ((0, 0, 1), (0, 0, 10)), ((0.98, 0.01, 0.01), (8, 1, 1))],
)
def test_a_share_may_be_0_and_a_small_one_gets_at_least_one_image(pets, shares, birds):
    assert plan(pets, Shares(*shares)).counts["bird"] == birds


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.2), (0.5, 0.1, 0.1), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)])
def test_invalid_shares_are_refused(shares):
    with pytest.raises(InputError, match="the shares are train"):
        Shares(*shares)


def test_shares_that_sum_to_1_except_for_rounding_are_accepted():
    assert Shares(0.7, 0.2, 0.1).each == (0.7, 0.2, 0.1)


def test_the_same_seed_gives_the_same_split_and_another_seed_another_split(pets):
    parts = split_samples(load_dataset(pets).samples, Shares(), 3, Progress())

    assert parts == plan(pets, seed=3).parts
    assert parts != plan(pets, seed=4).parts


def test_names_and_order_do_not_matter(pets, tmp_path):
    before = plan(pets).parts
    for path in sorted(pets.rglob("*.png")):
        path.rename(path.with_name(f"{99 - int(path.stem)}.png"))

    after = plan(pets).parts

    assert {f"{Path(file).parent}/{99 - int(Path(file).stem)}.png": part for file, part in before.items()} == after


def test_one_more_image_moves_few_of_the_others(pets, place):
    before = plan(pets).parts
    place(noise(1000), pets / "cat" / "new.png")
    after = plan(pets).parts

    assert sum(after[file] != part for file, part in before.items()) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_copies_stay_together_and_the_counts_still_follow_the_shares(pets, place, seed):
    for number in range(0, 50, 5):
        label = "cat" if number < 30 else "dog"
        place(noise(number), pets / label / f"{number:02}-again.jpg", quality=95)
        place(noise(number)[:, ::-1], pets / label / f"{number:02}-mirrored.png")

    found = plan(pets, seed=seed)

    assert len(found.groups) == 10
    assert all(len({found.parts[file] for file in group}) == 1 for group in found.groups)
    assert found.counts == {"bird": (8, 1, 1), "cat": (34, 4, 4), "dog": (22, 3, 3)}


def test_copies_in_two_classes_stay_together_too(pets, place):
    for number in range(6):
        place(noise(number), pets / "dog" / f"{number:02}-as-dog.png")

    found = plan(pets)

    for number in range(6):
        assert found.parts[f"cat/{number:02}.png"] == found.parts[f"dog/{number:02}-as-dog.png"]


def test_a_group_larger_than_a_part_goes_to_the_part_with_most_room(pets, place):
    for number in range(25):
        place(noise(0), pets / "cat" / f"copy-{number}.png")

    found = plan(pets)

    assert len(found.groups[0]) == 26
    assert {found.parts[file] for file in found.groups[0]} == {"train"}
    assert sum(found.counts["cat"]) == 55


def test_a_group_never_goes_to_a_part_without_a_share(tmp_path, place):
    for number in range(9):
        place(noise(0), tmp_path / "cat" / f"{number}.png")
        place(noise(1), tmp_path / "dog" / f"{number}.png")
    place(noise(2), tmp_path / "cat" / "other.png")

    counts = plan(tmp_path, Shares(0.5, 0, 0.5)).counts

    assert all(val == 0 for _, val, _ in counts.values())


def test_unreadable_and_unlabelled_images_are_left_out_and_named(pets, place):
    (pets / "cat" / "broken.jpg").write_bytes(b"")
    place(noise(500), pets / "stray.png")

    found = plan(pets)

    assert found.unreadable == (("cat/broken.jpg", "empty file (0 bytes)"),)
    assert found.unlabelled == ("stray.png",)
    assert len(found.parts) == 60
    text = "\n".join(as_text(found))
    assert "cat/broken.jpg: empty file" in text
    assert "stray.png" in text


def test_nothing_to_split_is_an_error(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.jpg").write_bytes(b"")

    with pytest.raises(InputError, match="nothing to split: of 1 images 0 have no label and 1 cannot be decoded"):
        plan(tmp_path)


def test_the_text_counts_classes_and_parts(pets, place):
    place(noise(0), pets / "cat" / "again.png")

    lines = list(as_text(plan(pets)))

    assert lines[0].split() == ["class", "train", "val", "test"]
    assert lines[2].split() == ["cat", "25", "3", "3"]
    assert lines[4].split() == ["all", "49", "6", "6"]
    assert any("1 groups of copies of one picture, 2 images" in line for line in lines)
    assert "  cat/00.png, cat/again.png" in lines


# Output


def test_notes_about_the_source_are_printed(tmp_path, place):
    for name in ("Cat/1", "Cat/2", "cat/3", "cat/4", "cat/5"):
        place(noise(int(name[-1])), tmp_path / "data" / f"{name}.png")

    plan, _ = run(tmp_path / "data", tmp_path / "out", by="copy")

    assert any(line.startswith('note: "Cat" (2 images) and "cat"') for line in as_text(plan))


def test_a_manifest_beside_the_source_reads_back_as_the_split(pets):
    found, target = run(pets)

    assert target == pets.parent / "pets-split.csv"
    with target.open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert rows[0] == {"file": "pets/bird/50.png", "label": "bird", "split": found.parts["bird/50.png"]}
    samples = load_dataset(target).samples
    assert {sample.file.removeprefix("pets/"): sample.split for sample in samples} == found.parts
    assert all(sample.label == sample.file.split("/")[1] for sample in samples)


@pytest.mark.parametrize("by", ["manifest", "copy", "link"])
def test_the_source_is_not_changed(pets, tmp_path, by):
    before = state(pets)
    _, target = run(pets, tmp_path / "data" / ("out.csv" if by == "manifest" else "out"), by=by)

    assert state(pets) == before
    assert sorted(path.name for path in target.parent.iterdir()) == sorted(["pets", target.name])


@pytest.mark.parametrize("by", ["copy", "link"])
def test_folders_by_part_and_class(pets, tmp_path, by):
    found, target = run(pets, tmp_path / "out", by=by)

    files = {path.relative_to(target).as_posix(): path for path in target.rglob("*.png")}
    assert set(files) == {f"{part}/{file}" for file, part in found.parts.items()}
    for file, part in found.parts.items():
        made, source = files[f"{part}/{file}"], pets / file
        assert made.read_bytes() == source.read_bytes()
        assert made.samefile(source) == (by == "link")
    assert {sample.split for sample in load_dataset(target).samples} == {"train", "val", "test"}


def test_existing_splits_of_the_source_are_ignored(tmp_path, place):
    for number in range(20):
        place(noise(number), tmp_path / "data" / ("train" if number < 15 else "test") / "cat" / f"{number % 15}.png")

    found, target = run(tmp_path / "data", by="copy")

    assert found.counts == {"cat": (16, 2, 2)}
    read = Counter((sample.label, sample.split) for sample in load_dataset(target).samples)
    assert read == {("cat", "train"): 16, ("cat", "val"): 2, ("cat", "test"): 2}


def test_flat_names_and_manifests_are_sources_too(tmp_path, place):
    rows = []
    for number in range(20):
        label = ("cat", "dog")[number % 2]
        place(noise(number), tmp_path / "flat" / f"{label}.{number}.png")
        rows.append(f"flat/{label}.{number}.png,{label}\n")
    (tmp_path / "list.csv").write_text("file,label\n" + "".join(rows))

    by_name, folder = run(tmp_path / "flat", by="copy", label_from="name")
    by_table, manifest = run(tmp_path / "list.csv")

    assert by_name.counts == by_table.counts == {"cat": (8, 1, 1), "dog": (8, 1, 1)}
    assert (folder.name, manifest.name) == ("flat-split", "list-split.csv")
    assert {file: f"flat/{file}" for file in by_name.parts}.items() == {
        file.removeprefix("flat/"): file for file in by_table.parts
    }.items()
    assert {sample.label for sample in load_dataset(folder).samples} == {"cat", "dog"}


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not allow")
@pytest.mark.parametrize("by", ["manifest", "link"])
def test_unusual_names_are_kept(tmp_path, place, by):
    names = ["comma, quote \".png", "line\nbreak.png", " space .png", "=cmd.png", "ünï.png", "back\\x0a.png", "aux.png"]
    for number, name in enumerate(names):
        place(noise(number), tmp_path / "data" / "ca\tt" / name)

    found, target = run(tmp_path / "data", by=by)

    assert Counter(sample.split for sample in load_dataset(target).samples) == Counter(found.parts.values())


def test_the_command_prints_counts_and_ends_with_the_path(pets):
    done = CliRunner().invoke(app, ["split", str(pets), "--train", ".5", "--val", "0", "--test", ".5", "--seed", "7"])

    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert lines[4].split() == ["all", "30", "0", "30"]
    assert lines[-1] == str(pets.parent / "pets-split.csv")
    assert Counter(sample.split for sample in load_dataset(pets.parent / "pets-split.csv").samples) == {
        "train": 30, "test": 30,
    }  # fmt: skip


# Errors


@pytest.mark.parametrize(
    ("target", "by", "complaint"),
    [
        ("taken.csv", "manifest", "exists and is not empty"),
        ("taken", "copy", "exists and is not empty"),
        ("taken.csv", "copy", "is not a folder"),
        ("taken.csv/new", "copy", r"taken\.csv is not a folder"),
        ("empty", "manifest", r"name it empty\.csv"),
        ("data/pets/split.csv", "manifest", "must not be changed"),
        ("data/pets/new", "link", "must not be changed"),
        ("elsewhere/split.csv", "manifest", "below its own folder"),
        ("out", "symlink", "expected one of manifest, copy, link"),
    ],
)
def test_an_invalid_target_is_refused(pets, tmp_path, target, by, complaint):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    (tmp_path / "taken.csv").write_text("mine")
    (tmp_path / "empty").mkdir()
    before = state(tmp_path)

    with pytest.raises(InputError, match=complaint):
        run(pets, tmp_path / target, by=by)

    assert state(tmp_path) == before


def test_empty_targets_are_accepted(pets, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out.csv").touch()

    run(pets, tmp_path / "out", by="link")
    run(pets, tmp_path / "out.csv")

    assert len(load_dataset(tmp_path / "out").samples) == len(load_dataset(tmp_path / "out.csv").samples) == 60


def test_a_class_that_cannot_name_a_folder_is_refused_and_nothing_is_left(tmp_path, place):
    for number in range(4):
        place(noise(number), tmp_path / "data" / f"{number}.png")
    rows = "".join(f"{number}.png,{('../up', 'a/b')[number % 2]}\n" for number in range(4))
    (tmp_path / "data" / "list.csv").write_text("file,label\n" + rows)

    with pytest.raises(InputError, match="cannot be the name of a folder"):
        run(tmp_path / "data" / "list.csv", tmp_path / "out", by="copy")

    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_class_that_a_table_cannot_store_is_refused(tmp_path, place):
    for number in range(4):
        place(noise(number), tmp_path / "data" / (" cat", "dog")[number % 2] / f"{number}.png")

    with pytest.raises(InputError, match=r"class  cat in \w+, would be read as cat"):
        run(tmp_path / "data")

    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_interrupted_split_leaves_nothing(pets, tmp_path):
    class Impatient(Progress):
        def track(self, items, total, what):
            for number, item in enumerate(items):
                if what == "files" and number == 20:
                    raise KeyboardInterrupt
                yield item

    with pytest.raises(KeyboardInterrupt):
        run_split(Settings.load(data=pets), tmp_path / "deep" / "er" / "out", Shares(), 0, "copy", Impatient())

    assert [path.name for path in tmp_path.iterdir()] == ["data"]
