"""The command line: parse, call, exit code; nothing else. Heavy imports happen where they are needed."""

import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from auditor import __version__
from auditor.errors import AuditorError, Incomplete

if TYPE_CHECKING:
    from auditor.audit import Audit

app = typer.Typer(
    name="auditor",
    help="Audits folders of labelled images: which labels are wrong, which images are doubtful or broken, and why.",
    no_args_is_help=True,
    rich_markup_mode=None,                      # its markup would swallow the defaults in brackets
    add_completion=False,
    pretty_exceptions_enable=False,
)

# None means "not given": auditor.toml or the default in auditor/settings.py decides.
DataArgument = Annotated[Path, typer.Argument(help="Folder of class folders, or a CSV manifest.", show_default=False)]
ModelOption = Annotated[
    Path | None, typer.Option("--model", "-m", help="Model folder, FILE.onnx or FILE.keras [default: the bundled one].")
]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the reports [default: reports].")]
NameOption = Annotated[str | None, typer.Option(help="Name of the data set there [default: parent and leaf of DATA].")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
BackendOption = Annotated[str | None, typer.Option(help="What runs a model folder: onnx or keras [default: onnx].")]
DeviceOption = Annotated[str | None, typer.Option(help="auto, cpu or cuda [default: auto].")]
ConfigOption = Annotated[Path | None, typer.Option(help="Configuration file [default: auditor.toml, if there].")]


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Audits folders of labelled images: which labels are wrong, which images are doubtful or broken, and why."""
    if show:
        typer.echo(__version__)
        raise typer.Exit()


@app.command()
def scan(
    data: DataArgument,
    model: ModelOption = None,
    out: OutOption = None,
    name: NameOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    class_map: Annotated[
        str | None, typer.Option(help="Model class=folder class, comma separated; or a .json or .csv file.")
    ] = None,
    preprocessing: Annotated[
        str | None, typer.Option(help="How a bare model wants its pixels: raw, tf, torch or caffe.")
    ] = None,
    classes: Annotated[Path | None, typer.Option(help="A bare model's class names, one a line, or JSON.")] = None,
    label_from: Annotated[
        str | None, typer.Option(help="Where labels come from: folder, or name (cat.0.jpg) [default: folder].")
    ] = None,
    file_column: Annotated[str | None, typer.Option(help="Column of a manifest that names the files.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of a manifest that holds the labels.")] = None,
    split_column: Annotated[str | None, typer.Option(help="Column of a manifest that holds the splits.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per forward pass [default: 16].")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads [default: one per core].")] = None,
    max_cards: Annotated[int | None, typer.Option(help="Flagged images shown with pictures [default: 200].")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Audit a folder of labelled images and write a report."""
    from auditor.progress import TerminalProgress
    from auditor.scanning import run_scan
    from auditor.settings import Settings

    settings = Settings.load(
        config=config,
        data=data,
        model=model,
        out=out,
        name=name,
        backend=backend,
        device=device,
        class_map=class_map,
        preprocessing=preprocessing,
        classes=classes,
        label_from=label_from,
        file_column=file_column,
        label_column=label_column,
        split_column=split_column,
        batch_size=batch_size,
        threads=threads,
        max_cards=max_cards,
    )
    audit = run_scan(settings, progress=TerminalProgress())
    _finish(audit, settings.out, as_json=as_json)


@app.command()
def why(
    file: Annotated[str, typer.Argument(help="An image of a scanned data set.", show_default=False)],
    run: Annotated[Path | None, typer.Option(help="Folder of the run to ask; else the latest with FILE.")] = None,
    out: OutOption = None,
    name: Annotated[str | None, typer.Option(help="Ask the latest run of this data set only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Explain the verdict on one image, flagged or not, from what a scan stored."""
    from auditor.settings import Settings
    from auditor.why import as_json as to_json
    from auditor.why import as_text, explain

    explanation = explain(file, Settings.load(data=Path(), out=out).out, name, run)
    typer.echo(to_json(explanation) if as_json else as_text(explanation))


@app.command()
def demo(
    out: OutOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a folder of cat and dog stickers with planted faults, scan it, and count what was found."""
    from auditor.demo.run import run_demo
    from auditor.progress import TerminalProgress
    from auditor.settings import Settings

    folder = Settings.load(data=Path(), out=out).out
    audit, lines = run_demo(folder, model, TerminalProgress())
    if not as_json:
        for line in lines:
            typer.echo(line)
        typer.echo()
    _finish(audit, folder, as_json=as_json)


def main() -> None:
    """Runs the command line: the one place where an exception becomes a line on stderr and an exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        app()
    except AuditorError as error:
        typer.echo(f"auditor: {error}", err=True)
        sys.exit(error.exit_code)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise Incomplete(f"interrupted by {signal.Signals(number).name}; no report was written")


def _finish(audit: "Audit", out: Path, *, as_json: bool) -> None:
    """Writes the run's folder, prints the verdict and the report's path, exits with the audit's code."""
    from auditor.exports import summary, write_exports
    from auditor.report import write_html
    from auditor.runfolder import LATEST, publish

    with publish(out, audit.name, audit.run.id) as folder:
        write_exports(audit, folder)
        write_html(audit, folder)
    if as_json:
        typer.echo(json.dumps(summary(audit), indent=2, ensure_ascii=False))
    else:
        for rule, count in audit.counts().items():
            typer.echo(f"{rule:<18}{count:>7}")
        for note in audit.notes:
            typer.echo(f"note: {note}")
        typer.echo(out / audit.name / LATEST / "index.html")
    raise typer.Exit(audit.exit_code)
