"""`auditor export`: converts a model, checks the result on images not used for calibration, writes it with its card.

Nothing is written before the export has been compared with its source, and no existing file is replaced unless the
user asks for it.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import onnx

from auditor.atomic_write import check_out
from auditor.backends import FLOAT, INT8
from auditor.backends.base import preprocess
from auditor.backends.card import CARD_NAME, ModelCard, read_card, sha256
from auditor.backends.onnx.backend import OnnxBackend
from auditor.backends.onnx.image_input import read_input
from auditor.data.sources import load_dataset
from auditor.errors import InputError, ModelError
from auditor.model_export import parity
from auditor.model_export.calibration import BATCH, NOISE, Photographs, draw, noise
from auditor.model_export.int8 import check_is_float, feed, to_int8
from auditor.model_export.keras_to_onnx import store_as_float16
from auditor.model_export.parity import Parity, compare
from auditor.model_export.source import ExportSource, home, read_source, weights_of
from auditor.model_export.training_data import moved, other_data, trained_data
from auditor.model_export.weakest_layer import weakest_layer
from auditor.progress import Progress
from auditor.settings import ExportSettings, Limits
from auditor.text import shown

Kind = Literal["float32", "fp16", "int8"]
#: Fewer images say too little about how often an answer changes.
CHECKED_AT_LEAST = 50
_BLAMED = 8                                     # images on which the weakest layer is found

_LIMITS: dict[Kind, parity.Limits] = {"float32": parity.FLOAT32, "fp16": parity.FLOAT16, "int8": parity.INT8}
_ADVICE: dict[Kind, str] = {
    "float32": "A layer computes something else in ONNX; use the Keras file as it is, or replace that layer.",
    "fp16": "Its weights need more digits than float16 has: export it without --fp16.",
    "int8": "Try more images (--images), images more like those that it will see (--calibration DATA), or --fp16.",
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
        notes: Sentences about the images that were used and about what was guessed.
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
    images: int = ExportSettings.images,
    out: Path | None = None,
    overwrite: bool = False,
    preprocessing: str | None = None,
    classes: Path | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Export:
    """Exports a model to ONNX, checks it against its source, and writes it with its card.

    Args:
        model: A model folder, a `.keras` file, or, for "fp16" and "int8", a float `.onnx` file.
        kind: "float32"; "fp16": weights stored in half the bytes, same arithmetic; "int8": 8-bit arithmetic.
        calibration: Photographs, labelled or not. "int8" needs some; None takes those that the model was trained on,
            if its card says where they are.
        images: How many of them to use. For "int8", one in three calibrates and the others check.
        out: Folder to write to; None is the model's own, or for a file without a card a new one beside it.
        overwrite: Whether an existing file may be replaced.
        preprocessing, classes: For a file without a card, as in `load_backend`.
        limits: What the reader refuses of the photographs.
        progress: Watches the long loops.

    Raises:
        InputError: there are no photographs or too few, they were moved, or the target exists already.
        ModelError: the model cannot be read or converted, or is quantised already.
        ModelMismatch: the export differs from its source by more than is allowed; nothing was written.
        MissingDependency: a Keras model needs TensorFlow and tf2onnx, and one of them is not installed.
    """
    watch = progress or Progress()
    from_keras = kind == "float32"
    target = _target(out or home(weights_of(model, from_keras=from_keras)), kind, overwrite)
    source = read_source(model, from_keras=from_keras, preprocessing=preprocessing, classes=classes)
    check_is_float(source.graph, str(source.path))
    _check_card(target.parent, source.card)
    photographs = _photographs(source, kind, calibration, images, limits, watch)
    source_size = source.path.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / target.name
        _make(source, kind, draft, photographs, watch)
        measured = _check(source, draft, photographs, watch)
        if _LIMITS[kind].broken(measured):
            blame = _blame(source, draft, photographs) if kind == "int8" and photographs is not None else ""
            _LIMITS[kind].check(measured, f"the {kind} model", blame + _ADVICE[kind])
        notes = _notes(source, photographs, measured, own=calibration is None)
        digest = sha256(draft)
        _publish(source, kind, draft, target, {**measured.record(), "on": notes[0]}, digest)
    return Export(target, source.path, kind, measured, target.stat().st_size, source_size, digest, notes)


def _target(folder: Path, kind: Kind, overwrite: bool) -> Path:
    """Where the export goes.

    Raises:
        InputError: it exists already.
    """
    target = folder / (INT8 if kind == "int8" else FLOAT)
    if target.exists() and not overwrite:
        raise InputError(f"{target} is there already; pass --overwrite to replace it, or another folder with --out")
    check_out(folder)
    return target


def _check_card(folder: Path, card: ModelCard) -> None:
    """Raises InputError if the folder holds the card of another model."""
    there = _card_in(folder)
    if there is not None and _identity(there) != _identity(card):
        raise InputError(
            f"the card in {folder} describes another model than this one ({there.name}: {len(there.classes)} classes, "
            f"{there.input_size[0]} x {there.input_size[1]}, {there.preprocessing}); name another folder with --out"
        )


def _photographs(
    source: ExportSource, kind: Kind, calibration: Path | None, images: int, limits: Limits | None, watch: Progress
) -> Photographs | None:
    """The images to calibrate and check on; None if noise is enough.

    Raises:
        InputError: there are none or too few.
    """
    card = source.card
    if calibration is not None:
        dataset = load_dataset(calibration)
    elif kind == "int8":
        dataset = trained_data(card, source.path.parent)
    else:
        return None
    drawn = draw(dataset, card, images, calibrates=kind == "int8", limits=limits, progress=watch)
    if calibration is None and card.trained_on and not drawn.known:
        raise other_data(card, dataset)
    if kind == "int8" and len(drawn.checked) < CHECKED_AT_LEAST:
        raise InputError(
            f"{shown(str(calibration or dataset.root))} leaves {len(drawn.checked)} photographs to check the int8 "
            f"model on, beside {len(drawn.calibrating)} to calibrate it; expected {CHECKED_AT_LEAST} at least. "
            "Name a larger folder with --calibration, raise --images, or take --fp16."
        )
    return drawn


def _make(source: ExportSource, kind: Kind, draft: Path, photographs: Photographs | None, watch: Progress) -> None:
    """Writes the draft."""
    graph, card = source.graph, source.card
    if not graph.metadata_props:
        onnx.helper.set_model_props(graph, _metadata(card))
    if kind == "int8" and photographs is not None:
        size = read_input(graph).batch or 1                     # 1 also runs where a reshape has a fixed batch of 1
        samples = photographs.calibrating[: len(photographs.calibrating) // size * size]
        batches = watch.track(photographs.batches(samples, size), len(samples) // size, "calibrating")
        fed = (feed(preprocess(batch, card.preprocessing), graph) for batch in batches)
        to_int8(graph, draft, fed, heads=card.heads)
        return
    if kind == "fp16" and not store_as_float16(graph):
        raise InputError(f"{source.path} keeps its weights in half precision already; --fp16 would change nothing")
    onnx.save(graph, str(draft))


def _check(source: ExportSource, draft: Path, photographs: Photographs | None, watch: Progress) -> Parity:
    """Runs source and draft over the same images, the draft as a scan would run it."""
    exported = OnnxBackend(draft, card=replace(source.card, files={}))
    if photographs is None:
        images, right, count = iter([noise(source.card.input_size)]), None, 1
    else:
        images, right = photographs.batches(photographs.checked), photographs.right()
        count = -(-len(photographs.checked) // BATCH)
    batches = watch.track(images, count, "comparing")
    return compare(source.classify, lambda batch: exported.forward(batch).probabilities, batches, right)


def _blame(source: ExportSource, draft: Path, photographs: Photographs) -> str:
    """The sentence that names the layer that loses most, and a space after it; "" if none can be named."""
    size = read_input(source.graph).batch or 1
    samples = photographs.checked[: max(_BLAMED // size, 1) * size]
    batches = photographs.batches(samples, size)
    feeds = (feed(preprocess(batch, source.card.preprocessing), source.graph) for batch in batches)
    found = weakest_layer(source.graph, onnx.load(str(draft)), feeds)
    return "" if found is None else f"{found} "


def _notes(
    source: ExportSource, photographs: Photographs | None, measured: Parity, *, own: bool
) -> tuple[str, ...]:
    """Sentences for the reader; the first says which images were used."""
    guessed = [f"guessed {field}: {how}" for field, how in source.card.guessed.items()]
    if photographs is None:
        return (f"{NOISE} images of seeded noise; --calibration DATA compares on photographs", *guessed)
    seen = f"{photographs.trained_on} of which it was trained on" if photographs.trained_on else "none trained on"
    first = f"{len(photographs.checked)} photographs, {seen}"
    if photographs.calibrating:
        first += f"; calibrated on {len(photographs.calibrating)} others"
    if measured.accuracy is not None and photographs.judged < len(photographs.checked):
        first += f"; accuracy on the {photographs.judged} that it was not trained on"
    notes = [first]
    if own:
        notes.append("the photographs are those of the training run; --calibration DATA takes others")
    if measured.points_lost is not None and measured.points_lost > _LIMITS["int8"].points:
        notes.append(
            f"{measured.lost} answers became wrong and {measured.gained} right: on {photographs.judged} images, "
            "chance alone changes as many near ties"
        )
    if photographs.unreadable:
        notes.append(f"{photographs.unreadable} files that were drawn cannot be read and were left out")
    if measured.accuracy is None:
        notes.append("no accuracy: the folder's labels are not the model's classes")
    return (*notes, *guessed)


def _publish(source: ExportSource, kind: Kind, draft: Path, target: Path, record: dict[str, Any], digest: str) -> None:
    """Moves the draft to its place, then writes its card."""
    folder = target.parent
    elsewhere = moved(source.card.about, source.path.parent, folder)
    elsewhere = {key: value for key, value in elsewhere.items() if key not in _CARD_KEYS.values()}
    card = _card_in(folder) or replace(source.card, files={}, about=elsewhere)
    about = {**card.about, _CARD_KEYS[kind]: record}
    if target.name == FLOAT:
        about.pop(_CARD_KEYS["fp16" if kind == "float32" else "float32"], None)         # of the file that is replaced
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
    """The fields in which two cards of one model agree."""
    return card.name, card.classes, card.input_size, card.preprocessing, card.trained_on


def _metadata(card: ModelCard) -> dict[str, str]:
    """Metadata inside the file, so that it can be used without its card."""
    stated: dict[str, str] = {}
    if "preprocessing" not in card.guessed:
        stated["preprocessing"] = card.preprocessing
    if card.classes:
        stated["classes"] = json.dumps(card.classes, ensure_ascii=False)
    return stated
