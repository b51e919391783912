"""How many findings on untouched images change when a few images are added, with hysteresis and without.

    python -m benchmarks.hysteresis DATA [--images 6000] [--swapped 60] [--added 15]

DATA holds class folders, and images below each. So many of them are drawn and linked into a folder, the first of them
under the wrong class. It is scanned; other images are added, drawn likewise; it is scanned again, once knowing the
first scan as its last run and once without any past. Counted are the findings of the first scan that are gone, and new
ones that name none of the added images, as a share of the findings of the first scan. A third scan of the same folder
must give the same findings as the second.
"""

import argparse
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from auditor.audit import Audit
from auditor.scanning.scan import run_scan
from auditor.settings import Settings
from auditor.store import keep_run

SEED = 7


def link(files: Sequence[Path], folder: Path, classes: dict[str, str]) -> set[str]:
    """Links files below the folders of their classes, or of those that `classes` names; returns their names there."""
    names = set()
    for file in files:
        name = f"{classes.get(file.parent.name, file.parent.name)}/{file.name}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(file, folder / name)
        names.add(name)
    return names


def scan(data: Path, out: Path, name: str) -> Audit:
    """Scans, and keeps the run as the next one of that name."""
    settings = Settings(data=str(data), out=out, name=name, max_cards=0)
    audit = run_scan(settings, remember=out)
    for problem in keep_run(out, audit):
        print(problem)
    return audit


def changed(before: Audit, after: Audit, added: set[str]) -> list[str]:
    """The rule and the file of every finding on untouched images that came or went."""
    first, second = ({finding.id: finding for finding in audit.findings} for audit in (before, after))
    gone = [f"- {finding.rule} {finding.file}" for key, finding in first.items() if key not in second]
    come = [
        f"+ {finding.rule} {finding.file}"
        for key, finding in second.items()
        if key not in first and not added & {finding.file, *finding.related}
    ]
    return gone + come


def main() -> None:
    """Prints the share of findings that changed, and which."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--swapped", type=int, default=60)
    parser.add_argument("--added", type=int, default=15)
    parser.add_argument("--work", type=Path, help="where links and reports go; on the disk of DATA")
    asked = parser.parse_args()
    files = sorted(path for path in asked.data.glob("*/*") if path.is_file())
    random.Random(SEED).shuffle(files)
    classes = sorted({file.parent.name for file in files})
    others = dict(zip(classes, [*classes[1:], classes[0]], strict=True))
    with tempfile.TemporaryDirectory(dir=asked.work) as work:
        data, out = Path(work, "data"), Path(work, "reports")
        link(files[: asked.swapped], data, others)
        link(files[asked.swapped : asked.images], data, {})
        before = scan(data, out, "steady")
        added = link(files[asked.images : asked.images + asked.added], data, {})
        steady, raw = scan(data, out, "steady"), scan(data, out, "raw")
        for name, after in (("with hysteresis", steady), ("without", raw)):
            found = changed(before, after, added)
            print(f"{name}: {len(found)} of {len(before.findings)} findings, {len(found) / len(before.findings):.2%}")
            print(*(f"  {each}" for each in found), sep="\n")
        again = scan(data, out, "steady")
        same = [each.id for each in again.findings] == [each.id for each in steady.findings]
        print("a third scan gives", "the same findings" if same else "OTHER findings")


if __name__ == "__main__":
    main()
