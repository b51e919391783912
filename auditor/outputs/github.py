"""What a job of GitHub Actions shows: annotations, from lines of its output, and the summary on its page."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from auditor.audit import Audit, Finding
from auditor.gates import measured
from auditor.outputs.locations import Locations
from auditor.outputs.markdown import render
from auditor.text import count, number, shown, visible

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
MOST_OF_A_KIND = 10                             # errors, and warnings, that are shown of a step
MOST_SUMMARY = 1024 * 1024                      # bytes of the summaries of a step; a longer one is not shown at all

_IN_MESSAGE = re.compile("[%\r\n]")
_IN_PROPERTY = re.compile("[%\r\n:,;]")


def annotations(audit: Audit) -> Iterator[str]:
    """Lines that GitHub shows as annotations: failed gates and severe findings as errors, others as warnings.

    Findings that are accepted or of low severity have none. Of each kind there are as many as GitHub shows, the first
    to be reviewed first; a last one says how many more there are.
    """
    failed = [
        _command("error", f"{result.expression}: {measured(result)}", title="Gate failed")
        for result in audit.gate.results
        if not result.passed
    ]
    yield from _capped("error", failed, [each for each in audit.standing if each.severity == "high"], audit)
    yield from _capped("warning", [], [each for each in audit.standing if each.severity == "medium"], audit)


def write_step_summary(audit: Audit, environment: Mapping[str, str]) -> str:
    """Appends the summary to that of the job's step; returns why it could not, "" where it did."""
    target = environment.get(SUMMARY_VARIABLE)
    if not target:
        return f"--format github writes the summary to the file that {SUMMARY_VARIABLE} names, and it is not set"
    path = Path(target)
    try:
        written = path.stat().st_size if path.exists() else 0
        text = render(audit, MOST_SUMMARY - written)
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        return f"the summary of the step, {shown(target)}, cannot be written ({error.strerror})"
    return "" if text else f"the summary of the step, {shown(target)}, has no room left"


def _capped(kind: str, lines: list[str], findings: Sequence[Finding], audit: Audit) -> Iterator[str]:
    """The lines, and one for each finding: all of them, or one less than are shown and how many more there are."""
    locations = Locations.of(audit.root)
    total = len(lines) + len(findings)
    most = MOST_OF_A_KIND if total <= MOST_OF_A_KIND else MOST_OF_A_KIND - 1
    yield from lines[:most]
    for finding in findings[: max(most - len(lines), 0)]:
        place = {} if finding.file is None else {"file": locations.path(finding.file)}
        yield _command(kind, visible(finding.message), **place, title=audit.title(finding.rule))
    if total > most:
        shown_ones = count(MOST_OF_A_KIND, kind)
        more = f"{number(total - most)} more {kind}s are in the report: GitHub shows {shown_ones} of a step."
        yield _command(kind, more, title="auditor")


def _command(kind: str, message: str, **properties: str) -> str:
    stated = ",".join(f"{name}={_escaped(_IN_PROPERTY, value)}" for name, value in properties.items())
    return f"::{kind} {stated}::{_escaped(_IN_MESSAGE, message)}"


def _escaped(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: f"%{ord(match[0]):02X}", text)
