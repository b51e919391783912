"""Matches the class names of the model to those of the folder.

`Cats`, `cat` and `CAT` are one class, and so are `n02086240` and `Shih-Tzu`. The user maps all other names by hand, or
with `--class-map imagenet`.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.classes.imagenet import BACKGROUND_AT, CATS, DOGS, Synset, positions, synset_named, synset_of, synsets
from auditor.errors import InputError
from auditor.text import some

#: The value of `--class-map` that maps ImageNet's cats and dogs to the folders `cat` and `dog`.
IMAGENET_MAP = "imagenet"

#: Endings of words in s that are usually not plurals.
_SINGULAR_S = ("ss", "us", "is")


@dataclass(frozen=True)
class ClassMatch:
    """The mapping of the model's C classes to the folder's classes.

    Attributes:
        folder_of: (C,) index of the folder class of each model class, -1 if it has none.
        missing: Folder classes that no model class maps to.
    """

    folder_of: NDArray[np.intp]
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every folder class has a model class, so that the model's own predictions can be used."""
        return not self.missing

    def project(self, probabilities: NDArray[np.float32], folders: int) -> NDArray[np.float32]:
        """Sums probabilities (N, C) to (N, folders); unmapped classes are dropped, so rows may sum to less than 1."""
        projected = np.zeros((len(probabilities), folders), dtype=np.float32)
        for column, folder in enumerate(self.folder_of):
            if folder >= 0:
                projected[:, folder] += probabilities[:, column]
        return projected


def match_classes(folders: Sequence[str], model: Sequence[str], class_map: Mapping[str, str]) -> ClassMatch:
    """Matches model classes to folder classes by name, ignoring case and plural, or by synset id if one side has it.

    Args:
        folders: Names of the folder's classes.
        model: Names of the model's outputs, in order.
        class_map: Model class -> folder class, given by the user; several may map to one.

    Raises:
        InputError: the map names a class that the model or the folder does not have.
    """
    outputs = _outputs(model)
    targets = _Folders(folders)
    stated = {normalise(source): target for source, target in class_map.items()}
    known = {normalise(name) for output in outputs for name in output.accepted_names}
    for source, target in class_map.items():
        if normalise(source) not in known:
            raise InputError(f"--class-map maps {source!r}, which is not a class of the model ({some(model, 6)})")
        if targets.named(target) < 0:
            raise InputError(f"--class-map maps to {target!r}, which is not a class of the folder ({some(folders, 6)})")

    def folder_of(output: _Output) -> int:
        target = next((stated[name] for name in map(normalise, output.accepted_names) if name in stated), None)
        return targets.of(output) if target is None else targets.named(target)

    return _match(folders, [folder_of(output) for output in outputs])


def match_imagenet(folders: Sequence[str], model: Sequence[str]) -> ClassMatch:
    """Maps ImageNet's cats and dogs to the folders `cat` and `dog`; one of the two is enough.

    Args:
        folders: Names of the folder's classes.
        model: Names of the model's outputs, in order.

    Raises:
        InputError: the model is not a classifier of the ImageNet classes, or no folder is called `cat` or `dog`.
    """
    places = positions(model)
    if places is None:
        raise InputError(
            f"--class-map {IMAGENET_MAP} needs a classifier of the 1000 ImageNet classes in their usual order, or of "
            f"1001 with a background; this one has {len(model)} classes ({some(model, 6)}). "
            "Pass another with --model, or state its classes with --classes"
        )
    cat, dog = find_animals(folders)
    return _match(folders, [cat if place in CATS else dog if place in DOGS else -1 for place in places])


def find_animals(folders: Sequence[str]) -> tuple[int, int]:
    """Returns the indices of the classes `cat` and `dog`; -1 for a missing one.

    Raises:
        InputError: both are missing.
    """
    index = {normalise(name): position for position, name in enumerate(folders)}
    cat, dog = index.get("cat", -1), index.get("dog", -1)
    if cat < 0 and dog < 0:
        raise InputError(
            f"--class-map {IMAGENET_MAP} maps ImageNet's cats and dogs onto classes called cat and dog; the data set "
            f"has {some(folders, 6) or 'no classes'}. Rename them, or map classes one by one: --class-map tabby=CLASS"
        )
    return cat, dog


@dataclass(frozen=True)
class _Output:
    """An output of the model: its name, its synset if it is known for certain, and whether the id is known."""

    name: str
    synset: Synset | None
    by_id: bool

    @property
    def accepted_names(self) -> tuple[str, ...]:
        """All names that the user may give it."""
        return (self.name,) if self.synset is None else (self.name, self.synset.id, self.synset.name)


class _Folders:
    """Looks up the folder's classes by name and by synset id."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._by_name = {normalise(name): position for position, name in enumerate(folders)}
        ids = ((synset_of(name), position) for position, name in enumerate(folders))
        self._by_id = {synset.id: position for synset, position in ids if synset is not None}

    def named(self, name: str) -> int:
        """The index of the class with this name, or with the id of this synset; -1 if there is none."""
        synset = synset_named(name)
        found = self._by_name.get(normalise(name), -1)
        return self._by_id.get(synset.id, -1) if found < 0 and synset is not None else found

    def of(self, output: _Output) -> int:
        """The index of the class that an output means; -1 if there is none.

        Synonyms count only if the folder is named by the id, which is unambiguous: a folder `husky` is not WordNet's
        husky, an Eskimo dog.
        """
        found = self._by_name.get(normalise(output.name), -1)
        if found < 0 and output.synset is not None:
            found = self._by_id.get(output.synset.id, -1)
            if found < 0 and output.by_id:
                found = self._by_name.get(normalise(output.synset.name), -1)
        return found


def _outputs(model: Sequence[str]) -> list[_Output]:
    """The outputs of a model. The position gives the synset in a classifier of all of ImageNet, else the name does."""
    places = positions(model)
    if places is None:
        return [_Output(name, synset_named(name), by_id=synset_of(name) is not None) for name in model]
    known = synsets()
    return [
        _Output(name, None if place == BACKGROUND_AT else known[place], by_id=place != BACKGROUND_AT)
        for name, place in zip(model, places, strict=True)
    ]


def _match(folders: Sequence[str], folder_of: Sequence[int]) -> ClassMatch:
    found = set(folder_of)
    missing = tuple(name for position, name in enumerate(folders) if position not in found)
    return ClassMatch(folder_of=np.array(folder_of, dtype=np.intp), missing=missing)


def class_name(names: Sequence[str], index: int) -> str:
    """The name of the model's output `index`; `#index` if the outputs have no names."""
    return names[index] if names else f"#{index}"


def normalise(name: str) -> str:
    """Removes case, separators and plural from a class name: `Tabby_Cats` -> `tabby cat`."""
    words = name.casefold().replace("_", " ").replace("-", " ").split()
    if not words:
        return name
    last = words[-1]
    if last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif last.endswith(("ches", "shes", "xes", "sses")):
        last = last[:-2]
    elif last.endswith("s") and len(last) > 2 and not last.endswith(_SINGULAR_S):
        last = last[:-1]
    return " ".join([*words[:-1], last])


def read_class_map(text: str | None) -> dict[str, str]:
    """Reads `--class-map`: `model=folder,model=folder`, or the path of a JSON object or a two-column CSV; None is {}.

    The value `imagenet` is not accepted here; see `match_imagenet`.

    Raises:
        InputError: the text or the file cannot be read.
    """
    if text is None:
        return {}
    path = Path(text)
    if path.suffix.lower() in (".json", ".csv"):
        return _read_class_map_file(path)
    pairs = [pair.split("=") for pair in text.split(",") if pair.strip()]
    if not pairs or any(len(pair) != 2 or not pair[0].strip() or not pair[1].strip() for pair in pairs):
        raise InputError(
            f"--class-map {text!r} cannot be read; expected `tabby=cat,beagle=dog` (model class = folder class), "
            f"a .json or .csv file with such pairs, or {IMAGENET_MAP}"
        )
    return {source.strip(): target.strip() for source, target in pairs}


def _read_class_map_file(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            record = json.loads(text)
            if isinstance(record, dict) and all(isinstance(value, str) for value in record.values()):
                return record
            raise InputError(f"{path} is not a JSON object of names; expected {{\"model class\": \"folder class\"}}")
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except (OSError, ValueError) as error:
        raise InputError(f"--class-map {path} cannot be read: {error}") from None
    if any(len(row) != 2 for row in rows):
        raise InputError(f"{path} has rows that are not two columns; expected `model class,folder class`")
    return {source.strip(): target.strip() for source, target in rows}
