"""When two names mean one class: exactly the same first, then looser, step by step.

A looser step decides only where it is unambiguous: `A` and `a`, `sunglass` and `sunglasses`, `-1` and `1` stay
different wherever both exist.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

#: Endings of words in s that are usually not plurals.
_SINGULAR_S = ("ss", "us", "is")

# A hyphen between words is a separator. Before a number it is a sign, and at the end a mark: `-1`, `A-`.
_SEPARATOR = re.compile(r"_|(?<=\w)-(?=\w)|(?<=\s)-(?=\s)|(?:^|(?<=\s))-(?=[^\W\d])")
_WHOLE = re.compile(r"(-?)0*(\d+?)(?:\.0+)?")


def composed(name: str) -> str:
    """The one Unicode form (NFC) of a name: macOS may write an umlaut as two characters."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def unblanked(name: str) -> str:
    """Without blanks at the ends or in a row, nor what takes no room: U+200B, a byte order mark amid a file."""
    if not name.isprintable():
        name = "".join(each for each in name if unicodedata.category(each) != "Cf") or name
    return " ".join(composed(name).split()) or name


def caseless(name: str) -> str:
    """Without case too."""
    return composed(unblanked(name).casefold())


def spelled(name: str) -> str:
    """Without separators too, and whole numbers in one form: `Tabby_Cat` -> `tabby cat`, `01` and `1.0` -> `1`."""
    text = caseless(name)
    number = _WHOLE.fullmatch(text)
    if number and number[2].isdecimal():
        return f"{number[1]}{number[2]}"
    return " ".join(_SEPARATOR.sub(" ", text).split()) or text


def normalise(name: str) -> str:
    """Without case, separators and plural: `Tabby_Cats` -> `tabby cat`."""
    *words, last = spelled(name).split() or [name]
    if last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif last.endswith(("ches", "shes", "xes", "sses")):
        last = last[:-2]
    elif last.endswith("s") and len(last) > 2 and not last.endswith(_SINGULAR_S):
        last = last[:-1]
    return " ".join([*words, last])


#: From strict to loose: names are the same at a step if it gives the same text for both.
STEPS: tuple[Callable[[str], str], ...] = (str, composed, unblanked, caseless, spelled, normalise)


def alike(names: Sequence[str], text: str) -> tuple[int, ...]:
    """Positions of the names that a text means: those of the strictest step at which there is any; empty for none."""
    for step in STEPS:
        wanted = step(text)
        found = tuple(place for place, name in enumerate(names) if step(name) == wanted)
        if found:
            return found
    return ()


def find(names: Sequence[str], text: str) -> int | None:
    """Position of the name that a text means; None if there is none, or if it could be several different ones."""
    found = alike(names, text)
    return found[0] if len({names[place] for place in found}) == 1 else None


def pairs(left: Mapping[int, str], right: Mapping[int, str]) -> dict[int, int]:
    """Pairs names on the left with names on the right, each step among those that the steps before left over.

    Args:
        left: Names by position. The same name may occur several times: all are paired with the same one.
        right: Names by position, all different.

    Returns:
        Position on the right of each position on the left that has a pair.
    """
    found: dict[int, int] = {}
    for step in STEPS:
        taken = set(found.values())
        ones = _grouped({place: name for place, name in left.items() if place not in found}, step)
        others = _grouped({place: name for place, name in right.items() if place not in taken}, step)
        for text, places in ones.items():
            if len(others.get(text, ())) == 1 and len({left[place] for place in places}) == 1:
                found |= dict.fromkeys(places, others[text][0])
    return found


def _grouped(names: Mapping[int, str], step: Callable[[str], str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for place, name in names.items():
        groups[step(name)].append(place)
    return groups
