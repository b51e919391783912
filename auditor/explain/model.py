"""The model that is explained: loaded, with its file and the layers inside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.backends import FLOAT, INT8, stated_backend, weights_file
from auditor.backends.abilities import open_layers
from auditor.backends.base import Backend
from auditor.backends.card import CARD_NAME, read_card
from auditor.backends.layers import Layers
from auditor.classes.imagenet import readable
from auditor.classes.names import class_name
from auditor.errors import ModelError
from auditor.resources import bundled_model
from auditor.settings import Settings


@dataclass(frozen=True)
class Model:
    """A loaded classifier.

    Attributes:
        backend: The classifier.
        path: Its file.
        layers: The layers inside it; None where they cannot be reached.
        no_layers: Why they cannot, as a sentence; "" where they can.
        note: What the reader must know about the choice of the file; "" for nothing.
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

    Of a model folder, the float file runs, not the int8 file that a scan takes on the CPU: one image takes a moment
    with either, and the maps of an int8 graph have only 8 bits.

    Raises:
        ModelError, ModelMismatch, DeviceUnavailable, MissingDependency: as `load_backend` says.
    """
    asked = settings.model or bundled_model()
    taken = _float_file(asked) if settings.backend == "onnx" else asked
    backend = stated_backend(settings, taken)
    path = weights_file(taken, backend.kind, backend.device)
    note = ""
    if taken != asked and (asked / INT8).is_file():
        note = (
            f"{FLOAT} ran, in floating point. A scan on the CPU takes {INT8}, whose probabilities may differ a little."
        )
    try:
        return Model(backend, path, open_layers(backend), "", note)
    except ModelError as error:
        return Model(backend, path, None, str(error), note)


def _float_file(asked: Path) -> Path:
    """`model.onnx` of a model folder whose card lists it; else what was asked for."""
    path = asked / FLOAT
    if path.is_file() and (asked / CARD_NAME).is_file() and FLOAT in read_card(asked / CARD_NAME).files:
        return path
    return asked
