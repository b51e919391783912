"""Tasks for Label Studio: as its manual describes them, and as its own code takes them where that is installed."""

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from lxml import etree

from auditor.outputs.labelstudio import write_labelstudio
from tests.gates.made import HOSTILE, UNPRINTABLE, found
from tests.outputs.pets import pets, table


def written(audit, folder):
    """The tasks, and the root of the configuration."""
    path = write_labelstudio(audit, folder)
    return json.loads(path.read_text(encoding="utf-8")), etree.parse(str(folder / "labelstudio.xml")).getroot()


def hostile():
    named = found(file=HOSTILE, label=HOSTILE, suggested=HOSTILE, message=HOSTILE)
    audit = pets(named, predictions=table(**{"dog/3.jpg": HOSTILE}), classes={HOSTILE: 1, "cat": 2})
    audit.predictions.loc[audit.predictions["file"] == HOSTILE, "label"] = HOSTILE
    return audit


def test_flagged_images_are_tasks_in_the_order_of_review(tmp_path):
    audit = pets()
    tasks, _ = written(audit, tmp_path)

    assert [task["data"]["file"] for task in tasks] == ["dog/3.jpg", "cat/broken.jpg"]
    assert tasks[0]["data"] == {
        "image": "/data/local-files/?d=pets/dog/3.jpg", "file": "dog/3.jpg", "label": "dog", "suggested": "cat",
        "why": "It is a cat. It is blurry.", "place": 1,
    }  # fmt: skip
    assert tasks[0]["meta"]["run"] == audit.run.id
    assert tasks[0]["meta"]["findings"][1] == {
        "id": "b", "rule": "blurry", "severity": "low", "message": "It is blurry.",
    }  # fmt: skip


def test_both_labels_are_predictions_and_ours_is_the_last_so_that_it_is_shown(tmp_path):
    tasks, _ = written(pets(), tmp_path)

    told = [
        [(each["model_version"], each["result"][0]["value"]["choices"], each["score"]) for each in task["predictions"]]
        for task in tasks
    ]
    assert told == [
        [("given label", ["dog"], 0.25), ("auditor", ["cat"], 0.75)],
        [("given label", ["cat"], None), ("auditor", ["cat"], None)],
    ]


def test_the_configuration_has_every_class_and_the_names_that_tasks_and_predictions_use(tmp_path):
    tasks, root = written(pets(found(file="cat/1.jpg", suggested="fox")), tmp_path)

    assert [choice.get("value") for choice in root.iter("Choice")] == ["cat", "dog", "fox"]
    assert {element.get("value") for element in root if element.get("value")} <= {f"${key}" for key in tasks[0]["data"]}
    (region,) = tasks[0]["predictions"][1]["result"]
    choices = root.find("Choices")
    assert (region["from_name"], region["to_name"]) == (choices.get("name"), choices.get("toName"))
    assert choices.get("toName") == root.find("Image").get("name")


@pytest.mark.parametrize(("name", "real"), [(HOSTILE, HOSTILE.encode()), (UNPRINTABLE, b"a\x1b[31m\n::error\xff")])
def test_an_address_leads_to_the_file_whatever_its_name(name, real, tmp_path):
    audit = pets(found(file=name), predictions=table(**{"dog/3.jpg": name}), root="/mnt/my pets")
    ((task,), _) = written(audit, tmp_path)

    address = urlsplit(task["data"]["image"])
    assert (address.path, address.fragment) == ("/data/local-files/", "")
    assert parse_qs(address.query, encoding="latin-1")["d"][0].encode("latin-1") == b"my pets/" + real


def test_images_of_a_url_have_urls(tmp_path):
    ((task,), _) = written(pets(found(file="cat/1.jpg"), root="s3://bucket/pets/"), tmp_path)
    assert unquote(task["data"]["image"]) == "s3://bucket/pets/cat/1.jpg"


def test_names_are_only_ever_text(tmp_path):
    (task,), root = written(hostile(), tmp_path)

    assert [choice.get("value") for choice in root.iter("Choice")] == sorted([HOSTILE, "cat"])
    assert task["data"]["label"] == task["data"]["file"] == HOSTILE
    assert {element.tag for element in root.iter()} == {"View", "Image", "Choices", "Choice", "Text"}


@pytest.mark.parametrize("audit", [pets(), hostile()], ids=["pets", "hostile"])
def test_the_code_of_label_studio_takes_it(audit, tmp_path):
    reason = "label-studio-sdk is not installed: with what it needs it takes 500 MB"
    interface = pytest.importorskip("label_studio_sdk.label_interface", reason=reason).LabelInterface
    tasks, root = written(audit, tmp_path)

    label_interface = interface(etree.tostring(root, encoding="unicode"))
    label_interface.validate()
    for task in tasks:
        assert label_interface.validate_task({"data": task["data"]})
        for prediction in task["predictions"]:
            assert label_interface.validate_prediction(prediction, return_errors=True) == []
