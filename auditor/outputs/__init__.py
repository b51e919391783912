"""The files of a run, one module a format, one registry."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.audit import Audit
from auditor.configuration import nearest
from auditor.errors import InputError
from auditor.outputs import junit, markdown, sarif
from auditor.outputs.jsonlines import write_findings
from auditor.outputs.parquet import write_predictions
from auditor.outputs.summary import summary, write_summary
from auditor.report.audit import write_html
from auditor.runs.files import FINDINGS, PAGE, PREDICTIONS, SUMMARY

__all__ = ["FILES", "FORMATS", "GITHUB", "OUTPUTS", "Output", "chosen", "summary", "write_outputs"]


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

#: Further files, for those who ask for them by these names.
FORMATS: Mapping[str, Output] = {
    "junit": Output(junit.NAME, junit.write_junit),
    "sarif": Output(sarif.NAME, sarif.write_sarif),
    "markdown": Output(markdown.NAME, markdown.write_markdown),
}
#: Names of all files that the folder of a run can have.
FILES = frozenset(output.name for output in (*OUTPUTS, *FORMATS.values()))
GITHUB = "github"                               # beside these: no file of the run, but told to the job that it runs in


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """The formats that `--format` names, each once; several names may stand in one text, separated by commas.

    Raises:
        InputError: there is no such format.
    """
    wanted = [name.strip() for text in names for name in text.split(",") if name.strip()]
    known = (*FORMATS, GITHUB)
    for name in wanted:
        if name not in known:
            expected = f"expected some of {', '.join(known)}"
            raise InputError(f"--format {name!r} is not there{nearest(name, known)}; {expected}")
    return tuple(dict.fromkeys(wanted))


def write_outputs(audit: Audit, folder: Path, formats: Iterable[str] = ()) -> None:
    """Writes every file of the registry into a folder, and those of further formats."""
    for output in (*OUTPUTS, *(FORMATS[name] for name in formats if name in FORMATS)):
        output.write(audit, folder)
