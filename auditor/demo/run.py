"""`auditor demo`: plant, scan, and compare with what was planted."""

from collections.abc import Iterator
from pathlib import Path

from auditor.audit import Audit
from auditor.checks import CHECKS
from auditor.demo.plant import RULES, Truth, plant_demo
from auditor.errors import InputError
from auditor.progress import Progress
from auditor.publication import new_folder
from auditor.scanning import run_scan
from auditor.settings import Settings

FOLDER, IMAGES, TRUTH = "demo-stickers", "images", "truth.json"
NAME = "demo"


def run_demo(out: Path, model: Path | None, progress: Progress) -> tuple[Audit, list[str]]:
    """Draws the stickers below `out` unless they are there from before, scans them, and counts.

    Returns:
        The audit, and lines that say how many of each kind of fault were found.

    Raises:
        InputError: something else is where the stickers should go.
    """
    folder = out / FOLDER
    truth = _plant(folder)
    settings = Settings.load(data=folder / IMAGES, model=model, out=out, name=NAME, max_cards=400)
    audit = run_scan(settings, progress=progress)
    return audit, list(_comparison(truth, audit))


def found_of_kind(truth: Truth, audit: Audit, kind: str) -> int:
    """How many of the planted faults of this kind the rule meant for them found."""
    flagged = {(finding.rule, finding.file) for finding in audit.findings}
    return sum((fault.rule, fault.file) in flagged for fault in truth.of_kind(kind))


def clean_under(truth: Truth, audit: Audit, rule: str) -> int:
    """How many clean stickers a rule flags."""
    clean = set(truth.clean)
    return sum(finding.rule == rule and finding.file in clean for finding in audit.findings)


def _plant(folder: Path) -> Truth:
    if (folder / TRUTH).is_file():
        truth = Truth.read(folder / TRUTH)
        missing = [file for file in truth.clean if not (folder / IMAGES / file).is_file()]
        if missing:
            raise InputError(f"{folder / IMAGES} lacks {len(missing)} stickers, {missing[0]} first; remove {folder}")
        return truth
    if folder.exists():
        raise InputError(f"{folder} is there, but holds no {TRUTH} of the demo; move it away, or name another --out")
    with new_folder(folder) as draft:                               # a demo that was killed leaves no half a folder
        return plant_demo(draft / IMAGES)


def _comparison(truth: Truth, audit: Audit) -> Iterator[str]:
    rules = {check.rule for check in CHECKS}
    yield f"{'planted':<20}{'found':>9}   by rule"
    for kind, rule in RULES.items():
        planted = len(truth.of_kind(kind))
        found = f"{found_of_kind(truth, audit, kind)} of {planted}" if rule in rules else f"- of {planted}"
        yield f"{kind:<20}{found:>9}   {rule}{'' if rule in rules else ' (no such rule yet)'}"
    wrong = clean_under(truth, audit, "label_issue")
    yield f"clean stickers under label_issue: {wrong} of {len(truth.clean)} ({wrong / len(truth.clean):.1%})"
