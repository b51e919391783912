"""The evaluation: which images are evaluated, what is counted, and that the counts are correct."""

import hashlib
import json
import math
import zlib
from dataclasses import replace

import numpy as np
import pytest

from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.evaluation import evaluate, pictures, to_json, write_document
from auditor.evaluation.selection import select
from auditor.images.decoding import decode
from tests.backends.fake import FakeBackend

RED, GREY = (220, 20, 20), (120, 120, 120)      # what FakeBackend sees as the second class, and as the first


@pytest.fixture
def paint(place, tmp_path):
    """`paint("dog/1.png", RED)`: a plain picture, a little different for each name."""

    def _paint(file, colour):
        rng = np.random.default_rng(zlib.crc32(file.encode()))
        pixels = np.clip(np.array(colour) + rng.integers(-15, 15, (40, 40, 3)), 0, 255).astype(np.uint8)
        return place(pixels, tmp_path / "data" / file)

    return _paint


@pytest.fixture
def pets(paint, tmp_path):
    """4 cats, one of them red; 6 dogs, two of them grey: 7 of 10 right."""
    for number in range(4):
        paint(f"cat/{number}.png", RED if number == 3 else GREY)
    for number in range(6):
        paint(f"dog/{number}.png", GREY if number < 2 else RED)
    return tmp_path / "data"


def run(folder, backend=None, **options):
    return evaluate(backend or FakeBackend(), load_dataset(folder), threads=2, **options)


def test_answers_are_counted_by_given_and_predicted_class(pets):
    found = run(pets)

    assert found.classes == ("cat", "dog")
    assert found.confusion.tolist() == [[3, 1], [2, 4]]
    assert (found.accuracy.right, found.accuracy.total) == (7, 10)
    cat, dog = found.scores
    assert (cat.support, cat.predicted, cat.right) == (4, 5, 3)
    assert (cat.precision, cat.recall, cat.f1) == (3 / 5, 3 / 4, 6 / 9)
    assert (dog.precision, dog.recall, dog.f1) == (4 / 5, 4 / 6, 8 / 11)
    assert found.macro_f1 == pytest.approx((6 / 9 + 8 / 11) / 2)
    assert found.commonest == 0.6
    assert found.top_5 is None
    assert found.ranking.positive == "dog"


def test_the_result_is_the_same_every_time_and_for_every_size_of_batches(pets):
    one, other = run(pets, batch_size=3), run(pets, batch_size=10)

    same = [replace(each, run=one.run, confusion=None, elsewhere=None) for each in (one, other)]
    assert same[0].sample == same[1].sample and same[0].mistakes == same[1].mistakes
    assert one.calibration.error == pytest.approx(other.calibration.error, abs=1e-6)


def test_the_worst_mistakes_come_first_with_the_evidence_for_both_classes(pets):
    found = run(pets)

    assert {shown.file for shown in found.mistakes} == {"cat/3.png", "dog/0.png", "dog/1.png"}
    sure = [shown.confidence for shown in found.mistakes]
    assert sure == sorted(sure, reverse=True)
    assert not any(shown.right for shown in found.mistakes)
    for shown in found.mistakes:
        assert [evidence.subject for evidence in shown.evidence] == [shown.predicted, shown.given]
        pixels = decode(shown.evidence[0].overlay).pixels
        assert pixels.shape[:2] == (shown.height, shown.width)
    assert found.heatmaps == "Grad-CAM"


def test_the_sample_is_drawn_without_regard_to_the_answers(paint, tmp_path):
    for number in range(40):
        paint(f"cat/{number:02}.png", GREY)
        paint(f"dog/{number:02}.png", RED)

    first, second = run(tmp_path / "data"), run(tmp_path / "data", FakeBackend(("dog", "cat")))

    assert len(first.sample) == 25
    assert [shown.file for shown in first.sample] == [shown.file for shown in second.sample]
    assert first.accuracy.value == 1 and second.accuracy.value == 0
    assert len({shown.given for shown in first.sample}) == 2


def test_a_picture_that_is_gone_keeps_its_answer(pets, monkeypatch):
    monkeypatch.setattr(pictures, "read_again", lambda *_: None)

    found = run(pets)

    assert len(found.mistakes) == 3
    assert all(shown.thumbnail is None and shown.evidence == () for shown in found.mistakes)


def test_what_cannot_be_read_is_listed_and_not_counted(pets):
    (pets / "cat" / "empty.jpg").write_bytes(b"")

    found = run(pets)

    assert found.unreadable == (("cat/empty.jpg", "empty file (0 bytes)"),)
    assert found.accuracy.total == 10


def test_a_folder_of_broken_files_is_an_error(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.jpg").write_bytes(b"")

    with pytest.raises(InputError, match=r"none of 1 images.*empty file"):
        run(tmp_path)


def test_classes_that_the_model_does_not_know_are_an_error(pets, paint):
    paint("ferret/1.png", GREY)

    with pytest.raises(InputError, match=r"no class for ferret.*its classes are cat, dog.*--class-map"):
        run(pets)


def test_classes_without_images_need_no_match(pets):
    (pets / "ferret").mkdir()

    found = run(pets)

    assert found.classes == ("cat", "dog", "ferret")
    ferret = found.scores[2]
    assert ferret.support == 0 and math.isnan(ferret.recall) and math.isnan(ferret.f1)
    assert found.macro_f1 == pytest.approx((6 / 9 + 8 / 11) / 2)


def test_one_class_alone_counts_the_other_answers_as_wrong(paint, tmp_path):
    for number in range(5):
        paint(f"cat/{number}.png", RED if number == 0 else GREY)

    found = run(tmp_path / "data")

    assert found.confusion.tolist() == [[4]]
    assert found.elsewhere.tolist() == [1]
    assert found.other_classes == (("cat", "dog", 1),)
    assert found.mistakes[0].predicted == "dog"
    assert found.ranking is None


def test_several_classes_of_the_model_stand_for_one_of_the_folder(paint, tmp_path):
    paint("animal/1.png", RED)
    paint("animal/2.png", GREY)
    backend = FakeBackend(("cat", "dog", "car"))

    found = run(tmp_path / "data", backend, class_map="cat=animal,dog=animal")

    assert found.confusion.tolist() == [[2]]
    own = [shown.p_given for shown in found.sample]
    assert all(0.9 < share < 1 for share in own)        # a share stays with the car: nothing is scaled up


def test_the_given_class_among_five_of_six_is_a_top_five_answer(paint, tmp_path):
    paint("bike/1.png", (20, 20, 220))
    backend = FakeBackend(("cat", "dog", "bike", "car", "van", "bus"))

    found = run(tmp_path / "data", backend)

    assert (found.accuracy.right, found.top_5.right, found.top_5.total) == (0, 1, 1)


def test_images_that_the_model_was_trained_on_are_counted_separately(pets):
    backend = FakeBackend()
    seen = [hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(pets.glob("dog/*"))[:4]]
    backend.card = replace(backend.card, trained_on=frozenset(seen))

    found = run(pets, backend)

    assert found.lists_training and found.model.in_sample == 4
    assert (found.unseen.right, found.unseen.total) == (5, 6)          # 3 of 4 cats, both dogs that are left
    assert not run(pets).lists_training
    assert run(pets).unseen is None


# --- which images -----------------------------------------------------------------------------------------------------


@pytest.fixture
def splits(paint, tmp_path):
    for split, images in {"train": 5, "val": 3, "test": 2}.items():
        for number in range(images):
            paint(f"{split}/cat/{number}.png", GREY)
            paint(f"{split}/dog/{number}.png", RED)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("asked", "split", "images"),
    [(None, "test", 4), ("val", "val", 6), ("validation", "val", 6), ("Train", "train", 10), ("all", None, 20)],
)
def test_the_test_split_is_taken_unless_another_is_asked_for(splits, asked, split, images):
    found = run(splits, split=asked)

    assert (found.split, found.accuracy.total) == (split, images)
    said = any("test split was evaluated" in note for note in found.notes)
    assert said == (asked is None)


def test_without_a_test_split_it_is_val_and_without_that_everything(splits, pets):
    dataset = load_dataset(splits)
    no_test = replace(dataset, samples=tuple(each for each in dataset.samples if each.split != "test"))
    train = replace(dataset, samples=tuple(each for each in dataset.samples if each.split == "train"))

    assert select(no_test, None).split == "val"
    chosen = select(train, None)
    assert chosen.split is None and "no test and no val split" in chosen.why


def test_a_split_that_is_not_there_is_an_error_that_names_those_that_are(splits, paint):
    dataset = load_dataset(splits)
    no_test = replace(dataset, samples=tuple(each for each in dataset.samples if each.split != "test"))

    with pytest.raises(InputError, match=r"'test'.*train \(10 images\) and val \(6 images\)"):
        select(no_test, "test")
    with pytest.raises(InputError, match=r"'dev'"):
        select(dataset, "dev")


def test_images_without_a_label_are_left_out_with_a_note(pets, place, photo):
    place(photo, pets / "stray.png")

    found = run(pets)

    assert found.unlabelled == 1
    assert any("without a label, left out: 1" in note for note in found.notes)


def test_without_any_label_there_is_nothing_to_evaluate(pets):
    dataset = load_dataset(pets)
    unlabelled = replace(dataset, samples=tuple(replace(each, label=None) for each in dataset.samples))

    with pytest.raises(InputError, match=r"no image of .* has a label"):
        evaluate(FakeBackend(), unlabelled)


# --- evaluation.json --------------------------------------------------------------------------------------------------


def test_the_document_holds_the_numbers_and_no_nan(pets, tmp_path):
    (pets / "ferret").mkdir()

    record = json.loads(write_document(run(pets), tmp_path).read_text(encoding="ascii"))

    assert record["format_version"] == 1
    assert record["accuracy"]["value"] == 0.7
    assert record["dataset"]["classes"] == {"cat": 4, "dog": 6, "ferret": 0}
    assert record["confusion"] == [[3, 1, 0], [2, 4, 0], [0, 0, 0]]
    assert record["per_class"][2]["recall"] is None
    assert record["model"]["in_sample"] is None                        # it is not known
    assert [shown["file"] for shown in record["mistakes"]] == [shown.file for shown in run(pets).mistakes]


def test_a_row_of_the_matrix_is_a_line_of_the_document(pets):
    assert "[ 3, 1 ]" in to_json(run(pets))


def test_a_class_name_that_utf8_cannot_encode_is_still_written(paint, tmp_path):
    paint("cat/1.png", RED)
    backend = FakeBackend(("cat", "\ud800</script>\n[1,\n2]"))

    text = to_json(run(tmp_path / "data", backend))

    assert json.loads(text)["mistakes"][0]["predicted"] == "\ud800</script>\n[1,\n2]"
