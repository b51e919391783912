"""How a command that scanned ends: the run's folder is written, the verdict printed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from auditor.audit import Audit


def finish(audit: "Audit", out: Path, *, as_json: bool) -> None:
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
