"""The model to explain by: loaded, with the file that it came from and the layers inside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.backends import FLOAT, INT8, KERAS, stated_backend
from auditor.backends.base import Backend
from auditor.backends.layers import Layers, open_layers
from auditor.classes import class_name
from auditor.errors import ModelError
from auditor.imagenet import readable
from auditor.modelcard import CARD_NAME, read_card
from auditor.resources import bundled_model
from auditor.settings import Settings


@dataclass(frozen=True)
class Model:
    """A loaded classifier.

    Attributes:
        backend: It.
        path: Its file.
        layers: Inside it; None where they cannot be reached.
        no_layers: Why not, as a sentence; "" where they can.
        note: What the reader must know about the choice of the file; "" where nothing.
    """

    backend: Backend
    path: Path
    layers: Layers | None
    no_layers: str
    note: str

    @property
    def classes(self) -> Sequence[str]:
        """Names of the outputs; empty where nothing names them."""
        return self.backend.card.classes

    def name(self, index: int) -> str:
        """The name of an output as people read it."""
        return readable(class_name(self.classes, index))


def load(settings: Settings) -> Model:
    """Loads the model that the settings name, or the bundled one.

    Of a model folder the float file runs, not the int8 file that a scan takes on the CPU: one image costs a moment
    either way, and the maps of an int8 graph have 8 bits.

    Raises:
        ModelError, ModelMismatch, DeviceUnavailable, MissingDependency: as `load_backend` says.
    """
    asked = settings.model or bundled_model()
    taken = _float_file(asked) if settings.backend == "onnx" else asked
    backend = stated_backend(settings, taken)
    path = _file(taken, backend)
    note = ""
    if taken != asked and (asked / INT8).is_file():
        note = (
            f"{FLOAT} ran, in floating point. A scan on the CPU takes {INT8}, whose probabilities may differ a little."
        )
    try:
        return Model(backend, path, open_layers(backend, path), "", note)
    except ModelError as error:
        return Model(backend, path, None, str(error), note)


def _file(taken: Path, backend: Backend) -> Path:
    """The file that `load_backend` takes of a model folder; a file itself."""
    names = (KERAS, FLOAT) if backend.kind == "keras" else (INT8, FLOAT) if backend.device == "cpu" else (FLOAT, INT8)
    return taken if taken.is_file() else next(taken / name for name in names if (taken / name).is_file())


def _float_file(asked: Path) -> Path:
    """`model.onnx` of a model folder whose card knows it; else what was asked for."""
    there = asked / FLOAT
    if there.is_file() and (asked / CARD_NAME).is_file() and FLOAT in read_card(asked / CARD_NAME).files:
        return there
    return asked
