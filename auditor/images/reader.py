"""The only reader of images: it returns the pixels of an image, or the reason why it cannot be read.

All commands use it, so all refuse the same files for the same reasons. Between bytes and pixels (`fetch`, then
`read_fetched`) the engines ask whether the content is known already.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auditor.images.decoding import DecodedImage, decode, resize
from auditor.images.unreadable import NoMemoryLeft, Unreadable
from auditor.settings import Limits

#: To be raised whenever the same bytes give other pixels, another reason or another description than before: results
#: that were stored under a lower number are not used again.
READER_VERSION = 1


class Readable(Protocol):
    """Something that contains an encoded image, such as a sample of a data set."""

    def size(self) -> int:
        """Returns the number of bytes; raises OSError if it cannot be determined."""
        ...

    def read_bytes(self) -> bytes:
        """Returns all bytes; raises OSError if they cannot be read."""
        ...


@dataclass(frozen=True)
class Fetched:
    """The bytes of an image.

    Attributes:
        data: The whole file; b"" if it could not be read.
        content: sha256 of `data` in hex; "" if it could not be read.
        size: Number of bytes, also of a refused file.
        failure: Why it could not be read; None if it could.
    """

    data: bytes
    content: str
    size: int
    failure: str | None = None


@dataclass(frozen=True)
class ReadImage:
    """The result of reading an image.

    Attributes:
        content: sha256 of the bytes in hex; "" if they could not be read.
        size: Number of bytes.
        failure: Why the image could not be read; None if it could.
        picture: The decoded image; None if it could not be read.
        passing: Whether the failure says nothing about the bytes: memory was short.
    """

    content: str
    size: int
    failure: str | None = None
    picture: DecodedImage | None = None
    passing: bool = False


def fetch(image: Readable, limits: Limits) -> Fetched:
    """Reads and hashes the bytes of an image; a file over the limit is not read."""
    try:
        size = image.size()
        if size > limits.max_bytes:
            most = f"{limits.max_bytes / 1024**2:.0f} MB for one file"
            return Fetched(b"", "", size, f"{size / 1024**2:.0f} MB, over the limit of {most} (max_bytes)")
        data = image.read_bytes()
    except OSError as error:
        return Fetched(b"", "", 0, f"cannot be opened: {error.strerror or error}")
    return Fetched(data, hashlib.sha256(data).hexdigest(), len(data))


def read(image: Readable, limits: Limits, *, at_least: int | None = None) -> ReadImage:
    """Reads, hashes and decodes an image.

    Args:
        image: The image.
        limits: Larger files and images are refused.
        at_least: As in `decode`: a JPEG may be decoded at a reduced size, with no side shorter than this, in pixels.
    """
    return read_fetched(fetch(image, limits), limits, at_least=at_least)


def read_fetched(fetched: Fetched, limits: Limits, *, at_least: int | None = None) -> ReadImage:
    """Does the same as `read` for bytes that are already in memory."""
    content, size = fetched.content, fetched.size
    if fetched.failure is not None:
        return ReadImage(content, size, fetched.failure)
    try:
        picture = decode(fetched.data, at_least=at_least, max_pixels=limits.max_pixels)
    except Unreadable as reason:
        return ReadImage(content, size, str(reason), passing=isinstance(reason, NoMemoryLeft))
    return ReadImage(content, size, picture=picture)


def for_model(input_size: tuple[int, int]) -> int:
    """Returns `at_least` for a model with this input size (height, width): twice the longer side."""
    return 2 * max(input_size)


def as_input(picture: DecodedImage, input_size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resizes the whole picture to the model's input, (height, width, 3) uint8 RGB."""
    return resize(picture.pixels, *input_size)


def read_again(image: Readable, at_least: int | None, limits: Limits) -> NDArray[np.uint8] | None:
    """Reads the pixels (H, W, 3) of an image again, as `read`; None if it can no longer be read.

    The earlier results for it stay valid.
    """
    picture = read(image, limits, at_least=at_least).picture
    return None if picture is None else picture.pixels
