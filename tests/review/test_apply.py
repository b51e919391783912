"""`auditor apply`: what moves, what is set aside, what is refused, and what stays as it is."""

import hashlib
import json

import pytest

from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.runs.folder import locked
from tests.review.deciding import Deciding, snapshot


def reasons(applied):
    return dict(applied.refused)


def test_a_relabelled_image_goes_to_the_folder_of_its_class(pets):
    pets.decide("cat/b.jpg", "relabel", "dog")

    applied = pets.apply()

    assert (pets.data / "dog" / "b.jpg").read_bytes() == b"this is cat/b.jpg"
    assert "cat/b.jpg" not in pets.files()
    assert [step.target for step in applied.done] == ["dog/b.jpg"]


def test_its_folders_below_the_class_go_with_it(pets):
    pets.decide("cat/deep/d.jpg", "relabel", "dog", label="cat")

    pets.apply()

    assert "dog/deep/d.jpg" in pets.files()


@pytest.mark.parametrize(("files", "file", "to", "expected"), [
    (("train/cat/a.jpg", "train/dog/b.jpg", "val/cat/c.jpg", "val/dog/d.jpg"), "val/cat/c.jpg", "dog", "val/dog/c.jpg"),
    (("Training Set/cat/a.jpg", "Training Set/dog/b.jpg", "valid/cat/c.jpg", "valid/dog/d.jpg"),
     "Training Set/cat/a.jpg", "dog", "Training Set/dog/a.jpg"),
    (("training_set/training_set/cats/a.jpg", "training_set/training_set/dogs/b.jpg", "test_set/test_set/cats/c.jpg",
      "test_set/test_set/dogs/d.jpg"), "test_set/test_set/dogs/d.jpg", "cats", "test_set/test_set/cats/d.jpg"),
    (("PetImages/Cat/a.jpg", "PetImages/Cat/c.jpg", "PetImages/Dog/b.jpg"), "PetImages/Cat/a.jpg", "Dog",
     "PetImages/Dog/a.jpg"),
    (("train/cat/a.jpg", "train/dog/b.jpg", "val/cat/c.jpg"), "val/cat/c.jpg", "dog", "val/dog/c.jpg"),
])  # fmt: skip
def test_it_stays_in_its_split_however_that_is_spelled(tmp_path, files, file, to, expected):
    made = Deciding(tmp_path)
    made.place(*files)
    made.decide(file, "relabel", to)

    made.apply()

    assert expected in made.files()
    assert {sample.file: sample.label for sample in load_dataset(made.data).samples}[expected] == to


def test_classes_at_a_stated_depth(tmp_path):
    made = Deciding(tmp_path, given={"classes_at": 1, "split_at": 2})
    made.place("cat/train/x/a.jpg", "dog/train/x/b.jpg", "cat/test/c.jpg")
    made.decide("cat/train/x/a.jpg", "relabel", "dog", label="cat")

    made.apply()

    assert "dog/train/x/a.jpg" in made.files()


def test_the_layout_is_the_one_that_the_run_was_scanned_with(tmp_path):
    made = Deciding(tmp_path)
    made.place("x/cat/a.jpg", "x/dog/b.jpg", "y/cat/c.jpg")
    run = made.home.out / "pets" / "20250131T080000Z"
    run.mkdir(parents=True)
    (run / "summary.json").write_text(json.dumps({"dataset": {"source": {"classes_at": 2}}}))
    made.decide("x/cat/a.jpg", "relabel", "dog")

    made.apply()

    assert "x/dog/a.jpg" in made.files()


def test_where_other_images_are_read_otherwise_afterwards_that_is_said(tmp_path):
    made = Deciding(tmp_path)
    made.place("PetImages/Cat/a.jpg", "PetImages/Dog/b.jpg")
    made.decide("PetImages/Cat/a.jpg", "relabel", "Dog")

    (note,) = made.apply().notes

    assert note.startswith("2 images are read with another label or split now, such as PetImages/Dog/a.jpg (PetImages")


def test_a_class_folder_in_another_unicode_form_is_the_one_that_is_used(tmp_path):
    made = Deciding(tmp_path)
    made.place("cat/a.jpg", "lo\u0308we/b.jpg")                  # as macOS writes it
    made.decide("cat/a.jpg", "relabel", "l\u00f6we")

    made.apply()

    assert "lo\u0308we/a.jpg" in made.files()


def test_a_taken_name_gets_a_number_and_nothing_is_overwritten(pets):
    pets.decide("cat/a.jpg", "relabel", "dog")

    pets.apply()

    assert (pets.data / "dog" / "a.jpg").read_bytes() == b"this is dog/a.jpg"
    assert (pets.data / "dog" / "a-2.jpg").read_bytes() == b"this is cat/a.jpg"


def test_two_images_that_change_places_both_arrive(pets):
    pets.decide("cat/a.jpg", "relabel", "dog")
    pets.decide("dog/a.jpg", "relabel", "cat")

    pets.apply()

    assert {"dog/a-2.jpg", "cat/a-2.jpg"} <= set(pets.files())


def test_a_removed_image_is_set_aside_and_not_deleted(pets):
    pets.decide("cat/deep/d.jpg", "remove", label="cat")

    applied = pets.apply()

    aside = pets.home.removed(applied.journal) / "cat" / "deep" / "d.jpg"
    assert aside.read_bytes() == b"this is cat/deep/d.jpg"
    assert "cat/deep/d.jpg" not in pets.files()


def test_what_was_set_aside_is_no_data_even_where_the_reports_lie_in_the_data(tmp_path):
    made = Deciding(tmp_path)
    made.place("cat/a.jpg", "cat/b.jpg", "dog/c.jpg")
    made.given["out"] = made.data / "reports"
    made.decide("cat/a.jpg", "remove")

    made.apply()

    assert [sample.file for sample in load_dataset(made.data).samples] == ["cat/b.jpg", "dog/c.jpg"]


def test_keep_and_unsure_leave_the_folder_alone(pets):
    pets.decide("cat/a.jpg", "keep")
    pets.decide("cat/b.jpg", "unsure")
    before = snapshot(pets.data)

    applied = pets.apply()

    assert snapshot(pets.data) == before
    assert (applied.plan.keeps, applied.plan.unsure) == (1, 1)


def test_what_changed_since_the_scan_is_refused_by_name_and_stops_nothing_else(pets):
    for file in ("cat/a.jpg", "cat/b.jpg", "cat/c.jpg"):
        pets.decide(file, "relabel", "dog")
    pets.decide("dog/e.jpg", "relabel", "lynx")
    pets.decide("dog/f.jpg", "relabel", "cat", label="lynx")
    pets.decide("dog/a.jpg", "relabel", "dog")
    (pets.data / "cat" / "a.jpg").write_bytes(b"another picture")
    (pets.data / "cat" / "b.jpg").unlink()

    applied = pets.apply()

    assert reasons(applied) == {
        "cat/a.jpg": "its content has changed since the scan",
        "cat/b.jpg": "it is not there any more",
        "dog/a.jpg": "dog is the class that it has; decide to keep it",
        "dog/e.jpg": "there is no class lynx; where it is meant, pass --new-class lynx",
        "dog/f.jpg": "its label is dog now, and was lynx when it was scanned",
    }
    assert "dog/c.jpg" in pets.files()


@pytest.mark.parametrize("name", [".hidden", "a/b", "..", "train"])
def test_a_class_that_cannot_be_a_folder_is_refused(pets, name):
    pets.decide("cat/b.jpg", "relabel", name)

    applied = pets.apply(new_classes=(name,))

    assert "--manifest" in reasons(applied)["cat/b.jpg"]


def test_a_new_class_is_made_where_it_is_meant(pets):
    pets.decide("cat/b.jpg", "relabel", "lynx")

    pets.apply(new_classes=("lynx",))

    assert "lynx/b.jpg" in pets.files()


def test_names_of_a_flat_folder_change(tmp_path):
    made = Deciding(tmp_path, given={"label_from": "name"})
    made.place("cat.0.jpg", "cat.1.jpg", "cat_12.jpg", "dog.0.jpg", "dog_12.jpg")
    for file in ("cat.0.jpg", "cat_12.jpg"):
        made.decide(file, "relabel", "dog", label="cat")

    made.apply()

    assert made.files() == ["cat.1.jpg", "dog.0.2.jpg", "dog.0.jpg", "dog_12.2.jpg", "dog_12.jpg"]
    assert sum(sample.label == "dog" for sample in load_dataset(made.data, label_from="name").samples) == 4


def test_images_whose_label_no_folder_says_are_refused_with_what_helps(tmp_path):
    made = Deciding(tmp_path)
    made.place("a.jpg", "b.jpg")
    made.decide("a.jpg", "relabel", "dog", label="data")

    applied = made.apply(new_classes=("dog",))

    assert reasons(applied) == {
        "a.jpg": "no folder on its path is its class; --manifest FILE.csv writes a corrected table instead"
    }


def test_a_relative_link_moves_only_where_it_leads_to_the_same_file(pets):
    pool = pets.folder / "pool.jpg"
    pool.write_bytes(b"far away")
    (pets.data / "cat" / "link.jpg").symlink_to("../../pool.jpg")
    (pets.data / "cat" / "deep" / "near.jpg").symlink_to("d.jpg")
    pets.decide("cat/link.jpg", "relabel", "dog")
    pets.decide("cat/deep/near.jpg", "relabel", "dog", label="cat")

    applied = pets.apply()

    assert (pets.data / "dog" / "link.jpg").read_bytes() == b"far away"
    assert reasons(applied) == {"cat/deep/near.jpg": "it is a link that would lead elsewhere from another folder"}


def test_a_second_time_nothing_is_left_to_do(pets):
    pets.decide("cat/a.jpg", "relabel", "dog")
    pets.decide("cat/b.jpg", "remove")
    pets.decide("cat/c.jpg", "keep")
    pets.apply()
    before = snapshot(pets.folder)

    again = pets.apply()

    assert (again.journal, again.plan.before, again.refused) == (None, 3, ())
    assert {name: each for name, each in snapshot(pets.folder).items() if name != "decisions.json" and name != "."} == {
        name: each for name, each in before.items() if name != "decisions.json" and name != "."
    }


def test_a_dry_run_touches_nothing(pets):
    pets.decide("cat/a.jpg", "relabel", "dog")
    pets.decide("cat/b.jpg", "remove")
    pets.write()
    before = snapshot(pets.data)

    applied = pets.apply(dry_run=True)

    assert [step.target for step in applied.done] == ["dog/a-2.jpg", "cat/b.jpg"]
    assert snapshot(pets.data) == before
    assert not pets.home.out.exists()


def test_of_two_applies_at_once_one_is_refused(pets):
    pets.decide("cat/b.jpg", "relabel", "dog")

    with locked(pets.data), pytest.raises(InputError, match="at work"):
        pets.apply()

    assert "cat/b.jpg" in pets.files()


def test_a_corrected_table_leaves_the_folder_alone(pets):
    pets.decide("cat/a.jpg", "relabel", "dog")
    pets.decide("cat/b.jpg", "remove")
    table = pets.folder / "corrected.csv"
    before = snapshot(pets.data)

    pets.apply(manifest=table)

    labels = {sample.file: sample.label for sample in load_dataset(table).samples}
    assert labels["data/cat/a.jpg"] == "dog"
    assert "data/cat/b.jpg" not in labels
    assert labels["data/cat/c.jpg"] == "cat"
    assert snapshot(pets.data) == before


def test_a_table_is_corrected_by_a_new_table_only(tmp_path):
    made = Deciding(tmp_path)
    made.place("1.jpg", "2.jpg", "3.jpg")
    source = made.data / "labels.csv"
    source.write_text("file,label,split\n1.jpg,cat,train\n2.jpg,dog,val\n3.jpg,cat,\n")
    made.given["data"] = str(source)
    made.decide("1.jpg", "relabel", "dog", label="cat")

    with pytest.raises(InputError, match=r"labels of .*labels\.csv are in a table.*--manifest"):
        made.apply()
    made.apply(manifest=made.data / "better.csv")

    assert (made.data / "better.csv").read_text() == "file,label,split\n1.jpg,dog,train\n2.jpg,dog,val\n3.jpg,cat,\n"


def test_a_tree_of_hard_links_has_the_new_labels_and_the_same_files(pets):
    pets.decide("cat/a.jpg", "relabel", "dog")
    pets.decide("cat/b.jpg", "remove")
    tree = pets.folder / "corrected"
    before = snapshot(pets.data)

    pets.apply(by="link", into=tree)

    assert sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*.jpg")) == [
        "cat/c.jpg", "cat/deep/d.jpg", "dog/a-2.jpg", "dog/a.jpg", "dog/e.jpg", "dog/f.jpg",
    ]  # fmt: skip
    assert (tree / "dog" / "a-2.jpg").samefile(pets.data / "cat" / "a.jpg")
    assert snapshot(pets.data) == before


def test_merged_classes_are_the_labels_of_the_scan(tmp_path):
    made = Deciding(tmp_path, given={"class_map": "kitten=cat"})
    made.place("kitten/a.jpg", "cat/b.jpg", "dog/c.jpg")
    made.decide("kitten/a.jpg", "relabel", "dog", label="cat")

    made.apply()

    assert "dog/a.jpg" in made.files()


def test_a_root_that_is_not_there_says_how_to_name_it(pets):
    pets.decide("cat/a.jpg", "keep")
    path = pets.write(root="elsewhere")
    pets.write = lambda: path

    with pytest.raises(InputError, match="elsewhere cannot be opened"):
        pets.apply()


def test_the_author_is_remembered_where_the_decisions_name_nobody(pets):
    pets.decide("cat/a.jpg", "keep")

    pets.apply(author="Ada")

    (line,) = pets.home.kept.read_text().splitlines()
    kept = json.loads(line)
    assert kept["author"] == "Ada"
    assert kept["content"] == hashlib.sha256(b"this is cat/a.jpg").hexdigest()
