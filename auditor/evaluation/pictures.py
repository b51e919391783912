"""Pictures of a few answers, read a second time: which ones are shown is known only after all answers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend
from auditor.evaluation.answers import Answer, ClassNames
from auditor.evaluation.record import AnswerPicture, Shown
from auditor.heatmaps.grad_cam import overlay
from auditor.heatmaps.saliency import class_maps
from auditor.images.decoding import resize, thumbnail
from auditor.images.encoding import jpeg
from auditor.images.reader import for_model, read_again
from auditor.progress import Progress
from auditor.settings import Limits

SAMPLE_SIDE, MISTAKE_SIDE = 192, 320            # pixels; shown at half of that on a dense display
_BATCH = 4                                      # images; occlusion multiplies them by the number of its cells


def show(answers: Sequence[Answer], names: ClassNames, limits: Limits) -> tuple[Shown, ...]:
    """Answers with a small picture each."""
    return tuple(
        _shown(answer, names, read_again(answer.sample, SAMPLE_SIDE, limits), SAMPLE_SIDE) for answer in answers
    )


def explain(
    answers: Sequence[Answer], names: ClassNames, backend: Backend, limits: Limits, progress: Progress
) -> tuple[tuple[Shown, ...], str]:
    """Wrong answers with a picture each, the evidence for the answer, and the evidence for the given class.

    Returns:
        The pictures, and how the heatmaps were made; "" where there are none.
    """
    height, width = backend.card.input_size
    shown, method = [], ""
    batches = [answers[start : start + _BATCH] for start in range(0, len(answers), _BATCH)]
    for batch in progress.track(batches, len(batches), "heatmaps"):
        pixels = [read_again(answer.sample, for_model((height, width)), limits) for answer in batch]
        readable = [place for place, image in enumerate(pixels) if image is not None]
        inputs = [resize(image, height, width) for image in pixels if image is not None]
        maps: dict[int, NDArray[np.floating]] = {}
        if inputs:
            classes = np.array([(batch[place].top, batch[place].top_given) for place in readable])  # (B, 2)
            found, method = class_maps(backend, np.stack(inputs), classes)                          # (B, 2, h, w)
            maps = dict(zip(readable, found, strict=True))
        for place, (answer, image) in enumerate(zip(batch, pixels, strict=True)):
            one = _shown(answer, names, image, MISTAKE_SIDE)
            shown.append(one if image is None else replace(one, evidence=_evidence(one, image, maps[place])))
    return tuple(shown), method


def _shown(answer: Answer, names: ClassNames, pixels: NDArray[np.uint8] | None, side: int) -> Shown:
    small = None if pixels is None else thumbnail(pixels, side)                                     # (H, W, 3)
    return Shown(
        file=answer.sample.file,
        given=names.given(answer),
        predicted=names.predicted(answer),
        right=answer.right,
        confidence=answer.confidence,
        p_given=answer.p_given,
        thumbnail=None if small is None else jpeg(small),
        width=0 if small is None else small.shape[1],
        height=0 if small is None else small.shape[0],
    )


def _evidence(shown: Shown, pixels: NDArray[np.uint8], maps: NDArray[np.floating]) -> tuple[AnswerPicture, ...]:
    """Heatmaps (2, h, w) laid over the picture: for the answer, then for the given class."""
    small = thumbnail(pixels, MISTAKE_SIDE)
    subjects = (shown.predicted, shown.given)
    return tuple(
        AnswerPicture(jpeg(overlay(small, heat.astype(np.float32))), subject)
        for heat, subject in zip(maps, subjects, strict=True)
    )
