"""Which images the tools for annotation get, and in which order."""

from auditor.outputs.listed import by_image, classes, every, flagged
from auditor.outputs.text import real_name
from tests.gates.made import UNPRINTABLE, audited, found
from tests.outputs.pets import pets


def test_flagged_images_come_in_the_order_of_their_findings_without_what_is_accepted():
    first, second = flagged(pets())

    assert (first.file, first.rules, first.suggested, first.why) == (
        "dog/3.jpg", ["label_issue", "blurry"], "cat", "It is a cat. It is blurry.",
    )  # fmt: skip
    assert (second.file, second.suggested, second.width) == ("cat/broken.jpg", None, None)


def test_the_others_follow_the_most_doubtful_first_and_what_was_left_out_is_no_image():
    assert [image.file for image in every(pets())] == [
        "dog/3.jpg", "cat/broken.jpg", "cat/2.jpg", "cat/1.jpg", "dog/4.jpg",
    ]  # fmt: skip


def test_mistakenness_is_what_the_probe_says_else_what_a_rule_that_knows_better_says():
    judged = {image.file: image.mistakenness for image in every(pets())}
    assert judged == {
        "dog/3.jpg": 0.75, "cat/broken.jpg": None, "cat/2.jpg": 0.4, "cat/1.jpg": 0.1, "dog/4.jpg": None,
    }  # fmt: skip

    denied = pets(found("blurry", file="dog/4.jpg"), found("model", file="dog/4.jpg", suggested="cat", score=0.2))
    (image,) = flagged(denied)
    assert image.mistakenness == 0.8


def test_a_class_that_only_the_model_knows_is_one():
    assert classes(audited(found(suggested="fox"), found(suggested="eel", status="accepted"))) == ["cat", "dog", "fox"]


def test_an_audit_without_images_lists_none():
    assert list(every(audited())) == []
    assert by_image(audited(found("class_imbalance", None))) == {}


def test_a_name_is_the_one_on_the_disk_wherever_that_can_be_written():
    assert real_name("cat/\\\\x41 \\x0a.jpg") == "cat/\\x41 \n.jpg"
    assert real_name("cat/1.jpg") == "cat/1.jpg"
    assert real_name(UNPRINTABLE) == UNPRINTABLE  # an escape character and a byte that is no text


def test_labels_come_first_then_what_is_severe():
    audit = audited(
        found("blurry", "cat/1.jpg", severity="low"), found("unreadable", "cat/2.jpg"), found(file="cat/3.jpg"),
        found("blurry", "cat/3.jpg"),
    )  # fmt: skip

    assert list(by_image(audit)) == ["cat/3.jpg", "cat/2.jpg", "cat/1.jpg"]
