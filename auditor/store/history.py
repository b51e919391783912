"""The runs of each data set, and its findings as intervals: from the first run that had one to the last.

A data set is known by its name in the folder of reports. A finding that is there again the next night only extends its
interval; one that returns after it was resolved opens another one.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from auditor.audit import Audit, Finding
from auditor.errors import Incomplete
from auditor.store.changes import compare
from auditor.store.database import transaction
from auditor.store.known import Images
from auditor.store.nights import RUN
from auditor.store.past import MOST_IMAGES, circumstances_of, past_of
from auditor.store.store import open_store

_OPEN = (
    "INSERT INTO findings (dataset, finding, rule, severity, label, suggested, file, images, first, last) "
    "VALUES (:dataset, :finding, :rule, :severity, :label, :suggested, :file, :images, :run, :run)"
)
_EXTEND = (
    "UPDATE findings SET last = :run, severity = :severity, suggested = :suggested, file = :file, images = :images "
    "WHERE dataset = :dataset AND finding = :finding AND ended IS NULL"
)
#: Settings that say where results go and how fast, not what they are.
ELSEWHERE = frozenset({
    "out", "threads", "batch_size", "store", "verify", "outputs", "prometheus", "webhook", "keep_runs", "max_size",
    "assets", "template_dir",
})  # fmt: skip
#: And those that say how results are shown, and which of them fail a job.
_SHOWN = frozenset({"name", "max_cards", "max_occlusion", "colours", "fail_on", "accepted", "baseline"})


def keep_run(out: Path, audit: Audit) -> tuple[str, ...]:
    """Adds a published run to the history of its data set.

    One that started before the last run that was added comes too late, and is left out.

    Args:
        out: Folder of the reports.
        audit: Of the run, with its id and with all of its findings.

    Returns:
        What went wrong, in sentences; the run stands.
    """
    try:
        with open_store(out) as store:
            store.run(lambda connection: _keep(connection, audit), None)
            return tuple(store.notes)
    except Incomplete as full:
        return (f"The run was published, but is not in the history: {full}",)


def _keep(connection: sqlite3.Connection, audit: Audit) -> None:
    images = Images.of(audit.predictions)
    with transaction(connection):
        past = past_of(connection, audit.name)
        if past.run is not None and _moment(audit.run.started_at) < _moment(past.started):
            return
        compared = compare(past, audit, images)
        (dataset,) = connection.execute(
            "INSERT INTO datasets (name, known) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET known = excluded.known "
            "RETURNING id",
            (audit.name, images.known().astype("<u8").tobytes()),
        ).fetchone()
        values = (dataset, *_run_row(audit, len(compared.resolved)))
        run = connection.execute(
            f"INSERT INTO runs (dataset, {', '.join(RUN)}) VALUES ({', '.join('?' * len(values))})", values
        ).lastrowid
        connection.executemany(
            "UPDATE findings SET ended = ?, reason = ? WHERE dataset = ? AND finding = ? AND ended IS NULL",
            [(run, reason, dataset, each.id) for each, reason in compared.resolved],
        )
        rows = [
            {
                "dataset": dataset, "run": run, "finding": each.id, "rule": each.rule, "severity": each.severity,
                "label": each.label, "suggested": each.suggested, "file": each.file, "images": about,
            }
            for each, about in zip(audit.findings, _images(audit.findings, images), strict=True)
        ]  # fmt: skip
        connection.executemany(_EXTEND, [row for row in rows if row["finding"] in past.open])
        connection.executemany(_OPEN, [row for row in rows if row["finding"] not in past.open])


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _images(findings: Sequence[Finding], images: Images) -> list[str]:
    """The images of each finding as JSON; one about the data set is about none."""
    files = [() if each.file is None else (each.file, *each.related)[:MOST_IMAGES] for each in findings]
    wanted = {file for each in files for file in each}
    there = {image.file: image for image, _ in images.find(wanted, ())}
    return [json.dumps([there[file] for file in each if file in there], ensure_ascii=False) for each in files]


def _run_row(audit: Audit, resolved: int) -> tuple[Any, ...]:
    counts = Counter((each.rule, each.severity, each.label) for each in audit.findings)
    statuses, run = audit.statuses(), audit.run
    return (
        run.id, audit.root, run.started_at, run.seconds, audit.images,
        audit.outcomes["ok"], _json(audit.classes), "" if audit.model is None else audit.model.sha256,
        _settings_hash(audit), _json(circumstances_of(audit)),
        _json([[*key, number] for key, number in sorted(counts.items(), key=lambda item: str(item[0]))]),
        statuses["new"], statuses["persisting"], statuses["accepted"], resolved,
        None if not audit.gate.results else audit.gate.passed, run.auditor_version,
    )  # fmt: skip


def _settings_hash(audit: Audit) -> str:
    parts = {name: value for name, value in audit.run.settings.items() if name not in ELSEWHERE | _SHOWN}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
