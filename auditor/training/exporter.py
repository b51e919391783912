"""`auditor export`: a source, its export, the check on images that calibrated nothing, then the file and its card.

Nothing is written before it has been run beside the model that it was made from, and nothing that was there is
replaced unless the user said so.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import onnx

from auditor.backends import FLOAT, INT8
from auditor.backends.base import preprocess
from auditor.backends.graph import read_input
from auditor.backends.onnx import OnnxBackend
from auditor.errors import InputError, ModelError
from auditor.modelcard import CARD_NAME, ModelCard, read_card, sha256
from auditor.progress import Progress
from auditor.training import parity
from auditor.training.calibration import BATCH, NOISE, Photographs, draw, noise
from auditor.training.export import store_as_float16
from auditor.training.int8 import check_is_float, feed, to_int8
from auditor.training.parity import Limits, Parity, compare
from auditor.training.source import Source, home, read_source, weights_of

Kind = Literal["float32", "fp16", "int8"]
IMAGES = 600
#: Fewer images cannot tell 99 % from 97 %.
CHECKED_AT_LEAST = 50

_LIMITS: dict[Kind, Limits] = {"float32": parity.FLOAT32, "fp16": parity.FLOAT16, "int8": parity.INT8}
_ADVICE: dict[Kind, str] = {
    "float32": "A layer computes something else in ONNX; use the Keras file as it is, or replace that layer.",
    "fp16": "Its weights need more digits than float16 has: export it without --fp16.",
    "int8": "Try more images (--images), images more like those that it will see (--calibration), or --fp16.",
}
_CARD_KEYS: dict[Kind, str] = {"float32": "keras_parity", "fp16": "fp16_parity", "int8": "int8_parity"}


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        file: The model.
        source: What it was made from.
        kind: "float32", "fp16" or "int8".
        parity: How the two compare.
        size, source_size: Bytes of the two files.
        sha256: Of the model, in hex.
        notes: Sentences: on which images that was measured, what was guessed.
    """

    file: Path
    source: Path
    kind: Kind
    parity: Parity
    size: int
    source_size: int
    sha256: str
    notes: tuple[str, ...]


def export_model(
    model: Path,
    kind: Kind = "float32",
    *,
    calibration: Path | None = None,
    images: int = IMAGES,
    out: Path | None = None,
    overwrite: bool = False,
    preprocessing: str | None = None,
    classes: Path | None = None,
    progress: Progress | None = None,
) -> Export:
    """Exports a model to ONNX, checks it against its source, and writes it down with its card.

    Args:
        model: A model folder, a `.keras` file, or, for "fp16" and "int8", a float `.onnx` file.
        kind: "float32"; "fp16": weights stored in half the bytes, computing as before; "int8": 8-bit arithmetic.
        calibration: Photographs, labelled or not; "int8" needs them.
        images: How many of them to use. Of an int8 export one in three calibrates, the others are checked on.
        out: Folder to write to; None is the model's own, or for a bare file a new one beside it, with its name.
        overwrite: Whether a file of that name there may be replaced.
        preprocessing, classes: For a bare file, as `load_backend` takes them.
        progress: Told about long loops.

    Raises:
        InputError: there are no or too few photographs, or a file is there already.
        ModelError: the model cannot be read or converted, or is quantised already.
        ModelMismatch: the export differs from its source by more than it may; nothing was written.
        MissingDependency: a Keras model, and no TensorFlow or tf2onnx.
    """
    watch = progress or Progress()
    if kind == "int8" and calibration is None:
        raise InputError(
            "an int8 model is calibrated and checked on real photographs; name a folder of them with "
            "--calibration DATA (the training data will do)"
        )
    from_keras = kind == "float32"
    target = _target(out or home(weights_of(model, from_keras=from_keras)), kind, overwrite)
    source = read_source(model, from_keras=from_keras, preprocessing=preprocessing, classes=classes)
    check_is_float(source.graph, str(source.path))
    _check_card(target.parent, source.card)
    photographs = None
    if calibration is not None:
        photographs = draw(calibration, source.card, images, calibrates=kind == "int8", progress=watch)
    if kind == "int8" and photographs is not None and len(photographs.checked) < CHECKED_AT_LEAST:
        raise InputError(
            f"{calibration} leaves {len(photographs.checked)} photographs to check the int8 model on, beside "
            f"{len(photographs.calibrating)} to calibrate it; expected {CHECKED_AT_LEAST} at least. "
            "Name a larger folder with --calibration, raise --images, or take --fp16."
        )
    source_size = source.path.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / target.name
        _make(source, kind, draft, photographs, watch)
        measured = _check(source, draft, photographs, watch)
        _LIMITS[kind].check(measured, f"the {kind} model", _ADVICE[kind])
        notes = _notes(source, photographs, measured)
        digest = sha256(draft)
        _publish(source, kind, draft, target, {**measured.record(), "on": notes[0]}, digest)
    return Export(target, source.path, kind, measured, target.stat().st_size, source_size, digest, notes)


def _target(folder: Path, kind: Kind, overwrite: bool) -> Path:
    """Where the export goes.

    Raises:
        InputError: something is there already.
    """
    target = folder / (INT8 if kind == "int8" else FLOAT)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; expected a folder. Name one with --out")
    if target.exists() and not overwrite:
        raise InputError(f"{target} is there already; pass --overwrite to replace it, or another folder with --out")
    return target


def _check_card(folder: Path, card: ModelCard) -> None:
    """Raises InputError where the folder holds the card of another model."""
    there = _card_in(folder)
    if there is not None and _identity(there) != _identity(card):
        raise InputError(
            f"the card in {folder} speaks of another model than this one ({there.name}: {len(there.classes)} classes, "
            f"{there.input_size[0]} x {there.input_size[1]}, {there.preprocessing}); name another folder with --out"
        )


def _make(source: Source, kind: Kind, draft: Path, photographs: Photographs | None, watch: Progress) -> None:
    """Writes the draft."""
    graph, card = source.graph, source.card
    if not graph.metadata_props:
        onnx.helper.set_model_props(graph, _metadata(card))
    if kind == "int8" and photographs is not None:
        size = read_input(graph).batch or 1                     # one by one runs even where a reshape is fixed to one
        samples = photographs.calibrating[: len(photographs.calibrating) // size * size]
        batches = watch.track(photographs.batches(samples, size), len(samples) // size, "calibrating")
        to_int8(graph, draft, (feed(preprocess(batch, card.preprocessing), graph) for batch in batches))
        return
    if kind == "fp16" and not store_as_float16(graph):
        raise InputError(f"{source.path} keeps its weights in half precision already; --fp16 would change nothing")
    onnx.save(graph, str(draft))


def _check(source: Source, draft: Path, photographs: Photographs | None, watch: Progress) -> Parity:
    """Runs source and draft over the same images, the draft as a scan would run it."""
    exported = OnnxBackend(draft, card=replace(source.card, files={}))
    if photographs is None:
        images, right, count = iter([noise(source.card.input_size)]), None, 1
    else:
        images, right = photographs.batches(photographs.checked), photographs.right()
        count = -(-len(photographs.checked) // BATCH)
    batches = watch.track(images, count, "comparing")
    return compare(source.classify, lambda batch: exported.forward(batch).probabilities, batches, right)


def _notes(source: Source, photographs: Photographs | None, measured: Parity) -> tuple[str, ...]:
    """Sentences for the reader; the first says what was measured on."""
    guessed = [f"guessed {field}: {how}" for field, how in source.card.guessed.items()]
    if photographs is None:
        return (f"{NOISE} images of seeded noise; --calibration DATA compares on photographs", *guessed)
    seen = f"{photographs.trained_on} of which it was trained on" if photographs.trained_on else "none trained on"
    first = f"{len(photographs.checked)} photographs, {seen}"
    if photographs.calibrating:
        first += f"; calibrated on {len(photographs.calibrating)} others"
    notes = [first]
    if photographs.unreadable:
        notes.append(f"{photographs.unreadable} files that were drawn cannot be read and were left out")
    if measured.accuracy is None:
        notes.append("no accuracy: the folder's labels are not the model's classes")
    return (*notes, *guessed)


def _publish(source: Source, kind: Kind, draft: Path, target: Path, record: dict[str, Any], digest: str) -> None:
    """Moves the draft into place, then its card."""
    folder = target.parent
    elsewhere = {key: value for key, value in source.card.about.items() if key not in _CARD_KEYS.values()}
    card = _card_in(folder) or replace(source.card, files={}, about=elsewhere)
    about = {**card.about, _CARD_KEYS[kind]: record}
    if target.name == FLOAT:
        about.pop(_CARD_KEYS["fp16" if kind == "float32" else "float32"], None)         # of the file that was there
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            shutil.copyfile(draft, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        replace(card, files={**card.files, target.name: digest}, about=about).write(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error.strerror}); name another folder with --out") from None


def _card_in(folder: Path) -> ModelCard | None:
    path = folder / CARD_NAME
    try:
        return read_card(path) if path.is_file() else None
    except ModelError as error:
        raise InputError(f"{error} Name another folder with --out.") from None


def _identity(card: ModelCard) -> tuple[object, ...]:
    """What makes two cards speak of one model."""
    return card.name, card.classes, card.input_size, card.preprocessing, card.trained_on


def _metadata(card: ModelCard) -> dict[str, str]:
    """Notes inside the file, so that it explains itself where it is found without its card."""
    stated: dict[str, str] = {}
    if "preprocessing" not in card.guessed:
        stated["preprocessing"] = card.preprocessing
    if card.classes:
        stated["classes"] = json.dumps(card.classes, ensure_ascii=False)
    return stated
