"""Findings and audits of a few lines, for what only reads them."""

from dataclasses import replace
from itertools import count

import pandas as pd

from auditor.audit import Audit, Finding, Rule, RunInfo

RULES = {"label_issue": "label", "blurry": "image", "unreadable": "file", "class_imbalance": "dataset"}
HOSTILE = "<b>'\"]]>&|`*_@team #1\\ \u202e::error"       # a name that means something to every format
UNPRINTABLE = "a\\x1b[31m\\x0a::error\\udcff"            # a name with control characters, as `text.shown` writes it

_numbers = count()


def found(rule="label_issue", file="cat/1.jpg", **values):
    """A finding, with an id of its own unless one is given."""
    label = file.split("/")[0] if file else None
    made = Finding(
        id=f"{next(_numbers):016x}", rule=rule, severity="high", file=file, split=None, related=(), label=label,
        suggested=None, score=0.1, value=None, threshold=None, message=f"{rule} is wrong",
    )  # fmt: skip
    return replace(made, **values)


def audited(*findings, **values):
    """An audit of ten images of two classes, one of them unreadable."""
    made = Audit(
        name="data-pets", root="data/pets", classes={"cat": 6, "dog": 4},
        outcomes={"ok": 9, "failed": 1, "skipped": 2}, skipped=(), model=None, predictions=pd.DataFrame(),
        findings=findings, evidence={}, notes=(),
        rules=tuple(Rule(name, name.title(), f"What {name} means.", {"limit": 0.5}, kind)
                    for name, kind in RULES.items()),
        run=RunInfo("20250131T020000Z", "2025-01-31T02:00:00+00:00", 12.5, 0.8, 0, "0.1.0"),
    )  # fmt: skip
    return replace(made, **values)
