"""What is known about data sets as they are published: names that are no classes, and files that hold the labels."""

import re
from collections.abc import Collection, Sequence

from auditor.data.options import label_in_name
from auditor.data.walk import File, Folder, Tree
from auditor.errors import InputError
from auditor.text import read_text, shown

#: Folders that only hold the images of what they lie in.
IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img", "photos", "pictures", "jpegimages"})

#: Dogs vs. Cats of Microsoft, as Kaggle unpacks it.
_WRAPPERS = frozenset({"petimages"})
_SYNSET = re.compile(r"n\d{8}(\D.*)?", re.DOTALL)               # the classes of ImageNet and of Stanford Dogs
_VARIANTS = frozenset({"color", "colour", "grayscale", "greyscale", "gray", "grey", "rgb", "hsv", "bw", "segmented"})
_UNLABELLED = frozenset({"pred", "predict", "prediction", "unlabeled", "unlabelled", "unsup"})

#: The Oxford-IIIT Pet Dataset: 37 breeds, `images/Abyssinian_1.jpg`.
_OXFORD = frozenset({
    "abyssinian", "american_bulldog", "american_pit_bull_terrier", "basset_hound", "beagle", "bengal", "birman",
    "bombay", "boxer", "british_shorthair", "chihuahua", "egyptian_mau", "english_cocker_spaniel", "english_setter",
    "german_shorthaired", "great_pyrenees", "havanese", "japanese_chin", "keeshond", "leonberger", "maine_coon",
    "miniature_pinscher", "newfoundland", "persian", "pomeranian", "pug", "ragdoll", "russian_blue", "saint_bernard",
    "samoyed", "scottish_terrier", "shiba_inu", "siamese", "sphynx", "staffordshire_bull_terrier", "wheaten_terrier",
    "yorkshire_terrier",
})  # fmt: skip
_OXFORD_NAME = re.compile(r"(\w+)_\d+\.\w+")
_TRIMAPS = ("annotations", "trimaps")


def is_wrapper(name: str, inside: Sequence[str]) -> bool:
    """Whether a folder that holds everything is known to be no class, by its name or by what it holds."""
    return name.casefold() in _WRAPPERS or all(_SYNSET.fullmatch(each) for each in inside)


def is_variant(name: str) -> bool:
    """Whether the name says that the same images lie beside in other colours, as in PlantVillage."""
    return bool(_VARIANTS & set(re.findall(r"[a-z]+", name.casefold())))


def is_unlabelled(name: str) -> bool:
    """Whether the name says that the images are there to be predicted: `seg_pred`."""
    return bool(_UNLABELLED & set(re.findall(r"[a-z]+", name.casefold())))


def annotated(tree: Tree, split: Folder, images: Folder, classes: Collection[str]) -> tuple[dict[str, str], str]:
    """The labels of a split's images that a file beside them says, as `val_annotations.txt` of Tiny ImageNet.

    Args:
        tree: The contents of the data set.
        split: The folder of the split.
        images: The folder in it that holds all its images.
        classes: The classes of the other splits.

    Returns:
        Label of each image by its path relative to the root; and a sentence about it.

    Raises:
        InputError: the file cannot be read.
    """
    where = shown("/".join(images))
    file = next((file for file, _ in tree.skipped if file == File(split, f"{split[-1]}_annotations.txt")), None)
    if file is None:
        return {}, (
            f"{where} names no class, so its images have no label. If it is a class, pass --classes-at {len(images)}."
        )
    try:
        lines = read_text(tree.path(file), errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{shown(file.raw)} cannot be read: {error.strerror}. Allow it, or move it away.") from None
    cells = (line.split("\t") for line in lines)
    labels = {"/".join((*images, row[0])): shown(row[1]) for row in cells if len(row) > 1 and row[1] in classes}
    return labels, f"Labels of {where} are those of {shown(file.raw)}."


def take_oxford(tree: Tree) -> bool:
    """Whether these are the Oxford-IIIT pets, whose classes are in the file names; their masks are then left out."""
    masks = [image for image in tree.images if image.folder[-2:] == _TRIMAPS]
    photos = [image for image in tree.images if image.folder[-2:] != _TRIMAPS]
    if len({image.folder for image in photos}) != 1 or not all(_is_oxford(image.name) for image in photos):
        return False
    if len({label_in_name(image.name) for image in photos}) < 2:
        return False
    tree.images = photos
    tree.skipped += [(mask, "a mask of the Oxford pets") for mask in masks]
    return True


def _is_oxford(name: str) -> bool:
    match = _OXFORD_NAME.fullmatch(name)
    return match is not None and match[1].casefold() in _OXFORD
