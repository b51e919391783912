"""Pictures of the flagged images: thumbnail and heatmap, encoded for the report.

Which images are flagged is known only when all have been judged, so the few that are shown are read a second
time, through the same decoder, and shown to the model again: its features and the probe's weights are a heatmap of any
class of the folder, whatever classes the model knows.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.audit import ClassView, Evidence, Finding, Neighbour
from auditor.backends.base import Backend
from auditor.checks import Samples
from auditor.classes import ClassMatch, class_name
from auditor.dataset import Sample
from auditor.drawings import Drawings, View
from auditor.engines import Outcome
from auditor.images import Unreadable, decode, thumbnail
from auditor.judging import Judgement
from auditor.labels.neighbours import SHOWN
from auditor.progress import Progress
from auditor.settings import MAX_PIXELS, Settings

SIDE = 320                                      # pixels; a card shows it at half of that on a dense display
NEIGHBOUR_SIDE = 96                             # pixels; a strip of small pictures
TOP_PROBABILITIES = 5
OF_A_CLASS = 3                                  # neighbours shown of the given and of the suggested class
_JPEG_QUALITY, _VIEW_QUALITY = 82, 76


def gather_evidence(
    findings: Sequence[Finding],
    outcomes: Sequence[Outcome],
    judgement: Judgement,
    backend: Backend,
    match: ClassMatch,
    settings: Settings,
    progress: Progress,
) -> dict[str, Evidence]:
    """Evidence for the first `max_cards` readable images that have findings, in the order of the findings.

    Args:
        findings: Of the scan, first to be reviewed first.
        outcomes: One for each of the N samples.
        judgement: Of the N samples.
        backend: The classifier.
        match: How its classes map to the folder's.
        settings: Of the scan: how many images, how many of them with occlusion maps, in which colours.
        progress: Watches the loop.
    """
    samples = judgement.samples
    row_of = {file: row for row, file in enumerate(samples.files)}
    flagged = dict.fromkeys(finding.file for finding in findings if finding.file is not None)
    shown = [row_of[file] for file in flagged if outcomes[row_of[file]].inferred is not None][: settings.max_cards]
    suggested = _suggestions(findings, samples)
    strips = _Strips(outcomes, judgement, settings.max_pixels)
    drawings = Drawings(backend, match, judgement, settings.colours, settings.max_occlusion)
    evidence = {}
    for row in progress.track(shown, len(shown), "evidence"):
        wanted = suggested.get(samples.files[row], -1)
        pictures = _evidence(outcomes[row], samples, row, wanted, drawings, settings.max_pixels)
        if pictures is not None:
            evidence[samples.files[row]] = strips.add(pictures, row, wanted)
    return evidence


def _suggestions(findings: Sequence[Finding], samples: Samples) -> dict[str, int]:
    """File -> the class that its first finding suggests."""
    index = {name: position for position, name in enumerate(samples.classes)}
    suggested: dict[str, int] = {}
    for finding in findings:
        if finding.file is not None and finding.suggested in index:
            suggested.setdefault(finding.file, index[finding.suggested])
    return suggested


class _Strips:
    """The images most similar to a shown one, each read and shrunk once however often it is shown."""

    def __init__(self, outcomes: Sequence[Outcome], judgement: Judgement, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._outcomes, self._judgement, self._samples = outcomes, judgement, judgement.samples
        self._contents = np.array([outcome.content for outcome in outcomes])            # (N,)
        self._thumbnails: dict[int, bytes | None] = {}

    def add(self, evidence: Evidence, row: int, suggested: int) -> Evidence:
        """The evidence with its neighbours: of all labels, of the given class, of the suggested one."""
        nearest, given = self._judgement.neighbours, int(self._samples.labels[row])
        pairs = zip(nearest.indices[row, :SHOWN], nearest.similarity[row, :SHOWN], strict=True)
        return replace(
            evidence,
            similar=tuple(self._neighbour(int(other), float(close)) for other, close in pairs if other >= 0),
            of_given=self._of_class(row, given) if suggested >= 0 and given >= 0 else (),
            of_suggested=self._of_class(row, suggested) if suggested >= 0 else (),
        )

    def _of_class(self, row: int, label: int) -> tuple[Neighbour, ...]:
        """The most similar images with this label, copies of the image itself left out."""
        points = self._judgement.points                                                 # (N, d)
        rows = np.flatnonzero((self._samples.labels == label) & (self._contents != self._contents[row]))
        close = points[rows] @ points[row]                                              # (n,) cosine
        usable = np.isfinite(close)
        order = np.argsort(-close[usable], kind="stable")[:OF_A_CLASS]
        return tuple(
            self._neighbour(int(rows[usable][place]), float(close[usable][place])) for place in order
        )

    def _neighbour(self, row: int, similarity: float) -> Neighbour:
        if row not in self._thumbnails:
            pixels = read_again(self._outcomes[row].sample, NEIGHBOUR_SIDE, self._max_pixels)
            self._thumbnails[row] = None if pixels is None else jpeg(thumbnail(pixels, NEIGHBOUR_SIDE))
        label = self._samples.labels[row]
        return Neighbour(
            file=self._samples.files[row],
            label=self._samples.classes[label] if label >= 0 else None,
            similarity=round(similarity, 4),
            thumbnail=self._thumbnails[row],
        )


def _evidence(
    outcome: Outcome, samples: Samples, row: int, suggested: int, drawings: Drawings, max_pixels: int
) -> Evidence | None:
    inferred = outcome.inferred
    assert inferred is not None
    pixels = read_again(outcome.sample, max(SIDE, drawings.at_least), max_pixels)
    if pixels is None:
        return None
    small = thumbnail(pixels, SIDE)                                                     # (H, W, 3)
    views, method = drawings.draw(pixels, SIDE, inferred, row, suggested)
    probabilities, source = _probabilities(outcome, samples, row, drawings.backend)
    first = views[0] if views else None
    return Evidence(
        thumbnail=jpeg(small),
        overlay=None if first is None else jpeg(first.pixels),
        heatmap_class=None if first is None else first.subject,
        width=small.shape[1],
        height=small.shape[0],
        probabilities=probabilities,
        source=source,
        method=method or "",
        colours=drawings.colours,
        blank=first is not None and first.blank,
        views=tuple(_class_view(view) for view in views[1:]),
    )


def _class_view(view: View) -> ClassView:
    height, width = view.pixels.shape[:2]
    return ClassView(jpeg(view.pixels, _VIEW_QUALITY), view.subject, view.against, view.blank, width, height)


def _probabilities(
    outcome: Outcome, samples: Samples, row: int, backend: Backend
) -> tuple[tuple[tuple[str, float], ...], str]:
    """The probe's where it judged the image: it answers in the folder's classes; else the model's own."""
    values, names, source = samples.out_of_fold[row], samples.classes, "out-of-fold probe"
    if not names or not np.isfinite(values).all():
        assert outcome.inferred is not None
        values, source = outcome.inferred.probabilities, "model"
        names = tuple(class_name(backend.card.classes, index) for index in range(len(values)))
    best = np.argsort(-values, kind="stable")[:TOP_PROBABILITIES]
    return tuple((names[index], float(values[index])) for index in best), source


def read_again(sample: Sample, at_least: int, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8] | None:
    """An image's pixels; None where it was changed or removed since: what was said of it stands all the same."""
    try:
        return decode(sample.read_bytes(), at_least=at_least, max_pixels=max_pixels).pixels
    except (OSError, Unreadable):
        return None


def jpeg(pixels: NDArray[np.uint8], quality: int = _JPEG_QUALITY) -> bytes:
    """Pixels (H, W, 3) RGB, encoded for the page."""
    done, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done                                 # an array of uint8 with three channels always encodes
    return data.tobytes()
