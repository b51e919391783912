"""`summary.json`: the run in a few numbers, for jobs and dashboards."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auditor.audit import AUDIT_FORMAT, Audit
from auditor.runs.files import SUMMARY


def summary(audit: Audit) -> dict[str, Any]:
    """The contents of `summary.json`."""
    model = audit.model
    return {
        "format_version": AUDIT_FORMAT,
        "dataset": {
            "name": audit.name,
            "root": audit.root,
            "images": audit.outcomes["ok"] + audit.outcomes["failed"],
            "readable": audit.outcomes["ok"],
            "classes": dict(audit.classes),
        },
        "model": {
            "name": model.name,
            "backend": model.backend,
            "device": model.device,
            "sha256": model.sha256,
            "matched": model.matched,
            "in_sample": model.in_sample,
        },
        "findings": audit.counts(),
        "rules": {
            rule.name: {"title": rule.title, "description": rule.description, "settings": dict(rule.settings)}
            for rule in audit.rules
        },
        "power": None if audit.power is None else asdict(audit.power),
        "estimate": None if audit.estimate is None else asdict(audit.estimate),
        "imagenet": None,
        **{addition.name: addition.summary() for addition in audit.additions},
        "outcomes": dict(audit.outcomes),
        "gate": {"passed": audit.gate.passed, "rules": list(audit.gate.rules)},
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


def write_summary(audit: Audit, folder: Path) -> Path:
    """Writes `summary.json` into a folder; returns the file's path."""
    path = folder / SUMMARY
    path.write_text(json.dumps(summary(audit), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
