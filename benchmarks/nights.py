"""A second night after known changes: which images are read again, and whether every finding's status is right.

    python -m benchmarks.nights DATA [--images 20000]

DATA holds class folders; that many of its images are drawn, equally from each class as far as possible, and copied.
They are scanned. Then 100 are changed (encoded again, a little darker), 50 added, 50 removed and 50 renamed, each
drawn from a seed and from another place of the order, and the folder is scanned again. Asserted are the number of
images that were read, and of every finding of both nights what became of it: by its id it is new, persisting or
resolved, and resolved ones give the reason that is true of their file.
"""

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.rescan import copy, scan

CHANGED, ADDED, REMOVED, RENAMED = 100, 50, 50, 50
SEED = 3


def findings(out: Path, summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Id -> finding of the latest run."""
    lines = (out / summary["dataset"]["name"] / "latest" / "findings.jsonl").read_text(encoding="utf-8").splitlines()
    return {finding["id"]: finding for finding in map(json.loads, lines)}


def darken(path: Path) -> None:
    """Encodes an image again with 0.9 of its brightness."""
    pixels = cv2.imread(str(path))
    assert pixels is not None, path
    path.write_bytes(cv2.imencode(".jpg", (0.9 * pixels).astype(np.uint8))[1].tobytes())


def main() -> None:
    """Prints what each night took, and what became of the findings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=20_000)
    options = parser.parse_args()
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as scratch:
        data, out = copy(options.data, options.images, Path(scratch) / "images"), Path(scratch) / "out"
        files = sorted(path for path in data.rglob("*") if path.is_file())
        drawn = [files[place] for place in rng.permutation(len(files))[: CHANGED + ADDED + REMOVED + RENAMED]]
        changed, aside, removed, renamed = np.split(
            np.array(drawn, object), np.cumsum([CHANGED, ADDED, REMOVED])
        )
        held = {path: path.read_bytes() for path in aside}
        for path in aside:
            path.unlink()
        first = scan(data, out)
        before = findings(out, first[2])
        names = {path.relative_to(data).as_posix() for path in changed}
        for path in changed:
            darken(path)
        for path, content in held.items():
            path.write_bytes(content)
        for path in removed:
            path.unlink()
        for path in renamed:
            path.rename(path.with_name(f"renamed-{path.name}"))
        second = scan(data, out)
        after, run = findings(out, second[2]), second[2]["run"]
        total = second[2]["dataset"]["images"]
        print(f"first night {first[0]:.1f} s, second {second[0]:.1f} s; {total - run['cached']} of {total} images read")
        assert total - run["cached"] == CHANGED + ADDED
        wrong = [each for each in after.values() if each["status"] != ("persisting" if each["id"] in before else "new")]
        resolved = {key: finding for key, finding in before.items() if key not in after}
        told = second[2]["changes"]
        assert told["resolved"] == len(resolved), (told["resolved"], len(resolved))
        gone = {path.relative_to(data).as_posix() for path in removed}
        truth: Counter[str] = Counter()
        for finding in resolved.values():
            about = {finding["file"], *finding["related"]}
            truth["file gone" if about & gone else "content changed" if about & names else "no longer flagged"] += 1
        untouched = truth["no longer flagged"] + sum(
            key not in before and not {each["file"], *each["related"]} & {
                path.relative_to(data).as_posix() for path in (*changed, *aside)
            }
            for key, each in after.items()
        )
        print(f"statuses {dict(Counter(each['status'] for each in after.values()))}, wrong {len(wrong)}")
        print(f"resolved {dict(truth)}, the run says {told['reasons']}")
        print(f"{untouched} of {len(before)} findings came or went on images that nobody touched")
        assert not wrong
        assert {reason: number for reason, number in truth.items() if number} == told["reasons"]


if __name__ == "__main__":
    main()
