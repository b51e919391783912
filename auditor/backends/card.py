"""The card of a model: what `models/<name>/model.json` says about the files beside it.

Cards are untrusted, like model files: every field is checked on reading.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from auditor.errors import InputError, ModelError, ModelMismatch
from auditor.text import read_json

CARD_FORMAT = 1
CARD_NAME = "model.json"
_POINTER = b"version https://git-lfs.github.com/spec/"

Preprocessing = Literal["raw", "unit", "tf", "torch", "caffe", "bgr"]
PREPROCESSINGS: tuple[Preprocessing, ...] = get_args(Preprocessing)


@dataclass(frozen=True)
class ModelCard:
    """What is known about a classifier.

    Attributes:
        name: Its name, shown in reports.
        classes: One name per output, in output order. Empty where nothing names them.
        input_size: (height, width) in pixels that images are resized to, whatever their shape.
        preprocessing: What happens to RGB 0-255 before the first layer, with the names of Keras: `raw` nothing,
            `unit` to [0, 1], `tf` to [-1, 1], `torch` to [0, 1] then ImageNet mean and standard deviation,
            `caffe` BGR minus the ImageNet mean. `bgr` is BGR as it is.
        files: File name -> sha256 in hex, of every weights file in the folder.
        trained_on: Hashes (first 16 hex digits of the sha256) of the images it was trained on.
        heads: Further outputs of the model's graph -> one name per class, in output order. They are logits computed
            from the same pooled features; the classifier's own scores are not among them.
        output: Name of the model's output with the class scores, where it has several and somebody stated it; else "".
        guessed: Fields that nobody stated -> how each was guessed; the report prints them.
        about: Everything else that the card says (origin of the weights, measured accuracy), unchanged.
    """

    name: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    preprocessing: Preprocessing
    files: Mapping[str, str] = field(default_factory=dict)
    trained_on: frozenset[str] = frozenset()
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    output: str = ""
    guessed: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_classes(self) -> bool:
        return bool(self.classes)

    def saw(self, content: str) -> bool:
        """Whether the model was trained on the image with this sha256, in hex."""
        return content[:16] in self.trained_on

    def write(self, folder: Path) -> None:
        """Writes `model.json` into the model's folder: whole, or not at all."""
        record = {"format_version": CARD_FORMAT, **asdict(self)}
        record["trained_on"] = sorted(self.trained_on)
        if not self.output:
            del record["output"]
        partial = folder / f".{CARD_NAME}.{os.getpid()}.partial"
        try:
            # A class name may hold characters that UTF-8 cannot encode: they are written as JSON escapes, \udcff.
            text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
            partial.write_text(text, encoding="utf-8", errors="backslashreplace")
            partial.replace(folder / CARD_NAME)
        finally:
            partial.unlink(missing_ok=True)


def read_card(path: Path) -> ModelCard:
    """Reads a card from `model.json`.

    Raises:
        ModelError: the file is not a card of this version, or a field has the wrong type.
    """
    try:
        record = read_json(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a model card (JSON): {error}") from None
    if not isinstance(record, dict) or record.get("format_version") != CARD_FORMAT:
        found = record.get("format_version") if isinstance(record, dict) else type(record).__name__
        raise ModelError(f"{path} has format_version {found!r}; this auditor reads {CARD_FORMAT}. Export it again.")
    try:
        height, width = (int(side) for side in record["input_size"])
        card = ModelCard(
            name=str(record["name"]),
            classes=tuple(str(name) for name in record["classes"]),
            input_size=(height, width),
            preprocessing=as_preprocessing(record["preprocessing"]),
            files={str(name): str(digest) for name, digest in record["files"].items()},
            trained_on=frozenset(str(digest) for digest in record.get("trained_on", ())),
            heads=_read_heads(record.get("heads", {})),
            output=str(record.get("output", "")),
            guessed={str(key): str(how) for key, how in record.get("guessed", {}).items()},
            about=dict(record.get("about", {})),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} is not a complete model card: {type(error).__name__} {error}") from None
    if not (0 < height <= 4096 and 0 < width <= 4096):
        raise ModelError(f"{path} gives input_size {height} x {width}; expected two numbers from 1 to 4096")
    return card


def _read_heads(record: Any) -> dict[str, tuple[str, ...]]:
    """The further heads of a card. Strict: a single name instead of a list would become a list of its letters.

    Raises:
        ValueError: saying what is wrong.
    """
    if not isinstance(record, dict):
        raise ValueError(f"heads is a {type(record).__name__}; expected an object, output name -> list of class names")
    for name, classes in record.items():
        named = isinstance(classes, list) and classes and all(isinstance(each, str) for each in classes)
        if not name or not named:
            raise ValueError(f"the head {name!r} lists {str(classes)[:60]}; expected a list of class names")
    return {name: tuple(classes) for name, classes in record.items()}


def as_preprocessing(text: str) -> Preprocessing:
    """Checks a preprocessing's name.

    Raises:
        InputError: it is not one of `PREPROCESSINGS`.
    """
    for known in PREPROCESSINGS:
        if text == known:
            return known
    raise InputError(f"preprocessing {text!r} is not known; expected one of {', '.join(PREPROCESSINGS)}")


def verify(card: ModelCard, path: Path) -> str:
    """Compares a weights file with its card; returns its sha256 in hex.

    Raises:
        ModelMismatch: the card lists another hash for this file.
    """
    digest = sha256(path)
    expected = card.files.get(path.name)
    if expected is not None and expected != digest:
        raise ModelMismatch(
            f"{path} has sha256 {digest[:12]}..., but its card lists {expected[:12]}.... "
            "The file or the card was replaced alone: restore the pair, or export the model again."
        )
    return digest


def refuse_pointer(path: Path) -> None:
    """Refuses a file that Git LFS left in the place of a model.

    Raises:
        ModelError: it is such a file.
    """
    with path.open("rb") as file:
        start = file.read(len(_POINTER))
    if start == _POINTER:
        raise ModelError(f"{path} is a Git LFS pointer, not the model: run `git lfs pull` in its repository")


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def with_output(card: ModelCard, output: str) -> ModelCard:
    """The card with another output as the classifier's own: class names are those of that head, where it lists it."""
    if output == card.output:
        return card
    names = card.heads.get(output, card.classes if output not in card.heads and not card.heads else ())
    heads = {name: classes for name, classes in card.heads.items() if name != output}
    return replace(card, output=output, classes=names, heads=heads)


def with_classes(card: ModelCard, classes: tuple[str, ...]) -> ModelCard:
    """The card with its class names stated by the user."""
    guessed = {key: how for key, how in card.guessed.items() if key != "classes"}
    return replace(card, classes=classes, guessed=guessed)
