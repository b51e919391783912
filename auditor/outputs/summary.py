"""`summary.json`: the run in a few numbers, for jobs and dashboards."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auditor.audit import AUDIT_FORMAT, Audit, ModelInfo
from auditor.runs.files import SUMMARY
from auditor.settings import SOURCE
from auditor.store import Changes


def resolved(audit: Audit) -> int:
    """How many findings of the last run are no more; 0 where there was none."""
    changes = audit.addition(Changes)
    return 0 if changes is None else changes.resolved


def summary(audit: Audit) -> dict[str, Any]:
    """The contents of `summary.json`."""
    return {
        "format_version": AUDIT_FORMAT,
        "dataset": {
            "name": audit.name,
            "root": audit.root,
            "images": audit.images,
            "readable": audit.outcomes["ok"],
            "classes": dict(audit.classes),
            "source": {name: value for name, value in audit.run.settings.items() if name in (*SOURCE, "class_map")},
        },
        "model": None if audit.model is None else _model(audit.model),
        "findings": audit.counts(),
        "rules": {
            rule.name: {"title": rule.title, "description": rule.description, "settings": dict(rule.settings)}
            for rule in audit.rules
        },
        "power": None if audit.power is None else asdict(audit.power),
        "estimate": None if audit.estimate is None else asdict(audit.estimate),
        "imagenet": None,
        Changes.name: None,
        **{addition.name: addition.summary() for addition in audit.additions},
        "outcomes": dict(audit.outcomes),
        "statuses": {**audit.statuses(), "resolved": resolved(audit)},
        "gate": {
            "passed": audit.gate.passed,
            "rules": list(audit.gate.rules),
            "results": [asdict(result) for result in audit.gate.results],
        },
        "run": {
            "id": audit.run.id,
            "started_at": audit.run.started_at,
            "seconds": audit.run.seconds,
            "images_per_second": audit.run.images_per_second,
            "cached": audit.run.cached,
            "auditor": audit.run.auditor_version,
        },
        "notes": list(audit.notes),
    }


def _model(model: ModelInfo) -> dict[str, Any]:
    return {
        "name": model.name,
        "backend": model.backend,
        "device": model.device,
        "sha256": model.sha256,
        "matched": model.matched,
        "in_sample": model.in_sample,
    }


def write_summary(audit: Audit, folder: Path) -> Path:
    """Writes `summary.json` into a folder; returns the file's path."""
    path = folder / SUMMARY
    path.write_text(json.dumps(summary(audit), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
