"""TFRecords: packed and unpacked byte for byte, readable with plain tf.data, and a source like any other."""

import json
import os
import shutil
import sys
from typing import NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

import auditor
from auditor.cli import app
from auditor.data.sources import load_dataset
from auditor.errors import InputError, MissingDependency
from auditor.packing.shards import pack, unpack
from auditor.packing.text import as_text
from auditor.progress import Progress
from auditor.settings import Settings
from tests.backends.fake import FakeBackend

tf = pytest.importorskip("tensorflow", reason="TFRecords need auditor[tensorflow]")


class Place(NamedTuple):
    """Where an image lies."""

    shard: str
    offset: int
    length: int


def place_of(sample):
    offset, length, shard = sample.where.split(":", 2)
    return Place(shard, int(offset), int(length))



def paint(redness, seed):
    """A 32 x 32 grey picture with noise, with this much added to red."""
    rng = np.random.default_rng(seed)
    base = rng.integers(60, 90) + rng.normal(0, 6, (32, 32, 3))
    base[..., 0] += redness
    return np.clip(base, 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, place):
    """Grey cats and red dogs in several formats, a wrong label, broken files and one with the wrong extension."""
    root = tmp_path / "data"
    for number in range(12):
        place(paint(0, number), root / "cat" / f"{number:02}.{('png', 'jpg', 'webp')[number % 3]}")
        place(paint(110, 100 + number), root / "dog" / f"{number:02}.{('gif', 'bmp', 'jpg')[number % 3]}")
    place(paint(110, 500), root / "cat" / "deep" / "wrong.png")
    (root / "dog" / "broken.jpg").write_bytes((root / "dog" / "02.jpg").read_bytes()[:200])
    (root / "dog" / "empty.jpg").write_bytes(b"")
    (root / "dog" / "really_a_png.jpg").write_bytes((root / "cat" / "00.png").read_bytes())
    (root / "lynx").mkdir()
    return root


def packed(source, target, shards=None, **options):
    skip = options.pop("skip_unreadable", False)
    return pack(Settings.load(data=source, **options), target, shards, Progress(), skip_unreadable=skip)


def contents(root):
    """File -> bytes, for everything below a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def write_shard(path, *records):
    """Writes a shard as other tools do, from dicts of features."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            features = {
                name: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
                if isinstance(value, int)
                else tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for name, value in record.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return path


def png(seed=0):
    import cv2

    return cv2.imencode(".png", paint(0, seed))[1].tobytes()


# Round trips


def test_bytes_and_names_are_the_same_after_a_round_trip(folder, tmp_path):
    packed(folder, tmp_path / "shards", 3)
    count = unpack(tmp_path / "shards", tmp_path / "back", Progress())

    assert count == 28
    assert contents(tmp_path / "back") == contents(folder)


def test_each_split_has_its_own_shards_and_is_unpacked_as_a_folder(tmp_path, place):
    for number, file in enumerate(("train/cat/1", "train/dog/1", "val/cat/1", "test/dog/deep/1")):
        place(paint(0, number), tmp_path / "data" / f"{file}.png")

    packed(tmp_path / "data", tmp_path / "shards", 2)
    unpack(tmp_path / "shards", tmp_path / "back", Progress())

    assert sorted(path.name for path in (tmp_path / "shards").glob("*.tfrecord")) == [
        "test-00000-of-00001.tfrecord",
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "val-00000-of-00001.tfrecord",
    ]
    assert contents(tmp_path / "back") == contents(tmp_path / "data")


def test_a_manifest_is_unpacked_into_folders_of_its_labels_and_splits(tmp_path, place):
    for number in range(3):
        place(paint(0, number), tmp_path / "data" / "all" / f"{number}.png")
    table = "file,label,split\nall/0.png,cat,train\nall/1.png,dog,val\nall/2.png,,\n"
    (tmp_path / "data" / "list.csv").write_text(table)

    packed(tmp_path / "data" / "list.csv", tmp_path / "shards")
    unpack(tmp_path / "shards", tmp_path / "back", Progress())

    assert list(contents(tmp_path / "back")) == ["all/2.png", "train/cat/all/0.png", "val/dog/all/1.png"]


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not allow")
def test_unusual_names_are_kept(tmp_path, place):
    for number, name in enumerate(["line\nbreak.png", "ünï.png", "back\\x0aslash.png", " space .png"]):
        place(paint(0, number), tmp_path / "data" / "ca\tt" / name)
    (tmp_path / "data" / "ca\tt" / os.fsdecode(b"no-utf8-\xff.png")).write_bytes(png())

    packed(tmp_path / "data", tmp_path / "shards")
    unpack(tmp_path / "shards", tmp_path / "back", Progress())

    assert contents(tmp_path / "back") == contents(tmp_path / "data")
    assert [s.file for s in load_dataset(tmp_path / "shards").samples] == [
        s.file for s in load_dataset(tmp_path / "data").samples
    ]


def test_the_same_source_gives_the_same_bytes_and_mixes_the_classes(folder, tmp_path):
    packed(folder, tmp_path / "one", 2)
    packed(folder, tmp_path / "two", 2)

    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    in_order = sorted(load_dataset(tmp_path / "one").samples, key=place_of)
    assert {"cat", "dog"} <= {sample.label for sample in in_order[:8]}


def test_shards_can_be_packed_again(folder, tmp_path):
    packed(folder, tmp_path / "three", 3)
    packed(tmp_path / "three", tmp_path / "again", 2)
    packed(folder, tmp_path / "two", 2)

    assert contents(tmp_path / "again") == contents(tmp_path / "two")


# Other readers


def test_plain_tf_data_reads_the_shards(folder, tmp_path):
    result = packed(folder, tmp_path / "shards", 2)
    wanted = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/format": tf.io.FixedLenFeature([], tf.string),
        "image/filename": tf.io.FixedLenFeature([], tf.string),
        "image/class/label": tf.io.FixedLenFeature([], tf.int64),
        "image/class/text": tf.io.FixedLenFeature([], tf.string),
        "image/height": tf.io.FixedLenFeature([], tf.int64),
        "image/width": tf.io.FixedLenFeature([], tf.int64),
        "image/split": tf.io.FixedLenFeature([], tf.string),
    }
    shards = [str(tmp_path / "shards" / name) for name in result.shards]
    classes = (tmp_path / "shards" / "labels.txt").read_text().splitlines()

    examples = [tf.io.parse_single_example(record, wanted) for record in tf.data.TFRecordDataset(shards)]

    assert classes == ["cat", "dog", "lynx"]
    files = contents(folder)
    for example in examples:
        row = {name.removeprefix("image/"): value.numpy() for name, value in example.items()}
        name = row["filename"].decode()
        assert row["encoded"] == files.pop(name)
        assert row["class/text"].decode() == name.split("/")[0] == classes[row["class/label"]]
        if name not in ("dog/broken.jpg", "dog/empty.jpg"):
            decoded = tf.io.decode_image(row["encoded"]).shape if row["format"] != b"webp" else (32, 32, 3)
            assert (row["height"], row["width"]) == tuple(decoded)[-3:-1] == (32, 32)
    assert not files
    formats = {example["image/filename"].numpy(): example["image/format"].numpy() for example in examples}
    assert formats[b"dog/00.gif"] == b"gif"
    assert formats[b"dog/really_a_png.jpg"] == b"png"
    assert formats[b"dog/broken.jpg"] == b""


def test_broken_images_are_named_and_left_out_on_request(folder, tmp_path):
    kept = packed(folder, tmp_path / "kept")
    left = packed(folder, tmp_path / "left", skip_unreadable=True)

    assert [file for file, _ in kept.undecodable] == [file for file, _ in left.undecodable]
    assert [file for file, _ in left.undecodable] == ["dog/broken.jpg", "dog/empty.jpg"]
    assert (sum(kept.shards.values()), sum(left.shards.values())) == (28, 26)
    assert kept.classes == {"cat": 13, "dog": 15, "lynx": 0}
    assert any("dog/empty.jpg: empty file" in line for line in as_text(left))


# As a source


def test_a_scan_of_shards_finds_what_a_scan_of_the_folder_finds(folder, tmp_path):
    packed(folder, tmp_path / "shards", 3)

    one, other = (auditor.scan(path, backend=FakeBackend()) for path in (folder, tmp_path / "shards"))

    assert {finding.rule for finding in one.findings} >= {"unreadable", "format_mismatch"}
    assert other.findings == one.findings
    assert other.predictions.equals(one.predictions)
    assert other.classes == one.classes == {"cat": 13, "dog": 15, "lynx": 0}
    assert other.evidence == one.evidence


def test_the_samples_of_shards_equal_those_of_the_folder(folder, tmp_path):
    packed(folder, tmp_path / "shards", 3)
    one, other = load_dataset(folder), load_dataset(tmp_path / "shards")

    assert [(s.file, s.label, s.split, s.size()) for s in other.samples] == [
        (s.file, s.label, s.split, s.size()) for s in one.samples
    ]
    assert [s.read_bytes() for s in other.samples] == [s.read_bytes() for s in one.samples]
    assert (other.classes, other.failed, other.skipped) == (one.classes, one.failed, ())


def test_one_shard_is_a_source(folder, tmp_path):
    result = packed(folder, tmp_path / "shards", 4)
    name, count = next(iter(result.shards.items()))

    assert len(load_dataset(tmp_path / "shards" / name).samples) == count


def test_a_folder_with_images_is_read_as_images(folder, tmp_path):
    packed(folder, tmp_path / "shards")
    shutil.copy(next((tmp_path / "shards").glob("*.tfrecord")), folder / "extra.tfrecord")

    dataset = load_dataset(folder)

    assert ("extra.tfrecord", "not an image (.tfrecord)") in dataset.skipped
    assert len(dataset.samples) == 28


def test_shards_of_other_tools_are_read_by_the_features_they_have(tmp_path):
    shard = write_shard(
        tmp_path / "sets" / "train.tfrecord-00000-of-00001",
        {"image/encoded": png(0), "image/class/label": 1, "image/filename": b"1.png"},
        {"image/encoded": png(1), "image/class/label": 0, "image/filename": b"1.png"},
        {"image/encoded": png(2), "image/class/label": 7, "image/format": b"PNG"},
        {"image/encoded": png(3), "image/class/text": b"owl", "image/filename": b"/home/me/owls/3.png"},
        {"image/encoded": png(4), "image/class/label": -1, "image/filename": b"4.png", "image/split": b"validation"},
    )
    (shard.parent / "labels.txt").write_text("cat\ndog\n")

    dataset = load_dataset(shard.parent)

    place = "train.tfrecord-00000-of-00001"
    assert [(sample.file, sample.label, sample.split) for sample in dataset.samples] == [
        ("4.png", None, "val"),
        ("cat/1.png", "cat", "train"),
        ("dog/1.png", "dog", "train"),
        (f"{place}/000002.png", "7", "train"),
        (f"{place}/000003", "owl", "train"),
    ]
    assert dataset.classes == ("7", "cat", "dog", "owl")
    assert any("named by their place in a shard: 2" in note for note in dataset.notes)


def test_shards_have_no_columns(folder, tmp_path):
    packed(folder, tmp_path / "shards")

    with pytest.raises(InputError, match="no columns"):
        load_dataset(tmp_path / "shards", label_column="breed")


# Damage


def test_the_error_for_a_truncated_shard_names_the_record(folder, tmp_path):
    packed(folder, tmp_path / "shards", 2)
    shard = sorted((tmp_path / "shards").glob("*.tfrecord"))[1]
    places = sorted(map(place_of, load_dataset(shard).samples))
    os.truncate(shard, places[5].offset + 10)

    with pytest.raises(InputError, match=r"images-00001-of-00002\.tfrecord: record 5 is cut short"):
        load_dataset(tmp_path / "shards")


def test_a_shard_truncated_between_records_is_found_by_the_list_of_shards(folder, tmp_path):
    packed(folder, tmp_path / "shards", 1)
    shard = next((tmp_path / "shards").glob("*.tfrecord"))
    data = shard.read_bytes()
    length = int.from_bytes(data[:8], "little")
    shard.write_bytes(data[: 12 + length + 4])

    with pytest.raises(InputError, match=r"ends after 1 records, but .* lists 28: record 1 was cut off"):
        load_dataset(tmp_path / "shards")


def test_the_error_for_a_changed_byte_names_the_record(folder, tmp_path):
    packed(folder, tmp_path / "shards", 2)
    shard = sorted((tmp_path / "shards").glob("*.tfrecord"))[0]
    places = sorted(map(place_of, load_dataset(shard).samples))
    data = bytearray(shard.read_bytes())
    data[places[3].offset + places[3].length // 2] ^= 1
    shard.write_bytes(data)

    for read in (load_dataset, lambda path: unpack(path, tmp_path / "back", Progress())):
        with pytest.raises(InputError, match=r"images-00000-of-00002\.tfrecord: record 3 is corrupt"):
            read(tmp_path / "shards")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\xff" * 64, "record 0 is cut short or corrupt"),
        ((2**40).to_bytes(8, "little") + bytes(100), "record 0 is cut short or corrupt"),
        (b"\x1f\x8b\x08" + bytes(100), "compressed"),
    ],
)
def test_files_that_are_not_shards_are_refused(tmp_path, data, complaint):
    (tmp_path / "a.tfrecord").write_bytes(data)

    with pytest.raises(InputError, match=complaint):
        load_dataset(tmp_path)


def test_the_error_for_a_record_without_an_image_names_its_features(tmp_path):
    shard = write_shard(tmp_path / "a.tfrecord", {"image/encoded": png()}, {"image_raw": b"x", "label": 1})
    with pytest.raises(InputError, match=r"a\.tfrecord: record 1 has no feature image/encoded.*image_raw, label"):
        load_dataset(shard)

    with tf.io.TFRecordWriter(str(shard)) as writer:
        writer.write(b"\xff\xff not an example")
    with pytest.raises(InputError, match=r"a\.tfrecord: record 0 is not a tf\.train\.Example"):
        load_dataset(shard)


def test_the_error_names_missing_shards(folder, tmp_path):
    packed(folder, tmp_path / "shards", 3)
    (tmp_path / "shards" / "images-00001-of-00003.tfrecord").unlink()

    with pytest.raises(InputError, match=r"not there: images-00001-of-00003\.tfrecord"):
        load_dataset(tmp_path / "shards")


@pytest.mark.parametrize("text", ["", "[]", '{"shards": 3}', '{"shards": {"a": "x"}}', "[" * 100_000])
def test_a_damaged_list_of_shards_is_an_error(folder, tmp_path, text):
    packed(folder, tmp_path / "shards")
    (tmp_path / "shards" / "shards.json").write_text(text)

    with pytest.raises(InputError, match=r"shards\.json cannot be read"):
        load_dataset(tmp_path / "shards")


def test_reading_from_a_shard_that_was_truncated_since_is_an_os_error(folder, tmp_path):
    packed(folder, tmp_path / "shards")
    sample = max(load_dataset(tmp_path / "shards").samples, key=lambda sample: place_of(sample).offset)
    os.truncate(place_of(sample).shard, place_of(sample).offset + 1)

    with pytest.raises(OSError, match="cut short"):
        sample.read_bytes()


# Hostile names


@pytest.mark.parametrize(
    "name",
    [b"../up.png", b"cat/../../up.png", b"/etc/up.png", b"a\\..\\..\\up.png", b"C:up.png", b"\\\\host\\up.png",
     b"nul.png", b"COM1", b"aux .png", b"a//b.png", b"a\0.png", b"."],
)  # fmt: skip
def test_an_unsafe_name_is_refused(tmp_path, name):
    good = {"image/encoded": png(), "image/filename": b"1.png", "image/class/text": b"cat"}
    write_shard(tmp_path / "in" / "a.tfrecord", good, {**good, "image/filename": name})

    with pytest.raises(InputError, match=r"record 1 of a\.tfrecord cannot be written as"):
        unpack(tmp_path / "in", tmp_path / "out", Progress())

    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("label", [b"..", b"../up", b"/up", b"con", b"a/b", b"."])
def test_an_unsafe_class_is_refused(tmp_path, label):
    write_shard(
        tmp_path / "in" / "a.tfrecord", {"image/encoded": png(), "image/filename": b"1.png", "image/class/text": label}
    )

    with pytest.raises(InputError, match=r"record 0 of a\.tfrecord"):
        unpack(tmp_path / "in", tmp_path / "out", Progress())

    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_two_records_with_the_same_name_are_refused(tmp_path):
    record = {"image/encoded": png(), "image/filename": b"1.png", "image/class/text": b"cat"}
    write_shard(tmp_path / "in" / "a.tfrecord", record, record)

    with pytest.raises(InputError, match=r"record 0 of a.tfrecord and record 1 of a.tfrecord are both named cat/1"):
        load_dataset(tmp_path / "in")


def test_a_file_where_another_needs_a_folder_is_refused(tmp_path):
    record = {"image/encoded": png(), "image/class/text": b"cat"}
    write_shard(
        tmp_path / "in" / "a.tfrecord", {**record, "image/filename": b"x"}, {**record, "image/filename": b"x/1.png"}
    )

    with pytest.raises(InputError, match="another image has that name"):
        unpack(tmp_path / "in", tmp_path / "out", Progress())

    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_commands_say_what_they_did(folder, tmp_path):
    there = CliRunner().invoke(app, ["tfrecord", "pack", str(folder), str(tmp_path / "shards"), "--shards", "2"])
    back = CliRunner().invoke(app, ["tfrecord", "unpack", str(tmp_path / "shards"), str(tmp_path / "back")])

    assert (there.exit_code, back.exit_code) == (0, 0)
    assert there.stdout.startswith("28 images of 3 classes in 2 shards: ")
    assert "  dog/empty.jpg: empty file (0 bytes)" in there.stdout.splitlines()
    assert there.stdout.splitlines()[-1] == str(tmp_path / "shards")
    assert back.stdout.splitlines() == ["28 images", str(tmp_path / "back")]


# Errors


def test_nothing_is_overwritten(folder, tmp_path):
    packed(folder, tmp_path / "shards")
    before = contents(tmp_path)

    with pytest.raises(InputError, match="exists and is not empty"):
        packed(folder, tmp_path / "shards")
    with pytest.raises(InputError, match="exists and is not empty"):
        unpack(tmp_path / "shards", folder, Progress())
    with pytest.raises(InputError, match="--shards is 0"):
        packed(folder, tmp_path / "other", 0)

    assert contents(tmp_path) == before


def test_splitting_shards_is_refused_and_the_error_says_what_to_do(folder, tmp_path):
    from auditor.splitting.output import run_split
    from auditor.splitting.split import Shares

    packed(folder, tmp_path / "shards")

    with pytest.raises(InputError, match="auditor tfrecord unpack"):
        run_split(Settings.load(data=tmp_path / "shards"), None, Shares(), 0, "manifest", Progress())


def test_without_tensorflow_the_error_names_the_extra(folder, tmp_path, monkeypatch):
    packed(folder, tmp_path / "shards")
    monkeypatch.setitem(sys.modules, "tensorflow", None)

    for use in (lambda: packed(folder, tmp_path / "more"), lambda: load_dataset(tmp_path / "shards")):
        with pytest.raises(MissingDependency, match=r"pip install 'auditor\[tensorflow\]'"):
            use()
    assert len(load_dataset(folder).samples) == 28


def test_the_list_of_shards_counts_their_records(folder, tmp_path):
    result = packed(folder, tmp_path / "shards", 3)
    listed = json.loads((tmp_path / "shards" / "shards.json").read_text())

    assert listed == {"format_version": 1, "shards": result.shards}
    assert sum(result.shards.values()) == 28
    assert result.images == sum(len(data) for data in contents(folder).values())
    assert contents(tmp_path / "shards")["labels.txt"] == b"cat\ndog\nlynx\n"
