"""Photographs of cats and dogs to measure with: the same draw every time, without those that a model was trained on."""

import csv
import sys
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from auditor.backends.card import ModelCard
from auditor.images.decoding import decode, resize

CLASSES = ("cat", "dog")


@dataclass(frozen=True)
class Photo:
    """A photograph on disk and its class, an index of `CLASSES` or of another list."""

    path: Path
    label: int

    def pixels(self, side: tuple[int, int]) -> NDArray[np.uint8]:
        """(height, width, 3)."""
        return resize(decode(self.path.read_bytes()).pixels, *side)


def draw(source: Path, each: int, card: ModelCard, faulty: set[str], scratch: Path) -> list[Photo]:
    """`each` cats and `each` dogs, alternately, the same every time.

    Args:
        source: `dogs-vs-cats-160.tar`, or the folder that it unpacks to.
        each: Of each class.
        card: Of the model; what it was trained on is left out.
        faulty: Files to leave out, as `cat/cat.1.jpg`.
        scratch: Where those of a tar are unpacked to.
    """
    if source.is_dir():
        places = {path.relative_to(source).as_posix(): path for path in source.glob("*/*.jpg")}
        return _pick(places, each, card, faulty, lambda name: places[name])
    with tarfile.open(source) as archive:
        members = {PurePosixPath(entry.name).as_posix(): entry for entry in archive.getmembers() if entry.isfile()}

        def unpack(name: str) -> Path:
            path = scratch / name.replace("/", "-")
            content = archive.extractfile(members[name])
            path.write_bytes(content.read() if content else b"")
            return path

        return _pick(members, each, card, faulty, unpack)


def _pick(
    names: Iterable[str], each: int, card: ModelCard, faulty: set[str], locate: Callable[[str], Path]
) -> list[Photo]:
    order = sorted(name for name in names if PurePosixPath(name).parent.name in CLASSES)
    drawn: tuple[list[Photo], ...] = tuple([] for _ in CLASSES)
    for place in np.random.default_rng(5).permutation(len(order)):
        name = PurePosixPath(order[place])
        label = CLASSES.index(name.parent.name)
        if len(drawn[label]) == each or f"{name.parent.name}/{name.name}" in faulty:
            continue
        path = locate(order[place])
        if not card.saw(sha256(path.read_bytes()).hexdigest()):
            drawn[label].append(Photo(path, label))
    if min(map(len, drawn)) < each:
        sys.exit(f"there are {len(drawn[0])} usable cats and {len(drawn[1])} dogs; {each} of each are wanted")
    return [photo for pair in zip(*drawn, strict=True) for photo in pair]


def faulty_files(shared: Path) -> set[str]:
    """What people found faulty, and both sides of every duplicate pair."""
    found = set()
    for name in ("dogs-vs-cats-known-issues.csv", "dogs-vs-cats-duplicates.csv"):
        with (shared / "data" / name).open(newline="") as file:
            found |= {row[key] for row in csv.DictReader(file) for key in ("file", "file_a", "file_b") if key in row}
    return found
