"""`--baseline RUN`: what an earlier run found is known, and no news."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.audit import AUDIT_FORMAT, Finding
from auditor.errors import InputError
from auditor.runs.stored import StoredRun, open_run
from auditor.text import shown, visible


@dataclass(frozen=True)
class Baseline:
    """An earlier run and the ids of what it found."""

    run: StoredRun
    ids: frozenset[str]

    @classmethod
    def read(cls, folder: Path) -> "Baseline":
        """Reads a run's folder.

        Raises:
            InputError: it is none, it cannot be read, or a newer auditor wrote it.
        """
        run = open_run(folder)
        written = run.summary.get("format_version")
        if not isinstance(written, int) or written > AUDIT_FORMAT:
            raise InputError(
                f"--baseline {shown(str(folder))} has format {written!r}; this auditor reads {AUDIT_FORMAT}. "
                "Update auditor, or name a run that this one wrote."
            )
        try:
            return cls(run, frozenset(str(finding["id"]) for finding in run.findings()))
        except (KeyError, TypeError) as error:
            raise InputError(f"--baseline {shown(str(folder))} has findings without ids ({error!r})") from None

    def check(self, name: str, root: str) -> None:
        """Raises InputError where the run is about another data set: neither its name nor its root is this one."""
        there = self.run.summary["dataset"].get("name")
        if there != name and self.run.root != root:
            raise InputError(
                f"--baseline {shown(str(self.run.folder))} is a run of {visible(there)} ({visible(self.run.root)}), "
                f"not of {visible(name)} ({visible(root)}); name a run of this data set, or state its --name"
            )


def known(findings: Sequence[Finding], ids: Collection[str]) -> tuple[Finding, ...]:
    """The findings, those with one of these ids as persisting; a moved file keeps the id of its content."""
    return tuple(
        replace(finding, status="persisting") if finding.status == "new" and finding.id in ids else finding
        for finding in findings
    )
