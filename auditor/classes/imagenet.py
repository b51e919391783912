"""The 1000 classes of ImageNet (ILSVRC 2012): synset ids, readable names, and the cats and dogs among them.

`imagenet.tsv` beside this file lists them in the order of a classifier's outputs, which is the order of the ids.
A name is the first lemma of the synset in WordNet 3.0, except if two synsets share it (crane, Cardigan, maillot) or if
it is unclear (Angora is a rabbit, Pembroke a Welsh corgi).
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("imagenet.tsv")
CLASSES = 1000
BACKGROUND = "background"
BACKGROUND_AT = -1                              # its position among the 1000

#: Positions of the domestic cats (tabby to Egyptian cat) and the dogs (Chihuahua to Mexican hairless), without wolves.
CATS, DOGS = range(281, 286), range(151, 269)
#: Their wild relatives, cougar to cheetah and timber wolf to grey fox: to confuse those is not an absurd error.
WILD_CATS, WILD_DOGS = range(286, 294), range(269, 281)

#: Share of a model's names that must be ImageNet's, each at its position. Label files name some classes differently;
#: names in another order agree almost nowhere.
MIN_AGREEMENT = 0.5

_ID = re.compile(r"n\d{8}")
# An id that is a word of its own, and not part of a path, a file name or a longer name.
_ALONE = re.compile(r"(?<![\w./\\@-])n\d{8}(?![\w/\\@-]|\.\w)")
# The folders of Stanford Dogs are named like `n02085620-Chihuahua`.
_LEADING = re.compile(r"(n\d{8})(?:[-_ ].*)?", re.DOTALL)


@dataclass(frozen=True)
class Synset:
    """One class of ImageNet.

    Attributes:
        id: Its id in WordNet, `n` and eight digits.
        name: Its readable name, unique among the 1000.
        lemmas: All its names in WordNet.
    """

    id: str
    name: str
    lemmas: tuple[str, ...]


@cache
def synsets() -> tuple[Synset, ...]:
    """Returns the 1000 classes in the order of a classifier's outputs."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return tuple(Synset(row["synset"], row["name"], tuple(row["lemmas"].split(", "))) for row in rows)


def readable(text: str) -> str:
    """Replaces each synset id of ImageNet that is a word of its own by its name; paths are not changed.

    Example:
        >>> readable("it is n02086240, not n02087394")
        'it is Shih-Tzu, not Rhodesian ridgeback'
    """
    if not _ID.search(text):
        return text
    return _ALONE.sub(lambda found: _named(found[0]), text)


def synset_of(name: str) -> Synset | None:
    """Returns the class of a name that is an id or begins with one: `n02086240`, `n02086240-Shih-Tzu`; else None."""
    found = _LEADING.fullmatch(name.strip())
    return _by_id().get(found[1]) if found else None


def synset_named(name: str) -> Synset | None:
    """Returns the class with this id or lemma; None if no class or several have it."""
    return synset_of(name) or _by_lemma().get(key(name))


def output_names(outputs: int) -> tuple[str, ...] | None:
    """Returns the names of 1000 outputs, or of 1001 with the background first; None for other numbers."""
    known = tuple(synset.name for synset in synsets())
    return {CLASSES: known, CLASSES + 1: (BACKGROUND, *known)}.get(outputs)


def positions(classes: Sequence[str]) -> tuple[int, ...] | None:
    """Finds the position among the 1000 of each output of a classifier, `BACKGROUND_AT` for the background.

    Args:
        classes: Names of the outputs, in order: ids, names, or lemmas like `tench, Tinca tinca`.

    Returns:
        None if these are not 1000 or 1001 names of which at least `MIN_AGREEMENT` are ImageNet's in its order.
    """
    spare = len(classes) - CLASSES
    if spare not in (0, 1):
        return None
    for start in dict.fromkeys((spare, 0)):                     # the background is first or last
        named = classes[start : start + CLASSES]
        agreeing = sum(_is_name_of(name, synset) for name, synset in zip(named, synsets(), strict=True))
        if agreeing >= MIN_AGREEMENT * CLASSES:
            return tuple(
                place if 0 <= (place := output - start) < CLASSES else BACKGROUND_AT for output in range(len(classes))
            )
    return None


def key(name: str) -> str:
    """Normalises a name for comparison: without case and separators."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _is_name_of(name: str, synset: Synset) -> bool:
    return any(key(part) in _keys(synset) for part in (name, *name.split(",")))


@cache
def _keys(synset: Synset) -> frozenset[str]:
    return frozenset(map(key, (synset.id, synset.name, *synset.lemmas)))


@cache
def _by_id() -> dict[str, Synset]:
    return {synset.id: synset for synset in synsets()}


@cache
def _by_lemma() -> dict[str, Synset]:
    """Maps every name that only one class has to that class."""
    count = Counter(name for synset in synsets() for name in _keys(synset) | {_line(synset)})
    known = {name: synset for synset in synsets() for name in _keys(synset) | {_line(synset)}}
    return {name: synset for name, synset in known.items() if count[name] == 1}


def _line(synset: Synset) -> str:
    """All lemmas, as in the lines of label files."""
    return key(", ".join(synset.lemmas))


def _named(synset_id: str) -> str:
    synset = _by_id().get(synset_id)
    return synset_id if synset is None else synset.name
