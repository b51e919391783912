"""Models behind one protocol: cards, the catalogue, `onnx/` and `keras/`."""

from dataclasses import replace
from pathlib import Path

from auditor.backends.base import Backend
from auditor.backends.card import (
    CARD_NAME,
    ModelCard,
    as_preprocessing,
    read_card,
    refuse_pointer,
    with_classes,
    with_output,
)
from auditor.backends.class_lists import ClassList, read_class_list
from auditor.errors import InputError, ModelError
from auditor.resources import bundled_model
from auditor.settings import Settings

FLOAT = "model.onnx"
INT8 = "model.int8.onnx"
KERAS = "model.keras"


def load_backend(
    model: Path,
    *,
    device: str = "auto",
    kind: str = "onnx",
    preprocessing: str | None = None,
    classes: Path | None = None,
    output: str | None = None,
    threads: int | None = None,
) -> Backend:
    """Loads a classifier.

    Args:
        model: A folder with `model.json` and `model.onnx` or `model.int8.onnx` (taken on the CPU where it exists), or
            a file, `.onnx` or `.keras`. A `model.json` beside a file is used where it lists that file.
        device: "auto", "cpu" or "cuda". "auto" takes CUDA where it starts.
        kind: Backend for a folder: "onnx" or "keras".
        preprocessing: One of `card.PREPROCESSINGS`; overrides the card, or the guess for a file without one.
        classes: A file with class names; overrides the card.
        output: The output of an ONNX file that holds the class scores, where it has several; overrides the card.
        threads: CPU threads; all cores if None.

    Raises:
        ModelError: there is no model at this path, or it cannot be used.
        ModelMismatch: model, card and stated classes disagree.
        DeviceUnavailable: the requested device is not available.
        MissingDependency: it is a Keras model, and Keras is not installed.
    """
    how = None if preprocessing is None else as_preprocessing(preprocessing)
    listed = None if classes is None else read_class_list(classes)
    names = None if listed is None else listed.names
    if kind not in ("onnx", "keras"):
        raise InputError(f"backend {kind!r} is not known; expected onnx or keras")
    if model.is_dir():
        card: ModelCard | None = read_card(_existing(model / CARD_NAME, "a model folder holds its card"))
        runs_keras = kind == "keras"
    elif model.is_file():
        if model.suffix.lower() not in (".onnx", ".keras"):
            raise ModelError(f"{model} ends in {model.suffix!r}; expected .onnx or .keras, or a model folder")
        runs_keras = model.suffix.lower() == ".keras"
        card = _card_beside(model)
    else:
        raise ModelError(f"there is no model at {model}; looked for a folder with {CARD_NAME}, a .onnx, a .keras file")
    if card is not None and output is not None:
        card = with_output(card, output)
    if card is not None and names is not None:
        card = with_classes(card, names)
    if card is not None and how is not None:
        stated = {key: guess for key, guess in card.guessed.items() if key != "preprocessing"}
        card = replace(card, preprocessing=how, guessed=stated)
    if runs_keras:
        from auditor.backends.keras.backend import KerasBackend

        if output is not None:
            raise InputError(
                f"--output {output} chooses among the outputs of an ONNX file, but {model} is a Keras model; save it "
                "with its class scores as the only output"
            )
        path = weights_file(model, "keras", device)
        refuse_pointer(path)
        backend: Backend = KerasBackend(
            path, card=card, device=device, preprocessing=how, classes=names, threads=threads
        )
        return with_notes(backend, listed)
    from auditor.backends.onnx.backend import OnnxBackend
    from auditor.backends.onnx.session import resolve_device

    device = resolve_device(device)
    path = weights_file(model, "onnx", device)
    backend = OnnxBackend(
        path, card=card, device=device, preprocessing=how, classes=names, output=output, threads=threads
    )
    return with_notes(backend, listed)


def with_notes(backend: Backend, classes: ClassList | None) -> Backend:
    """A backend that also says how its class names were read; itself where that was plain."""
    if classes is not None and classes.note:
        backend.notes = (*backend.notes, classes.note)
    return backend


def weights_file(model: Path, kind: str, device: str) -> Path:
    """The file of a model folder that a backend of this kind loads on this device; a file itself.

    Raises:
        ModelError: the folder has no such file.
    """
    if model.is_file():
        return model
    names = (KERAS, FLOAT) if kind == "keras" else (INT8, FLOAT) if device == "cpu" else (FLOAT, INT8)
    for name in names:
        if (model / name).is_file():
            return model / name
    raise ModelError(f"{model} has a card, but no model; looked for {', '.join(str(model / name) for name in names)}")


def stated_backend(settings: Settings, model: Path | None = None) -> Backend:
    """`load_backend` as the settings state it; raises the same errors.

    Args:
        settings: Without a model in them, the bundled one.
        model: To load instead of the one in the settings.
    """
    return load_backend(
        model or settings.model or bundled_model(),
        device=settings.device,
        kind=settings.backend,
        preprocessing=settings.preprocessing,
        classes=settings.classes,
        output=settings.output,
        threads=settings.threads,
    )


def _card_beside(path: Path) -> ModelCard | None:
    """The card in a file's folder, where it lists this file."""
    beside = path.parent / CARD_NAME
    if not beside.is_file():
        return None
    try:
        card = read_card(beside)
    except ModelError:
        return None                                             # the model.json of some other program
    return card if path.name in card.files else None


def _existing(path: Path, why: str) -> Path:
    if not path.is_file():
        raise ModelError(f"there is no {path}; {why}, {CARD_NAME}, beside {INT8} or {FLOAT}")
    return path
