"""Figures for Prometheus, in the text format that the node exporter's textfile collector reads."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

from auditor.atomic_write import changed_file
from auditor.audit import Audit, Severity
from auditor.errors import InputError
from auditor.outputs.summary import resolved
from auditor.text import shown, visible

SUFFIX = ".prom"                                # the collector reads no others

_Sample = tuple[dict[str, str], float]


def check_target(path: Path) -> None:
    """Raises InputError where the collector would not see a file at `path`, or its folder is not there."""
    where = shown(str(path))
    if path.suffix != SUFFIX:
        raise InputError(f"--prometheus {where} does not end in {SUFFIX}, and the collector reads no other files")
    if not path.parent.is_dir():
        raise InputError(f"--prometheus {where} lies in no folder; make it, or name that of the textfile collector")


def write_prometheus(audit: Audit, path: Path) -> None:
    """Writes the figures, in the place of those that were there, at once.

    Raises:
        InputError: the file cannot be written.
        Incomplete: the disk is full.
    """
    with changed_file(path) as draft:
        draft.write_text(render(audit), encoding="utf-8", newline="\n")
        draft.chmod(0o644)                      # the collector is another user


def render(audit: Audit) -> str:
    """The figures as text."""
    name = {"dataset": audit.name}
    found = Counter((finding.rule, finding.severity) for finding in audit.standing)
    severities: tuple[Severity, ...] = get_args(Severity)
    findings = [
        ({"rule": rule.name, "severity": severity, **name}, found[rule.name, severity])
        for rule in audit.rules
        for severity in severities
    ]
    gates = [({"gate": each.expression, **name}, float(each.passed)) for each in audit.gate.results]
    started = datetime.fromisoformat(audit.run.started_at).timestamp()
    lines = [
        *_metric("auditor_findings", "Findings of the last scan that are not accepted.", findings),
        *_metric("auditor_findings_status", "Findings of the last scan, by status.",
                 [({"status": status, **name}, value) for status, value in audit.statuses().items()]),
        *_metric("auditor_findings_resolved", "Findings of the scan before the last one that are no more.",
                 [(name, resolved(audit))]),
        *_metric("auditor_images", "Files of the data set, by how reading them ended.",
                 [({"outcome": outcome, **name}, value) for outcome, value in audit.outcomes.items()]),
        *_metric("auditor_gate_passed", "Whether each gate passed: 1 or 0.", gates),
        *_metric("auditor_passed", "Whether all gates passed: 1 or 0.", [(name, float(audit.gate.passed))]),
        *_metric("auditor_scan_seconds", "What the last scan took.", [(name, audit.run.seconds)]),
        *_metric("auditor_last_run_timestamp_seconds", "When the last scan began.", [(name, started)]),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _metric(name: str, about: str, samples: Sequence[_Sample]) -> Iterator[str]:
    if not samples:
        return
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        stated = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{stated}}} {int(value) if float(value).is_integer() else value}"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", r"\\").replace('"', r"\"")
