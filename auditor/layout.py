"""Which folders are splits, which are classes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from auditor.folders import Folder, Tree, shown, some
from auditor.manifests import split_of


@dataclass
class Layout:
    """How the folders below a root are read.

    Attributes:
        splits: Split folder -> "train", "val" or "test". Of a doubled one the inner.
        single: The class of all images, where they lie in the root itself.
        classes: Names of the class folders.
        notes: Sentences about what was recognised.
    """

    splits: dict[Folder, str] = field(default_factory=dict)
    single: str | None = None
    classes: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    _places: dict[Folder, tuple[str | None, str | None]] = field(default_factory=dict)

    def place(self, folder: Folder) -> tuple[str | None, str | None]:
        """The label and split of images in a folder."""
        if folder not in self._places:
            top = self.class_folder(folder)
            label = shown(top[-1]) if top else self.single
            self._places[folder] = label, self._split(folder)
        return self._places[folder]

    def class_folder(self, folder: Folder) -> Folder | None:
        """The first folder below the root or below a split on the way to a folder."""
        depth = next((len(split) for split in self.splits if folder[: len(split)] == split), 0)
        if any(folder == split[: len(folder)] for split in self.splits):
            return None
        return folder[: depth + 1] or None

    def _split(self, folder: Folder) -> str | None:
        return next((name for split, name in self.splits.items() if folder[:1] == split[:1]), None)


def recognise(tree: Tree, *, labels_elsewhere: bool) -> Layout:
    """Reads the layout of a folder.

    Args:
        tree: What lies below it.
        labels_elsewhere: Labels come from names or metadata, so that folders can only be splits.
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
    """Folders named like splits are splits where one of them holds class folders, where they are several, or
    where labels come from elsewhere. One alone that only holds images is a class: trains exist.
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
    """`training_set` -> `training_set/training_set`, as some archives unpack, where that is all it holds."""
    inner = children.get(folder, [])
    if folder not in direct and len(inner) == 1 and split_of(inner[0][-1]) == split_of(folder[-1]):
        return _innermost(inner[0], children, direct)
    return folder


def _find_classes(tree: Tree, layout: Layout, children: dict[Folder, list[Folder]], filled: set[Folder]) -> None:
    """Class folders hold images, or nothing at all; a folder of other files beside them is none."""
    tops = [folder for folder in tree.folders if layout.class_folder(folder) == folder]
    occupied = {folder[:depth] for folder in tree.occupied for depth in range(len(folder) + 1)}
    beside = [folder for folder in tops if len(folder) == 1 and layout.splits]
    strangers = [folder for folder in tops if folder not in filled and (folder in occupied or folder in beside)]
    empty = [folder for folder in tops if folder not in filled and folder not in strangers]
    layout.classes.update(shown(folder[-1]) for folder in tops if folder not in strangers)
    stray = [folder for folder in beside if folder in filled]
    if stray:
        layout.notes.append(f"Beside the split folders, so read as classes without a split: {_names(stray)}.")
    if empty:
        layout.notes.append(f"Empty class folders: {_names(empty)}.")
    if strangers:
        layout.notes.append(f"Folders without an image, not read as classes: {_names(strangers)}.")
    if len(layout.classes) == 1 and not layout.splits:
        below = [folder for folder in children.get(tops[0], []) if folder in filled]
        if len(below) > 1:
            layout.notes.append(
                f"All images are in one class, {shown(tops[0][-1])}. To read {some(f[-1] for f in below)} as classes, "
                f"give the path of {shown(tops[0][-1])}."
            )


def _names(folders: Sequence[Folder]) -> str:
    return some(sorted(shown("/".join(folder)) for folder in folders))
