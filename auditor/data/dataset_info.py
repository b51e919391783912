"""The names of classes that a Hugging Face data set writes as numbers: `dataset_info` of its card, or of a file."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.text import read_text, shown

CARD, INFOS = "README.md", "dataset_infos.json"

_ENTRY = re.compile(r"(- *)?(?:(\"[^\"]*\"|'[^']*'|[^\s#\"'\[{&*!|>%@`-][^#]*?|-?\d+)\s*:(?:\s+|$))?(.*)")


def read_class_names(folder: Path) -> dict[str, tuple[str, ...]]:
    """Column -> names of its classes, from what lies in the folder of a data set; empty if nothing says them.

    Raises:
        InputError: a file cannot be read, or two parts of it name the classes of a column differently.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in (CARD, INFOS):
        path = folder / name
        try:
            text = read_text(path, errors="replace") if path.is_file() else ""
            info = json.loads(text or "null") if name == INFOS else front_matter(text).get("dataset_info")
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{shown(str(path))} cannot be read ({error}). Correct it, or move it away.") from None
        found |= class_names(path, info)
    return found


def class_names(path: Path, info: Any) -> dict[str, tuple[str, ...]]:
    """Column -> names of its classes, as `datasets` describes features, wherever they are in this description.

    Args:
        path: The file that the description is from.
        info: The description.

    Raises:
        InputError: two configurations name the classes of one column differently.
    """
    found: dict[str, tuple[str, ...]] = {}
    for features in _features(info):
        columns = features.items() if isinstance(features, dict) else ((_named(each), each) for each in features)
        for column, description in columns:
            names = _names(description)
            if names and found.setdefault(str(column), names) != names:
                raise InputError(
                    f"{shown(str(path))}: dataset_info names the classes of {shown(str(column))} in two ways. Keep the "
                    "configuration that these images are of."
                )
    return found


def _features(info: Any) -> Iterator[Any]:
    """Every `features` in the description: there is one for each configuration."""
    if isinstance(info, dict):
        if isinstance(info.get("features"), dict | list):
            yield info["features"]
        else:
            for value in info.values():
                yield from _features(value)
    elif isinstance(info, list):
        for value in info:
            yield from _features(value)


def _named(description: Any) -> str:
    return str(description.get("name", "")) if isinstance(description, dict) else ""


def _names(description: Any) -> tuple[str, ...]:
    """The names in the description of one column, in order; empty if it has none."""
    if not isinstance(description, dict):
        return ()
    names = description.get("names")
    if isinstance(names, list):
        return tuple(map(str, names))
    if isinstance(names, dict) and all(str(key).isdecimal() for key in names):
        return tuple(str(name) for _, name in sorted(names.items(), key=lambda item: int(item[0])))
    return next((found for value in description.values() if (found := _names(value))), ())


def front_matter(text: str) -> Mapping[str, Any]:
    """The YAML at the start of a card: blocks of names and lists, and single values; nothing else of YAML."""
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != "---" or "---" not in (line.rstrip() for line in lines[1:]):
        return {}
    end = [line.rstrip() for line in lines[1:]].index("---") + 1
    filled = (line for line in lines[1:end] if line.strip() and not line.lstrip().startswith("#"))
    rows = [(len(line) - len(line.lstrip()), line.strip()) for line in filled]
    block = _block(rows, rows[0][0] if rows else 0)
    return block if isinstance(block, dict) else {}


def _block(rows: list[tuple[int, str]], indent: int) -> Any:
    """Takes the rows of one block from the front of `rows`."""
    names: dict[str, Any] = {}
    items: list[Any] = []
    while rows and rows[0][0] >= indent:
        depth, text = rows.pop(0)
        match = _ENTRY.fullmatch(text)
        dash, name, value = match.groups() if match else (None, None, text)
        if text == "-":
            dash, value = text, ""
        if dash is not None:
            inner = depth + len(dash)
            if name is not None:                # the first name of a block that is an item of a list
                rows.insert(0, (inner, text[len(dash) :]))
                items.append(_block(rows, inner))
            else:
                items.append(_scalar(value) if value else _block(rows, depth + 1))
        elif name is not None:
            names[str(_scalar(name))] = _scalar(value) if value and value[0] != "#" else _below(rows, depth)
    return names or items


def _below(rows: list[tuple[int, str]], depth: int) -> Any:
    """The block under a name: deeper, or a list at the same depth."""
    if rows and (rows[0][0] > depth or (rows[0][0] == depth and rows[0][1].startswith("-"))):
        return _list(rows, depth) if rows[0][0] == depth else _block(rows, rows[0][0])
    return None


def _list(rows: list[tuple[int, str]], depth: int) -> list[Any]:
    items: list[tuple[int, str]] = []
    while rows and (rows[0][0] > depth or (rows[0][0] == depth and rows[0][1].startswith("-"))):
        items.append(rows.pop(0))
    made = _block(items, depth)
    return made if isinstance(made, list) else []


def _scalar(text: str) -> Any:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(part) for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^,\s][^,]*", text[1:-1])]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
    return re.sub(r"\s+#.*$", "", text)
