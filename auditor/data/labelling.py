"""What gives the images of a source their labels: where somebody changes a label, it is to be changed there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from auditor.data.walk import Folder

#: "folder": the folder that an image lies in. "name": the start of its file's name. "table": a line of a table.
#: "notes": files that a published data set has beside its images. "record": the image's record in a shard.
LabelledBy = Literal["folder", "name", "table", "notes", "record"]


def no_class_folder(folder: Folder) -> Folder | None:
    """Of a source whose labels are not its folders."""
    return None


@dataclass(frozen=True)
class Labelling:
    """How a source was read.

    Attributes:
        by: What gives the labels.
        class_folder: Folder -> the one at or above it whose name is the class of the images in it; None where none is.
    """

    by: LabelledBy
    class_folder: Callable[[Folder], Folder | None] = no_class_folder


#: Of a source that has no files of its own for its images, and of any that says nothing.
IN_RECORDS = Labelling("record")
