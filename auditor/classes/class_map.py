"""Reads `--class-map`: pairs of a class and the class of the folder that it is."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from auditor.errors import InputError
from auditor.text import read_text

#: The value of `--class-map` that maps ImageNet's cats and dogs to the folders `cat` and `dog`.
IMAGENET_MAP = "imagenet"


def read_class_map(text: str | None) -> dict[str, str]:
    """Reads `--class-map`: `model=folder,model=folder`, or the path of a JSON object or a two-column CSV; None is {}.

    Names are returned as they are written, blanks included: they can be all that tells two classes apart. The value
    `imagenet` is not accepted here; see `match_imagenet`.

    Raises:
        InputError: the text or the file cannot be read, or maps one name to two classes.
    """
    if text is None:
        return {}
    path = Path(text)
    if path.suffix.lower() in (".json", ".csv"):
        return _read_file(path)
    rows = [pair.split("=") for pair in text.split(",") if pair.strip()]
    if not rows or any(len(row) != 2 or not row[0].strip() or not row[1].strip() for row in rows):
        raise InputError(
            f"--class-map {text!r} cannot be read; expected `tabby=cat,beagle=dog` (model class = folder class, or "
            f"folder class = folder class to merge two), a .json or .csv file with such pairs, or {IMAGENET_MAP}"
        )
    return _map("--class-map", ((source, target) for source, target in rows))


def _read_file(path: Path) -> dict[str, str]:
    try:
        text = read_text(path)
        if path.suffix.lower() == ".json":
            pairs = json.loads(text, object_pairs_hook=list)
            if isinstance(pairs, list) and text.lstrip().startswith("{") and all(isinstance(v, str) for _, v in pairs):
                return _map(str(path), pairs)
            raise InputError(f"{path} is not a JSON object of names; expected {{\"model class\": \"folder class\"}}")
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"--class-map {path} cannot be read: {error}") from None
    if any(len(row) != 2 for row in rows):
        raise InputError(f"{path} has rows that are not two columns; expected `model class,folder class`")
    return _map(str(path), ((source, target) for source, target in rows))


def _map(where: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    stated: dict[str, str] = {}
    for source, target in pairs:
        if stated.setdefault(source, target) != target:
            raise InputError(
                f"{where} maps {source.strip()!r} to {stated[source].strip()!r} and to {target.strip()!r}. "
                "Keep the one that is right."
            )
    return stated
