"""Which folders are splits and which are classes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from auditor.data.published import IMAGE_FOLDERS, annotated, is_unlabelled, is_variant, is_wrapper
from auditor.data.split_names import split_in, split_of
from auditor.data.walk import Folder, Tree
from auditor.text import shown, some

_SAME = 0.5                                     # share of its folders that a folder has in common with others
_DEEPEST = 3                                    # folders around a data set that hold nothing else


@dataclass
class Layout:
    """How the folders below a root are interpreted.

    Attributes:
        splits: Folder above classes -> "train", "val" or "test", or None where it is no split; the inner folder if it
            is nested twice.
        single: The class of all images if they are in the root itself, else None.
        unlabelled: Folders below splits that are no classes.
        labels: Labels of images, by path relative to the root, where a file beside them says them.
        classes: Names of the class folders.
        notes: Sentences about what was recognised.
    """

    splits: dict[Folder, str | None] = field(default_factory=dict)
    single: str | None = None
    unlabelled: set[Folder] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)
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
        depth = max((len(split) for split in self.splits if folder[: len(split)] == split), default=0)
        if any(folder == split[: len(folder)] for split in self.splits):
            return None
        top = folder[: depth + 1]
        return None if top in self.unlabelled else top or None

    def _split(self, folder: Folder) -> str | None:
        """That of the split the folder is in, or of one that is nested in the folder and shares its name."""
        for split, name in self.splits.items():
            if name is None:
                continue
            outer = split
            while len(outer) > 1 and _same_name(outer[-1], outer[-2]):
                outer = outer[:-1]
            if folder[: len(outer)] == outer:
                return name
        return None


@dataclass(frozen=True)
class _Folders:
    """The folders below a root.

    Attributes:
        children: The folders directly in a folder.
        direct: Folders with images directly in them.
        filled: Folders with images in or below them.
    """

    children: dict[Folder, list[Folder]]
    direct: set[Folder]
    filled: set[Folder]

    def below(self, folder: Folder) -> list[Folder]:
        """The folders directly in a folder that have images."""
        return [child for child in self.children.get(folder, []) if child in self.filled]


def recognise(tree: Tree, *, labels_elsewhere: bool) -> Layout:
    """Recognises the layout of a folder.

    Args:
        tree: The contents of the folder.
        labels_elsewhere: Whether labels come from names or metadata, so that folders can only be splits.
    """
    direct = {image.folder for image in tree.images}
    filled = {folder[:depth] for folder in direct for depth in range(len(folder) + 1)}
    folders = _Folders(_children(tree), direct, filled)
    layout = Layout()
    start: Folder = () if labels_elsewhere else _unwrapped(tree, folders)
    if start:
        layout.splits[start] = None
        layout.notes.append(
            f"Everything lies in {shown('/'.join(start))}, so the folders in it were read. To read "
            f"{shown(start[0])} as the class, pass --classes-at 1."
        )
    splits = _find_splits(folders, start, labels_elsewhere)
    layout.splits |= splits
    if splits:
        named = [f"{shown('/'.join(folder))} ({name})" for folder, name in sorted(splits.items())]
        layout.notes.append(f"Splits are the folders {some(named)}.")
    if labels_elsewhere:
        return layout
    _add_alike(layout, folders, start)
    _find_unlabelled(tree, layout, folders)
    _find_classes(tree, layout, folders)
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


def _unwrapped(tree: Tree, folders: _Folders) -> Folder:
    """The folder that holds all splits or classes: the root, or one below that is certainly only around them."""
    start: Folder = ()
    for _ in range(_DEEPEST):
        below = folders.below(start)
        if len(below) != 1 or start in folders.direct or _find_splits(folders, start, labels_elsewhere=False):
            break
        above = start[-1] if start else tree.base.name
        start = below[0]
        inside = folders.below(start)
        if len(inside) > 1 and start not in folders.direct and (
            start[-1] == above
            or is_wrapper(start[-1], [folder[-1] for folder in inside])
            or any(len(folders.below(split)) > 1 for split in _find_splits(folders, start, labels_elsewhere=False))
            or _meanings(_alike(folders, start)) is not None
        ):
            return start
    return ()


def _find_splits(folders: _Folders, start: Folder, labels_elsewhere: bool) -> dict[Folder, str]:
    """Finds the folders that are splits.

    Folders with the names of splits are splits if one of them contains class folders, if there are several, or if
    labels come from elsewhere. A single one that contains only images is a class: "train" can mean the vehicle.
    """
    tops = folders.children.get(start, [])
    found = {_innermost(folder, folders): name for folder in tops if (name := split_of(folder[-1])) is not None}
    beside = any(folder in folders.direct for folder in tops if split_of(folder[-1]) is None)
    for folder in found:
        if folders.below(folder) and not (folder in folders.direct and beside):
            return found
    return found if labels_elsewhere or len(found) > 1 else {}


def _innermost(folder: Folder, folders: _Folders) -> Folder:
    """Returns `training_set/training_set` for `training_set` if it contains nothing else, as in some archives."""
    inner = folders.children.get(folder, [])
    if folder not in folders.direct and len(inner) == 1 and _same_name(inner[0][-1], folder[-1]):
        return _innermost(inner[0], folders)
    return folder


def _same_name(one: str, other: str) -> bool:
    return one == other or (split_of(one) is not None and split_of(one) == split_of(other))


def _alike(folders: _Folders, start: Folder) -> dict[Folder, set[str]]:
    """Folders directly below that hold folders of the same names, at least two, with the names; innermost if nested."""
    held = {
        inner: {child[-1] for child in folders.below(inner)}
        for inner in (_innermost(folder, folders) for folder in folders.below(start))
    }
    uses = Counter(name for names in held.values() for name in names)
    common = {name for name, times in uses.items() if times > 1}
    alike = {folder: names for folder, names in held.items() if names and len(names & common) > _SAME * len(names)}
    return alike if len(common) > 1 and len(alike) > 1 else {}


def _meanings(alike: Iterable[Folder]) -> dict[Folder, str | None] | None:
    """What folders that hold the same folders are if their names tell: splits, or variants; None if they do not."""
    names = {folder: folder[-1] for folder in alike}
    splits = {folder: split_in(name) for folder, name in names.items()}
    if names and (all(splits.values()) or all(is_variant(name) for name in names.values())):
        return splits
    return None


def _add_alike(layout: Layout, folders: _Folders, start: Folder) -> None:
    """Adds folders that hold the same folders as others, where they can be no classes; else says how they are read."""
    alike = _alike(folders, start)
    certain = [folder for folder in alike if layout.splits.get(folder)]
    found = {folder: split_in(folder[-1]) for folder in alike} if certain else _meanings(alike)
    rest = [folder for folder in alike if folder not in certain]
    if not rest:
        return
    tops = some(shown("/".join(folder)) for folder in rest)
    inside = some(sorted(shown(name) for name in set().union(*(alike[folder] for folder in rest))), 3)
    depth = len(start) + 1
    if found is None and all(split_in(name) for folder in rest for name in alike[folder]):
        layout.notes.append(
            f"The folders {tops} hold folders with names of splits ({inside}), which were not read as splits. If they "
            f"are, pass --classes-at {depth} --split-at {depth + 1}."
        )
        return
    if found is None:
        layout.notes.append(
            f"The folders {tops} hold folders of the same names ({inside}), and were read as the classes. If the "
            f"folders in them are the classes, pass --classes-at {depth + 1}; if they are splits too, also --split-at "
            f"{depth}."
        )
        return
    layout.splits |= found
    read = some(f"{shown('/'.join(folder))} ({found[folder] or 'no split'})" for folder in rest)
    layout.notes.append(
        f"The folders {read} hold folders of the same names ({inside}), so these were read as the classes. To read "
        f"{tops} as classes, pass --classes-at {depth}."
    )
    for folder in folders.below(start):
        inner = _innermost(folder, folders)
        if inner not in found and not folders.below(inner) and (inner != folder or is_unlabelled(folder[-1])):
            layout.splits[inner] = split_in(folder[-1])
            layout.notes.append(f"{shown('/'.join(folder))} holds no class folders, so its images have no label.")


def _find_unlabelled(tree: Tree, layout: Layout, folders: _Folders) -> None:
    """Finds folders like `val/images` where other splits have the classes; labels may lie in a file beside them."""
    below = {split: folders.below(split) for split in layout.splits}
    for split, children in below.items():
        others = {child[-1] for other, theirs in below.items() if other != split for child in theirs}
        lone = len(children) == 1 and children[0][-1].casefold() in IMAGE_FOLDERS and not folders.below(children[0])
        named = {name for name in others if name.casefold() not in IMAGE_FOLDERS}
        if not lone or len(named) < 2:
            continue
        layout.unlabelled.add(children[0])
        found, note = annotated(tree, split, children[0], named)
        layout.labels |= found
        layout.notes.append(note)


def _find_classes(tree: Tree, layout: Layout, folders: _Folders) -> None:
    """Finds the class folders: they contain images or are empty; a folder with only other files is not a class."""
    tops = [folder for folder in tree.folders if layout.class_folder(folder) == folder]
    occupied = {folder[:depth] for folder in tree.occupied for depth in range(len(folder) + 1)}
    above = {split[:depth] for split in layout.splits for depth in range(len(split))}
    beside = [folder for folder in tops if folder[:-1] in above]
    vacant = [folder for folder in tops if folder not in folders.filled]
    not_classes = [folder for folder in vacant if folder in occupied or folder in beside]
    empty = [folder for folder in vacant if folder not in not_classes]
    layout.classes.update(shown(folder[-1]) for folder in tops if folder not in not_classes)
    without_split = [folder for folder in beside if folder in folders.filled]
    if without_split:
        layout.notes.append(f"Beside the split folders, so read as classes without a split: {_names(without_split)}.")
    if empty:
        layout.notes.append(f"Empty class folders: {_names(empty)}.")
    if not_classes:
        layout.notes.append(f"Folders without an image, not read as classes: {_names(not_classes)}.")
    with_images = [folder for folder in tops if folder in folders.filled]
    _note_one_inside(layout, folders, with_images)
    _note_split_names(layout, folders, with_images)
    if len(layout.classes) == 1 and with_images:
        _note_one_class(layout, folders, with_images[0])


def _note_one_class(layout: Layout, folders: _Folders, top: Folder) -> None:
    """Says how the only class can be read otherwise, however many folders lie around those in it."""
    deepest = top
    while len(below := folders.below(deepest)) == 1 and deepest not in folders.direct:
        deepest = below[0]
    if below and not layout.splits:
        if len(below) > 1:
            layout.notes.append(
                f"All images are in one class, {shown(top[-1])}. To read {some(shown(f[-1]) for f in below)} as "
                f"classes, give the path of {shown('/'.join(deepest))}, or pass --classes-at {len(deepest) + 1}."
            )
    elif top[-1].casefold() in IMAGE_FOLDERS:
        layout.notes.append(
            f"The only class is {shown(top[-1])}, a name that hardly is one. Where a table holds the labels, give its "
            "path; where file names do (cat.0.jpg), use --label-from name."
        )


def _note_split_names(layout: Layout, folders: _Folders, tops: Sequence[Folder]) -> None:
    """Says how folders are read whose names hold those of splits, where nothing else says that they are splits."""
    told = {split_in(top[-1]) for top in tops}
    inner = [_innermost(top, folders) for top in tops]
    if layout.splits or None in told or len(told) < 2 or not any(folders.below(folder) for folder in inner):
        return
    layout.notes.append(
        f"The folders {_names(tops)} were read as the classes, though their names are like those of splits. If they "
        f"are splits, pass --split-at {len(tops[0])} --classes-at {max(map(len, inner)) + 1}."
    )


def _note_one_inside(layout: Layout, folders: _Folders, tops: Sequence[Folder]) -> None:
    """Says how `cat/images`, `dog/images` are read."""
    inside = {top: folders.below(top) for top in tops}
    names = {below[0][-1] if len(below) == 1 and top not in folders.direct else "" for top, below in inside.items()}
    if len({top[-1] for top in tops}) > 1 and len(names) == 1 and "" not in names:
        depth = len(tops[0])
        layout.notes.append(
            f"Every class folder holds one folder, {shown(names.pop())}; the classes are the folders above it. "
            f"--classes-at {depth + 1} reads the folders in them as classes instead."
        )


def _names(folders: Sequence[Folder]) -> str:
    return some(sorted(shown("/".join(folder)) for folder in folders))
