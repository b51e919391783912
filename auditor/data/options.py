"""The options of every source: where labels come from, and which columns contain them."""

import re
from dataclasses import dataclass, field

from auditor.data.tables import Columns
from auditor.settings import LabelFrom
from auditor.text import shown


@dataclass(frozen=True)
class SourceOptions:
    """How a source is read.

    Attributes:
        label_from: "name" takes a file's class from the start of its name (`cat.0.jpg`) instead of its folder.
        columns: The columns of a manifest or of metadata.
    """

    label_from: LabelFrom = "folder"
    columns: Columns = field(default_factory=Columns)


def label_in_name(name: str) -> str | None:
    """Returns the class at the start of a file name, as `great_pyrenees` in `great_pyrenees_12.jpg`; else None."""
    start = name.split(".")[0]
    return shown(re.sub(r"[\s._-]*\(?\d*\)?$", "", start).strip()) or None
