"""The files of a run, one module a format, one registry."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.audit import Audit
from auditor.configuration import nearest
from auditor.errors import InputError
from auditor.outputs import coco, cvat, fiftyone, junit, labelstudio, markdown, sarif, spreadsheet
from auditor.outputs.jsonlines import write_findings
from auditor.outputs.parquet import write_predictions
from auditor.outputs.summary import summary, write_summary
from auditor.report.audit import write_html
from auditor.report.shared.assets import PLACES
from auditor.runs.files import FINDINGS, PAGE, PREDICTIONS, SUMMARY
from auditor.settings import Settings

__all__ = ["FILES", "FORMATS", "GITHUB", "OUTPUTS", "Output", "chosen", "report_as", "summary", "write_outputs"]


@dataclass(frozen=True)
class Output:
    """One file of a run, or several that belong together.

    Attributes:
        name: Of the file.
        write: Writes it for an audit into a folder, and returns its path.
        beside: Names of further files that it writes there.
    """

    name: str
    write: Callable[[Audit, Path], Path]
    beside: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all its files."""
        return (self.name, *self.beside)


def report_as(settings: Settings) -> Output:
    """The page, and what lies beside it: of the size, with pictures at the place, and by the templates asked for."""

    def write(audit: Audit, folder: Path) -> Path:
        return write_html(
            audit,
            folder,
            max_bytes=settings.page_bytes,
            assets=PLACES[settings.assets](folder),
            template_dir=settings.template_dir,
        )

    return Output(PAGE, write)


#: Every file that a scan leaves. A further one is a module with such a function, and a line here.
OUTPUTS: tuple[Output, ...] = (
    Output(SUMMARY, write_summary),
    Output(FINDINGS, write_findings),
    Output(PREDICTIONS, write_predictions),
    report_as(Settings()),
)

#: Further files, for those who ask for them by these names.
FORMATS: Mapping[str, Output] = {
    "junit": Output(junit.NAME, junit.write_junit),
    "sarif": Output(sarif.NAME, sarif.write_sarif),
    "markdown": Output(markdown.NAME, markdown.write_markdown),
    "csv": Output(spreadsheet.NAME, spreadsheet.write_csv),
    "labelstudio": Output(labelstudio.NAME, labelstudio.write_labelstudio, (labelstudio.CONFIG,)),
    "cvat": Output(cvat.NAME, cvat.write_cvat, (cvat.LABELS,)),
    "fiftyone": Output(fiftyone.NAME, fiftyone.write_fiftyone, (fiftyone.METADATA,)),
    "coco": Output(coco.NAME, coco.write_coco),
}
#: Names of all files that the folder of a run can have, beside further pages and their pictures.
FILES = frozenset(name for output in (*OUTPUTS, *FORMATS.values()) for name in output.names)
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


def write_outputs(audit: Audit, folder: Path, formats: Iterable[str] = (), settings: Settings | None = None) -> None:
    """Writes every file of the registry into a folder, and those of further formats; the page as settings want it."""
    report = report_as(settings or Settings())
    for output in (*OUTPUTS, *(FORMATS[name] for name in formats if name in FORMATS)):
        (report if output.name == PAGE else output).write(audit, folder)
