"""The result of the pixel pass: exactly one outcome per file."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auditor.data.sample import Sample, Stamp
from auditor.heatmaps.grad_cam import heat
from auditor.images.description import Description


@dataclass(frozen=True)
class Decoded:
    """The decoder's result for a file; it depends only on the bytes.

    Attributes:
        format: Pillow's name of the actual format.
        mode: Pillow's colour mode as stored.
        width, height: Size in pixels as stored.
        description: What is kept of its pixels; None if the task asked for none.
    """

    format: str
    mode: str
    width: int
    height: int
    description: Description | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Inferred:
    """The model's result for one image, in float16 as it is stored, so that cached and new results are equal.

    Attributes:
        probabilities: (C,) float32 over the model's classes.
        embedding: (K,) float16, the pooled features.
        map_classes: (n,) model classes that have a map: all of up to 20 classes, else the five most probable.
        maps: (n, h, w) float16, signed contribution of each cell to the logits of these classes, divided by the
            largest magnitude of the image; n is 0 if the model has no head that heatmaps can be computed from.
    """

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float16]
    map_classes: NDArray[np.intp]
    maps: NDArray[np.float16]

    def map_of(self, model_class: int) -> NDArray[np.float32] | None:
        """Returns the signed map (h, w) of a class; None if it was not kept."""
        place = np.flatnonzero(self.map_classes == model_class)
        return self.maps[place[0]].astype(np.float32) if len(place) else None

    def heatmap(self, model_class: int) -> NDArray[np.float32] | None:
        """Returns the heatmap (h, w) of a class, in [0, 1] with maximum 1 or all zero; None if its map was not kept."""
        found = self.map_of(model_class)
        return None if found is None else heat(found)


@dataclass(frozen=True)
class Outcome:
    """The result for one file: read and inferred on, or failed with a reason.

    Attributes:
        sample: The file and its label.
        content: sha256 of the bytes in hex; "" if they could not be read.
        size: Number of bytes.
        failure: Why it failed; None if it did not.
        decoded: The decoder's result; None if it could not be decoded.
        inferred: The model's result; None if it failed, or without a model.
        stamp: Of the file, from before it was read; None where its origin has none.
        remembered: Whether all this was known already, so that nothing was decoded.
        passing: Whether the failure may be gone next time although the bytes are the same: memory was short.
    """

    sample: Sample
    content: str
    size: int
    failure: str | None = None
    decoded: Decoded | None = None
    inferred: Inferred | None = None
    stamp: Stamp | None = None
    remembered: bool = False
    passing: bool = False
