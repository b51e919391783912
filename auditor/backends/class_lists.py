"""Lists of class names: one a line, numbered lines, JSON in the shapes in which tools write it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.text import read_text

_NUMBERED = re.compile(r"^\s*(\d+)\s*[\s:,;.)]\s*(\S.*?)\s*$")    # Teachable Machine writes "0 cat"
# Keys of a JSON object whose value is the list: of Hugging Face's config.json, and of others.
_INSIDE = ("id2label", "label2id", "label_names", "labels", "names", "classes", "class_names")
_EXPECTED = "expected one per line, a JSON list, or a JSON object index -> name or name -> index"


@dataclass(frozen=True)
class ClassList:
    """Class names in the order of a model's outputs.

    Attributes:
        names: One for each output.
        note: How the file was read where that is not plain, as a sentence; "" where it is.
        numbered: Whether its lines begin with their numbers.
    """

    names: tuple[str, ...]
    note: str = ""
    numbered: bool = False


def read_class_list(path: Path) -> ClassList:
    """Class names from a file.

    Raises:
        InputError: it cannot be read, or holds no names.
    """
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the class names in {path} cannot be read: {error}") from None
    if text.lstrip()[:1] in ("[", "{"):
        try:
            found = _of_json(json.loads(text), path.name)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} starts like JSON, but is not valid JSON: {error}") from None
    else:
        found = _of_lines([line.strip() for line in text.rstrip().splitlines()], path.name)
    if not found.names or not all(found.names):
        raise InputError(f"{path} holds no class names; {_EXPECTED}{found.note}")
    return found


def names_of(value: Any) -> tuple[str, ...]:
    """Names from a list, from {index: name}, {index: [synset, name]} (Keras) or {name: index}; else ().

    Indices count from 0, or from 1.
    """
    if isinstance(value, dict):
        numbered = _by_index(value)
        start = min(numbered, default=0)
        whole = start in (0, 1) and set(numbered) == set(range(start, start + len(numbered)))
        value = [numbered[index] for index in sorted(numbered)] if whole else []
    if not isinstance(value, list | tuple):
        return ()
    return tuple(str(name[-1] if isinstance(name, list | tuple) and name else name) for name in value)


def _of_json(value: Any, file: str) -> ClassList:
    """The names in a JSON value, or under a key that usually holds them."""
    if names := names_of(value):
        one = isinstance(value, dict) and 0 not in _by_index(value)
        return ClassList(names, _counted_from_one(file) if one else "")
    keys = [key for key in _INSIDE if isinstance(value, dict) and names_of(value.get(key))]
    if keys:
        inner = value[keys[0]]
        one = isinstance(inner, dict) and 0 not in _by_index(inner)
        note = f"Class names were read from {keys[0]!r} in {file}."
        return ClassList(names_of(inner), f"{note} {_counted_from_one(file)}" if one else note)
    indices = sorted(_by_index(value)) if isinstance(value, dict) else []
    gaps = f" (found {indices[:6]})" if indices else ""
    return ClassList((), f". Indices have to count from 0, or from 1, without a gap{gaps}")


def _by_index(value: dict[Any, Any]) -> dict[int, Any]:
    """{index: name} of {index: name} or {name: index}; empty where it is neither."""
    try:
        if value and all(isinstance(index, int) and not isinstance(index, bool) for index in value.values()):
            return {index: name for name, index in value.items()}
        return {int(index): name for index, name in value.items()}
    except (TypeError, ValueError):
        return {}


def _of_lines(lines: list[str], file: str) -> ClassList:
    """Names, one a line; numbers in front are places where they count on from 0, or from 1, and the names differ."""
    found = [_NUMBERED.match(line) for line in lines]
    numbered = {int(match[1]): match[2] for match in found if match is not None}
    start = min(numbered, default=0)
    whole = len(numbered) == len(lines) and set(numbered) == set(range(start, start + len(lines)))
    if not lines or start not in (0, 1) or not whole or len(set(numbered.values())) != len(lines):
        return ClassList(tuple(lines))
    names = tuple(numbered[place] for place in sorted(numbered))
    note = f"The numbers in {file} ('{start} {names[0]}') were read as places of the model's outputs, not as names."
    return ClassList(names, note, numbered=True)


def _counted_from_one(file: str) -> str:
    return f"{file} counts its classes from 1, not from 0: they were read in that order."
