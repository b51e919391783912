"""A labelled folder of stickers with known faults, and the list of what was planted where."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from auditor.demo.coats import Species
from auditor.demo.spoilers import ALTERATIONS, SPOILERS, off_topic
from auditor.demo.stickers import draw_sticker
from auditor.errors import InputError
from auditor.text import read_json

PLANT_FORMAT = 2
CLASSES: tuple[Species, Species] = ("cat", "dog")
PNG_SHARE, VAL_SHARE = 0.15, 0.2
NOTHING_TO_SEE = (
    b"<!doctype html><html><head><title>404 Not Found</title></head><body>Not Found</body></html>\n",
    b"Thumbs.db and notes about this folder: ask Kim which camera these came from.\n",
    b'{"error": "rate limit exceeded", "retry_after": 60}\n',
)

#: The kinds of faults. Each rule says which of them it is meant to find (`Check.demo_faults`).
FAULTS = (
    "mislabelled",
    "exact_duplicate",
    "near_duplicate",
    "conflicting_labels",
    "split_leakage",
    "outlier",
    *SPOILERS,
    "truncated",
    "truncated_png",
    "zero_bytes",
    "not_an_image",
    "wrong_extension",
)


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Attributes:
        kind: One of `FAULTS`.
        file: The faulty file, POSIX path relative to the image folder.
        related: Files it belongs together with, such as the original of a copy.
    """

    kind: str
    file: str
    related: tuple[str, ...] = ()


@dataclass(frozen=True)
class Truth:
    """What is true about a planted folder.

    Attributes:
        seed: Seed of the drawings.
        faults: Everything planted, sorted by file.
        clean: Files with nothing wrong and no copy anywhere, sorted. Originals of copies are in neither list.
    """

    seed: int
    faults: tuple[Fault, ...]
    clean: tuple[str, ...]

    def of_kind(self, kind: str) -> tuple[Fault, ...]:
        """The faults of one kind."""
        return tuple(fault for fault in self.faults if fault.kind == kind)

    def write(self, path: Path) -> None:
        """Writes the truth as JSON."""
        record = {"format_version": PLANT_FORMAT, **asdict(self)}
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Truth":
        """Reads what `write` wrote."""
        record = read_json(path)
        found = record.get("format_version")
        if found != PLANT_FORMAT:
            raise InputError(f"{path} has format_version {found}, not {PLANT_FORMAT}. Plant the demo again.")
        faults = tuple(Fault(fault["kind"], fault["file"], tuple(fault["related"])) for fault in record["faults"])
        return cls(record["seed"], faults, tuple(record["clean"]))


@dataclass(frozen=True)
class PlantedEntry:
    """A file before it has a name.

    Attributes:
        label: The folder it goes to, right or wrong.
        suffix: The name's ending, right or wrong.
        data: The file's bytes.
        kind: One of `FAULTS`, "clean", or "original" for a picture that others copy.
        original: Index of the entry that this one copies.
        split: "train" or "val".
    """

    label: Species
    suffix: str
    data: bytes
    kind: str = "clean"
    original: int | None = None
    split: str = "train"


def plant_demo(root: Path, seed: int = 7, per_class: int = 280) -> Truth:
    """Writes a labelled folder of stickers with faults in it, and the truth beside it.

    Args:
        root: The image folder: `root/train/cat`, `root/val/dog`, ...; new or empty. The truth goes to
            `root.parent / "truth.json"`.
        seed: The same seed gives the same bytes.
        per_class: Clean stickers per class.

    Returns:
        What was planted.

    Raises:
        InputError: The folder is not empty, or `per_class` is not positive.
    """
    truth_file = root.parent / "truth.json"
    _refuse_to_overwrite(root, truth_file)
    if per_class < 1:
        raise InputError(f"per_class is {per_class}. Ask for at least one clean sticker per class.")
    entries = _Planter(seed).plant(per_class)
    numbers = np.random.default_rng([seed, 0]).permutation(len(entries)) + 1
    files = [
        f"{entry.split}/{entry.label}/sticker_{number:04d}{entry.suffix}"
        for entry, number in zip(entries, numbers, strict=True)
    ]
    for file, entry in zip(files, entries, strict=True):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(entry.data)
    truth = _truth(seed, entries, files)
    truth.write(truth_file)
    return truth


def _refuse_to_overwrite(root: Path, truth_file: Path) -> None:
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is a file. Name a folder for the demo that does not exist yet.")
    found = sorted(path.name for path in root.iterdir()) if root.exists() else []
    if found:
        listed = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        raise InputError(
            f"{root} is not empty: it holds {listed}. Name another folder for the demo, or empty this one."
        )
    if truth_file.exists():
        raise InputError(f"{truth_file} exists already. Name another folder for the demo, or move that file away.")


def _truth(seed: int, entries: list[PlantedEntry], files: list[str]) -> Truth:
    faults = []
    for entry, file in zip(entries, files, strict=True):
        if entry.kind in FAULTS:
            related = () if entry.original is None else (files[entry.original],)
            faults.append(Fault(entry.kind, file, related))
    clean = sorted(file for entry, file in zip(entries, files, strict=True) if entry.kind == "clean")
    return Truth(seed, tuple(sorted(faults, key=lambda fault: fault.file)), tuple(clean))


class _Planter:
    """Draws every picture once, with its own random generator, and collects the entries."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.drawn = 0
        self.entries: list[PlantedEntry] = []

    def plant(self, per_class: int) -> list[PlantedEntry]:
        """All entries: clean ones first, then fault by fault."""
        for species in CLASSES:
            for _ in range(per_class):
                self._add_picture(species, self._draw(species), "clean")
        for species, count in zip(CLASSES, (6, 4), strict=True):
            for _ in range(count):
                self._add_picture(_other(species), self._draw(species), "mislabelled")
        self._plant_copies()
        self._plant_leaks()
        for kind, spoil in SPOILERS.items():
            for species in self._alternate(4):
                self._add_picture(species, spoil(self._draw(species)), kind)
        for number, species in enumerate(self._alternate(3)):
            self._add_picture(species, off_topic(number, np.random.default_rng([self.seed, 3, number])), "outlier")
        self._plant_broken()
        return self.entries

    def _plant_copies(self) -> None:
        for species in self._alternate(6):
            original = self._add_picture(species, self._draw(species), "original")
            source = self.entries[original]
            self.entries.append(replace(source, kind="exact_duplicate", original=original))
        for i, species in enumerate(self._alternate(8)):
            picture = self._draw(species)
            original = self._add_picture(species, picture, "original")
            altered, quality = ALTERATIONS[i % len(ALTERATIONS)](picture), (60, 85)[i % 2]
            data, split = encode(altered, "JPEG", quality), self.entries[original].split
            self.entries.append(PlantedEntry(species, ".jpg", data, "near_duplicate", original, split))
        for i, species in enumerate(self._alternate(5)):
            picture = self._draw(species)
            original = self._add_picture(species, picture, "original")
            source = self.entries[original]
            # The copy in the wrong class is the fault: alternately the same bytes, or saved again.
            data, suffix = (source.data, source.suffix) if i % 2 == 0 else (encode(picture, "JPEG", 75), ".jpg")
            kind, split = "conflicting_labels", source.split
            self.entries.append(PlantedEntry(_other(species), suffix, data, kind, original, split))

    def _plant_leaks(self) -> None:
        """A picture of train lies in val too: alternately the same bytes, or smaller and saved again."""
        for i, species in enumerate(self._alternate(6)):
            picture = self._draw(species)
            original = self._add_picture(species, picture, "original", "train")
            source = self.entries[original]
            data, suffix = source.data, source.suffix
            if i % 2:
                data, suffix = encode(ALTERATIONS[1](picture), "JPEG", 70), ".jpg"
            self.entries.append(PlantedEntry(species, suffix, data, "split_leakage", original, "val"))

    def _plant_broken(self) -> None:
        for species in self._alternate(3):
            data = encode(self._draw(species), "JPEG")
            self.entries.append(PlantedEntry(species, ".jpg", data[: len(data) * 6 // 10], "truncated"))
        for species in self._alternate(2):
            data = encode(self._draw(species), "PNG")
            self.entries.append(PlantedEntry(species, ".png", data[: len(data) * 6 // 10], "truncated_png"))
        for species in self._alternate(2):
            self.entries.append(PlantedEntry(species, ".jpg", b"", "zero_bytes"))
        for species, text in zip(self._alternate(3), NOTHING_TO_SEE, strict=True):
            self.entries.append(PlantedEntry(species, ".jpg", text, "not_an_image"))
        for species, (form, suffix) in zip(
            self._alternate(3), (("PNG", ".jpg"), ("WEBP", ".png"), ("PNG", ".jpg")), strict=True
        ):
            self.entries.append(PlantedEntry(species, suffix, encode(self._draw(species), form), "wrong_extension"))

    def _draw(self, species: Species) -> Image.Image:
        self.drawn += 1
        return Image.fromarray(draw_sticker(species, np.random.default_rng([self.seed, 1, self.drawn])))

    def _add_picture(self, label: Species, picture: Image.Image, kind: str, split: str | None = None) -> int:
        as_png, in_val = np.random.default_rng([self.seed, 2, len(self.entries)]).random(2) < (PNG_SHARE, VAL_SHARE)
        form, suffix = ("PNG", ".png") if as_png else ("JPEG", ".jpg")
        split = split or ("val" if in_val else "train")
        self.entries.append(PlantedEntry(label, suffix, encode(picture, form), kind, split=split))
        return len(self.entries) - 1

    @staticmethod
    def _alternate(count: int) -> Iterator[Species]:
        return (CLASSES[i % 2] for i in range(count))


def encode(picture: Image.Image, form: str, quality: int = 90) -> bytes:
    """A picture's bytes as "JPEG", "PNG" or "WEBP"."""
    buffer = io.BytesIO()
    if form == "PNG":
        picture.save(buffer, form)
    else:
        picture.save(buffer, form, quality=quality)
    return buffer.getvalue()


def _other(species: Species) -> Species:
    return CLASSES[1 - CLASSES.index(species)]
