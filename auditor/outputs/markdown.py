"""`summary.md`: the verdict in Markdown, for a pull request or the page of a job."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import get_args

from auditor.audit import Audit, Severity
from auditor.gates import measured
from auditor.outputs.listed import WORST, by_image
from auditor.outputs.locations import Locations
from auditor.outputs.summary import resolved
from auditor.outputs.text import code, markdown
from auditor.report.audit.headline import verdict
from auditor.text import count, number

NAME = "summary.md"
MOST_NOTES = 10
#: Of a comment of GitHub, in bytes: it takes 65,536 characters; the page of a job takes more.
MOST_COMMENT = 65_000


def write_markdown(audit: Audit, folder: Path) -> Path:
    """Writes the summary, short enough for a comment; returns the file's path."""
    path = folder / NAME
    path.write_text(render(audit, MOST_COMMENT), encoding="utf-8", newline="\n")
    return path


def render(audit: Audit, most: int) -> str:
    """The summary in at most so many bytes: first without images and notes, then cut between lines."""
    for listed in (WORST, 1, 0):
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
    outcome = "failed" if not audit.gate.passed else "passed" if audit.gate.results else "done"
    statuses = {**audit.statuses(), "resolved": resolved(audit)}
    told = [count(statuses[status], f"{status} finding") for status in statuses if statuses[status]]
    yield from (f"## auditor: {code(audit.name)} {outcome}", "", f"**{markdown(verdict(audit).sentence)}**", "")
    yield f"{count(audit.images, 'image')}, {', '.join(told) or 'no findings'}."
    yield from _gates(audit)
    yield from _rules(audit)
    if listed:
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
    locations, flagged = Locations.of(audit.root), by_image(audit)
    if not flagged:
        return
    shown = f"{number(min(listed, len(flagged)))} of {count(len(flagged), 'image')} with findings"
    yield from ("", f"### Look at these first: {shown}", "", "| Image | Label | Why |", "| --- | --- | --- |")
    for file, findings in islice(flagged.items(), listed):
        suggested = next((found.suggested for found in findings if found.suggested is not None), None)
        label = "" if findings[0].label is None else code(findings[0].label)
        better = "" if suggested is None else f" \u2192 {code(suggested)}"
        titles = dict.fromkeys(markdown(audit.title(found.rule)) for found in findings)
        yield f"| {code(locations.path(file))} | {label}{better} | {', '.join(titles)} |"
