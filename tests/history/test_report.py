"""What the report, the summary and the terminal say about the last run."""

import json
from dataclasses import replace

from typer.testing import CliRunner

from auditor.cli import app
from auditor.outputs import summary
from auditor.report.audit import render_html
from auditor.store import Changes
from auditor.store.changes import Resolved
from tests.gates.made import HOSTILE, audited, found
from tests.history.nights import BROKEN, RULES


def changed(**values):
    made = Changes(
        "20250130T020000Z", "2025-01-30T02:00:00+00:00", 14, {"file gone": 13, "label changed": 1}, {"blurry": 14},
        tuple(Resolved(f"{each}", "blurry", f"cat/{each}{HOSTILE}.jpg", "cat", "file gone") for each in range(14)), 0,
    )  # fmt: skip
    return replace(made, **values)


def page(*findings, **values):
    return render_html(audited(*findings, additions=(changed(**values),)))


def test_the_report_says_what_became_of_the_findings_of_the_last_run():
    text = page(found(), found(status="persisting"), found(status="accepted"))

    assert "1 new finding, 1 persisting, 1 accepted and 14 resolved (13 file gone and 1 label changed)." in text
    assert "Compared with the run of 30 January 2025, 02:00 UTC." in text
    assert text.count("<td>file gone</td>") == 12 and "2 more resolved." in text
    assert HOSTILE not in text


def test_what_could_not_be_looked_at_is_told():
    text = page(found(), resolved=0, reasons={}, listed=(), unseen=2)

    assert "1 new finding, 0 persisting and 0 resolved. 2 earlier findings stay open" in text


def test_a_first_run_has_nothing_to_be_compared_with():
    assert "Since the last run" not in render_html(audited(found()))
    assert summary(audited(found()))["changes"] is None


def test_the_summary_counts_statuses_and_resolved_findings():
    told = summary(audited(found(), additions=(changed(),)))

    assert told["statuses"] == {"new": 1, "persisting": 0, "accepted": 0, "resolved": 14}
    assert told["changes"]["by_rule"] == {"blurry": 14}
    assert json.dumps(told)


def test_the_terminal_says_it_in_a_line(nights):
    (nights.data / "cat" / "broken.png").write_bytes(BROKEN)
    scan = ["scan", str(nights.data), "--out", str(nights.out), "--name", "pets", "--no-model", "--rules", RULES]
    first = CliRunner().invoke(app, scan)
    (nights.data / "cat" / "broken.png").unlink()

    second = CliRunner().invoke(app, scan)

    assert "since" not in first.output
    assert ": 0 new, 0 persisting, 0 accepted, 1 resolved" in second.output
