"""One row per file that was found: the columns of `predictions.parquet`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.checks import Samples
from auditor.classes import class_name
from auditor.engines import Outcome
from auditor.judging import Judgement
from auditor.labels.neighbours import SHOWN

# One type for each column even where every value is missing, so that the file's schema never changes.
_TYPES = {
    **dict.fromkeys(("file", "split", "label", "outcome", "reason"), "str"),
    **dict.fromkeys(("predicted", "oof_predicted", "format", "mode", "sha256"), "str"),
    **dict.fromkeys(("confidence", "p_given", "oof_p_given", "label_score"), "float32"),
    **dict.fromkeys(("p_correct", "neighbour_share"), "float32"),
    **dict.fromkeys(("review_rank", "width", "height", "bytes"), "Int64"),
}


def predictions_table(
    outcomes: Sequence[Outcome],
    skipped: Sequence[tuple[str, str]],
    judgement: Judgement,
    model_classes: Sequence[str],
    rank: NDArray[np.intp],
) -> pd.DataFrame:
    """Builds the table, sorted by file.

    `predicted` and `confidence` are the classifier's own, over its own classes (or `#n` where nothing names
    them); `p_given` is its probability of the given label, where its classes are the folder's.
    `oof_predicted` and `oof_p_given` are the probe's; `p_correct` is the probability that the given label is right.
    `neighbours` are the most similar images, `neighbour_share` is the share of their votes for the given label.
    Probabilities are NaN and ranks missing where there is none.
    """
    samples = judgement.samples
    labels = samples.labels
    rows = np.arange(len(samples))
    given = np.maximum(labels, 0)
    out_of_fold = samples.out_of_fold
    judged = np.asarray(np.isfinite(out_of_fold).all(axis=1) & bool(samples.classes))           # (N,)
    labelled = labels >= 0
    no_value = np.full(len(rows), np.nan, dtype=np.float32)
    top, confidence = _top_class(outcomes, samples, model_classes)
    table = pd.DataFrame(
        {
            "file": samples.files,
            "split": [outcome.sample.split for outcome in outcomes],
            "label": [samples.classes[label] if label >= 0 else None for label in labels],
            "outcome": ["failed" if outcome.failure else "ok" for outcome in outcomes],
            "reason": [outcome.failure for outcome in outcomes],
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
            "format": [outcome.decoded.format if outcome.decoded else None for outcome in outcomes],
            "mode": [outcome.decoded.mode if outcome.decoded else None for outcome in outcomes],
            "width": [outcome.decoded.width if outcome.decoded else None for outcome in outcomes],
            "height": [outcome.decoded.height if outcome.decoded else None for outcome in outcomes],
            "bytes": [outcome.size for outcome in outcomes],
            "sha256": [outcome.content or None for outcome in outcomes],
        }
    )
    left_out = pd.DataFrame(skipped, columns=["file", "reason"]).assign(outcome="skipped")
    both = pd.concat([table, left_out.reindex(columns=table.columns).astype(_TYPES)], ignore_index=True)
    return both.astype(_TYPES).sort_values("file", kind="stable", ignore_index=True)


def _top_class(
    outcomes: Sequence[Outcome], samples: Samples, model_classes: Sequence[str]
) -> tuple[list[str | None], NDArray[np.float32]]:
    if samples.model is not None:
        return list(samples.model.predicted), samples.model.confidence
    names: list[str | None] = []
    confidence = np.full(len(outcomes), np.nan, dtype=np.float32)
    for row, outcome in enumerate(outcomes):
        if outcome.inferred is None:
            names.append(None)
            continue
        top = int(outcome.inferred.probabilities.argmax())
        names.append(class_name(model_classes, top))
        confidence[row] = outcome.inferred.probabilities[top]
    return names, confidence
