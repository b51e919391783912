"""The options of every source: where labels come from, which columns contain them, and what is left out."""

import re
from dataclasses import dataclass, field

from auditor.data.tables import Columns
from auditor.errors import InputError
from auditor.settings import LabelFrom
from auditor.text import shown


@dataclass(frozen=True)
class SourceOptions:
    """How a source is read.

    Attributes:
        label_from: "name" takes a file's class from the start of its name (`cat.0.jpg`) instead of its folder.
        columns: The columns of a manifest or of metadata.
        classes_at: Depth of the class folders, 1 directly below the root; None recognises them.
        split_at: Depth of the folders that are splits; None recognises them.
        exclude: Globs of files and folders that are left out.
    """

    label_from: LabelFrom = "folder"
    columns: Columns = field(default_factory=Columns)
    classes_at: int | None = None
    split_at: int | None = None
    exclude: tuple[str, ...] = ()

    def refuse_depths(self, what: str, *, classes_only: bool = False) -> None:
        """Raises InputError where a depth was stated for a source whose labels are not its folders."""
        stated = {"--classes-at": self.classes_at, "--split-at": None if classes_only else self.split_at}
        for option, depth in stated.items():
            if depth is not None:
                raise InputError(f"{option} {depth} is a depth of folders, but {what}. Leave {option} out.")


def label_in_name(name: str) -> str | None:
    """Returns the class at the start of a file name, as `great_pyrenees` in `great_pyrenees_12.jpg`; else None."""
    start = name.split(".")[0]
    return shown(re.sub(r"[\s._-]*\(?\d*\)?$", "", start).strip()) or None
