"""One row per file that was found: the columns of `predictions.parquet`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.checks import Samples
from auditor.classes.names import class_name
from auditor.engines import Outcomes
from auditor.images.properties import PROPERTIES
from auditor.labels.neighbours import SHOWN
from auditor.scanning.classifier import Classifier
from auditor.scanning.judging import Judgement

# One type for each column even if every value is missing, so that the file's schema never changes.
_TYPES = {
    **dict.fromkeys(("file", "split", "label", "outcome", "reason"), "str"),
    **dict.fromkeys(("predicted", "oof_predicted", "format", "mode", "sha256"), "str"),
    **dict.fromkeys(("confidence", "p_given", "oof_p_given", "label_score"), "float32"),
    **dict.fromkeys(("p_correct", "neighbour_share", *PROPERTIES), "float32"),
    **dict.fromkeys(("review_rank", "width", "height", "bytes"), "Int64"),
}


def predictions_table(
    outcomes: Outcomes,
    skipped: Sequence[tuple[str, str]],
    judgement: Judgement,
    classifier: Classifier | None,
    rank: NDArray[np.intp],
) -> pd.DataFrame:
    """Builds the table, sorted by file.

    `predicted` and `confidence` are the classifier's own, over its own classes (or `#n` if they have no names);
    `p_given` is its probability of the given label, if its classes are the folder's.
    `oof_predicted` and `oof_p_given` are the probe's; `p_correct` is the probability that the given label is right.
    `neighbours` are the most similar images, `neighbour_share` is the share of their votes for the given label.
    Properties of the picture are those of `auditor.images.properties`.
    Unknown probabilities are NaN, and unknown ranks are missing.
    """
    samples = judgement.samples
    labels = samples.labels
    rows = np.arange(len(samples))
    given = np.maximum(labels, 0)
    out_of_fold = samples.out_of_fold
    judged = np.asarray(np.isfinite(out_of_fold).all(axis=1) & bool(samples.classes))           # (N,)
    labelled = labels >= 0
    no_value = np.full(len(rows), np.nan, dtype=np.float32)
    top, confidence = _top_class(outcomes, samples, () if classifier is None else classifier.backend.card.classes)
    sides = [None if kind is None else side for kind, side in zip(outcomes.kinds, outcomes.sides.tolist(), strict=True)]
    table = pd.DataFrame(
        {
            "file": samples.files,
            "split": [sample.split for sample in outcomes.samples],
            "label": samples.given,
            "outcome": ["failed" if failure else "ok" for failure in outcomes.failures],
            "reason": outcomes.failures,
            "predicted": top,
            "confidence": confidence,
            "p_given": np.where(labelled, samples.model.probabilities[rows, given], np.nan).astype(np.float32)
            if samples.model is not None
            else no_value,
            "oof_predicted": [
                samples.classes[out_of_fold[row].argmax()] if judged[row] else None for row in rows
            ],
            "oof_p_given": np.where(judged & labelled, out_of_fold[rows, given], np.nan).astype(np.float32)
            if samples.classes
            else no_value,
            "label_score": samples.verdict.issues.score,
            "p_correct": samples.verdict.issues.p_correct,
            "neighbours": [
                [samples.files[other] for other in near[:SHOWN] if other >= 0]
                for near in judgement.neighbours.indices
            ],
            "neighbour_share": np.where(labelled, samples.votes[rows, given], np.nan),
            "review_rank": [int(place) or None for place in rank],
            "format": samples.formats,
            "mode": [None if kind is None else kind[1] for kind in outcomes.kinds],
            "width": [side and side[0] for side in sides],
            "height": [side and side[1] for side in sides],
            "bytes": outcomes.sizes,
            **dict(zip(PROPERTIES, outcomes.properties.T, strict=True)),
            "sha256": [content or None for content in outcomes.contents()],
        }
    )
    left_out = pd.DataFrame(skipped, columns=["file", "reason"]).assign(outcome="skipped")
    both = pd.concat([table, left_out.reindex(columns=table.columns).astype(_TYPES)], ignore_index=True)
    return both.astype(_TYPES).sort_values("file", kind="stable", ignore_index=True)


def _top_class(
    outcomes: Outcomes, samples: Samples, model_classes: Sequence[str]
) -> tuple[list[str | None], NDArray[np.float32]]:
    if samples.model is not None:
        return list(samples.model.predicted), samples.model.confidence
    inferred, probabilities = outcomes.has_inferred(), outcomes.probabilities                   # (N,), (N, C)
    names: list[str | None] = [None] * len(outcomes)
    confidence = np.full(len(outcomes), np.nan, dtype=np.float32)
    for row in np.flatnonzero(inferred):
        top = int(probabilities[row].argmax())
        names[row], confidence[row] = class_name(model_classes, top), probabilities[row, top]
    return names, confidence
