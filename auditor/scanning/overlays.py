"""Heatmaps over a flagged image: evidence for the predicted class, for the given one, for one against the other."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Evidence, HeatLayer
from auditor.backends.base import Backend
from auditor.classes.names import ClassMatch
from auditor.engines import Inferred
from auditor.heatmaps.grad_cam import evidence_maps, heat, scale
from auditor.heatmaps.layers import contrast_layer, heat_layer
from auditor.heatmaps.occlusion import log_odds_lost
from auditor.heatmaps.saliency import Method, signed_maps
from auditor.images.decoding import resize
from auditor.scanning.judging import Judgement


@dataclass
class Overlays:
    """Draws the heatmaps of one image after another, in the folder's own classes.

    The probe that judged the image is used first: it is linear in the pooled features, so that its weights give a
    Grad-CAM of any class of the folder (`Probe.feature_weights`). If the model gives no features, occlusion shows what
    the probe's answer depends on. Images that no probe judged get the model's own maps if it knows the folder's
    classes.

    Args:
        backend: The classifier.
        match: How its classes map to the folder's.
        judgement: Of the scan.
        colours: Colour map of the heatmaps.
        occlusions: Images that may have occlusion maps; counted down.
    """

    backend: Backend
    match: ClassMatch
    judgement: Judgement
    colours: str
    occlusions: int

    @property
    def at_least(self) -> int:
        """Pixels on the longer side that `draw` needs, so that the model can be run again."""
        return 2 * max(self.backend.card.input_size)

    def draw(
        self, pixels: NDArray[np.uint8], inferred: Inferred, row: int, suggested: int
    ) -> tuple[tuple[HeatLayer, ...], Method | None]:
        """The heatmaps of an image, that of the predicted class first; none if no map can be made.

        If predicted and given class differ, the given class follows, then predicted against given. If they are equal
        but a rule suggests another class, these two are compared.

        Args:
            pixels: (H, W, 3) uint8 RGB, of at least `at_least` pixels if the file has them.
            inferred: What the scan kept of it.
            row: Of the image among the samples.
            suggested: Folder class, -1 for none.

        Returns:
            The layers, and the method that made them.
        """
        predicted = self._predicted(inferred, row)
        if predicted is None:
            return (), None
        label = int(self.judgement.samples.labels[row])
        other = suggested if predicted == label else label
        turned = predicted == label
        wanted = [predicted] if other in (predicted, -1) else [predicted, other]
        maps, method = self._maps(pixels, inferred, row, wanted)
        if predicted not in maps:
            return (), None
        layers = [self._evidence(maps, predicted)]
        if other != predicted and other in maps:
            layers += [
                self._evidence(maps, other),
                self._contrast(maps, *((other, predicted) if turned else (predicted, other))),
            ]
        return tuple(layers), method

    def _evidence(self, maps: Mapping[int, NDArray[np.float32]], subject: int) -> HeatLayer:
        heatmap = heat(maps[subject])
        return HeatLayer(heat_layer(heatmap, self.colours), self._name(subject), None, not heatmap.any())

    def _contrast(self, maps: Mapping[int, NDArray[np.float32]], subject: int, against: int) -> HeatLayer:
        contrast = scale(maps[subject] - maps[against])
        return HeatLayer(contrast_layer(contrast), self._name(subject), self._name(against), not contrast.any())

    def _judged(self, row: int) -> bool:
        """Whether the probe can explain an image."""
        out_of_fold = self.judgement.samples.out_of_fold
        return self.judgement.probe.can_explain and bool(np.isfinite(out_of_fold[row]).all())

    def _predicted(self, inferred: Inferred, row: int) -> int | None:
        """The folder's class that the map is of: the probe's, else the model's; None if neither has one."""
        if self._judged(row):
            return int(self.judgement.samples.out_of_fold[row].argmax())
        folder = int(self.match.folder_of[inferred.probabilities.argmax()]) if len(self.match.folder_of) else -1
        return folder if folder >= 0 else None

    def _maps(
        self, pixels: NDArray[np.uint8], inferred: Inferred, row: int, classes: list[int]
    ) -> tuple[Mapping[int, NDArray[np.float32]], Method | None]:
        """Folder class -> signed map (h, w), as far as they can be made; and the method that made them."""
        image = resize(pixels, *self.backend.card.input_size)[None]                         # (1, H, W, 3)
        if self._judged(row):
            maps, method = self._probe_maps(image, inferred, row, classes)
        else:
            model_classes = {folder: self._model_class(inferred, folder) for folder in classes}
            classes = [folder for folder in classes if model_classes[folder] is not None]
            if not classes or not self._may_occlude(self._own):
                return {}, None
            columns = np.array([[model_classes[folder] for folder in classes]], dtype=np.intp)
            maps, method = signed_maps(self.backend, image, columns)                        # (1, n, h, w)
            self._own = method
        if maps is None:
            return {}, None
        self.occlusions -= method == "occlusion"
        return dict(zip(classes, maps[0], strict=True)), method

    def _probe_maps(
        self, image: NDArray[np.uint8], inferred: Inferred, row: int, classes: list[int]
    ) -> tuple[NDArray[np.float32] | None, Method]:
        """(1, n, h, w) of the probe, independent of the model's own classes."""
        probe, columns = self.judgement.probe, np.array([classes], dtype=np.intp)
        if self.backend.head is not None:
            features = self.backend.forward(image).features                                 # (1, h, w, K)
            assert features is not None         # a backend with a head gives features
            weights = probe.feature_weights(np.array([row]), columns, inferred.embedding[None])
            return evidence_maps(features, weights), "Grad-CAM"
        if not self._may_occlude("occlusion"):
            return None, "occlusion"
        return log_odds_lost(
            lambda images: probe.answer(row, self.backend.forward(images).embedding), image, columns
        ), "occlusion"

    def _may_occlude(self, method: Method) -> bool:
        return method != "occlusion" or self.occlusions > 0

    def _model_class(self, inferred: Inferred, folder: int) -> int | None:
        """The most probable of the model's classes that stand for one of the folder's."""
        columns = np.flatnonzero(self.match.folder_of == folder)
        return int(columns[inferred.probabilities[columns].argmax()]) if len(columns) else None

    def _name(self, folder: int) -> str:
        return self.judgement.samples.classes[folder]

    _own: Method = "Grad-CAM"                   # the method of the model's last own maps


def heatmap_notes(backend: Backend, evidence: Mapping[str, Evidence], limit: int) -> tuple[str, ...]:
    """What the reader must know about the heatmaps of a model whose head cannot be read."""
    if not backend.no_head:
        return ()
    doubted = [each for each in evidence.values() if each.source]
    if not doubted:
        if limit == 0:
            return (f"There are no heatmaps: no label was flagged, and max_occlusion is 0; {backend.no_head}",)
        return (f"There are no heatmaps: no label was flagged. Flagged labels get occlusion maps: {backend.no_head}",)
    methods = {each.method for each in doubted if each.heatmaps}
    if not methods:
        return (f"There are no heatmaps: {backend.no_head}",)
    if "occlusion" not in methods:
        return (f"Heatmaps are Grad-CAM by automatic differentiation: {backend.no_head}",)
    drawn = sum(bool(each.heatmaps) for each in doubted)
    of_all = f" {drawn} of the {len(doubted)} images with a flagged label have one (max_occlusion {limit})."
    more = of_all if drawn < len(doubted) else ""
    return (f"Heatmaps are occlusion maps, not Grad-CAM: {backend.no_head}.{more}",)
