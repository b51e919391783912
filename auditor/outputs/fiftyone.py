"""`samples.json` and `metadata.json`: a data set that FiftyOne loads from the run's folder."""

import json
from pathlib import Path
from typing import Any

from auditor.audit import Audit
from auditor.outputs.listed import ListedImage, every
from auditor.outputs.text import real_name

NAME = "samples.json"
METADATA = "metadata.json"


def write_fiftyone(audit: Audit, folder: Path) -> Path:
    """Writes all images, those with findings first; returns the path of `samples.json`.

    The form is the one that FiftyOne calls `LegacyFiftyOneDataset`: its newer one is a dump of the database.
    """
    samples = [_sample(place, image) for place, image in enumerate(every(audit), start=1)]
    metadata = {
        "media_type": "image",
        "info": {"name": audit.name, "run": audit.run.id, "auditor": audit.run.auditor_version},
    }
    for name, document in ((METADATA, metadata), (NAME, {"samples": samples})):
        with (folder / name).open("w", encoding="utf-8", newline="\n") as file:
            json.dump(document, file, ensure_ascii=False, allow_nan=False)
            file.write("\n")
    return folder / NAME


def _sample(place: int, image: ListedImage) -> dict[str, Any]:
    """A sample; its tags are the split and the rules, its fields are named as FiftyOne's own tools name them."""
    sized = image.width is not None and image.height is not None
    return {
        "filepath": real_name(image.file),
        "tags": [*([image.split] if image.split else []), *image.rules],
        "metadata": {"_cls": "ImageMetadata", "width": image.width, "height": image.height} if sized else None,
        "ground_truth": _classification(image.label),
        "suggested": _classification(image.suggested, image.mistakenness),
        "mistakenness": image.mistakenness,
        "place": place,
        "findings": [found.id for found in image.findings],
        "message": image.why or None,
        "sha256": image.content,
    }


def _classification(label: str | None, confidence: float | None = None) -> dict[str, Any] | None:
    return None if label is None else {"_cls": "Classification", "label": label, "confidence": confidence}
