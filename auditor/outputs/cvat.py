"""`cvat.xml` and `cvat-labels.json`: flagged images as CVAT's "CVAT for images 1.1", and the labels of its task."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from auditor.audit import Audit
from auditor.outputs.listed import ListedImage, classes, every
from auditor.outputs.text import printable, real_name

NAME = "cvat.xml"
LABELS = "cvat-labels.json"
_ATTRIBUTES = ("suggested", "rules", "why")     # texts that a tag carries


def write_cvat(audit: Audit, folder: Path) -> Path:
    """Writes a tag with the given label for each flagged image, in the order of review; returns the path of the XML.

    CVAT takes no label or attribute that its task does not have, so the labels are written for its raw editor. The id
    of an image is its place among all readable ones by name, as in a task of all of them.
    """
    frames = [image for image in every(audit) if image.width is not None]
    places = {file: place for place, file in enumerate(sorted(image.file for image in frames))}
    labels = classes(audit)
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    _describe(SubElement(root, "meta"), audit, labels, len(frames))
    root.extend(_image(places[image.file], image) for image in frames if image.findings and image.label is not None)
    ElementTree.indent(root)
    path = folder / NAME
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    raw = [_raw_label(label) for label in labels]
    (folder / LABELS).write_text(json.dumps(raw, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return path


def _describe(meta: Element, audit: Audit, labels: list[str], size: int) -> None:
    task = SubElement(meta, "task")
    stated = {
        "name": audit.name, "size": str(size), "mode": "annotation", "overlap": "0", "flipped": "False",
        "created": audit.run.started_at, "updated": audit.run.started_at,
    }  # fmt: skip
    for name, value in stated.items():
        SubElement(task, name).text = printable(value)
    listed = SubElement(task, "labels")
    for label in labels:
        entry = SubElement(listed, "label")
        SubElement(entry, "name").text = printable(label)
        attributes = SubElement(entry, "attributes")
        for attribute in _ATTRIBUTES:
            described = SubElement(attributes, "attribute")
            for name, value in (_text_attribute(attribute) | {"values": ""}).items():
                SubElement(described, name).text = str(value)
    SubElement(meta, "dumped").text = audit.run.started_at


def _image(number: int, image: ListedImage) -> Element:
    size = {"width": str(image.width), "height": str(image.height)}
    element = Element("image", {"id": str(number), "name": real_name(image.file), **size})
    tag = SubElement(element, "tag", label=printable(str(image.label)), source="manual")
    for name, value in zip(_ATTRIBUTES, (image.suggested or "", ", ".join(image.rules), image.why), strict=True):
        SubElement(tag, "attribute", name=name).text = printable(value)
    return element


def _raw_label(label: str) -> dict[str, Any]:
    return {"name": label, "type": "tag", "attributes": [_text_attribute(name) for name in _ATTRIBUTES]}


def _text_attribute(name: str) -> dict[str, Any]:
    return {"name": name, "mutable": False, "input_type": "text", "default_value": "", "values": [""]}
