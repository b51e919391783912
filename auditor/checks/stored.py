"""What is left of an image and a rule when the scan is over: enough to say why the rule did not flag the image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What a rule about labels says of an image without one.
NO_LABEL = "not judged: the data set gives it no label."
#: What a rule that needs a model says of every image of a scan without one.
NO_MODEL = "not judged: the scan had no model."
#: What a rule about the data set says of every image.
NOT_ABOUT_AN_IMAGE = "not flagged: it is about the data set as a whole."


@dataclass(frozen=True)
class StoredImage:
    """One readable image of a stored run. The run may be older than the rule: any value may be missing.

    Attributes:
        row: Its row of `predictions.parquet`: column -> value, None where it has none.
        settings: Those of the rule in that run.
        matched: Whether the model's classes are the folder's, so that its predictions were judged.
        can_judge: Whether the probe was good enough to call a label wrong.
        modelless: Whether the scan had no model at all.
    """

    row: Mapping[str, Any]
    settings: Mapping[str, float]
    matched: bool
    can_judge: bool
    modelless: bool = False
