"""The images to explain: one, or some of a folder; each read and hashed once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.classes import normalise
from auditor.errors import InputError
from auditor.folders import absolute, shown, walk
from auditor.images import Picture, Unreadable, decode, resize

MAX_FILE_BYTES = 512 * 1024**2


@dataclass(frozen=True)
class Source:
    """An image file: where to read it, and its name relative to what was asked for."""

    path: Path
    file: str


@dataclass(frozen=True)
class Found:
    """The images of a folder.

    Attributes:
        sources: Those to explain, in the order of their names.
        total: Images that the folder holds.
        unread: Files that look like images and are none, with the reason.
    """

    sources: tuple[Source, ...]
    total: int
    unread: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Read:
    """An image as it was read.

    Attributes:
        source: Which.
        sha256: Of the file, in hex.
        picture: As decoded.
        image: (H, W, 3) uint8 RGB at the model's input size: what the model sees.
    """

    source: Source
    sha256: str
    picture: Picture
    image: NDArray[np.uint8]


def find(source: Path, limit: int) -> Found:
    """One image, or at most `limit` images below a folder, spread evenly over the order of their names.

    Raises:
        InputError: there is nothing at this path, or no image below it.
    """
    where = shown(str(source))
    if source.is_file():
        return Found((Source(absolute(source), shown(source.name)),), 1)
    if not source.is_dir():
        raise InputError(f"there is nothing at {where}; expected an image, or a folder of images")
    tree = walk(source)
    files = sorted(tree.images, key=lambda file: file.raw)
    unread = tuple(sorted((shown(file.raw), reason) for file, reason in tree.failed))
    if not files:
        raise InputError(f"there is no image below {where}; expected JPEG, PNG, WebP or another format that scan reads")
    places = list(range(len(files)))
    if len(files) > limit:                                      # the first ones would all be of the first class
        places = [round(place) for place in np.linspace(0, len(files) - 1, limit)]
    chosen = tuple(Source(tree.path(files[place]), shown(files[place].raw)) for place in places)
    return Found(chosen, len(files), unread)


def read(source: Source, size: tuple[int, int], max_pixels: int) -> Read:
    """Reads one image as a scan does.

    Raises:
        Unreadable: with the reason.
    """
    try:
        if source.path.stat().st_size > MAX_FILE_BYTES:
            raise Unreadable(f"over the limit of {MAX_FILE_BYTES / 1024**2:.0f} MB for one file")
        data = source.path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror or error}") from None
    picture = decode(data, at_least=2 * max(size), max_pixels=max_pixels)      # as a scan does: the same pixels
    return Read(source, hashlib.sha256(data).hexdigest(), picture, resize(picture.pixels, *size))


def class_of(names: Sequence[str], text: str) -> int | None:
    """The class of this name, case, separators and plural aside; None where there is none."""
    if text in names:
        return names.index(text)
    wanted = normalise(text)
    return next((index for index, name in enumerate(names) if normalise(name) == wanted), None)
