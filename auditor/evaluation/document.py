"""`evaluation.json`: an evaluation as numbers and names, without its pictures."""

import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auditor.evaluation.metrics import Share
from auditor.evaluation.record import EVALUATION_FORMAT, Evaluation, Shown
from auditor.runs.files import EVALUATION

# A row of the confusion matrix, to be put on one line. Texts are safe: JSON escapes their line feeds.
_NUMBERS = re.compile(r"\[\n\s+\d+(?:,\n\s+\d+)*\n\s+\]")


def document(evaluation: Evaluation) -> dict[str, Any]:
    """The contents of `evaluation.json`; unknown and undefined values are null."""
    model, run, ranking = evaluation.model, evaluation.run, evaluation.ranking
    record = {
        "format_version": EVALUATION_FORMAT,
        "model": {
            "name": model.name,
            "backend": model.backend,
            "device": model.device,
            "sha256": model.sha256,
            "in_sample": model.in_sample if evaluation.lists_training else None,
        },
        "dataset": {
            "name": evaluation.data,
            "root": evaluation.root,
            "split": evaluation.split,
            "images": evaluation.accuracy.total + len(evaluation.unreadable),
            "readable": evaluation.accuracy.total,
            "unlabelled": evaluation.unlabelled,
            "classes": {score.name: score.support for score in evaluation.scores},
        },
        "accuracy": _share(evaluation.accuracy),
        "accuracy_unseen": _share(evaluation.unseen),
        "balanced_accuracy": evaluation.balanced_accuracy,
        "macro_f1": evaluation.macro_f1,
        "top_5": _share(evaluation.top_5),
        "log_loss": evaluation.log_loss,
        "roc_auc": ranking.roc_auc if ranking else None,
        "average_precision": ranking.average_precision if ranking else None,
        "positive_class": ranking.positive if ranking else None,
        "calibration": asdict(evaluation.calibration),
        "per_class": [asdict(score) for score in evaluation.scores],
        "classes": list(evaluation.classes),
        "confusion": evaluation.confusion.tolist(),
        "elsewhere": evaluation.elsewhere.tolist(),
        "other_answers": [
            {"given": given, "answer": answer, "images": times} for given, answer, times in evaluation.other_classes
        ],
        "mistakes": [_shown(shown) for shown in evaluation.mistakes],
        "sample": [_shown(shown) for shown in evaluation.sample],
        "unreadable": [{"file": file, "reason": reason} for file, reason in evaluation.unreadable],
        "notes": list(evaluation.notes),
        "run": {
            "id": run.id,
            "started_at": run.started_at,
            "seconds": run.seconds,
            "images_per_second": run.images_per_second,
            "auditor": run.auditor_version,
            "settings": dict(run.settings),
        },
    }
    return {name: _finite(value) for name, value in record.items()}


def to_json(evaluation: Evaluation) -> str:
    """The text of `evaluation.json`. ASCII: a name from a model's card may hold characters that UTF-8 cannot encode."""
    text = json.dumps(document(evaluation), indent=2, allow_nan=False) + "\n"
    return _NUMBERS.sub(lambda found: " ".join(found[0].split()), text)


def write_document(evaluation: Evaluation, folder: Path) -> Path:
    """Writes `evaluation.json` into a folder."""
    path = folder / EVALUATION
    path.write_text(to_json(evaluation), encoding="ascii")
    return path


def _share(share: Share | None) -> dict[str, Any] | None:
    return None if share is None else {"value": share.value, **asdict(share)}


def _shown(shown: Shown) -> dict[str, Any]:
    return {
        "file": shown.file,
        "given": shown.given,
        "predicted": shown.predicted,
        "right": shown.right,
        "confidence": shown.confidence,
        "p_given": shown.p_given,
    }


def _finite(value: Any) -> Any:
    """The same, with None for numbers that are not finite, which JSON cannot express."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
