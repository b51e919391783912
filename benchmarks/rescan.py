"""What the store costs and what it saves: first scan, second scan, a model replaced, a scan killed and resumed.

    python -m benchmarks.rescan DATA [--images 2000] [--kills 20]

DATA holds class folders; that many of its images are drawn, equally from each class as far as possible, and copied.
The same images are scanned without a store, with a new one, and again, each in its own process: wall time, and the
processor time of all its threads, which other processes on the machine affect less. Bytes of the store are given per
image. The table of predictions of every scan is compared with that of the first. `--kills` scans are ended by SIGKILL
at moments drawn from a seed, and resumed with the same store; the last must say what an undisturbed scan says.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditor.store.database import STORE
from benchmarks.scan_time import draw

HOUR = 3600


def copy(data: Path, images: int, folder: Path) -> Path:
    """Copies of the drawn images, an hour old: links would be stamped as their targets are."""
    links = draw(data, images, folder.with_name("links"))
    shutil.copytree(links, folder)
    moment = time.time() - HOUR
    for path in folder.rglob("*"):
        os.utime(path, (moment, moment))
    return folder


def scan(data: Path, out: Path, *options: str, kill_after: float | None = None) -> tuple[float, float, dict[str, Any]]:
    """Wall and processor seconds of a scan, and its summary; an empty one where it was killed."""
    command: list[str | Path] = [sys.executable, "-m", "auditor", "scan", data, "--out", out, "--json", *options]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        if kill_after is not None:
            try:
                process.wait(kill_after)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        _, status, used = os.wait4(process.pid, 0) if process.returncode is None else (0, 0, None)
        seconds = time.perf_counter() - start
        code = process.returncode = os.waitstatus_to_exitcode(status) if used else process.returncode
        if code == -signal.SIGKILL and kill_after is not None:
            return seconds, 0.0, {}
        if code:
            errors.seek(0)
            sys.exit(f"the scan ended with {code}: {errors.read().decode()[-500:]}")
        output.seek(0)
        return seconds, used.ru_utime + used.ru_stime if used else 0.0, json.load(output)


def predictions(out: Path, summary: dict[str, Any]) -> pd.DataFrame:
    """The table of a run."""
    return pd.read_parquet(out / summary["dataset"]["name"] / "latest" / "predictions.parquet")


def main() -> None:
    """Prints a line for each scan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3, help="pairs of first scans, without a store and with one")
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = copy(options.data, options.images, Path(scratch) / "images")
        out = Path(scratch) / "out"
        ratios: list[float] = []
        for number in range(options.repeats):
            plain = scan(data, Path(scratch) / f"plain-{number}", "--no-store")
            shutil.rmtree(out, ignore_errors=True)
            first = scan(data, out)
            ratios.append(first[1] / plain[1])
            print(f"first scan {first[0]:.1f} s ({first[1]:.1f} s of processor), without a store {plain[0]:.1f} s "
                  f"({plain[1]:.1f} s): {ratios[-1]:.3f} times the processor time", flush=True)
        print(f"median {statistics.median(ratios):.3f}")
        expected = predictions(out, first[2])
        pd.testing.assert_frame_equal(predictions(Path(scratch) / "plain-0", plain[2]), expected)
        size = sum(path.stat().st_size for path in (out / STORE).iterdir())
        print(f"store: {size / options.images:.0f} bytes an image")
        again = scan(data, out)
        print(f"second scan {again[0]:.1f} s ({again[1]:.1f} s of processor), {again[2]['run']['cached']} images "
              f"known: {first[0] / again[0]:.1f} times as fast")
        pd.testing.assert_frame_equal(predictions(out, again[2]), expected)
        assert again[2]["findings"] == first[2]["findings"]
        rng = np.random.default_rng(0)
        resumed = Path(scratch) / "killed"
        for moment in rng.uniform(2, first[0], options.kills):
            shutil.rmtree(resumed, ignore_errors=True)
            scan(data, resumed, kill_after=moment)
            end = scan(data, resumed)
            pd.testing.assert_frame_equal(predictions(resumed, end[2]), expected)
            assert end[2]["findings"] == first[2]["findings"]
            known = end[2]["run"]["cached"]
            print(f"killed after {moment:.1f} s, resumed with {known} images known: the same", flush=True)


if __name__ == "__main__":
    main()
