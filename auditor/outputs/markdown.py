"""`summary.md`: the verdict in Markdown, for a pull request or the page of a job."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from auditor.audit import Audit, Severity
from auditor.gates import measured
from auditor.outputs.locations import Locations
from auditor.outputs.text import code, markdown
from auditor.text import count, number

NAME = "summary.md"
WORST = 20                                      # findings that are listed
MOST_NOTES = 10
#: What a comment of GitHub may hold, in characters; the page of a job takes more.
MOST_COMMENT = 65_000


def write_markdown(audit: Audit, folder: Path) -> Path:
    """Writes the summary, short enough for a comment; returns the file's path."""
    path = folder / NAME
    path.write_text(render(audit, MOST_COMMENT), encoding="utf-8", newline="\n")
    return path


def render(audit: Audit, most: int) -> str:
    """The summary in at most so many bytes: first it lists fewer findings and notes, then it is cut between lines."""
    for listed in (WORST, WORST // 4, 0):
        text = "\n".join(_lines(audit, listed)) + "\n"
        if len(text.encode()) <= most:
            return text
    kept, size = [], 0
    for line in text.splitlines(keepends=True):
        size += len(line.encode())
        if size > most:
            break
        kept.append(line)
    return "".join(kept)


def _lines(audit: Audit, listed: int) -> Iterator[str]:
    verdict = "failed" if not audit.gate.passed else "passed" if audit.gate.results else "done"
    statuses = audit.statuses()
    yield f"## auditor: {code(audit.name)} {verdict}"
    yield ""
    told = [count(statuses[status], f"{status} finding") for status in statuses if statuses[status]]
    yield f"{count(audit.images, 'image')}, {', '.join(told) or 'no findings'}."
    yield from _gates(audit)
    yield from _rules(audit)
    if listed and audit.standing:
        yield from _worst(audit, listed)
    if listed and audit.notes:
        yield from ("", "### Notes", "")
        yield from (f"- {markdown(note)}" for note in audit.notes[:MOST_NOTES])
        if len(audit.notes) > MOST_NOTES:
            yield f"- and {number(len(audit.notes) - MOST_NOTES)} more in the report"


def _gates(audit: Audit) -> Iterator[str]:
    if not audit.gate.results:
        return
    yield from ("", "| Gate | | Measured |", "| --- | --- | --- |")
    for result in audit.gate.results:
        verdict = "passed" if result.passed else "**failed**"
        yield f"| {code(result.expression)} | {verdict} | {markdown(measured(result))} |"


def _rules(audit: Audit) -> Iterator[str]:
    severities = get_args(Severity)
    counts = Counter((finding.rule, finding.severity) for finding in audit.standing)
    found = [rule for rule in audit.rules if any(counts[rule.name, severity] for severity in severities)]
    if not found:
        return
    yield from ("", f"| Rule | {' | '.join(severities)} |", f"| --- |{' ---: |' * len(severities)}")
    for rule in found:
        yield f"| {markdown(rule.title)} | {' | '.join(number(counts[rule.name, each]) for each in severities)} |"


def _worst(audit: Audit, listed: int) -> Iterator[str]:
    locations, findings = Locations.of(audit.root), audit.standing
    shown = findings[:listed]
    yield from ("", f"### The first {number(len(shown))} of {count(len(findings), 'finding')}", "")
    yield from ("| File | Rule | Severity | Given | Suggested |", "| --- | --- | --- | --- | --- |")
    for finding in shown:
        cells = (
            code(locations.path(finding.file)) if finding.file is not None else markdown(finding.message),
            markdown(audit.title(finding.rule)),
            finding.severity,
            code(finding.label) if finding.label is not None else "",
            code(finding.suggested) if finding.suggested is not None else "",
        )
        yield f"| {' | '.join(cells)} |"
