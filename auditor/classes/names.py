"""Matches the class names of the model to those of the folder.

`Cats`, `cat` and `CAT` are one class unless both sides tell them apart (`auditor/classes/spelling.py`), and so are
`n02086240` and `Shih-Tzu`. The user maps all other names by hand, or with `--class-map imagenet`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.classes.class_map import IMAGENET_MAP
from auditor.classes.imagenet import BACKGROUND_AT, CATS, DOGS, Synset, positions, synset_named, synset_of, synsets
from auditor.classes.spelling import alike, composed, find, pairs, spelled
from auditor.errors import InputError
from auditor.text import some


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
    """Matches model classes to folder classes by name, or by synset id if one side has it.

    Names that are exactly the same come first, then those that differ in less and less: see `spelling.pairs`.

    Args:
        folders: Names of the folder's classes.
        model: Names of the model's outputs, in order.
        class_map: Model class -> folder class, given by the user; several may map to one.

    Raises:
        InputError: the map names a class that the model or the folder does not have, or one that could be several.
    """
    outputs = _outputs(model)
    found = _stated(folders, outputs, class_map)
    left = [place for place in range(len(outputs)) if place not in found]
    named = pairs({place: outputs[place].name for place in left}, dict(enumerate(folders)))
    # Synonyms count only if the folder or the model is named by the id: `husky` is not WordNet's husky, an Eskimo dog.
    by_id = pairs(
        {place: synset.id for place in left if place not in named and (synset := outputs[place].synset)},
        {at: synset.id for at, synset in _ids(folders).items() if at not in named.values()},
    )
    named |= by_id
    known = {place: outputs[place] for place in left if place not in named and outputs[place].by_id}
    named |= pairs(
        {place: output.synset.name for place, output in known.items() if output.synset},
        {at: name for at, name in enumerate(folders) if at not in named.values()},
    )
    found |= named
    return _match(folders, [found.get(place, -1) for place in range(len(outputs))])


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
    places = (find(folders, name) for name in ("cat", "dog"))
    cat, dog = (-1 if place is None else place for place in places)
    if cat < 0 and dog < 0:
        raise InputError(
            f"--class-map {IMAGENET_MAP} maps ImageNet's cats and dogs onto classes called cat and dog; the data set "
            f"has {some(folders, 6) or 'no classes'}. Rename them, or map classes one by one: --class-map tabby=CLASS"
        )
    return cat, dog


def split_map(
    folders: Sequence[str], model: Sequence[str], class_map: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Divides what the user mapped into classes of the data that become another one, and classes of the model.

    A name that only the data have is merged. One that the model has too means the model's class, unless the two names
    are spellings of each other (`Cat=cat`): then it means both.

    Args:
        folders: Names of the folder's classes.
        model: Names of the model's outputs.
        class_map: As `read_class_map` returns it.

    Returns:
        Folder class -> folder class; and the rest, for `match_classes`.

    Raises:
        InputError: a class is to become one that itself becomes another.
    """
    merged, rest = {}, {}
    for source, target in class_map.items():
        folder, goal = _exactly(folders, source), find(folders, target)
        known = _exactly(model, source) is not None
        respelled = spelled(source) == spelled(target)
        if folder is not None and goal is not None and goal != folder and (respelled or not known):
            merged[folders[folder]] = folders[goal]
        else:
            known = True
        if known:
            rest[source] = target
    for source, target in merged.items():
        if target in merged:
            raise InputError(
                f"--class-map turns {source!r} into {target!r}, and {target!r} into {merged[target]!r}. "
                f"Turn both into the same class"
            )
    return merged, rest


@dataclass(frozen=True)
class _Output:
    """An output of the model: its name, its synset if it is known for certain, and whether the id is known."""

    name: str
    synset: Synset | None
    by_id: bool


def _stated(folders: Sequence[str], outputs: Sequence[_Output], class_map: Mapping[str, str]) -> dict[int, int]:
    """The folder of each output that the user mapped."""
    found: dict[int, int] = {}
    written: dict[int, str] = {}
    for source, target in class_map.items():
        goal = _folder_named(folders, target)
        for place in _outputs_named(outputs, source):
            if found.setdefault(place, goal) != goal:
                raise InputError(
                    f"--class-map maps {outputs[place].name!r} to two classes, as {written[place].strip()!r} and as "
                    f"{source.strip()!r}. Keep the one that is right."
                )
            written[place] = source
    return found


def _outputs_named(outputs: Sequence[_Output], text: str) -> tuple[int, ...]:
    """The outputs that the user means by a name: their own, their synset's id, or its name."""
    for names in (
        [output.name for output in outputs],
        [output.synset.id if output.synset else "" for output in outputs],
        [output.synset.name if output.synset else "" for output in outputs],
    ):
        found = alike(names, text)
        if found:
            _check_one("model", text, [names[place] for place in found])
            return found
    names = [output.name for output in outputs]
    raise InputError(f"--class-map maps {text.strip()!r}, which is not a class of the model ({some(names, 6)})")


def _folder_named(folders: Sequence[str], text: str) -> int:
    """The class of the folder with this name, or with the id of this synset."""
    found = alike(folders, text)
    synset = synset_named(text)
    if not found and synset is not None:
        found = tuple(at for at, known in _ids(folders).items() if known.id == synset.id)
    if not found:
        raise InputError(
            f"--class-map maps to {text.strip()!r}, which is not a class of the folder ({some(folders, 6)})"
        )
    _check_one("folder", text, [folders[at] for at in found])
    return found[0]


def _check_one(side: str, text: str, names: Sequence[str]) -> None:
    if len(set(names)) > 1:
        raise InputError(
            f"--class-map names {text.strip()!r}, which can be {some(map(repr, names))} of the {side}. "
            "Write it exactly as it is there"
        )


def _exactly(names: Sequence[str], text: str) -> int | None:
    """Position of the very name, in any Unicode form; blanks around a name that has none do not count."""
    forms = [composed(name) for name in names]
    return next((forms.index(form) for form in map(composed, (text, text.strip())) if form in forms), None)


def _ids(folders: Sequence[str]) -> dict[int, Synset]:
    known = ((at, synset_of(name)) for at, name in enumerate(folders))
    return {at: synset for at, synset in known if synset is not None}


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
