"""The images to explain: one, or some of a folder; each read and hashed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.classes.spelling import find as find_name
from auditor.data.walk import walk
from auditor.errors import InputError
from auditor.images import DecodedImage, Unreadable
from auditor.images.reader import as_input, for_model
from auditor.images.reader import read as read_image
from auditor.settings import Limits
from auditor.text import absolute, shown


@dataclass(frozen=True)
class ImageSource:
    """An image file: where to read it, and its name relative to what was asked for."""

    path: Path
    file: str

    def size(self) -> int:
        """Number of bytes."""
        return self.path.stat().st_size

    def read_bytes(self) -> bytes:
        """The encoded image."""
        return self.path.read_bytes()


@dataclass(frozen=True)
class Found:
    """The images of a folder.

    Attributes:
        sources: Those to explain, in the order of their names.
        total: How many images the folder holds.
        unread: Files that look like images but cannot be read, with the reason.
    """

    sources: tuple[ImageSource, ...]
    total: int
    unread: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Read:
    """An image as it was read.

    Attributes:
        source: The file.
        sha256: Hash of the file, in hex.
        picture: The decoded image.
        image: (H, W, 3) uint8 RGB at the model's input size: what the model sees.
    """

    source: ImageSource
    sha256: str
    picture: DecodedImage
    image: NDArray[np.uint8]


def find(source: Path, limit: int) -> Found:
    """One image, or at most `limit` images below a folder, spread evenly over the order of their names.

    Raises:
        InputError: there is nothing at this path, or no image below it.
    """
    where = shown(str(source))
    if source.is_file():
        return Found((ImageSource(absolute(source), shown(source.name)),), 1)
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
    chosen = tuple(ImageSource(tree.path(files[place]), shown(files[place].raw)) for place in places)
    return Found(chosen, len(files), unread)


def read(source: ImageSource, size: tuple[int, int], limits: Limits) -> Read:
    """Reads one image as a scan does: the model sees the same pixels.

    Raises:
        Unreadable: with the reason.
    """
    image = read_image(source, limits, at_least=for_model(size))
    if image.picture is None:
        raise Unreadable(image.failure)
    return Read(source, image.content, image.picture, as_input(image.picture, size))


def class_of(names: Sequence[str], text: str) -> int | None:
    """The class that a name means, as in `auditor.classes.spelling`; None where there is none, or several."""
    return find_name(names, text)
