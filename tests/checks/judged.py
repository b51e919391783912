"""Samples of hand-made arrays for rules that look at embeddings."""

import numpy as np

from auditor.checks import Samples
from auditor.labels import LabelIssues
from auditor.labels.verdict import LabelVerdict, Power


def judged(labels, *, embeddings, out_of_fold=None, can_judge=True, **others):
    """Two classes, cat and dog; what is not given says nothing."""
    count = len(labels)
    labels = np.asarray(labels, dtype=np.intp)
    unknown = np.full(count, np.nan)
    issues = LabelIssues(unknown, np.zeros(count, bool), labels, unknown, (0, 0, 0), 0.0)
    power = Power(0.99, 0.5, 100, 95, 0.0) if can_judge else Power(0.6, 0.5, 100, 5, 0.0)
    given = {
        "files": tuple(f"{row}.jpg" for row in range(count)),
        "classes": ("cat", "dog"),
        "labels": labels,
        "splits": (None,) * count,
        "contents": tuple(f"{row:064x}" for row in range(count)),
        "sizes": np.full(count, 1000),
        "failures": (None,) * count,
        "formats": ("JPEG",) * count,
        "embeddings": np.asarray(embeddings, np.float16),
        "model": None,
        "out_of_fold": np.full((count, 2), np.nan, np.float32) if out_of_fold is None else out_of_fold,
        "verdict": LabelVerdict(issues, issues, unknown, power),
        "votes": np.full((count, 2), np.nan, np.float32),
    }
    return Samples(**{**given, **others})
