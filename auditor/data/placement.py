"""The paths of images in a new tree of [split/]class/file, and which names are unsafe as paths."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PureWindowsPath

from auditor.classes.spelling import composed
from auditor.data.split_names import split_of
from auditor.errors import InputError
from auditor.text import shown, unshown

_DEVICE = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])[ .:]*(\..*)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """An image to be placed. Names are as `shown` returns them; `what` names the image in an error."""

    file: str
    label: str | None
    split: str | None
    what: str


def why_unsafe(path: str, *, anywhere: bool) -> str | None:
    """Returns why a path is unsafe below a folder; None if it is safe.

    Args:
        path: Names separated by "/", as the operating system expects them.
        anywhere: Whether it must be safe on Windows too, because someone else may have chosen it.
    """
    windows = PureWindowsPath(path)
    if path.startswith("/") or (anywhere and (windows.root or windows.drive)):
        return "it is absolute"
    if "\0" in path:
        return "it holds a zero byte"
    names = path.split("/")
    if ".." in names or (anywhere and ".." in path.replace("\\", "/").split("/")):
        return 'it leads upwards ("..")'
    if any(name in ("", ".") for name in names):
        return "one of its names is empty"
    device = next((name for name in names if anywhere and _DEVICE.match(name)), None)
    return f"{device} is a device on Windows" if device else None


def place(images: Iterable[Wanted], *, anywhere: bool) -> list[str]:
    """Computes the path of each image, relative to the root of the new tree, as the operating system expects it.

    The split and class folders that a file already has are replaced: train/cat/7.jpg goes to val/cat/7.jpg. If two
    images would get the same path, as 7.jpg of train and of test can, both keep the folders above their class.

    Args:
        images: The images to be placed.
        anywhere: As for `why_unsafe`.

    Raises:
        InputError: a name leads out of the tree, or two images get the same path.
    """
    images = list(images)
    short = [_path(image, keep=False) for image in images]
    met = Counter(short)
    paths = [path if met[path] == 1 else _path(image, keep=True) for path, image in zip(short, images, strict=True)]
    for path, image in zip(paths, images, strict=True):
        reason = why_unsafe(unshown(image.file), anywhere=anywhere) or why_unsafe(path, anywhere=anywhere)
        if reason:
            raise InputError(f"{image.what} cannot be written as {shown(path)}: {reason}.")
    seen: dict[str, Wanted] = {}
    for path, image in zip(paths, images, strict=True):
        first = seen.setdefault(path, image)
        if first is not image:
            raise InputError(f"{first.what} and {image.what} would both be {shown(path)}; rename one of them.")
    return paths


def _path(image: Wanted, *, keep: bool) -> str:
    file, label = unshown(image.file), None if image.label is None else unshown(image.label)
    if label is not None and (label in ("", ".") or "/" in label):
        raise InputError(f'{image.what} has the class "{shown(label)}", which cannot be the name of a folder.')
    names = file.split("/")
    before = 0
    while split_of(names[before]) is not None and before < len(names) - 1 and composed(names[before]) != label:
        before += 1
    if label is not None and composed(names[before]) == label and before < len(names) - 1:
        names = [*(names[:before] if keep else []), *names[before + 1 :]]
    return "/".join(name for name in (image.split, label, *names) if name is not None)
