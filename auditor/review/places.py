"""Where an image goes when its label changes: by what its source's labels are, as `auditor/data` read them."""

import os
from collections import defaultdict
from pathlib import Path

from auditor.classes.spelling import composed
from auditor.data.dataset import Dataset
from auditor.data.labelling import LabelledBy
from auditor.data.options import label_in_name
from auditor.data.placement import why_unsafe
from auditor.data.sample import Sample
from auditor.data.split_names import split_of
from auditor.data.walk import Folder, why_folder_ignored
from auditor.text import shown, unshown, visible

TRY_MANIFEST = "--manifest FILE.csv writes a corrected table instead"
_WHY_NOT: dict[LabelledBy, str] = {
    "table": "its label is a line of a table",
    "notes": "its data set names its files in notes beside them, which would then be wrong",
    "record": "it is a record of a shard, and no file",
}


class NoPlace(Exception):
    """An image cannot get another label there; its text says why, as a part of a sentence."""


class Places:
    """The new paths of images whose labels change. Every path is given once, and nothing lies there yet.

    Args:
        dataset: Whose samples they are, its classes as its folders have them.
        root: Its folder.
        new_classes: Classes that the user allows although no image has them.
    """

    def __init__(self, dataset: Dataset, root: Path, new_classes: frozenset[str]) -> None:
        self._labelling, self._root = dataset.labelling, root
        self._known = frozenset(map(composed, (*dataset.classes, *new_classes)))
        self._new = frozenset(map(composed, new_classes))
        self._folders: dict[str, str] = {}      # class -> name of a folder of it, as the operating system has it
        for sample in dataset.samples:
            top = self._class_folder(sample)
            if top is not None and sample.label is not None:
                self._folders.setdefault(sample.label, top[-1])
        self._inside: dict[Folder, dict[str, list[str]]] = {}
        self._given: set[str] = set()

    def knows(self, label: str) -> bool:
        """Whether there is such a class, or the user allows it."""
        return composed(label) in self._known

    def moved(self, sample: Sample, label: str) -> str:
        """The path of an image with another label, relative to the root and as the operating system has it.

        Raises:
            NoPlace: there is none.
        """
        by = self._labelling.by
        if by in _WHY_NOT:
            raise NoPlace(f"{_WHY_NOT[by]}; {TRY_MANIFEST}")
        return self._free(self._renamed(sample, label) if by == "name" else self._in_folder(sample, label), label)

    def _in_folder(self, sample: Sample, label: str) -> str:
        folder, name = _parts(sample)
        top = self._class_folder(sample)
        if top is None:
            raise NoPlace(f"no folder on its path is its class; {TRY_MANIFEST}")
        other = (*top[:-1], self._name_in(top[:-1], label))
        if self._labelling.class_folder(other) != other:
            raise NoPlace(f"{shown('/'.join(other))} would not be read as the class {visible(label)}; {TRY_MANIFEST}")
        return "/".join((*other, *folder[len(top) :], name))

    def _renamed(self, sample: Sample, label: str) -> str:
        folder, name = _parts(sample)
        raw, old = unshown(label), unshown(sample.label or "")
        renamed = f"{raw}{name[len(old) :]}"
        if not old or not name.startswith(old) or "/" in raw or label_in_name(renamed) != label:
            raise NoPlace(f"its name does not begin with its class so that another could stand there; {TRY_MANIFEST}")
        return "/".join((*folder, renamed))

    def _name_in(self, above: Folder, label: str) -> str:
        """The name of the folder of a class below another folder: of the one that is there, or that is to be made."""
        if above not in self._inside:
            names: dict[str, list[str]] = defaultdict(list)
            for name in sorted(_folders_in(self._root.joinpath(*above))):
                names[composed(shown(name))].append(name)
            self._inside[above] = names
        wanted = unshown(label)
        there = self._inside[above].get(composed(label), [])
        name = wanted if wanted in there or not there else there[0]
        if not there:
            name = self._folders.get(composed(label), wanted)
        if "/" in name or why_unsafe(name, anywhere=False) or why_folder_ignored(name):
            raise NoPlace(f"no folder can be called {visible(label)}; {TRY_MANIFEST}")
        if composed(label) in self._new and split_of(name) is not None:
            raise NoPlace(f"a folder called {visible(label)} would be read as a split; {TRY_MANIFEST}")
        return name

    def _class_folder(self, sample: Sample) -> Folder | None:
        return self._labelling.class_folder(_parts(sample)[0])

    def _free(self, path: str, label: str) -> str:
        """The path, or one with a number before its extension where something else is, or will be."""
        stem, dot, ending = path.rpartition(".")
        if not stem or "/" in ending:
            stem, dot, ending = path, "", ""
        mark = "." if self._labelling.by == "name" else "-"     # `dog_12-2.jpg` would be of the class `dog_12`
        number, free = 1, path
        while free in self._given or os.path.lexists(self._root / free):
            number += 1
            free = f"{stem}{mark}{number}{dot}{ending}"
        if self._labelling.by == "name" and label_in_name(free.rpartition("/")[2]) != label:
            raise NoPlace(f"{shown(path)} is taken, and no other name begins with its class; {TRY_MANIFEST}")
        self._given.add(free)
        return free


def _parts(sample: Sample) -> tuple[Folder, str]:
    """The folders and the name of a sample of local files, as the operating system has them."""
    *folder, name = sample.where.split("/")
    return tuple(folder), name


def _folders_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
