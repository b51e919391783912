"""Which folders are splits and which are classes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from auditor.data.tables import split_of
from auditor.data.walk import Folder, Tree
from auditor.text import shown, some


@dataclass
class Layout:
    """How the folders below a root are interpreted.

    Attributes:
        splits: Split folder -> "train", "val" or "test"; the inner folder if it is nested twice.
        single: The class of all images if they are in the root itself, else None.
        classes: Names of the class folders.
        notes: Sentences about what was recognised.
    """

    splits: dict[Folder, str] = field(default_factory=dict)
    single: str | None = None
    classes: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    _places: dict[Folder, tuple[str | None, str | None]] = field(default_factory=dict)

    def place(self, folder: Folder) -> tuple[str | None, str | None]:
        """Returns the label and the split of the images in a folder."""
        if folder not in self._places:
            top = self.class_folder(folder)
            label = shown(top[-1]) if top else self.single
            self._places[folder] = label, self._split(folder)
        return self._places[folder]

    def class_folder(self, folder: Folder) -> Folder | None:
        """Returns the class folder of a folder: the one directly below the root or a split; None if there is none."""
        depth = next((len(split) for split in self.splits if folder[: len(split)] == split), 0)
        if any(folder == split[: len(folder)] for split in self.splits):
            return None
        return folder[: depth + 1] or None

    def _split(self, folder: Folder) -> str | None:
        return next((name for split, name in self.splits.items() if folder[:1] == split[:1]), None)


def recognise(tree: Tree, *, labels_elsewhere: bool) -> Layout:
    """Recognises the layout of a folder.

    Args:
        tree: The contents of the folder.
        labels_elsewhere: Whether labels come from names or metadata, so that folders can only be splits.
    """
    children = _children(tree)
    direct = {image.folder for image in tree.images}
    filled = {folder[:depth] for folder in direct for depth in range(len(folder) + 1)}
    layout = Layout(splits=_find_splits(children, direct, filled, labels_elsewhere))
    if layout.splits:
        named = [f"{shown('/'.join(folder))} ({name})" for folder, name in sorted(layout.splits.items())]
        layout.notes.append(f"Splits are the folders {some(named)}.")
    if labels_elsewhere:
        return layout
    _find_classes(tree, layout, children, filled)
    if not layout.splits and filled <= {()}:  # empty class folders beside the images change nothing
        layout.single = shown(tree.base.name) or "images"
        layout.classes = {layout.single}
        if filled:
            layout.notes.append(f"All images lie in the folder itself, so they are one class, {layout.single}.")
    elif not layout.classes:
        layout.notes.append("No folder names a class; where file names do (cat.0.jpg), use --label-from name.")
    return layout


def _children(tree: Tree) -> dict[Folder, list[Folder]]:
    children: dict[Folder, list[Folder]] = {}
    for folder in sorted(tree.folders):
        children.setdefault(folder[:-1], []).append(folder)
    return children


def _find_splits(
    children: dict[Folder, list[Folder]], direct: set[Folder], filled: set[Folder], labels_elsewhere: bool
) -> dict[Folder, str]:
    """Finds the folders that are splits.

    Folders with the names of splits are splits if one of them contains class folders, if there are several, or if
    labels come from elsewhere. A single one that contains only images is a class: "train" can mean the vehicle.
    """
    found: dict[Folder, str] = {}
    for folder in children.get((), []):
        name = split_of(folder[0])
        if name is not None:
            found[_innermost(folder, children, direct)] = name
    beside = any(folder in direct for folder in children.get((), []) if split_of(folder[0]) is None)
    for folder in found:
        holds_classes = any(child in filled for child in children.get(folder, []))
        if holds_classes and not (folder in direct and beside):
            return found
    return found if labels_elsewhere or len(found) > 1 else {}


def _innermost(folder: Folder, children: dict[Folder, list[Folder]], direct: set[Folder]) -> Folder:
    """Returns `training_set/training_set` for `training_set` if it contains nothing else, as in some archives."""
    inner = children.get(folder, [])
    if folder not in direct and len(inner) == 1 and split_of(inner[0][-1]) == split_of(folder[-1]):
        return _innermost(inner[0], children, direct)
    return folder


def _find_classes(tree: Tree, layout: Layout, children: dict[Folder, list[Folder]], filled: set[Folder]) -> None:
    """Finds the class folders: they contain images or are empty; a folder with only other files is not a class."""
    tops = [folder for folder in tree.folders if layout.class_folder(folder) == folder]
    occupied = {folder[:depth] for folder in tree.occupied for depth in range(len(folder) + 1)}
    beside = [folder for folder in tops if len(folder) == 1 and layout.splits]
    not_classes = [folder for folder in tops if folder not in filled and (folder in occupied or folder in beside)]
    empty = [folder for folder in tops if folder not in filled and folder not in not_classes]
    layout.classes.update(shown(folder[-1]) for folder in tops if folder not in not_classes)
    without_split = [folder for folder in beside if folder in filled]
    if without_split:
        layout.notes.append(f"Beside the split folders, so read as classes without a split: {_names(without_split)}.")
    if empty:
        layout.notes.append(f"Empty class folders: {_names(empty)}.")
    if not_classes:
        layout.notes.append(f"Folders without an image, not read as classes: {_names(not_classes)}.")
    if len(layout.classes) == 1 and not layout.splits:
        below = [folder for folder in children.get(tops[0], []) if folder in filled]
        if len(below) > 1:
            layout.notes.append(
                f"All images are in one class, {shown(tops[0][-1])}. To read {some(f[-1] for f in below)} as classes, "
                f"give the path of {shown(tops[0][-1])}."
            )


def _names(folders: Sequence[Folder]) -> str:
    return some(sorted(shown("/".join(folder)) for folder in folders))
