"""Whether two checkouts write the same files: findings, predictions and summary of the same folder, byte for byte.

    python -m benchmarks.same_output OTHER [--data DIR ...] [--images N]

OTHER is a checkout with its own environment (`make demo` there once). Both scan the demo's stickers, and up to N
images of each DIR, which holds class folders. What may differ is left out: the run's id and times, the version. The
texts of messages are compared separately, because a redesign may change them on purpose.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from auditor.demo.plant import plant_demo
from benchmarks.scan_time import draw

RUN_ALONE = ("id", "started_at", "seconds", "images_per_second", "auditor_version", "settings")


def scan(command: Path, data: Path, out: Path) -> Path:
    """The folder of the run."""
    done = subprocess.run([command, "scan", data, "--out", out], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} scan ended with {done.returncode}: {done.stderr[-500:]}")
    return Path(done.stdout.strip().splitlines()[-1]).parent


def findings(run: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Without their messages, and the messages."""
    lines = [json.loads(line) for line in (run / "findings.jsonl").read_text(encoding="utf-8").splitlines()]
    return lines, [line.pop("message") for line in lines]


def summary(run: Path) -> dict[str, Any]:
    """Without what is specific to this run, and without sentences."""
    record: dict[str, Any] = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    record["run"] = {key: value for key, value in record["run"].items() if key not in RUN_ALONE}
    record.pop("notes", None)
    for rule in record.get("rules", {}).values():
        rule.pop("description", None)
    return record


def compare(one: Path, other: Path) -> dict[str, bool]:
    """What is the same in two runs."""
    (own, messages), (theirs, their_messages) = findings(one), findings(other)
    tables = [pd.read_parquet(run / "predictions.parquet") for run in (one, other)]
    return {
        "findings.jsonl": own == theirs,
        "messages": messages == their_messages,
        "predictions.parquet, values": tables[0].equals(tables[1]),
        "predictions.parquet, bytes": (one / "predictions.parquet").read_bytes()
        == (other / "predictions.parquet").read_bytes(),
        "summary.json": summary(one) == summary(other),
    }


def main() -> None:
    """Prints a line for each file of each folder; exits with 1 if one differs in more than its messages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--images", type=int, default=600)
    options = parser.parse_args()
    commands = [Path(sys.executable).parent / "auditor", options.other / ".venv" / "bin" / "auditor"]
    differs = False
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        plant_demo(home / "demo")
        folders = {"demo": home / "demo"}
        for data in options.data:
            folders[str(data)] = draw(data, options.images, home / "drawn" / str(len(folders)) / data.name)
        for name, folder in folders.items():
            runs = [scan(command, folder, home / "out" / str(place)) for place, command in enumerate(commands)]
            for what, same in compare(*runs).items():
                print(f"{name}: {what}: {'the same' if same else 'DIFFERENT'}", flush=True)
                differs |= not same and what != "messages"
    sys.exit(int(differs))


if __name__ == "__main__":
    main()
