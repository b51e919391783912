"""What FiftyOne loads: two files, by its manual."""

import json

import pytest

from auditor.outputs.fiftyone import write_fiftyone
from tests.gates.made import HOSTILE, UNPRINTABLE, found
from tests.outputs.pets import SHA, pets, table


def written(audit, folder):
    samples = json.loads(write_fiftyone(audit, folder).read_text(encoding="utf-8"))["samples"]
    return samples, json.loads((folder / "metadata.json").read_text(encoding="utf-8"))


def test_every_image_is_a_sample_with_both_labels_and_its_findings(tmp_path):
    samples, metadata = written(pets(), tmp_path)

    assert metadata["media_type"] == "image" and metadata["info"]["name"] == "data-pets"
    assert samples[0] == {
        "filepath": "dog/3.jpg",
        "tags": ["test", "label_issue", "blurry"],
        "metadata": {"_cls": "ImageMetadata", "width": 16, "height": 16},
        "ground_truth": {"_cls": "Classification", "label": "dog", "confidence": None},
        "suggested": {"_cls": "Classification", "label": "cat", "confidence": 0.75},
        "mistakenness": 0.75,
        "place": 1,
        "findings": ["a", "b"],
        "message": "It is a cat. It is blurry.",
        "sha256": SHA["dog/3.jpg"],
    }
    assert [(each["filepath"], each["tags"], each["place"]) for each in samples[1:]] == [
        ("cat/broken.jpg", ["train", "unreadable"], 2), ("cat/2.jpg", ["train"], 3), ("cat/1.jpg", ["train"], 4),
        ("dog/4.jpg", [], 5),
    ]  # fmt: skip
    assert (samples[1]["metadata"], samples[1]["suggested"], samples[4]["ground_truth"]) == (None, None, None)
    assert {tuple(sample) for sample in samples} == {tuple(samples[0])}  # FiftyOne wants the same fields of all


def test_what_names_a_version_is_another_format_to_fiftyone(tmp_path):
    assert "version" not in written(pets(), tmp_path)[1]


@pytest.mark.parametrize("name", [HOSTILE, UNPRINTABLE])
def test_names_are_only_ever_text(name, tmp_path):
    audit = pets(found(file=name, suggested=name), predictions=table(**{"dog/3.jpg": name}))
    samples, _ = written(audit, tmp_path)

    assert (samples[0]["filepath"], samples[0]["suggested"]["label"]) == (name, name)
