"""`auditor demo`: plant, scan, and compare with what was planted."""

from collections.abc import Iterator
from pathlib import Path

from auditor.atomic_write import new_folder
from auditor.audit import Audit
from auditor.checks import known_checks
from auditor.demo.plant import FAULTS, Truth, plant_demo
from auditor.errors import InputError
from auditor.outputs.run import scan_to_disk
from auditor.progress import Progress
from auditor.settings import Settings

FOLDER, IMAGES, TRUTH = "demo-stickers", "images", "truth.json"
NAME = "demo"


def run_demo(out: Path, model: Path | None, progress: Progress) -> tuple[Audit, list[str]]:
    """Draws the stickers below `out` unless they are there from before, scans them into a run there, and counts.

    Returns:
        The audit, and lines that say how many of each kind of fault were found.

    Raises:
        InputError: something else is where the stickers should go.
    """
    folder = out / FOLDER
    truth = _plant(folder)
    settings = Settings.load(data=str(folder / IMAGES), model=model, out=out, name=NAME, max_cards=400)
    audit = scan_to_disk(settings, progress=progress)
    return audit, list(_comparison(truth, audit))


def rule_for(kind: str) -> str | None:
    """The rule that is meant to find this kind of planted fault; None where there is none yet."""
    return next((rule for rule, check in known_checks().items() if kind in check.demo_faults), None)


def found_of_kind(truth: Truth, audit: Audit, kind: str) -> int:
    """How many of the planted faults of this kind the rule that is meant to find them found."""
    rule = rule_for(kind)
    named = {file for finding in audit.findings if finding.rule == rule for file in (finding.file, *finding.related)}
    return sum(fault.file in named for fault in truth.of_kind(kind))


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
    yield f"{'planted':<20}{'found':>9}   by rule"
    for kind in FAULTS:
        planted, rule = len(truth.of_kind(kind)), rule_for(kind)
        found = f"- of {planted}" if rule is None else f"{found_of_kind(truth, audit, kind)} of {planted}"
        yield f"{kind:<20}{found:>9}   {rule or '(no such rule yet)'}"
    for rule in (rule.name for rule in audit.rules if rule.kind != "dataset"):
        wrong = clean_under(truth, audit, rule)
        if wrong or rule in audit.rules_of("label"):
            yield f"clean stickers under {rule}: {wrong} of {len(truth.clean)} ({wrong / len(truth.clean):.1%})"
