"""The catalogue of models: `auditor models` lists it, `auditor models card` writes a card for a file without one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from auditor.backends import FLOAT, INT8
from auditor.backends.answers import check_answers
from auditor.backends.base import Backend
from auditor.backends.card import (
    CARD_NAME,
    ModelCard,
    Preprocessing,
    as_preprocessing,
    read_card,
    refuse_pointer,
    sha256,
)
from auditor.backends.class_lists import read_class_list
from auditor.errors import AuditorError, InputError
from auditor.text import read_json

EVALUATION = "evaluation.json"
_LARGEST_JSON = 64 * 1024**2                                    # bytes of an evaluation.json that is read
_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Weights:
    """A file that a card lists.

    Attributes:
        name: Of the file.
        size: Bytes; None where the file is missing.
        sha256: Its present hash in hex; "" where the file is missing.
        state: "ok", "missing", or "changed" where its hash is not the card's.
    """

    name: str
    size: int | None
    sha256: str
    state: str


@dataclass(frozen=True)
class ModelEntry:
    """A model folder.

    Attributes:
        folder: Its path.
        bundled: Whether it is part of auditor.
        card: Its card; None where that cannot be read.
        problem: Why it cannot be read; "" where it can.
        accuracy: In [0, 1]; None where it is not known.
        measured_on: The images that it was measured on, as the card or the evaluation names them.
        files: The files that the card lists.
    """

    folder: Path
    bundled: bool
    card: ModelCard | None
    problem: str
    accuracy: float | None
    measured_on: str
    files: tuple[Weights, ...]


def list_models(folder: Path, bundled: Path | None) -> list[ModelEntry]:
    """The bundled model, then the model folders in a folder, sorted by name.

    Args:
        folder: Its subfolders with a `model.json` are listed; it need not exist.
        bundled: The bundled model's folder, listed once even if it is in `folder`.
    """
    found = sorted(path.parent for path in folder.glob(f"*/{CARD_NAME}")) if folder.is_dir() else []
    others = [each for each in found if bundled is None or each.resolve() != bundled.resolve()]
    return [
        *([] if bundled is None else [_entry(bundled, bundled=True)]),
        *(_entry(each, bundled=False) for each in others if not each.name.startswith(".")),
    ]


def write_card(
    file: Path,
    *,
    name: str | None = None,
    classes: Path | None = None,
    preprocessing: str | None = None,
    input_size: str | None = None,
    output: str | None = None,
    overwrite: bool = False,
) -> ModelCard:
    """Writes `model.json` beside a model file: what its graph says, what the user stated, and what is guessed.

    An existing card of the same file is updated: it keeps what the user does not state again.

    Args:
        file: An `.onnx` or a `.keras` file.
        name: Of the model; None takes the file's, or its folder's for a file called "model".
        classes: File with class names.
        preprocessing: One of `PREPROCESSINGS`.
        input_size: "224", or "192x256" for height x width.
        output: Of an ONNX file with several, the one that holds the class scores.
        overwrite: Whether a card that is there may be replaced.

    Raises:
        InputError: there is a card already, or an argument cannot be read.
        ModelError: the file is not a classifier, or what was stated does not fit it.
    """
    if file.is_dir():
        raise InputError(f"{file} is a folder; expected the .onnx or the .keras file in it that has no card")
    if not file.is_file():
        raise InputError(f"there is no file {file}; expected an .onnx or a .keras file")
    path = file.parent / CARD_NAME
    if path.exists() and not overwrite:
        raise InputError(
            f"{path} is there already; pass --overwrite to write it again (it keeps what you do not state)"
        )
    size = None if input_size is None else _read_size(input_size)
    how = None if preprocessing is None else as_preprocessing(preprocessing)
    digest = sha256(file)
    known = _card_of(path, file.name, digest)
    asked = output or (known.output if known else None) or None
    heads = known.heads if known else {}
    fresh = _load_without_card(file, preprocessing=how, classes=classes, heads=heads, output=asked).card
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
        about=known.about if known else {"origin": "a model file; `auditor models card` wrote this card"},
        guessed={field: guess for field, guess in fresh.guessed.items() if field not in settled},
    )
    card = replace(card, **settled)
    check_answers(_load_without_card(file, card=card))          # raises where the model does not run with this card
    try:
        card.write(file.parent)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    return card


def _load_without_card(
    file: Path,
    *,
    card: ModelCard | None = None,
    preprocessing: Preprocessing | None = None,
    classes: Path | None = None,
    heads: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    output: str | None = None,
) -> Backend:
    """The model without the card beside its file, or with a card that is not written yet."""
    refuse_pointer(file)
    names = None if classes is None else read_class_list(classes).names
    if file.suffix.lower() == ".keras":
        from auditor.backends.keras.backend import KerasBackend

        if output is not None:
            raise InputError(f"--output {output} is for ONNX files with several outputs, but {file} is a Keras model")
        return KerasBackend(file, card=card, device="cpu", preprocessing=preprocessing, classes=names, heads=heads)
    if file.suffix.lower() != ".onnx":
        raise InputError(f"{file} ends in {file.suffix!r}; expected .onnx or .keras")
    from auditor.backends.onnx.backend import OnnxBackend

    return OnnxBackend(
        file, card=card, device="cpu", preprocessing=preprocessing, classes=names, heads=heads, output=output
    )


def _card_of(path: Path, name: str, digest: str) -> ModelCard | None:
    """The existing card, where it lists a file with this name and hash."""
    try:
        card = read_card(path)
    except AuditorError:
        return None                                             # no card, or the model.json of some other program
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


def _entry(folder: Path, *, bundled: bool) -> ModelEntry:
    try:
        card = read_card(folder / CARD_NAME)
    except AuditorError as error:
        return ModelEntry(folder, bundled, None, str(error), None, "", ())
    accuracy, on = _accuracy(folder, card)
    order = sorted(card.files, key=lambda name: (name not in (FLOAT, INT8), name))
    return ModelEntry(folder, bundled, card, "", accuracy, on, tuple(_weights(folder, name, card) for name in order))


def _weights(folder: Path, name: str, card: ModelCard) -> Weights:
    path = folder / name
    if path.parent != folder or not path.is_file():             # cards are untrusted: no names outside the folder
        return Weights(name, None, "", "missing")
    digest = sha256(path)
    return Weights(name, path.stat().st_size, digest, "ok" if digest == card.files[name] else "changed")


def _accuracy(folder: Path, card: ModelCard) -> tuple[float | None, str]:
    """The accuracy of a model and what it was measured on: its evaluation, else what its card says."""
    evaluation = folder / EVALUATION
    try:
        if evaluation.is_file() and evaluation.stat().st_size <= _LARGEST_JSON:
            record = read_json(evaluation)
            value = _share(record["accuracy"]["value"])
            if value is not None:
                return value, str(record["dataset"]["split"] or record["dataset"]["name"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass                                                    # of another program, or broken: use the card
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
