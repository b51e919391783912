"""Writes manifests: what `auditor/data/manifest.py` reads back."""

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.data.table_files import ESCAPED
from auditor.errors import InputError
from auditor.text import absolute, shown, unshown


def path_in_manifest(dataset: Dataset, sample: Sample, target: Path) -> str:
    """Returns a sample's path as a manifest at `target` must write it.

    Raises:
        InputError: the manifest is not above the images, so it must not name them.
    """
    root, above = absolute(dataset.root), absolute(target).parent
    if not root.is_relative_to(above):
        root, above = Path(os.path.realpath(root)), Path(os.path.realpath(above))
    if not root.is_relative_to(above):
        raise InputError(
            f"{shown(str(target))} cannot name its images: a manifest names files below its own folder, but they "
            f"are in {shown(str(root))}. Put the manifest there or above, or have folders made (--by)."
        )
    return (root.relative_to(above) / unshown(sample.file)).as_posix()


def write_manifest(rows: Iterable[tuple[str, str, str]], path: Path) -> None:
    """Writes the file, the label and the split of each image, "" where it has none.

    Names that are not UTF-8 are written as their bytes on disk; manifests are read in the same way, if a byte order
    mark says that the others are UTF-8.
    """
    rows = list(rows)
    mark = "\ufeff" if any(ESCAPED.search(text) for row in rows for text in row) else ""
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(mark)
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("file", "label", "split"))
        table.writerows(rows)
