"""A guessed card, for a model file without a card: from its graph, its metadata, and what the user stated."""

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from auditor.backends.card import PREPROCESSINGS, ModelCard, Preprocessing
from auditor.errors import InputError, ModelMismatch

GUESSED_SIZE = 224
_LONGEST_METADATA = 1_000_000                                   # characters; metadata is untrusted, and is parsed


def guess_card(
    path: Path,
    columns: int,
    size: tuple[int, int],
    size_guess: str | None,
    metadata: Mapping[str, str],
    *,
    channels_first: bool,
    takes_uint8: bool = False,
    evidence: tuple[Preprocessing, str] | None = None,
    preprocessing: Preprocessing | None = None,
    classes: tuple[str, ...] | None = None,
    heads: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> ModelCard:
    """Builds a card; what nobody stated is listed in its `guessed`.

    Args:
        path: The model file.
        columns: Scores per image; 1 is a single unit for two classes.
        size: (height, width) of its images.
        size_guess: How that size was guessed, or None.
        metadata: The file's metadata, key -> value.
        channels_first: Layout of its input; preprocessing is guessed from it.
        takes_uint8: Whether its input is uint8, which means that nothing is preprocessed.
        evidence: The preprocessing that its layers indicate, and why.
        preprocessing: What the user stated.
        classes: What the user stated.
        heads: Further heads.
    """
    guessed = {"input_size": size_guess} if size_guess else {}
    how, note = _preprocessing(preprocessing, metadata, evidence, channels_first, takes_uint8)
    if note:
        guessed["preprocessing"] = f"{how}: {note}; state it with --preprocessing"
    names = classes
    if names is None:
        names, note = _names_from(metadata, columns)
        if note:
            guessed["classes"] = note
    about = {"origin": "a model file without a card"}
    return ModelCard(path.stem, names, size, how, heads=dict(heads), guessed=guessed, about=about)


def _preprocessing(
    stated: Preprocessing | None,
    metadata: Mapping[str, str],
    evidence: tuple[Preprocessing, str] | None,
    channels_first: bool,
    takes_uint8: bool,
) -> tuple[Preprocessing, str | None]:
    """The preprocessing; and where it is a guess, the reason for the guess."""
    noted = next((known for known in PREPROCESSINGS if metadata.get("preprocessing") == known), None)
    if stated or noted:
        return stated or noted or "raw", None
    if takes_uint8:
        return "raw", None
    if evidence:
        return evidence
    if channels_first:
        return "torch", "channels come first, as in PyTorch"
    return "tf", "channels come last, as in TensorFlow"


def choose_size(
    stated: tuple[int | None, int | None], metadata: Mapping[str, str]
) -> tuple[tuple[int, int], str | None]:
    """(height, width) from the graph, its metadata (`imgsz` of ultralytics) or a guess; and how it was guessed."""
    height, width = stated
    if height and width:
        return (height, width), None
    noted = _literal(metadata.get("imgsz", ""))
    if isinstance(noted, int):
        noted = [noted, noted]
    if isinstance(noted, list | tuple) and len(noted) == 2 and all(isinstance(n, int) and 0 < n <= 4096 for n in noted):
        return (height or noted[0], width or noted[1]), None
    side = height or width or GUESSED_SIZE
    return (height or side, width or side), f"{side} x {side}: the graph leaves height and width open"


def check_size(path: Path, stated: tuple[int | None, int | None], size: tuple[int, int]) -> None:
    """Compares a card's input size with the graph's.

    Raises:
        ModelMismatch: they differ.
    """
    if any(side is not None and side != wanted for side, wanted in zip(stated, size, strict=True)):
        taken = " x ".join(str(side or "any") for side in stated)
        raise ModelMismatch(f"{path} takes images of {taken}, but its card says {size[0]} x {size[1]}")


def check_classes(path: Path, card: ModelCard, columns: int) -> None:
    """Compares the number of class names with the number of scores.

    Raises:
        ModelMismatch: they differ.
    """
    if card.has_classes and len(card.classes) != max(columns, 2):
        raise ModelMismatch(
            f"{path} gives {max(columns, 2)} classes, but {len(card.classes)} class names were stated "
            f"({', '.join(card.classes[:3])}, ...). State one name per class, in the order of the model's outputs."
        )


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names from a file: one per line, a JSON list, or a JSON object (index -> name, or name -> index).

    Raises:
        InputError: the file cannot be read, or holds no names.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the class names in {path} cannot be read: {error}") from None
    if text.lstrip()[:1] in ("[", "{"):
        try:
            names = _as_names(json.loads(text))
        except ValueError as error:
            raise InputError(f"{path} starts like JSON, but is not valid JSON: {error}") from None
    else:
        names = tuple(line.strip() for line in text.rstrip().splitlines())
    if not names or not all(names):
        raise InputError(f"{path} holds no class names; expected one per line, a JSON list, or a JSON index -> name")
    return names


def _names_from(metadata: Mapping[str, str], columns: int) -> tuple[tuple[str, ...], str | None]:
    """Class names from a file's metadata; and where there are none, the reason for the report."""
    for key in ("names", "classes", "labels"):
        names = _as_names(_literal(metadata.get(key, "")))
        if names and len(names) == max(columns, 2):
            return names, None
        if names:
            return (), f"none: the file's metadata lists {len(names)} names for {max(columns, 2)} classes"
    return (), f"none: nothing names the model's {max(columns, 2)} classes; state them with --classes"


def _literal(text: str) -> object:
    """The value of a text that is a JSON or Python literal; None where it is neither."""
    if not text or len(text) > _LONGEST_METADATA:
        return None
    parsers: tuple[Callable[[str], object], ...] = (json.loads, ast.literal_eval)
    for parse in parsers:
        try:
            return parse(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None


def _as_names(value: Any) -> tuple[str, ...]:
    """Names from a list, from {index: name}, {index: [synset, name]} (Keras) or {name: index}; else ()."""
    if isinstance(value, dict):
        try:
            if value and all(isinstance(index, int) for index in value.values()):
                value = {index: name for name, index in value.items()}
            numbered = {int(index): name for index, name in value.items()}
        except (TypeError, ValueError):
            return ()
        value = [numbered[index] for index in sorted(numbered)] if set(numbered) == set(range(len(value))) else []
    if not isinstance(value, list | tuple):
        return ()
    return tuple(str(name[-1] if isinstance(name, list | tuple) and name else name) for name in value)
