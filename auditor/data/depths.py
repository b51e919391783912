"""A layout that the user stated: at which depth the folders are classes, and at which they are splits."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from auditor.data.split_names import split_in, split_of
from auditor.data.walk import Folder, Tree
from auditor.errors import InputError
from auditor.text import count, shown, some


@dataclass
class Depths:
    """Labels and splits by depth; does for a stated layout what `Layout` does for a recognised one.

    Attributes:
        classes_at: Depth of the class folders, 1 directly below the root; None if folders are no labels.
        split_at: Depth of the splits; None takes a folder above the class whose name is that of a split.
        classes: Names of the class folders.
        notes: Sentences about what was read.
    """

    classes_at: int | None
    split_at: int | None
    classes: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def class_folder(self, folder: Folder) -> Folder | None:
        """Returns the class folder of a folder; None if it does not lie so deep."""
        return folder[: self.classes_at] if self.classes_at and len(folder) >= self.classes_at else None

    def place(self, folder: Folder) -> tuple[str | None, str | None]:
        """Returns the label and the split of the images in a folder."""
        label = shown(folder[self.classes_at - 1]) if self.classes_at and len(folder) >= self.classes_at else None
        if self.split_at:
            return label, split_in(folder[self.split_at - 1]) if len(folder) >= self.split_at else None
        above = folder[: (self.classes_at or 1) - 1]
        return label, next((split for name in above if (split := split_of(name))), None)


def stated_layout(tree: Tree, classes_at: int | None, split_at: int | None, *, labels_elsewhere: bool) -> Depths:
    """The layout by `--classes-at` and `--split-at`; classes lie directly below the splits if only these are stated.

    Raises:
        InputError: both are the same, or no image lies so deep.
    """
    if classes_at is not None and classes_at == split_at:
        raise InputError(f"--classes-at and --split-at are both {split_at}; expected two depths, such as 2 and 1")
    if labels_elsewhere:
        classes_at = None
    elif classes_at is None and split_at is not None:
        classes_at = split_at + 1
    for name, depth in (("--classes-at", classes_at), ("--split-at", split_at)):
        if depth is not None:
            _check_depth(tree, name, depth)
    layout = Depths(classes_at, split_at)
    if classes_at is not None:
        occupied = {folder[:classes_at] for folder in tree.occupied}
        filled = {image.folder[:classes_at] for image in tree.images}
        deep = (folder for folder in (*tree.folders, *filled) if len(folder) == classes_at)
        layout.classes = {shown(folder[-1]) for folder in deep if folder in filled or folder not in occupied}
        layout.notes.append(f"Classes are the folders at depth {classes_at}: {_few(layout.classes)}.")
    if split_at is not None:
        names = {image.folder[split_at - 1] for image in tree.images if len(image.folder) >= split_at}
        known = [f"{shown(name)} ({split})" for name in sorted(names) if (split := split_in(name))]
        unknown = [shown(name) for name in sorted(names) if not split_in(name)]
        layout.notes.append(f"Splits are the folders at depth {split_at}: {_few(known) or 'none'}.")
        if unknown:
            layout.notes.append(f"Neither train, val nor test, so read as no split: {_few(unknown)}.")
    return layout


def _check_depth(tree: Tree, option: str, depth: int) -> None:
    deepest = max((image for image in tree.images), key=lambda image: len(image.folder), default=None)
    if deepest is not None and len(deepest.folder) < depth:
        raise InputError(
            f"{option} is {depth}, but no image lies in so many folders; the deepest is {shown(deepest.raw)}, in "
            f"{count(len(deepest.folder), 'folder')}. 1 is the folder directly below the root."
        )


def _few(names: Iterable[str]) -> str:
    return some(sorted(names))
