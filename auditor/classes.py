"""Class names of the folders and of the model: which one is which.

`Cats`, `cat` and `CAT` are one class. What cannot be matched that way, the user maps by hand.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError

#: Words that end in s and are no plurals, among the things people photograph.
_SINGULAR_S = ("ss", "us", "is")


@dataclass(frozen=True)
class ClassMatch:
    """How the model's classes map to the folder's.

    Attributes:
        folder_of: (C,) for each model class the index of its folder class, -1 where it has none.
        missing: Folder classes that no model class maps to.
    """

    folder_of: NDArray[np.intp]
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every folder class has a model class, so that the model's own verdict counts."""
        return not self.missing

    def project(self, probabilities: NDArray[np.float32], folders: int) -> NDArray[np.float32]:
        """(N, C) over model classes -> (N, folders), summed; what maps nowhere is left out, so rows may sum to < 1."""
        projected = np.zeros((len(probabilities), folders), dtype=np.float32)
        for column, folder in enumerate(self.folder_of):
            if folder >= 0:
                projected[:, folder] += probabilities[:, column]
        return projected


def match_classes(folders: Sequence[str], model: Sequence[str], class_map: Mapping[str, str]) -> ClassMatch:
    """Matches model classes to folder classes by name, case and plural aside.

    Args:
        folders: Names of the folder's classes.
        model: Names of the model's outputs, in order.
        class_map: Model class -> folder class, stated by the user; several may map to one.

    Raises:
        InputError: the map names a class that neither side has.
    """
    index = {normalise(name): position for position, name in enumerate(folders)}
    stated = {normalise(source): target for source, target in class_map.items()}
    known = {normalise(name) for name in model}
    for source, target in class_map.items():
        if normalise(source) not in known:
            raise InputError(f"--class-map maps {source!r}, which is no class of the model ({_few(model)})")
        if normalise(target) not in index:
            raise InputError(f"--class-map maps to {target!r}, which is no class of the folder ({_few(folders)})")
    folder_of = np.array(
        [index.get(normalise(stated.get(normalise(name), name)), -1) for name in model], dtype=np.intp
    )
    found = set(folder_of.tolist())
    missing = tuple(name for position, name in enumerate(folders) if position not in found)
    return ClassMatch(folder_of=folder_of, missing=missing)


def class_name(names: Sequence[str], index: int) -> str:
    """The name of the model's output `index`; `#index` where nothing names it."""
    return names[index] if names else f"#{index}"


def normalise(name: str) -> str:
    """A class name without case, separators and plural: `Tabby_Cats` -> `tabby cat`."""
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

    Raises:
        InputError: the text is none of these.
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
            "or a .json or .csv file with such pairs"
        )
    return {source.strip(): target.strip() for source, target in pairs}


def _read_class_map_file(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            record = json.loads(text)
            if isinstance(record, dict) and all(isinstance(value, str) for value in record.values()):
                return record
            raise InputError(f"{path} holds no JSON object of names; expected {{\"model class\": \"folder class\"}}")
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except (OSError, ValueError) as error:
        raise InputError(f"--class-map {path} cannot be read: {error}") from None
    if any(len(row) != 2 for row in rows):
        raise InputError(f"{path} has rows that are not two columns; expected `model class,folder class`")
    return {source.strip(): target.strip() for source, target in rows}


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
