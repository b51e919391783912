"""The files of a run, one module a format, one registry."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditor.audit import Audit
from auditor.outputs.jsonlines import write_findings
from auditor.outputs.parquet import write_predictions
from auditor.outputs.summary import summary, write_summary
from auditor.report.audit import write_html
from auditor.runs.files import FINDINGS, PAGE, PREDICTIONS, SUMMARY

__all__ = ["OUTPUTS", "Output", "summary", "write_outputs"]


@dataclass(frozen=True)
class Output:
    """One file of a run.

    Attributes:
        name: Of the file.
        write: Writes it for an audit into a folder, and returns its path.
    """

    name: str
    write: Callable[[Audit, Path], Path]


#: Every file that a scan leaves. A further one is a module with such a function, and a line here.
OUTPUTS: tuple[Output, ...] = (
    Output(SUMMARY, write_summary),
    Output(FINDINGS, write_findings),
    Output(PREDICTIONS, write_predictions),
    Output(PAGE, write_html),
)


def write_outputs(audit: Audit, folder: Path) -> None:
    """Writes every file of the registry into a folder."""
    for output in OUTPUTS:
        output.write(audit, folder)
