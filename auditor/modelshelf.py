"""The models that are there: `auditor models` lists them, `auditor models card` writes down what a bare file is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from auditor.backends import FLOAT, INT8
from auditor.backends.base import Backend
from auditor.errors import AuditorError, InputError
from auditor.modelcard import CARD_NAME, ModelCard, Preprocessing, as_preprocessing, read_card, sha256

EVALUATION = "evaluation.json"
_LARGEST_JSON = 64 * 1024**2                                    # bytes of an evaluation.json that is read
_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Weights:
    """A file that a card lists.

    Attributes:
        name: Of the file.
        size: Bytes; None where it is missing.
        sha256: As it is now, in hex; "" where it is missing.
        state: "ok", "missing", or "changed" where its hash is not the card's.
    """

    name: str
    size: int | None
    sha256: str
    state: str


@dataclass(frozen=True)
class Shelved:
    """A model folder.

    Attributes:
        folder: Where it lies.
        bundled: Whether it came with auditor.
        card: None where it cannot be read.
        problem: Why not; "" where it can.
        accuracy: In [0, 1], None where nothing says it.
        measured_on: What on, as the card or the evaluation names it.
        files: That the card lists.
    """

    folder: Path
    bundled: bool
    card: ModelCard | None
    problem: str
    accuracy: float | None
    measured_on: str
    files: tuple[Weights, ...]


def list_models(folder: Path, bundled: Path | None) -> list[Shelved]:
    """The model folders in a folder, sorted by name, behind the bundled one.

    Args:
        folder: Whose subfolders with a `model.json` are listed; it need not exist.
        bundled: The bundled model's folder, listed once even where it lies in `folder`.
    """
    found = sorted(path.parent for path in folder.glob(f"*/{CARD_NAME}")) if folder.is_dir() else []
    others = [each for each in found if bundled is None or each.resolve() != bundled.resolve()]
    return [
        *([] if bundled is None else [_shelved(bundled, bundled=True)]),
        *(_shelved(each, bundled=False) for each in others if not each.name.startswith(".")),
    ]


def write_card(
    file: Path,
    *,
    name: str | None = None,
    classes: Path | None = None,
    preprocessing: str | None = None,
    input_size: str | None = None,
    overwrite: bool = False,
) -> ModelCard:
    """Writes `model.json` beside a bare model: what its graph says, what the user stated, and what is guessed.

    A card that is there already for this very file keeps what it knows and nobody states anew.

    Args:
        file: An `.onnx` or a `.keras` file.
        name: Of the model; None takes the file's, or its folder's for a file called "model".
        classes: File with class names.
        preprocessing: One of `PREPROCESSINGS`.
        input_size: "224", or "192x256" for height x width.
        overwrite: Whether a card that is there may be replaced.

    Raises:
        InputError: there is a card already, or an argument cannot be read.
        ModelError: the file is no classifier, or what was stated does not fit it.
    """
    if not file.is_file():
        raise InputError(f"there is no file {file}; expected an .onnx or a .keras file")
    path = file.parent / CARD_NAME
    if path.exists() and not overwrite:
        raise InputError(f"{path} is there already; pass --overwrite to write it anew, what nobody states kept")
    size = None if input_size is None else _read_size(input_size)
    how = None if preprocessing is None else as_preprocessing(preprocessing)
    digest = sha256(file)
    known = _card_of(path, file.name, digest)
    fresh = _bare(file, preprocessing=how, classes=classes, heads=known.heads if known else {}).card
    stated: dict[str, Any] = {"name": name} if name else {}
    if size:
        stated["input_size"] = size
    kept = {
        field: getattr(known, field)
        for field in ("classes", "preprocessing", "input_size")
        if known is not None and field in fresh.guessed and field not in known.guessed
    }
    settled = {**kept, **stated}
    card = replace(
        fresh,
        name=known.name if known else _name(file),
        files={**(known.files if known else {}), file.name: digest},
        trained_on=known.trained_on if known else frozenset(),
        about=known.about if known else {"origin": "a bare model file; this card was written by `auditor models card`"},
        guessed={field: guess for field, guess in fresh.guessed.items() if field not in settled},
    )
    card = replace(card, **settled)
    _bare(file, card=card)                                      # runs with this card, or says why not
    try:
        card.write(file.parent)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    return card


def _bare(
    file: Path,
    *,
    card: ModelCard | None = None,
    preprocessing: Preprocessing | None = None,
    classes: Path | None = None,
    heads: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Backend:
    """The model without the card beside it, or with one that is not written yet."""
    from auditor.backends.bare import read_classes

    names = None if classes is None else read_classes(classes)
    if file.suffix.lower() == ".keras":
        from auditor.backends.keras import KerasBackend

        return KerasBackend(file, card=card, device="cpu", preprocessing=preprocessing, classes=names, heads=heads)
    if file.suffix.lower() != ".onnx":
        raise InputError(f"{file} ends in {file.suffix!r}; expected .onnx or .keras")
    from auditor.backends.onnx import OnnxBackend

    return OnnxBackend(file, card=card, device="cpu", preprocessing=preprocessing, classes=names, heads=heads)


def _card_of(path: Path, name: str, digest: str) -> ModelCard | None:
    """The card that is there, where it speaks of this very file."""
    try:
        card = read_card(path)
    except AuditorError:
        return None                                             # none, or some other program's model.json
    return card if card.files.get(name) == digest else None


def _name(file: Path) -> str:
    return file.resolve().parent.name if file.stem == "model" else file.stem


def _read_size(text: str) -> tuple[int, int]:
    """"224" or "192x256" -> (height, width).

    Raises:
        InputError: it is neither.
    """
    sides = text.lower().split("x")
    if len(sides) in (1, 2) and all(side.isdecimal() and 0 < int(side) <= _LARGEST_SIDE for side in sides):
        return int(sides[0]), int(sides[-1])
    raise InputError(f"--input-size {text!r} cannot be read; expected 224, or 192x256 for height x width")


def _shelved(folder: Path, *, bundled: bool) -> Shelved:
    try:
        card = read_card(folder / CARD_NAME)
    except AuditorError as error:
        return Shelved(folder, bundled, None, str(error), None, "", ())
    accuracy, on = _accuracy(folder, card)
    order = sorted(card.files, key=lambda name: (name not in (FLOAT, INT8), name))
    return Shelved(folder, bundled, card, "", accuracy, on, tuple(_weights(folder, name, card) for name in order))


def _weights(folder: Path, name: str, card: ModelCard) -> Weights:
    path = folder / name
    if path.parent != folder or not path.is_file():             # a card is a stranger's: its names stay in its folder
        return Weights(name, None, "", "missing")
    digest = sha256(path)
    return Weights(name, path.stat().st_size, digest, "ok" if digest == card.files[name] else "changed")


def _accuracy(folder: Path, card: ModelCard) -> tuple[float | None, str]:
    """The accuracy of a model and what it was measured on: its evaluation, else what its card says."""
    evaluation = folder / EVALUATION
    try:
        if evaluation.is_file() and evaluation.stat().st_size <= _LARGEST_JSON:
            record = json.loads(evaluation.read_text(encoding="utf-8"))
            value = _share(record["accuracy"]["value"])
            if value is not None:
                return value, str(record["dataset"]["split"] or record["dataset"]["name"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass                                                    # not ours, or broken: the card is asked
    measured = card.about.get("measured")
    if not isinstance(measured, Mapping):
        return None, ""
    for key in ("accuracy", "accuracy_test", *measured):
        value = _share(measured.get(key))
        if str(key).startswith("accuracy") and value is not None:
            return value, str(key).removeprefix("accuracy").strip("_").replace("_", " ")
    return None, ""


def _share(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1 else None
