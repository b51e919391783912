"""What the pixel pass gives for each file: exactly one outcome."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.dataset import Sample
from auditor.heatmap import heat


@dataclass(frozen=True)
class Decoded:
    """What the decoder met in a file; it depends on the bytes alone.

    Attributes:
        format: Pillow's name of the format that the bytes are in.
        mode: Pillow's colour mode as stored.
        width, height: Size in pixels as stored.
    """

    format: str
    mode: str
    width: int
    height: int


@dataclass(frozen=True)
class Inferred:
    """What the model gave for one image. float16 as it will be stored, so that cached and fresh verdicts agree.

    Attributes:
        probabilities: (C,) float32 over the model's classes.
        embedding: (K,) float16, the pooled features.
        map_classes: (n,) model classes that have a map here: all up to 20, else the five most probable.
        maps: (n, h, w) float16, what each cell adds to the logits of those, signed, divided by the largest magnitude of
            the image; n is 0 where the model has no head that heatmaps can be made from.
    """

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float16]
    map_classes: NDArray[np.intp]
    maps: NDArray[np.float16]

    def map_of(self, model_class: int) -> NDArray[np.float32] | None:
        """The signed map (h, w) of a class; None where it has none here."""
        place = np.flatnonzero(self.map_classes == model_class)
        return self.maps[place[0]].astype(np.float32) if len(place) else None

    def heatmap(self, model_class: int) -> NDArray[np.float32] | None:
        """The heatmap (h, w) of a class, in [0, 1] with maximum 1 or all zero; None where it has none here."""
        found = self.map_of(model_class)
        return None if found is None else heat(found)


@dataclass(frozen=True)
class Outcome:
    """One file's end: read and inferred on, or failed with a reason.

    Attributes:
        sample: The file and its label.
        content: sha256 of the bytes in hex; "" where they could not be read.
        size: Number of bytes.
        failure: Why it failed; None where it did not.
        decoded, inferred: Both set where it did not fail, neither where it did.
    """

    sample: Sample
    content: str
    size: int
    failure: str | None = None
    decoded: Decoded | None = None
    inferred: Inferred | None = None
