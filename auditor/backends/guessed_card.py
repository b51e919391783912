"""A guessed card, for a model file without a card: from its graph, its metadata, and what the user stated."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from auditor.backends.card import PREPROCESSINGS, ModelCard, Preprocessing
from auditor.backends.class_lists import names_of
from auditor.backends.conventions import literal, names_beside, stated_pixels
from auditor.errors import ModelMismatch

GUESSED_SIZE = 224
BARE = "a model file without a card"


def guess_card(
    path: Path,
    columns: int,
    size: tuple[int, int],
    size_guess: str | None,
    metadata: Mapping[str, str],
    *,
    channels_first: bool,
    takes_pixels: bool = False,
    evidence: tuple[Preprocessing, str] | None = None,
    preprocessing: Preprocessing | None = None,
    classes: tuple[str, ...] | None = None,
    heads: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    output: str = "",
    inside: tuple[str, ...] = (),
) -> ModelCard:
    """Builds a card; what nobody stated is listed in its `guessed`.

    Args:
        path: The model file.
        columns: Scores per image; 1 is a single unit for two classes.
        size: (height, width) of its images.
        size_guess: How that size was guessed, or None.
        metadata: The file's metadata, key -> value.
        channels_first: Layout of its input; preprocessing is guessed from it.
        takes_pixels: Whether its input is of whole numbers, which means that nothing is preprocessed.
        evidence: The preprocessing that its layers indicate, and why.
        preprocessing: What the user stated.
        classes: What the user stated.
        heads: Further heads.
        output: The output with the scores that the user stated.
        inside: Class names that its graph carries.
    """
    guessed = {"input_size": size_guess} if size_guess else {}
    how, note = _preprocessing(path, preprocessing, metadata, evidence, channels_first, takes_pixels)
    if note:
        guessed["preprocessing"] = as_guess(how, note)
    names = classes
    if names is None:
        names, note = _names_from(path, metadata, inside, columns)
        if note:
            guessed["classes"] = note
    about = {"origin": BARE}
    return ModelCard(path.stem, names, size, how, heads=dict(heads), output=output, guessed=guessed, about=about)


def as_guess(how: Preprocessing, why: str) -> str:
    """What a card's `guessed` says of its preprocessing."""
    return f"{how}: {why}; state it with --preprocessing"


def is_open(card: ModelCard) -> bool:
    """Whether nothing but the layout says what preprocessing a bare model expects."""
    by_layout = [as_guess(*_by_layout(first)) for first in (True, False)]
    return card.about.get("origin") == BARE and card.guessed.get("preprocessing") in by_layout


def _preprocessing(
    path: Path,
    stated: Preprocessing | None,
    metadata: Mapping[str, str],
    evidence: tuple[Preprocessing, str] | None,
    channels_first: bool,
    takes_pixels: bool,
) -> tuple[Preprocessing, str | None]:
    """The preprocessing; and where it is a guess, the reason for the guess."""
    noted = next((known for known in PREPROCESSINGS if metadata.get("preprocessing") == known), None)
    if stated or noted:
        return stated or noted or "raw", None
    if takes_pixels:
        return "raw", None
    return stated_pixels(path, metadata, evidence) or _by_layout(channels_first)


def _by_layout(channels_first: bool) -> tuple[Preprocessing, str]:
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
    noted = literal(metadata.get("imgsz", ""))
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


def names_stated(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Class names from a file's metadata; () where it has none."""
    lists = (names_of(literal(metadata.get(key, ""))) for key in ("names", "classes", "labels"))
    return next((names for names in lists if names), ())


def _names_from(
    path: Path, metadata: Mapping[str, str], inside: tuple[str, ...], columns: int
) -> tuple[tuple[str, ...], str | None]:
    """Class names from a file's metadata, its graph, or a file beside it; and what the report says of it."""
    names = names_stated(metadata)
    if names and len(names) == max(columns, 2):
        return names, None
    if names:
        return (), f"none: the file's metadata lists {len(names)} names for {max(columns, 2)} classes"
    if len(inside) == max(columns, 2):
        return inside, None
    if (beside := names_beside(path, columns)) is not None:
        return beside
    return (), f"none: nothing names the model's {max(columns, 2)} classes; state them with --classes"
