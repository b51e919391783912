"""`findings.sarif`: SARIF 2.1.0 for code scanning, capped as its consumers require."""

import gzip
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from auditor.audit import Audit, Finding, Rule
from auditor.outputs.locations import Locations
from auditor.text import count

NAME = "findings.sarif"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
#: GitHub shows 5 000 results of a run (and refuses more than 25 000), 100 locations of a result, and takes 10 MB.
MOST_RESULTS = 5_000
MOST_BYTES = 10 * 1000**2
MOST_RELATED = 10
_MOST_TEXT = 1_000                              # characters of a message

_LEVELS = {"high": "error", "medium": "warning", "low": "note"}
_BASELINE = {"new": "new", "persisting": "unchanged"}
_IN_REPOSITORY, _IN_DATA = "%SRCROOT%", "DATASET"


def write_sarif(audit: Audit, folder: Path) -> Path:
    """Writes the findings that are not accepted, the most severe first; returns the file's path.

    What there is no room for is left out, and the file says how much: GitHub does not take results that are marked as
    suppressed for accepted ones, so those are left out too.
    """
    path = folder / NAME
    path.write_bytes(sarif(audit, MOST_RESULTS, MOST_BYTES))
    return path


def sarif(audit: Audit, most_results: int, most_bytes: int) -> bytes:
    """The contents of the file: at most so many results, and so many bytes when packed by gzip."""
    ranked = sorted(audit.standing, key=lambda finding: list(_LEVELS).index(finding.severity))
    kept = ranked[:most_results]
    while True:
        document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(audit, kept, len(ranked) - len(kept))]}
        data = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
        if not kept or len(gzip.compress(data, mtime=0)) <= most_bytes:
            return data
        kept = kept[: len(kept) // 2]


def _run(audit: Audit, kept: Sequence[Finding], left_out: int) -> dict[str, Any]:
    places = {rule.name: place for place, rule in enumerate(audit.rules)}
    locations = Locations.of(audit.root)
    accepted = audit.statuses()["accepted"]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "auditor",
                "version": audit.run.auditor_version,
                "rules": [_rule(rule) for rule in audit.rules],
            }
        },
        "automationDetails": {"id": f"auditor/{audit.name}/"},
        "invocations": [_invocation(audit, left_out)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, places, locations) for finding in kept],
        "properties": {"accepted": accepted, "leftOut": left_out, "gatePassed": audit.gate.passed},
    }
    if locations.folder is None:
        run["originalUriBaseIds"] = {_IN_DATA: {"uri": locations.base}}
    return run


def _rule(rule: Rule) -> dict[str, Any]:
    settings = ", ".join(f"{name} {value:g}" for name, value in rule.settings.items())
    text = f"{rule.description or rule.title} {f'Settings: {settings}.' if settings else ''}".strip()
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.description or rule.title},
        "help": {"text": text},
        "properties": {"tags": ["data", rule.kind]},
    }


def _result(finding: Finding, places: dict[str, int], locations: Locations) -> dict[str, Any]:
    related = finding.related[:MOST_RELATED]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message[:_MOST_TEXT] or finding.rule},
        "locations": [_location(finding.file, locations)],
        # GitHub compares by the second one alone, which it would otherwise make of lines that an image does not have.
        "partialFingerprints": {"auditorFinding/v1": finding.id, "primaryLocationLineHash": f"{finding.id}:1"},
        "baselineState": _BASELINE[finding.status],
        "properties": {"score": finding.score, "label": finding.label, "suggested": finding.suggested},
    }
    if finding.rule in places:
        result["ruleIndex"] = places[finding.rule]
    if related:
        result["relatedLocations"] = [{"id": place, **_location(file, locations)} for place, file in enumerate(related)]
    return result


def _location(file: str | None, locations: Locations) -> dict[str, Any]:
    base = _IN_DATA if locations.folder is None else _IN_REPOSITORY
    artifact = {"uri": locations.uri(file), "uriBaseId": base}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}}}      # GitHub wants a line


def _invocation(audit: Audit, left_out: int) -> dict[str, Any]:
    notes = [{"level": "note", "message": {"text": note[:_MOST_TEXT]}} for note in audit.notes]
    if left_out:
        text = f"{count(left_out, 'finding')} left out, the least severe: {count(MOST_RESULTS, 'result')} are shown."
        notes.insert(0, {"level": "warning", "message": {"text": text}})
    started = datetime.fromisoformat(audit.run.started_at)
    ended = started + timedelta(seconds=audit.run.seconds)
    return {
        "executionSuccessful": True,
        "exitCode": audit.exit_code,
        "startTimeUtc": _utc(started),
        "endTimeUtc": _utc(ended),
        "toolExecutionNotifications": notes,
    }


def _utc(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
