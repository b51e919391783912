"""What the terminal says at the end of a scan: the report's sentence, what was found, and the worst files."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from auditor.audit import Audit, Finding, labels_of
from auditor.classes.imagenet import readable
from auditor.gates import measured
from auditor.outputs.listed import WORST, by_image
from auditor.report.audit.headline import next_step, verdict
from auditor.store import Changes
from auditor.text import listing, number, visible, width

_INDENT = "  "


def as_text(audit: Audit, columns: int | None = None) -> Iterator[str]:
    """The end of a scan in lines that no name in it can break; synset ids of ImageNet read as their names.

    Args:
        audit: What was found.
        columns: Of the terminal, so that what does not fit in a line stands in two; None where nobody counts them.
    """
    for line in _lines(audit, columns):
        yield visible(readable(line))


def _lines(audit: Audit, columns: int | None) -> Iterator[str]:
    said = verdict(audit)
    yield " ".join(filter(None, (said.sentence, said.also)))
    if audit.images and not audit.findings and not said.calm:
        yield "No rule found anything."
    if step := next_step(audit):
        yield step.sentence
    if audit.findings:
        yield ""
        yield from _counts(audit)
    if worst := dict(islice(by_image(audit).items(), WORST)):
        yield from ("", "The worst file:" if len(worst) == 1 else f"The {len(worst)} worst files:")
        yield from _named(audit, worst, columns)
    rest = [*_changes(audit), *_gates(audit), *(f"note: {note}" for note in audit.notes)]
    if rest:
        yield from ("", *rest)


def _counts(audit: Audit) -> Iterator[str]:
    """A line for each rule that found something: how often, what people call it, and its name in files and options."""
    found = [(number(amount), audit.title(rule), rule) for rule, amount in audit.counts().items() if amount]
    wide, title_wide = (max(width(row[place]) for row in found) for place in (0, 1))
    for amount, title, rule in found:
        yield f"{_INDENT}{' ' * (wide - width(amount))}{amount}  {title}{' ' * (title_wide - width(title))}  {rule}"


def _named(audit: Audit, worst: Mapping[str, Sequence[Finding]], columns: int | None) -> Iterator[str]:
    """Each file with its label, the one that is suggested, and the rules: in one line, or in two where it is long."""
    rows = [(visible(file), _labels(findings), _rules(audit, findings)) for file, findings in worst.items()]
    wide, label_wide = (max(width(row[place]) for row in rows) for place in (0, 1))
    for file, labels, rules in rows:
        told = f"{labels}{' ' * (label_wide - width(labels))}  {rules}" if label_wide else rules
        line = f"{_INDENT}{file}{' ' * (wide - width(file))}  {told}"
        if columns is None or width(line) <= columns:
            yield line
        else:
            yield from (f"{_INDENT}{file}", f"{2 * _INDENT}{'  '.join(filter(None, (labels, rules)))}")


def _labels(findings: Sequence[Finding]) -> str:
    label, suggested = labels_of(findings)
    if suggested is None:
        return label or ""
    return f"{label or 'no label'} -> {suggested}"


def _rules(audit: Audit, findings: Sequence[Finding]) -> str:
    return listing(dict.fromkeys(audit.title(finding.rule) for finding in findings))


def _changes(audit: Audit) -> Iterator[str]:
    if changes := audit.addition(Changes):
        told = {**audit.statuses(), "resolved": changes.resolved}
        yield f"since {changes.since}: {', '.join(f'{number(amount)} {status}' for status, amount in told.items())}"


def _gates(audit: Audit) -> Iterator[str]:
    for result in audit.gate.results:
        judged = "gate passed" if result.passed else "gate FAILED"
        yield f"{judged}  {result.expression}: {measured(result)}"
