"""Pictures of the flagged images: thumbnail and heatmap, encoded for the report.

Which images are flagged is known only when all have been judged, so the few that are shown are read a second
time, through the same decoder; the heatmaps are those of the scan's one forward pass.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.audit import Evidence, Finding
from auditor.backends.base import Backend
from auditor.checks import Samples
from auditor.classes import class_name
from auditor.engines import Outcome
from auditor.heatmap import overlay
from auditor.images import Unreadable, decode, thumbnail
from auditor.progress import Progress

SIDE = 320                                      # pixels; a card shows it at half of that on a dense display
TOP_PROBABILITIES = 5
_JPEG_QUALITY = 82


def gather_evidence(
    findings: Sequence[Finding],
    outcomes: Sequence[Outcome],
    samples: Samples,
    backend: Backend,
    limit: int,
    progress: Progress,
) -> dict[str, Evidence]:
    """Evidence for the first `limit` readable images that have findings, in the order of the findings."""
    row_of = {file: row for row, file in enumerate(samples.files)}
    flagged = dict.fromkeys(finding.file for finding in findings if finding.file is not None)
    shown = [row_of[file] for file in flagged if outcomes[row_of[file]].inferred is not None][:limit]
    evidence = {}
    for row in progress.track(shown, len(shown), "heatmaps"):
        pictures = _evidence(outcomes[row], samples, row, backend)
        if pictures is not None:
            evidence[samples.files[row]] = pictures
    return evidence


def _evidence(outcome: Outcome, samples: Samples, row: int, backend: Backend) -> Evidence | None:
    inferred = outcome.inferred
    assert inferred is not None
    try:
        pixels = decode(outcome.sample.path.read_bytes(), at_least=SIDE).pixels
    except (OSError, Unreadable):               # it was changed or removed during the scan; the finding stands
        return None
    small = thumbnail(pixels, SIDE)                                                     # (H, W, 3)
    predicted = int(inferred.probabilities.argmax())
    place = np.flatnonzero(inferred.map_classes == predicted)
    drawn = overlay(small, inferred.maps[place[0]].astype(np.float32)) if len(place) else None
    probabilities, source = _probabilities(outcome, samples, row, backend)
    return Evidence(
        thumbnail=_jpeg(small),
        overlay=None if drawn is None else _jpeg(drawn),
        heatmap_class=class_name(backend.card.classes, predicted) if drawn is not None else None,
        width=small.shape[1],
        height=small.shape[0],
        probabilities=probabilities,
        source=source,
    )


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


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert done                                 # an array of uint8 with three channels always encodes
    return data.tobytes()
