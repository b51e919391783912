"""Wall time and memory of `auditor scan`, idle and beside a busy process, and the share outside the pixel pass.

    python -m benchmarks.scan_time DATA [--images 1400] [--against CHECKOUT] [--busy] [--repeats N]

DATA holds class folders; that many of its images are drawn, equally from each class as far as possible. `--against`
names another checkout with its own environment (`make demo` there once): its `auditor` scans the same images
alternately, so that changes of the machine's speed affect both. `--busy` keeps every core but one busy with matrix
products meanwhile.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from auditor.backends import load_backend
from auditor.data.sources import load_dataset
from auditor.engines import LocalEngine, Task
from auditor.resources import bundled_model, cores
from auditor.settings import Settings


def draw(data: Path, images: int, folder: Path) -> Path:
    """Links to the drawn images, in class folders."""
    classes = sorted(path for path in data.iterdir() if path.is_dir())
    for label in classes:
        files = sorted(label.iterdir())
        (folder / label.name).mkdir(parents=True)
        for place in np.random.default_rng(0).permutation(len(files))[: -(-images // len(classes))]:
            (folder / label.name / files[place].name).symlink_to(files[place].resolve())
    return folder


def scan(command: Path, data: Path, out: Path) -> float:
    """Seconds of one scan, process start and report included."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen([command, "scan", data, "--out", out, "--json"], stdout=output, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)          # the only wait that reports what one child used
        seconds = time.perf_counter() - start
        code = process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if code:
            sys.exit(f"{command} scan ended with {code}: {errors.read().decode()[-500:]}")
        found = json.load(output)
    megabytes = used.ru_maxrss / 1024                       # Linux counts in kB
    print(f"  {command}: {seconds:.1f} s, {megabytes:.0f} MB at most, findings {found['findings']}", flush=True)
    return seconds


def pixel_pass(data: Path) -> float:
    """Seconds of reading, decoding and inferring alone, in this process, the model loaded before."""
    settings = Settings(str(data))
    backend = load_backend(bundled_model())
    samples = load_dataset(data).samples
    start = time.perf_counter()
    for _ in LocalEngine().run(samples, Task(backend, batch_size=settings.batch_size)):
        pass
    return time.perf_counter() - start


def keep_busy() -> None:
    """Multiplies matrices until it is ended."""
    square = np.random.default_rng(0).normal(size=(512, 512))
    while True:
        square = square @ square
        square /= np.abs(square).max()


def main() -> None:
    """Prints each run, then medians, their ratio, and the share outside the pixel pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=1400)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    commands = [Path(sys.executable).parent / "auditor"]
    if options.against:
        commands.append(options.against / ".venv" / "bin" / "auditor")
    busy = []
    if options.busy:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        context = multiprocessing.get_context("spawn")
        busy = [context.Process(target=keep_busy, daemon=True) for _ in range(max(1, cores() - 1))]
        for process in busy:
            process.start()
        del os.environ["OPENBLAS_NUM_THREADS"]
    with tempfile.TemporaryDirectory() as scratch:
        data = draw(options.data, options.images, Path(scratch) / "images")
        seconds: dict[Path, list[float]] = {command: [] for command in commands}
        for number in range(options.repeats):
            for command in commands:
                seconds[command].append(scan(command, data, Path(scratch) / f"{number}-{commands.index(command)}"))
        alone = statistics.median(pixel_pass(data) for _ in range(options.repeats))
    for process in busy:
        process.kill()
    medians = [statistics.median(seconds[command]) for command in commands]
    beside = "beside a busy process" if options.busy else "idle"
    print(f"{options.images} images, {beside}: {medians[0]:.1f} s, of which {alone:.1f} s pixel pass; outside it "
          f"{1 - alone / medians[0]:.0%}")
    if len(medians) > 1:
        print(f"the other checkout: {medians[1]:.1f} s, {medians[1] / medians[0]:.2f} times as long")


if __name__ == "__main__":
    main()
