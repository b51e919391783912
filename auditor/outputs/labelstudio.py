"""`labelstudio.json` and `labelstudio.xml`: flagged images as tasks of Label Studio, and how it labels them."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from auditor.audit import Audit
from auditor.outputs.listed import ListedImage, classes, flagged
from auditor.outputs.locations import data_folder
from auditor.outputs.text import printable
from auditor.text import unshown

NAME = "labelstudio.json"
CONFIG = "labelstudio.xml"
_SERVED = "/data/local-files/?d="               # where Label Studio serves files below its document root
_GIVEN, _AUDITOR = "given label", "auditor"     # versions of predictions; Label Studio shows the one that comes last


def write_labelstudio(audit: Audit, folder: Path) -> Path:
    """Writes a task for each flagged image, in the order of review, and the configuration of the project.

    Images are addressed as local files below the parent of the data set's folder, as Label Studio wants it; those of
    a data set with a URL by that URL.

    Returns:
        The path of the tasks.
    """
    _write_config(classes(audit), folder / CONFIG)
    path = folder / NAME
    tasks = [_task(place, image, audit) for place, image in enumerate(flagged(audit), start=1)]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(tasks, file, ensure_ascii=False, allow_nan=False, indent=1)
        file.write("\n")
    return path


def _write_config(labels: list[str], path: Path) -> None:
    view = Element("View")
    SubElement(view, "Image", name="image", value="$image", zoom="true")
    choices = SubElement(view, "Choices", name="label", toName="image", choice="single", showInLine="true")
    for label in labels:
        SubElement(choices, "Choice", value=printable(label))
    SubElement(view, "Text", name="why", value="$why")
    SubElement(view, "Text", name="file", value="$file")
    ElementTree.indent(view)
    path.write_bytes(ElementTree.tostring(view, encoding="utf-8") + b"\n")


def _task(place: int, image: ListedImage, audit: Audit) -> dict[str, Any]:
    predictions = []
    if image.label is not None:
        predictions.append(_prediction(_GIVEN, image.label, image.p_correct))
    if image.suggested is not None:
        predictions.append(_prediction(_AUDITOR, image.suggested, image.mistakenness))
    elif image.label is not None:               # each version has all tasks: Label Studio shows one version
        predictions.append(_prediction(_AUDITOR, image.label, image.p_correct))
    return {
        "data": {
            "image": _address(audit.root, image.file),
            "file": image.file,
            "label": image.label,
            "suggested": image.suggested,
            "why": image.why,
            "place": place,
        },
        "meta": {
            "run": audit.run.id,
            "sha256": image.content,
            "findings": [
                {"id": found.id, "rule": found.rule, "severity": found.severity, "message": found.message}
                for found in image.findings
            ],
        },
        "predictions": predictions,
    }


def _prediction(version: str, label: str, score: float | None) -> dict[str, Any]:
    region = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [printable(label)]}}
    return {"model_version": version, "score": score, "result": [region]}


def _address(root: str, file: str) -> str:
    folder = data_folder(root)
    if folder is None:
        return f"{unshown(root).rstrip('/')}/{quote(os.fsencode(unshown(file)))}"
    return _SERVED + quote(os.fsencode(f"{folder.name}/{unshown(file)}"))
