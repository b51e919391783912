"""`coco.json`: images, classes and given labels as COCO has them, with what was found beside them."""

import json
from pathlib import Path
from typing import Any

from auditor.audit import Audit
from auditor.outputs.listed import ListedImage, classes, every
from auditor.outputs.text import real_name

NAME = "coco.json"


def write_coco(audit: Audit, folder: Path) -> Path:
    """Writes all images that could be decoded, those with findings first; returns the file's path.

    COCO has no annotation for a whole picture: a box around all of it is what every reader of the format takes.
    """
    path = folder / NAME
    categories = {name: number for number, name in enumerate(classes(audit), start=1)}
    images, annotations = [], []
    readable = (image for image in every(audit) if image.width is not None and image.height is not None)
    for number, image in enumerate(readable, start=1):
        images.append(_image(number, image))
        if image.label is not None:
            annotations.append(_annotation(number, image, categories))
    document = {
        "info": {
            "description": f"{audit.name}, scanned by auditor",
            "version": audit.run.auditor_version,
            "year": int(audit.run.started_at[:4]),
            "date_created": audit.run.started_at,
            "contributor": "auditor",
            "url": "",
            "auditor": {"run": audit.run.id, "root": audit.root},
        },
        "licenses": [],
        "categories": [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()],
        "images": images,
        "annotations": annotations,
    }
    with path.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(document, file, ensure_ascii=False, allow_nan=False)
        file.write("\n")
    return path


def _image(number: int, image: ListedImage) -> dict[str, Any]:
    return {
        "id": number,
        "file_name": real_name(image.file),
        "width": image.width,
        "height": image.height,
        "split": image.split,
        "sha256": image.content,
        "findings": [
            {"id": found.id, "rule": found.rule, "severity": found.severity, "message": found.message}
            for found in image.findings
        ],
    }


def _annotation(number: int, image: ListedImage, categories: dict[str, int]) -> dict[str, Any]:
    assert image.width is not None and image.height is not None and image.label is not None
    return {
        "id": number,
        "image_id": number,
        "category_id": categories[image.label],
        "bbox": [0, 0, image.width, image.height],
        "area": image.width * image.height,
        "segmentation": [],
        "iscrowd": 0,
        "suggested_category_id": None if image.suggested is None else categories[image.suggested],
        "mistakenness": image.mistakenness,
    }
