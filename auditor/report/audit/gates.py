"""The table of gates: every limit that the user set, and what was measured against it."""

from dataclasses import dataclass

from auditor.audit import Audit, GateResult
from auditor.gates import measured
from auditor.text import visible


@dataclass(frozen=True)
class GateRow:
    """One limit. `verdict` is a word; a `failed` one stands out; `measured` names the first files that counted."""

    expression: str
    verdict: str
    failed: bool
    measured: str


def gate_rows(audit: Audit) -> tuple[GateRow, ...]:
    """A row for each limit, in the order in which they were stated; none where none was."""
    return tuple(
        GateRow(visible(result.expression), _verdict(result), not result.passed, _measured(result))
        for result in audit.gate.results
    )


def _verdict(result: GateResult) -> str:
    if not result.passed:
        return "failed"
    return "passed" if result.judged else "not judged"


def _measured(result: GateResult) -> str:
    if result.passed or not result.files:
        return measured(result)
    more = " and others" if result.counted > len(result.files) else ""
    return f"{measured(result)}: {', '.join(map(visible, result.files))}{more}"
