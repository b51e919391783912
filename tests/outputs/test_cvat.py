"""CVAT for images 1.1: by its manual."""

import json

import pytest
from lxml import etree

from auditor.outputs.cvat import write_cvat
from tests.gates.made import HOSTILE, UNPRINTABLE, found
from tests.outputs.pets import pets, table


def written(audit, folder):
    return etree.parse(str(write_cvat(audit, folder))).getroot()


def tags(root):
    """Image -> its labels with their attributes."""
    return {
        image.get("name"): [
            (tag.get("label"), {each.get("name"): each.text or "" for each in tag.iter("attribute")})
            for tag in image.iter("tag")
        ]
        for image in root.iter("image")
    }


def test_flagged_images_carry_their_label_and_what_was_found(tmp_path):
    root = written(pets(), tmp_path)

    assert root.findtext("version") == "1.1"
    assert [root.findtext(f"meta/task/{name}") for name in ("name", "size", "mode")] == ["data-pets", "4", "annotation"]
    assert [dict(image.attrib) for image in root.iter("image")] == [
        {"id": "2", "name": "dog/3.jpg", "width": "16", "height": "16"}  # a broken file has no size, and no frame
    ]
    why = {"suggested": "cat", "rules": "label_issue, blurry", "why": "It is a cat. It is blurry."}
    assert tags(root) == {"dog/3.jpg": [("dog", why)]}


def test_labels_and_attributes_of_tags_are_those_that_are_described(tmp_path):
    root = written(pets(found(file="cat/1.jpg", suggested="fox")), tmp_path)

    described = {
        label.findtext("name"): [each.findtext("name") for each in label.iter("attribute")]
        for label in root.iter("label")
    }
    raw = json.loads((tmp_path / "cvat-labels.json").read_text(encoding="utf-8"))
    assert {each["name"]: [attribute["name"] for attribute in each["attributes"]] for each in raw} == described
    assert list(described) == ["cat", "dog", "fox"]
    ((label, attributes),) = tags(root)["cat/1.jpg"]
    assert list(attributes) == described[label]
    assert {attribute["input_type"] for each in raw for attribute in each["attributes"]} == {"text"}


@pytest.mark.parametrize(("name", "written_as"), [
    (HOSTILE, HOSTILE), (UNPRINTABLE, UNPRINTABLE), ("cat/\\x0a\\\\.jpg", "cat/\n\\.jpg"),
])  # fmt: skip
def test_names_come_back_as_they_are_on_the_disk_or_as_an_audit_writes_them(name, written_as, tmp_path):
    audit = pets(found(file=name, suggested=name, message=name), predictions=table(**{"dog/3.jpg": name}))

    root = written(audit, tmp_path)

    ((file, ((label, attributes),)),) = tags(root).items()
    assert (file, label, attributes["suggested"], attributes["why"]) == (written_as, "dog", name, name)
