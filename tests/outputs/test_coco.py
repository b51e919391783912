"""COCO: images, classes, and an annotation for each image."""

import json

from auditor.outputs.coco import write_coco
from tests.gates.made import HOSTILE, found
from tests.outputs.pets import SHA, pets, table


def written(audit, folder):
    return json.loads(write_coco(audit, folder).read_text(encoding="utf-8"))


def test_every_readable_image_with_its_size_label_and_findings(tmp_path):
    document = written(pets(), tmp_path)

    assert [(each["id"], each["name"]) for each in document["categories"]] == [(1, "cat"), (2, "dog")]
    assert [(each["id"], each["file_name"], each["width"], each["height"]) for each in document["images"]] == [
        (1, "dog/3.jpg", 16, 16), (2, "cat/2.jpg", 20, 10), (3, "cat/1.jpg", 40, 30), (4, "dog/4.jpg", 8, 8),
    ]  # fmt: skip
    assert [found["rule"] for found in document["images"][0]["findings"]] == ["label_issue", "blurry"]
    assert document["images"][0]["sha256"] == SHA["dog/3.jpg"]
    assert document["annotations"][:2] == [
        {
            "id": 1, "image_id": 1, "category_id": 2, "bbox": [0, 0, 16, 16], "area": 256, "segmentation": [],
            "iscrowd": 0, "suggested_category_id": 1, "mistakenness": 0.75,
        },
        {
            "id": 2, "image_id": 2, "category_id": 1, "bbox": [0, 0, 20, 10], "area": 200, "segmentation": [],
            "iscrowd": 0, "suggested_category_id": None, "mistakenness": 0.4,
        },
    ]  # fmt: skip
    assert [each["image_id"] for each in document["annotations"]] == [1, 2, 3]  # the fourth has no label


def test_every_id_leads_somewhere_also_that_of_a_class_that_only_the_model_knows(tmp_path):
    audit = pets(found(file=HOSTILE, suggested="fox"), predictions=table(**{"dog/3.jpg": HOSTILE}))

    document = written(audit, tmp_path)

    names = {each["id"]: each["name"] for each in document["categories"]}
    images = {each["id"]: each["file_name"] for each in document["images"]}
    first = document["annotations"][0]
    assert (images[first["image_id"]], names[first["category_id"]]) == (HOSTILE, "dog")
    assert names[first["suggested_category_id"]] == "fox"
