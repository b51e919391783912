"""Hand-made groups of copies for the rules about them."""

from types import SimpleNamespace

import numpy as np

from auditor.checks.copies import KINDS, Copies
from auditor.checks.samples import Samples
from auditor.labels import LabelIssues
from auditor.labels.verdict import LabelVerdict

CLASSES = ("cat", "dog", "fox")


def samples(labels, pairs, *, splits=None, doubt=None, out_of_fold=None):
    """Images with these labels (index, -1 for none); `pairs`: centre, copy, similarity, kind."""
    count = len(labels)
    score = np.full(count, np.nan) if doubt is None else np.array(doubt, float)
    issues = LabelIssues(score, np.zeros(count, bool), np.array(labels), score, (0, 0, 0), 0.0)
    pairs = sorted(pairs)
    copies = Copies(
        np.array([pair[0] for pair in pairs], np.intp),
        np.array([pair[1] for pair in pairs], np.intp),
        np.array([pair[2] for pair in pairs], np.float32),
        np.array([KINDS.index(pair[3]) for pair in pairs], np.int8),
    )
    probabilities = np.full((count, 3), np.nan, np.float32)
    for row, values in (out_of_fold or {}).items():
        probabilities[row] = values
    return Samples(
        files=tuple(f"{number}.jpg" for number in range(count)),
        classes=CLASSES,
        labels=np.array(labels, np.intp),
        splits=tuple(splits or [None] * count),
        contents=tuple(f"{number:064x}" for number in range(count)),
        sizes=np.full(count, 1000),
        failures=(None,) * count,
        formats=("JPEG",) * count,
        embeddings=np.full((count, 0), np.nan, np.float16),
        model=None,
        out_of_fold=probabilities,
        verdict=LabelVerdict(issues, issues, score, None),
        votes=np.full((count, 3), np.nan, np.float32),
        copies=copies,
    )


def told(check, found):
    """Rows, values and messages of what a rule found."""
    return [
        SimpleNamespace(rows=group.rows, values=group.related_values, message=group.message, group=group)
        for group in check.run(found).groups
    ]
