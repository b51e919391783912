"""How pictures get into a page: inside it, or as files beside it."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from auditor.runs.files import ASSETS, picture_name
from auditor.settings import AssetsPlace


class Assets(Protocol):
    """Takes the pictures of a page, and says where the page finds them.

    Attributes:
        beside: Whether they lie beside the page, so that its security policy must let it load them.
    """

    beside: bool

    def link(self, data: bytes) -> str:
        """The URL of an encoded picture (WebP, PNG or JPEG); the same picture has the same one."""
        ...


class Inline:
    """Pictures are part of the page: one file is all that there is to send."""

    beside = False

    def link(self, data: bytes) -> str:
        """A `data:` URI."""
        return data_uri(data)


@dataclass
class Folder:
    """Pictures are files, named by their hash, in a folder that lies beside the page.

    Args:
        path: The folder; it is made for the first picture. A file that is there already has the same content.
        prefix: Its address as the page writes it.
    """

    path: Path
    prefix: str = f"{ASSETS}/"
    beside: bool = field(default=True, init=False)
    _written: set[str] = field(default_factory=set, init=False)

    def link(self, data: bytes) -> str:
        """An address relative to the page.

        Raises:
            OSError: the file cannot be written.
        """
        name = picture_name(hashlib.sha256(data).hexdigest(), _kind(data))
        if name not in self._written:
            self.path.mkdir(parents=True, exist_ok=True)
            if not (self.path / name).exists():
                (self.path / name).write_bytes(data)
            self._written.add(name)
        return self.prefix + name


#: The setting `assets` -> what takes the pictures of pages that are written into a folder.
PLACES: Mapping[AssetsPlace, Callable[[Path], Assets]] = {
    "inline": lambda folder: Inline(),
    "folder": lambda folder: Folder(folder / ASSETS),
}


def data_uri(data: bytes) -> str:
    """An encoded picture (WebP, PNG or JPEG) as an address that holds it."""
    return f"data:image/{_kind(data)};base64,{base64.b64encode(data).decode('ascii')}"


def _kind(data: bytes) -> str:
    """The format of a picture that auditor encoded, by its first bytes."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return "png" if data[:4] == b"\x89PNG" else "jpeg"
