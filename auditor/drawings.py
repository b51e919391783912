"""Heatmaps laid over a flagged image: why the predicted class, why the given one, why the one rather than the other."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Evidence
from auditor.backends.base import Backend
from auditor.classes import ClassMatch, class_name
from auditor.engines.base import Inferred
from auditor.heatmap import contrast_overlay, heat, overlay, scale
from auditor.images import resize, thumbnail
from auditor.saliency import Method, signed_maps

VIEW_SIDE = 176                                 # pixels; a card shows it at half of its width


@dataclass(frozen=True)
class View:
    """A heatmap over the picture.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        subject: The class whose evidence is shown.
        against: The class that it is weighed against; None for the evidence as such.
        blank: Nothing speaks for the subject: the picture is as it was.
    """

    pixels: NDArray[np.uint8]
    subject: str
    against: str | None
    blank: bool


@dataclass
class Drawings:
    """Draws the heatmaps of one image after another, by the model's head or, without one, by gradients or occlusion.

    Args:
        backend: The classifier.
        match: How its classes map to the folder's.
        colours: Colour map of the heatmaps.
        occlusions: Images that may have occlusion maps; counted down.
    """

    backend: Backend
    match: ClassMatch
    colours: str
    occlusions: int

    @property
    def at_least(self) -> int:
        """Pixels on the longer side that `draw` needs, so that the model can be asked again; 0 where it is not."""
        return 0 if self.backend.head is not None else 2 * max(self.backend.card.input_size)

    def draw(
        self, pixels: NDArray[np.uint8], side: int, inferred: Inferred, label: int, suggested: int
    ) -> tuple[tuple[View, ...], Method | None]:
        """The views of an image, that of the predicted class first; none where no map can be had.

        Where predicted and given class differ, the given class follows, and predicted against given. Where the model
        agrees with the label but a rule suggests another, these two are compared.

        Args:
            pixels: (H, W, 3) uint8 RGB, of at least `at_least` pixels where the file has them.
            side: Longer side of the first view; the others have `VIEW_SIDE`.
            inferred: What the scan kept of it.
            label, suggested: Folder classes, -1 for none.

        Returns:
            The views, and what made them.
        """
        predicted = int(inferred.probabilities.argmax())
        other, turned = self._other(inferred, predicted, label, suggested)
        maps, method = self._maps(pixels, inferred, [predicted] if other is None else [predicted, other])
        if predicted not in maps:
            return (), None
        heatmap = heat(maps[predicted])
        drawn = overlay(thumbnail(pixels, side), heatmap, colours=self.colours)
        views = [View(drawn, self._name(predicted), None, not heatmap.any())]
        if other is not None and other in maps:
            small, evidence = thumbnail(pixels, VIEW_SIDE), heat(maps[other])
            pair = (other, predicted) if turned else (predicted, other)
            contrast = scale(maps[pair[0]] - maps[pair[1]])
            against = self._name(pair[1])
            views += [
                View(overlay(small, evidence, colours=self.colours), self._name(other), None, not evidence.any()),
                View(contrast_overlay(small, contrast), self._name(pair[0]), against, not contrast.any()),
            ]
        return tuple(views), method

    def _other(self, inferred: Inferred, predicted: int, label: int, suggested: int) -> tuple[int | None, bool]:
        """The model class to set beside the predicted one, and whether that is the suggested one; None for none."""
        agrees = label >= 0 and int(self.match.folder_of[predicted]) == label
        folder = suggested if agrees else label
        if folder < 0 or (agrees and suggested == label):
            return None, False
        columns = np.flatnonzero(self.match.folder_of == folder)
        if not len(columns):
            return None, False
        return int(columns[inferred.probabilities[columns].argmax()]), agrees

    def _maps(
        self, pixels: NDArray[np.uint8], inferred: Inferred, classes: list[int]
    ) -> tuple[Mapping[int, NDArray[np.float32]], Method | None]:
        """Model class -> signed map (h, w), as far as they can be had; and what made them."""
        if self.backend.head is not None:
            kept = {model_class: inferred.map_of(model_class) for model_class in classes}
            return {model_class: found for model_class, found in kept.items() if found is not None}, "Grad-CAM"
        if self.occlusions <= 0 and self._method == "occlusion":
            return {}, None
        image = resize(pixels, *self.backend.card.input_size)
        maps, self._method = signed_maps(self.backend, image[None], np.array([classes]))    # (1, n, h, w)
        self.occlusions -= 1
        return dict(zip(classes, maps[0], strict=True)), self._method

    def _name(self, model_class: int) -> str:
        return class_name(self.backend.card.classes, model_class)

    _method: Method = "occlusion"


def heatmap_notes(backend: Backend, evidence: Mapping[str, Evidence], limit: int) -> tuple[str, ...]:
    """What the reader must know about the heatmaps of a model without a head that they could be read from."""
    if not backend.no_head:
        return ()
    methods = {each.method for each in evidence.values() if each.overlay is not None}
    if not methods:
        return (f"There are no heatmaps: {backend.no_head}",)
    if "occlusion" not in methods:
        return (f"Heatmaps are Grad-CAM by automatic differentiation: {backend.no_head}",)
    drawn = sum(each.overlay is not None for each in evidence.values())
    of_all = f" {drawn} of the {len(evidence)} images shown have one (max_occlusion {limit})."
    return (f"Heatmaps are occlusion maps, no Grad-CAM: {backend.no_head}.{of_all if drawn < len(evidence) else ''}",)
