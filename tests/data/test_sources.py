"""Sources of samples: every layout, and unusual files in folders."""

import json
import os
import socket
import sys
import tarfile
from pathlib import Path

import pytest

from auditor.data.dataset import Dataset, name_of
from auditor.data.options import label_in_name
from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.text import shown, unshown


@pytest.fixture
def fill(tmp_path):
    """Makes empty files by their names below a root, data/pets: listing samples needs only names."""

    def make(*files: str) -> Path:
        for file in files:
            path = tmp_path / "data" / "pets" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return tmp_path / "data" / "pets"

    return make


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def labels(dataset: Dataset) -> dict[str, str | None]:
    return {sample.file: sample.label for sample in dataset.samples}


def splits(dataset: Dataset) -> dict[str, str | None]:
    return {sample.file: sample.split for sample in dataset.samples}


def says(dataset: Dataset, *words: str) -> bool:
    return any(all(word in note for word in words) for note in dataset.notes)


# Folders


def test_folders_are_classes_and_deeper_folders_belong_to_them(fill):
    root = fill("dog/a.jpg", "cat/b.PNG", "cat/indoor/dark/c.webp")

    dataset = load_dataset(root)

    assert labels(dataset) == {"cat/b.PNG": "cat", "cat/indoor/dark/c.webp": "cat", "dog/a.jpg": "dog"}
    assert dataset.classes == ("cat", "dog")
    assert dataset.name == "data-pets"
    assert dataset.root == root
    assert [sample.path for sample in dataset.samples] == [root / sample.file for sample in dataset.samples]
    assert (dataset.skipped, dataset.failed, dataset.notes) == ((), (), ())


def test_samples_come_in_code_point_order(fill):
    names = ["b/2.jpg", "b/10.jpg", "B/1.jpg", "a b/1.jpg", "a/1.jpg", "ä/1.jpg", "b/é.jpg"]

    files = [sample.file for sample in load_dataset(fill(*names)).samples]

    assert files == sorted(names)


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "val", "test"),
        ("Training", "valid", "Testing"),
        ("training_set", "validation-set", "test_set"),
        ("training_set/training_set", "validation_set/validation_set", "test_set/test_set"),
        ("train-set", "val_set", "TEST"),
    ],
)
def test_splits_above_the_classes(fill, train, val, test):
    root = fill(f"{train}/cat/1.jpg", f"{val}/dog/2.jpg", f"{test}/cat/deep/3.jpg")

    dataset = load_dataset(root)

    assert [(s.file, s.label, s.split) for s in sorted(dataset.samples, key=lambda s: s.file[-5])] == [
        (f"{train}/cat/1.jpg", "cat", "train"),
        (f"{val}/dog/2.jpg", "dog", "val"),
        (f"{test}/cat/deep/3.jpg", "cat", "test"),
    ]
    assert dataset.classes == ("cat", "dog")
    assert says(dataset, "Splits are", train)


def test_a_split_without_class_folders_is_unlabelled(fill):
    dataset = load_dataset(fill("train/cat/1.jpg", "train/dog/2.jpg", "test/3.jpg", "train/stray.jpg"))

    assert labels(dataset) == {
        "test/3.jpg": None, "train/cat/1.jpg": "cat", "train/dog/2.jpg": "dog", "train/stray.jpg": None,
    }  # fmt: skip
    assert splits(dataset)["test/3.jpg"] == "test"
    assert says(dataset, "without a label: 2 of 4")


def test_a_folder_named_like_a_split_is_a_class_if_nothing_else_is_a_split(fill):
    dataset = load_dataset(fill("bus/1.jpg", "car/2.jpg", "train/3.jpg"))

    assert dataset.classes == ("bus", "car", "train")
    assert set(splits(dataset).values()) == {None}


def test_a_class_named_like_a_split_may_contain_folders(fill):
    dataset = load_dataset(fill("bus/1.jpg", "train/3.jpg", "train/steam/4.jpg"))

    assert labels(dataset) == {"bus/1.jpg": "bus", "train/3.jpg": "train", "train/steam/4.jpg": "train"}


def test_a_class_named_like_its_split_is_a_class_beside_others(fill):
    dataset = load_dataset(fill("train/train/1.jpg", "train/bus/2.jpg", "test/train/3.jpg"))

    assert labels(dataset) == {"test/train/3.jpg": "train", "train/bus/2.jpg": "bus", "train/train/1.jpg": "train"}


def test_two_flat_splits_have_no_labels_and_the_note_names_the_option(fill):
    dataset = load_dataset(fill("train/cat.0.jpg", "test1/1.jpg"))

    assert splits(dataset) == {"train/cat.0.jpg": "train", "test1/1.jpg": "test"}
    assert set(labels(dataset).values()) == {None}
    assert says(dataset, "--label-from name")


def test_a_folder_beside_splits_is_a_class_without_a_split(fill):
    dataset = load_dataset(fill("train/cat/1.jpg", "val/cat/2.jpg", "lynx/3.jpg", "notes/todo.txt", "4.jpg"))

    assert labels(dataset)["lynx/3.jpg"] == "lynx"
    assert splits(dataset)["lynx/3.jpg"] is None
    assert labels(dataset)["4.jpg"] is None
    assert dataset.classes == ("cat", "lynx")
    assert says(dataset, "lynx", "without a split")
    assert says(dataset, "notes", "not read as classes")


def test_a_folder_with_only_images_is_one_class(fill):
    dataset = load_dataset(fill("1.jpg", "2.jpg"))

    assert labels(dataset) == {"1.jpg": "pets", "2.jpg": "pets"}
    assert dataset.classes == ("pets",)


def test_images_beside_class_folders_are_unlabelled(fill):
    assert labels(load_dataset(fill("1.jpg", "cat/2.jpg"))) == {"1.jpg": None, "cat/2.jpg": "cat"}


def test_empty_class_folders_are_classes_and_folders_of_other_files_are_not(fill):
    root = fill("cat/1.jpg", "dog/.gitkeep", "annotations/1.xml")
    (root / "fox").mkdir()

    dataset = load_dataset(root)

    assert dataset.classes == ("cat", "dog", "fox")
    assert says(dataset, "Empty class folders: dog, fox")
    assert says(dataset, "not read as classes: annotations")


def test_a_class_that_is_empty_in_one_split_is_noted(fill):
    root = fill("train/cat/1.jpg", "train/dog/2.jpg", "val/cat/3.jpg")
    (root / "val" / "dog").mkdir()

    dataset = load_dataset(root)

    assert dataset.classes == ("cat", "dog")
    assert says(dataset, "val/dog")


def test_a_wrapping_folder_is_one_class_and_the_note_says_which_path_to_give(fill):
    dataset = load_dataset(fill("images/cat/1.jpg", "images/dog/2.jpg"))

    assert dataset.classes == ("images",)
    assert says(dataset, "give the path of images")


# Labels in file names


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("cat.0.jpg", "cat"), ("great_pyrenees_12.jpg", "great_pyrenees"), ("dog (3).jpg", "dog"), ("cat-7.png", "cat"),
        ("cat.jpg", "cat"), ("cat0012.jpg", "cat"), ("12.jpg", None), ("cat.0.copy.jpg", "cat"),
        ("3d_model_4.png", "3d_model"),
    ],
)  # fmt: skip
def test_the_class_at_the_start_of_a_name(name, label):
    assert label_in_name(name) == label


def test_labels_from_names_in_flat_folders_and_below_splits(fill):
    root = fill("train/cat.0.jpg", "train/dog.0.jpg", "test1/1.jpg")

    dataset = load_dataset(root, label_from="name")

    assert labels(dataset) == {"test1/1.jpg": None, "train/cat.0.jpg": "cat", "train/dog.0.jpg": "dog"}
    assert splits(dataset) == {"test1/1.jpg": "test", "train/cat.0.jpg": "train", "train/dog.0.jpg": "train"}
    assert dataset.classes == ("cat", "dog")


def test_labels_from_names_in_only_one_split(fill):
    dataset = load_dataset(fill("train/train/cat.0.jpg", "train/train/dog.0.jpg"), label_from="name")

    assert set(splits(dataset).values()) == {"train"}
    assert dataset.classes == ("cat", "dog")


# What is left out


def test_hidden_and_system_files_are_left_out_and_counted(fill):
    left_out = [
        ".DS_Store", ".git/objects/ab.jpg", "__MACOSX/cat/._1.jpg", "cat/.hidden.jpg", "cat/._1.jpg", "cat/Thumbs.db",
        "cat/desktop.ini", "cat/notes.txt", "cat/README",
    ]  # fmt: skip

    dataset = load_dataset(fill("cat/1.jpg", *left_out))

    assert [sample.file for sample in dataset.samples] == ["cat/1.jpg"]
    reasons = dict(dataset.skipped)
    assert list(reasons) == sorted(left_out)
    assert reasons["cat/._1.jpg"] == "macOS resource fork"
    assert reasons["cat/Thumbs.db"] == "system file"
    assert reasons["cat/.hidden.jpg"] == "hidden"
    assert reasons[".git/objects/ab.jpg"] == "in a hidden folder"
    assert reasons["__MACOSX/cat/._1.jpg"] == "in __MACOSX"
    assert reasons["cat/notes.txt"] == "not an image (.txt)"
    assert reasons["cat/README"] == "not an image (no extension)"
    assert dataset.classes == ("cat",)


def test_files_without_an_image_extension_are_recognised_by_their_header(fill, place, photo):
    root = fill("cat/empty")
    place(photo, root / "cat" / "1.jpg").rename(root / "cat" / "portrait")
    place(photo, root / "cat" / "2.png").rename(root / "cat" / "export.dat")

    dataset = load_dataset(root)

    assert [sample.file for sample in dataset.samples] == ["cat/export.dat", "cat/portrait"]
    assert dataset.skipped == (("cat/empty", "not an image (no extension)"),)


def test_photographs_in_a_format_that_is_not_read_are_reported(fill):
    dataset = load_dataset(fill("cat/1.jpg", "cat/2.PSD", "cat/3.psd"))

    assert dataset.skipped[0] == ("cat/2.PSD", "an image format that is not read (Photoshop, PSD)")
    assert says(dataset, "PSD): 2", "Convert")


def test_links_to_files_are_samples_and_links_to_folders_are_not_followed(fill, tmp_path, place, photo):
    root = fill("cat/1.jpg")
    outside = place(photo, tmp_path / "elsewhere" / "2.jpg")
    (root / "cat" / "link.jpg").symlink_to(outside)
    (root / "cat" / "gone.jpg").symlink_to(tmp_path / "gone.jpg")
    (root / "cat" / "self.jpg").symlink_to("self.jpg")
    (root / "cat" / "gone").symlink_to(tmp_path / "gone")
    (root / "cat" / "loop").symlink_to(root)
    (root / "other").symlink_to(outside.parent)

    dataset = load_dataset(root)

    assert [sample.file for sample in dataset.samples] == ["cat/1.jpg", "cat/link.jpg"]
    assert [file for file, _ in dataset.failed] == ["cat/gone.jpg", "cat/self.jpg"]
    assert [file for file, _ in dataset.skipped] == ["cat/gone"]
    assert says(dataset, "not followed", "cat/loop, other")


def test_a_root_that_is_a_link_is_read_and_named_after_the_link(fill, tmp_path):
    link = tmp_path / "data" / "tonight"
    link.symlink_to(fill("cat/1.jpg"))

    dataset = load_dataset(link)

    assert dataset.name == "data-tonight"
    assert dataset.samples[0].path == link / "cat/1.jpg"


def test_files_that_are_not_regular_are_skipped_without_being_opened(fill, monkeypatch):
    root = fill("cat/1.jpg")
    os.mkfifo(root / "cat" / "pipe.jpg")
    os.mkfifo(root / "metadata.csv")
    (root / "cat" / "via.jpg").symlink_to("pipe.jpg")
    monkeypatch.chdir(root)  # a socket's address has to be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.jpg")
        dataset = load_dataset(root)

    assert len(dataset.samples) == 1
    assert dict(dataset.skipped) | dict(dataset.failed) == {
        "cat/pipe.jpg": "not a regular file (fifo)",
        "cat/via.jpg": "not a regular file (fifo)",
        "metadata.csv": "not a regular file (fifo)",
        "s.jpg": "not a regular file (socket)",
    }


def test_a_folder_that_cannot_be_listed_is_noted(fill):
    root = fill("cat/1.jpg", "dog/2.jpg")
    (root / "dog").chmod(0)
    try:
        if os.access(root / "dog", os.R_OK):
            pytest.skip("permissions do not bind this user")
        dataset = load_dataset(root)
    finally:
        (root / "dog").chmod(0o755)

    assert [sample.file for sample in dataset.samples] == ["cat/1.jpg"]
    assert says(dataset, "dog", "could not be listed")


def test_a_path_too_long_for_the_system_is_noted(fill, monkeypatch):
    root = fill("cat/1.jpg")
    monkeypatch.chdir(root)
    for _ in range(20):
        Path("d" * 250).mkdir()
        os.chdir("d" * 250)
    os.chdir(root)

    assert says(load_dataset(root), "could not be listed")


# Names


def test_names_that_are_not_unicode_become_printable_and_stay_different(fill):
    root = fill("cat/a.jpg")
    folder = os.fsencode(root / "cat")
    for name in (b"\xff.jpg", b"\\udcff.jpg", b"new\nline.jpg", b"\xe9t\xe9.jpg", b"back\\slash.jpg"):
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(b"")

    dataset = load_dataset(root)

    files = [sample.file for sample in dataset.samples]
    assert files == sorted(
        [
            "cat/a.jpg", r"cat/\udcff.jpg", r"cat/\\udcff.jpg", r"cat/new\x0aline.jpg", r"cat/\udce9t\udce9.jpg",
            r"cat/back\slash.jpg",
        ]
    )  # fmt: skip
    json.dumps(files).encode()
    assert all(sample.path.exists() for sample in dataset.samples)


def test_a_class_name_that_is_not_unicode_becomes_printable(fill):
    root = fill("cat/a.jpg")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).mkdir()
    Path(os.fsdecode(os.fsencode(root) + b"/\xff/b.jpg")).write_bytes(b"")

    assert load_dataset(root).classes == (r"\udcff", "cat")


def test_different_names_are_shown_differently():
    pieces = [
        "a",
        "\\",
        "\\x0a",
        "\n",
        "\\u2028",
        "\u2028",
        "\udcff",
        "\\udcff",
        "x",
        "é",
        "\x7f",
        "\\\\",
        "u",
        "\u200d",
    ]
    names = {"".join((p, q, r)) for p in pieces for q in pieces for r in pieces}

    assert len({shown(name) for name in names}) == len(names)
    assert all("\n" not in shown(name) for name in names)
    "".join(shown(name) for name in names).encode()
    assert all(unshown(shown(name)) == name for name in names)


def test_naughty_strings_as_classes_and_files(shared, tmp_path):
    with tarfile.open(shared / "data" / "hostile-images.tar") as tar:
        member = next(m for m in tar.getmembers() if m.name.endswith("naughty-strings.txt"))
        lines = tar.extractfile(member).read().decode().splitlines()
    made: dict[str, str] = {}
    for line in lines:
        name = line.replace("/", "_").replace("\0", "_")
        if line.startswith("#") or not name.strip() or name.startswith(".") or len(name.encode()) > 200:
            continue
        path = tmp_path / name / f"{name}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        made[str(path)] = name

    dataset = load_dataset(tmp_path)

    assert len(made) > 400
    assert {str(sample.path): sample.label for sample in dataset.samples} == {p: shown(n) for p, n in made.items()}
    assert len({sample.file for sample in dataset.samples}) == len(made)
    json.dumps([sample.file for sample in dataset.samples], ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/train", "data-train"), ("/data/train/../val", "data-val"), ("/", "dataset"), ("/pets", "pets"),
        ("/a b/c:d*e", "a_b-c_d_e"), ("/x/..secret", "x-..secret"), ("/.cache/cats", "cache-cats"), ("/é/猫", "é-猫"),
    ],
)  # fmt: skip
def test_the_name_of_a_source_is_safe_as_a_folder_name(path, name):
    assert name_of(Path(path)) == name


def test_a_table_and_the_folder_beside_it_have_two_names(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train.csv").write_text("file,label\n")
    (tmp_path / "train.tsv").write_text("file\tlabel\n")

    names = [name_of(tmp_path / name).removeprefix(f"{tmp_path.name}-") for name in ("train", "train.csv", "train.tsv")]

    assert names == ["train", "train-csv", "train-tsv"]


def test_a_very_long_name_still_fits_a_folder():
    assert len(name_of(Path("/" + "猫" * 80 + "/" + "犬" * 80)).encode()) <= 120


# Manifests


def test_a_manifest_names_files_labels_and_splits(fill):
    root = fill("a/1.jpg", "a/2.jpg", "b/3.jpg", "b/unnamed.jpg")
    manifest = write(
        root / "pets.csv", "file,label,split\na/1.jpg,cat,train\na/2.jpg,,Validation\nb/3.jpg,dog,test_set\n"
    )

    dataset = load_dataset(manifest)

    assert labels(dataset) == {"a/1.jpg": "cat", "a/2.jpg": None, "b/3.jpg": "dog"}
    assert splits(dataset) == {"a/1.jpg": "train", "a/2.jpg": "val", "b/3.jpg": "test"}
    assert dataset.classes == ("cat", "dog")
    assert (dataset.root, dataset.name) == (root, "pets-pets-csv")
    assert dataset.samples[0].path == root / "a/1.jpg"
    assert (dataset.skipped, dataset.failed) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        "\ufefffile,label\nä b/ü,1.jpg,cat\n".replace("ä b/ü,1.jpg", '"ä b/ü,1.jpg"'),
        "path;class\n" + "ä b/ü,1.jpg;cat\n",
        'Image_Path,n,TARGET\r\n\r\n"ä b/ü,1.jpg",3, cat \r\n',
    ],
)
def test_manifests_as_spreadsheets_write_them(fill, text):
    manifest = write(fill("ä b/ü,1.jpg") / "m.csv", text)

    assert labels(load_dataset(manifest)) == {"ä b/ü,1.jpg": "cat"}


def test_manifests_in_utf_16_with_tabs_and_backslashes(fill):
    manifest = write(fill("cat/1.jpg") / "m.tsv", "filename\tcategory\r\ncat\\1.jpg\tcat\r\n".encode("utf-16"))

    assert labels(load_dataset(manifest)) == {"cat/1.jpg": "cat"}


def test_a_manifest_may_be_json_lines(fill):
    manifest = write(
        fill("1.jpg", "2.jpg") / "m.jsonl", '{"file": "1.jpg", "label": 3}\n\n{"file": "2.jpg", "label": null}'
    )

    assert labels(load_dataset(manifest)) == {"1.jpg": "3", "2.jpg": None}


def test_a_manifest_matches_names_that_are_not_unicode_or_normalised_differently(fill):
    root = fill("e\u0301.jpg")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.jpg")).write_bytes(b"")
    manifest = write(root / "m.csv", b"file,label\n\xff.jpg,cat\n\xc3\xa9.jpg,dog\n")

    assert labels(load_dataset(manifest)) == {r"\udcff.jpg": "cat", "e\u0301.jpg": "dog"}


def test_columns_can_be_named(fill):
    manifest = write(fill("1.jpg") / "m.csv", "file,label,where,true,fold\nx,y,1.jpg,cat,val\n")

    dataset = load_dataset(manifest, file_column="where", label_column="true", split_column="Fold")

    assert labels(dataset) == {"1.jpg": "cat"}
    assert splits(dataset) == {"1.jpg": "val"}


@pytest.mark.parametrize(
    ("header", "options", "words"),
    [
        ("foo,label", {}, ["file", "foo, label", "--file-column"]),
        ("file,foo", {}, ["label", "file, foo", "--label-column"]),
        ("file,label", {"label_column": "breed"}, ['"breed"', "file, label", "--label-column"]),
        ("", {}, ["none"]),
    ],
)
def test_missing_columns_are_an_error_that_names_those_found(fill, header, options, words):
    manifest = write(fill("1.jpg") / "m.csv", f"{header}\n1.jpg,cat\n" if header else "")

    with pytest.raises(InputError) as error:
        load_dataset(manifest, **options)

    assert all(word in str(error.value) for word in words)


def test_files_in_a_manifest_that_cannot_be_read_have_failed(fill, tmp_path):
    root = fill("cat/1.jpg", "cat/notes.txt")
    write(tmp_path / "outside.jpg", "")
    (root / "out").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.jpg")
    rows = ["cat/1.jpg", "gone.jpg", "cat", "cat/notes.txt", "../../outside.jpg", "/etc/passwd", "out/outside.jpg",
            "pipe.jpg",
            "cat/1.jpg\0x"]  # fmt: skip
    manifest = write(root / "m.csv", "file,label\n" + "".join(f"{row},cat\n" for row in rows))

    dataset = load_dataset(manifest)

    assert [sample.file for sample in dataset.samples] == ["cat/1.jpg"]
    reasons = dict(dataset.failed)
    assert reasons["gone.jpg"] == "line 3: no such file"
    assert reasons["cat"].endswith("a folder, not a file")
    assert reasons["cat/notes.txt"].endswith("not an image (.txt)")
    assert reasons["pipe.jpg"].endswith("not a regular file")
    assert reasons[r"cat/1.jpg\x00x"].endswith("no such file")
    for refused in ("../../outside.jpg", "/etc/passwd", "out/outside.jpg"):
        assert "refused" in reasons[refused]


def test_paths_that_lead_back_into_the_folder_are_read(fill):
    root = fill("cat/1.jpg", "cat/2.jpg", "cat/3.jpg")
    manifest = write(root / "m.csv", f"file,label\ncat/../cat/1.jpg,cat\n{root}/cat/2.jpg,cat\n./cat//3.jpg,cat\n")

    assert list(labels(load_dataset(manifest))) == ["cat/1.jpg", "cat/2.jpg", "cat/3.jpg"]


def test_lines_that_repeat_are_dropped_and_noted(fill):
    manifest = write(fill("1.jpg") / "m.csv", "file,label\n1.jpg,cat\n./1.jpg,cat\n")

    dataset = load_dataset(manifest)

    assert len(dataset.samples) == 1
    assert says(dataset, "repeat an earlier one, dropped: 1")


@pytest.mark.parametrize("second", ["cat,val", "dog,train", ",train"])
def test_lines_that_contradict_are_an_error_that_names_both(fill, second):
    manifest = write(
        fill("1.jpg", "2.jpg") / "m.csv", f"file,label,split\n1.jpg,cat,train\n2.jpg,dog,\n1.jpg,{second}\n"
    )

    with pytest.raises(InputError, match=r"1\.jpg is named twice.*line 2 .*line 4 "):
        load_dataset(manifest)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('file,label\n1.jpg,"cat\n', "line 2"),
        ("file,label\n1.jpg,cat\n1.jpg,cat,small\n", "line 3.*3 values.*2 columns"),
        ('file,label\n"a\nb.jpg",cat\n,dog\n', "line 4.*must name a file"),
        ("file,label\n" + "x" * 200_000 + ",cat\n", "line 2"),
        ("file,label\ngone.jpg,cat\n", "no such file"),
        ("file,label\n", "holds no image"),
    ],
)
def test_invalid_tables_are_errors_that_name_the_line(fill, text, word):
    manifest = write(fill("1.jpg") / "m.csv", text)

    with pytest.raises(InputError, match=f"(?s){word}"):
        load_dataset(manifest)


@pytest.mark.parametrize("text", ["[1]", "{", '"x"', "[" * 100_000])
def test_invalid_json_lines_are_errors_that_name_the_line(fill, text):
    manifest = write(fill("1.jpg") / "m.jsonl", '{"file": "1.jpg", "label": "cat"}\n' + text + "\n")

    with pytest.raises(InputError, match="line 2"):
        load_dataset(manifest)


def test_half_characters_in_json_do_not_crash(fill):
    manifest = write(
        fill("1.jpg") / "m.jsonl", '{"file": "1.jpg", "label": "\\ud83d"}\n{"file": "\\ud83d.jpg", "label": "x"}'
    )

    dataset = load_dataset(manifest)

    assert labels(dataset) == {"1.jpg": r"\ud83d"}
    assert dataset.failed == ((r"\ud83d.jpg", "line 2: no such file"),)


def test_unknown_split_values_are_noted(fill):
    manifest = write(fill("1.jpg", "2.jpg") / "m.csv", "file,label,split\n1.jpg,cat,fold3\n2.jpg,cat,\n")

    dataset = load_dataset(manifest)

    assert splits(dataset) == {"1.jpg": None, "2.jpg": None}
    assert says(dataset, "fold3")


def test_is_valid_is_the_validation_split(fill):
    manifest = write(fill("1.jpg", "2.jpg") / "m.csv", "path,label,is_valid\n1.jpg,cat,True\n2.jpg,cat,False\n")

    assert splits(load_dataset(manifest)) == {"1.jpg": "val", "2.jpg": "train"}


def test_splits_of_a_manifest_without_such_a_column_are_the_first_folders(fill):
    manifest = write(fill("train/1.jpg", "val/2.jpg") / "m.csv", "file,label\ntrain/1.jpg,cat\nval/2.jpg,dog\n")

    assert splits(load_dataset(manifest)) == {"train/1.jpg": "train", "val/2.jpg": "val"}


# Hugging Face metadata


def test_metadata_at_the_root_gives_labels(fill):
    root = fill("img/1.jpg", "img/2.jpg", "img/3.jpg")
    write(root / "metadata.csv", "file_name,label\nimg/1.jpg,cat\nimg/2.jpg,dog\nimg/gone.jpg,dog\n")

    dataset = load_dataset(root)

    assert labels(dataset) == {"img/1.jpg": "cat", "img/2.jpg": "dog", "img/3.jpg": None}
    assert dataset.classes == ("cat", "dog")
    assert dataset.failed == (("img/gone.jpg", "metadata.csv, line 4: no such file"),)
    assert dataset.skipped == (("metadata.csv", "labels were read from it"),)


def test_metadata_in_the_split_folders(fill):
    root = fill("train/1.jpg", "test/2.jpg", "test/3.jpg")
    write(root / "train" / "metadata.jsonl", '{"file_name": "1.jpg", "breed": "pug"}\n')
    write(root / "test" / "metadata.jsonl", '{"file_name": "2.jpg", "breed": "akita"}\n')

    dataset = load_dataset(root, label_column="breed")

    assert labels(dataset) == {"test/2.jpg": "akita", "test/3.jpg": None, "train/1.jpg": "pug"}
    assert splits(dataset) == {"test/2.jpg": "test", "test/3.jpg": "test", "train/1.jpg": "train"}


def test_metadata_in_a_single_split_folder_makes_it_a_split(fill):
    root = fill("train/1.jpg")
    write(root / "train" / "metadata.csv", "file_name,label\n1.jpg,cat\n")

    assert splits(load_dataset(root)) == {"train/1.jpg": "train"}


def test_with_metadata_without_labels_the_folders_are_the_labels(fill):
    root = fill("cat/1.jpg", "dog/2.jpg")
    write(root / "metadata.csv", "file_name,caption\ncat/1.jpg,a cat\n")

    dataset = load_dataset(root)

    assert labels(dataset) == {"cat/1.jpg": "cat", "dog/2.jpg": "dog"}
    assert says(dataset, "no label column")


def test_a_metadata_file_of_another_kind_is_not_read(fill):
    root = fill("cat/1.jpg")
    write(root / "metadata.csv", "patient,age,label\n7,50,x\n")

    dataset = load_dataset(root)

    assert labels(dataset) == {"cat/1.jpg": "cat"}
    assert says(dataset, "metadata.csv", "not read")


def test_two_metadata_formats_side_by_side_are_an_error(fill):
    root = fill("1.jpg")
    write(root / "metadata.csv", "file_name,label\n1.jpg,cat\n")
    write(root / "metadata.jsonl", '{"file_name": "1.jpg", "label": "dog"}\n')

    with pytest.raises(InputError, match="side by side"):
        load_dataset(root)


def test_metadata_that_contradicts_itself_is_an_error_that_names_both_lines(fill):
    root = fill("train/1.jpg")
    write(root / "metadata.csv", "file_name,label\ntrain/1.jpg,cat\n")
    write(root / "train" / "metadata.csv", "file_name,label\n1.jpg,dog\n")

    with pytest.raises(InputError, match="named twice"):
        load_dataset(root)


# Invalid sources


def test_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match=r"gone cannot be opened.*Expected a folder.*working directory"):
        load_dataset(tmp_path / "gone")


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b"])
def test_a_path_that_no_system_accepts(path):
    with pytest.raises(InputError, match="cannot be opened"):
        load_dataset(Path(path))


def test_a_file_that_is_not_a_manifest(fill):
    with pytest.raises(InputError, match=r"is not a folder, manifest or shard.*\.csv"):
        load_dataset(fill("cat/1.jpg") / "cat/1.jpg")


def test_the_error_for_a_folder_without_images_says_what_it_contains(fill):
    with pytest.raises(InputError, match=r"holds no image \(2 not an image \(\.txt\), 1 hidden") as error:
        load_dataset(fill("a.txt", "b.txt", ".c"))
    assert "Expected images in class folders" in str(error.value)


def test_an_empty_folder(fill):
    root = fill("cat/1.jpg")
    (root / "cat" / "1.jpg").unlink()

    with pytest.raises(InputError, match="Empty class folders: cat"):
        load_dataset(root)
    with pytest.raises(InputError, match="it is empty"):
        load_dataset(root / "cat")


def test_columns_for_a_folder_without_a_table_are_an_error(fill):
    with pytest.raises(InputError, match=r"metadata\.csv"):
        load_dataset(fill("cat/1.jpg"), label_column="breed")


# Every file, once


def test_every_regular_file_is_listed_exactly_once(shared, tmp_path):
    with tarfile.open(shared / "data" / "hostile-images.tar") as tar:
        tar.extractall(tmp_path / "hostile", filter="data")
    files = sorted(
        p.relative_to(tmp_path / "hostile").as_posix() for p in (tmp_path / "hostile").rglob("*") if p.is_file()
    )

    dataset = load_dataset(tmp_path / "hostile")

    placed = [s.file for s in dataset.samples] + [f for f, _ in dataset.skipped] + [f for f, _ in dataset.failed]
    assert sorted(placed) == files


def test_files_with_the_extension_of_an_image_are_not_opened(tmp_path):
    listening = False
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for n in range(10_000):
            os.close(os.open(tmp_path / label / f"{label}.{n}.jpg", os.O_CREAT | os.O_WRONLY))

    opened = []
    sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" and listening else None)
    listening = True
    dataset = load_dataset(tmp_path)
    listening = False

    assert len(dataset.samples) == 20_000
    assert not [path for path in opened if str(path).endswith(".jpg")]
