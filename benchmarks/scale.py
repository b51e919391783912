"""Memory and time of a scan by the number of images, with a classifier that costs nothing.

    python -m benchmarks.scale [--images 10000 100000] [--against CHECKOUT] [--store]

Tiny images are written once for each number. Every scan runs in a process of its own: reading, decoding, judging,
evidence, everything but the model is real. Memory is what the process holds (resident) when the labels have been
judged, minus what it held before the first image; the slope between two numbers is the cost of an image.
Pages of mapped files, which the system takes back when it needs them, are told apart from what it really holds.
`--against` names another checkout with its own environment, whose `auditor.scan` is measured on the same images.
`--store` keeps what was found out in a store, and says how large it is and how long a second scan takes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.backends.card import ModelCard

CLASSES, FEATURES, CELLS = ("cat", "dog"), 2048, 7
SIDE = 24                                       # pixels of an image


class FreeHead:
    """A linear head whose gradients are its weights."""

    classes = CLASSES

    def __init__(self) -> None:
        self._weights = np.random.default_rng(1).normal(size=(len(CLASSES), FEATURES)).astype(np.float32)

    def logits(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, C)."""
        return embedding @ self._weights.T

    def jacobian(self, embedding: NDArray[np.float32], classes: NDArray[np.integer]) -> NDArray[np.float32]:
        """(B, n, K)."""
        return np.broadcast_to(self._weights[classes], (len(embedding), *np.shape(classes)[-1:], FEATURES))


class FreeBackend:
    """Predicts the class from the brightness of an image; the embedding is the class's mean plus noise."""

    kind, device, sha256, no_head, no_embedding, other_heads, notes = "onnx", "cpu", "0" * 64, "", "", (), ()

    def __init__(self) -> None:
        self.card = ModelCard("free", CLASSES, (SIDE, SIDE), "raw")
        self.head = FreeHead()
        self._means = np.random.default_rng(2).normal(0, 0.15, size=(len(CLASSES), FEATURES)).astype(np.float32)

    def forward(self, images: NDArray[np.uint8]) -> Any:
        """images: (B, H, W, 3) uint8."""
        bright = (images.reshape(len(images), -1).mean(axis=1) > 127).astype(int)       # (B,)
        rng = np.random.default_rng(int(images.astype(np.uint64).sum()))
        embedding = np.maximum(self._means[bright] + rng.normal(0, 1, (len(images), FEATURES)).astype(np.float32), 0)
        features = np.broadcast_to(embedding[:, None, None], (len(images), CELLS, CELLS, FEATURES))
        probabilities = np.where(np.arange(2) == bright[:, None], 0.9, 0.1).astype(np.float32)
        return SimpleNamespace(probabilities=probabilities, embedding=embedding, features=features)


class Stages:
    """Notes memory and time when each stage of a scan begins and ends: a `Progress`."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[float, float, float, float]] = {}            # MB and seconds, before and after
        self.own = 0.0                          # MB without pages of files, when the pass over the images has ended

    def track(self, items: Iterable[Any], total: int, what: str) -> Iterator[Any]:
        """Yields the items."""
        before, clock = resident(), time.perf_counter()
        yield from items
        self.seen.setdefault(what, (before, resident(), clock, time.perf_counter()))
        if what == "images":
            self.own = resident("RssAnon")


def resident(field: str = "VmRSS") -> float:
    """Megabytes that this process holds; "VmHWM" for its peak, "RssAnon" for what is not a page of a file."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(field))) / 1024


def measure(folder: Path, store: Path | None = None) -> None:
    """Scans a folder in this process, and prints what it took as JSON; `store` is the folder of a store to keep."""
    try:
        from auditor.scanning.scan import run_scan
    except ImportError:                         # an earlier checkout, whose scan was a module at the top
        from auditor.scanning import run_scan  # type: ignore[attr-defined, no-redef]
    from auditor.settings import Settings

    stages = Stages()
    clock = time.perf_counter()
    settings, past = Settings(str(folder), max_cards=20), {"remember": store} if store else {}
    run_scan(settings, backend=FreeBackend(), progress=stages, **past)  # type: ignore[arg-type]
    now = resident()
    nothing = (now, now, clock, clock)          # a second scan knows all images, and its findings and evidence
    images, evidence = stages.seen.get("images", nothing), stages.seen.get("evidence", nothing)
    print(json.dumps({
        "kept": evidence[0] - images[0],        # when evidence begins, all labels have been judged
        "after_pass": images[1] - images[0],
        "held_after_pass": images[1],
        "own_after_pass": stages.own,
        "most": resident("VmHWM"),
        "seconds": time.perf_counter() - clock,
        "pass": images[3] - images[2],
    }))  # fmt: skip


def draw(images: int, folder: Path) -> Path:
    """Noise, bright for dogs and dark for cats; PPM, so that writing takes no time."""
    rng = np.random.default_rng(0)
    for place, label in enumerate(CLASSES):
        (folder / label).mkdir(parents=True)
        for number in range(images // len(CLASSES)):
            pixels = rng.integers(0, 100, (SIDE, SIDE, 3), dtype=np.uint8) + np.uint8(140 * place)
            header = f"P6 {SIDE} {SIDE} 255\n".encode()
            (folder / label / f"{number:07}.ppm").write_bytes(header + pixels.tobytes())
    return folder


def run(command: Sequence[str | Path], folder: str) -> dict[str, float]:
    """What `measure` prints in a process of its own."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    took: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return took


def main() -> None:
    """Prints a line for each scan, then the cost of an image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--store", action="store_true", help="keep a store, and scan a second time")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--remember", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.remember)
        return
    pythons = {"this checkout": Path(sys.executable)}
    if options.against:
        pythons["the other"] = options.against / ".venv" / "bin" / "python"
    found: dict[str, list[tuple[int, dict[str, float]]]] = {name: [] for name in pythons}
    with tempfile.TemporaryDirectory() as scratch:
        for images in options.images:
            folder = draw(images, Path(scratch) / str(images))
            for name, python in pythons.items():
                command: list[str | Path] = [python, Path(__file__).resolve(), "--measure", folder]
                reports = Path(scratch) / f"{images}-{len(found[name])}-{name}"
                if options.store:
                    command += ["--remember", reports]
                took = run(command, scratch)
                found[name].append((images, took))
                print(
                    f"{name}, {images} images: {took['seconds']:.0f} s ({took['pass']:.0f} s reading), "
                    f"{took['kept']:.0f} MB when judged ({took['after_pass']:.0f} MB after the pass), "
                    f"{took['most']:.0f} MB at most; "
                    f"all that is held after the pass: {took['held_after_pass']:.0f} MB, "
                    f"{took['own_after_pass']:.0f} MB of it no page of a file",
                    flush=True,
                )
                if options.store:
                    size = sum(file.stat().st_size for file in reports.rglob("*") if file.is_file())
                    again = run(command, scratch)
                    print(f"  store {size / images / 1e3:.1f} kB an image; a second scan {again['seconds']:.0f} s, "
                          f"{again['most']:.0f} MB at most", flush=True)
    for name, rows in found.items():
        (few, one), (many, other) = rows[0], rows[-1]
        if many > few:
            costs = {key: (other[key] - one[key]) * 1024**2 / (many - few) for key in ("kept", "after_pass", "most")}
            print(f"{name}: {costs['kept']:.0f} bytes an image when judged, {costs['after_pass']:.0f} after the pass, "
                  f"{costs['most']:.0f} at the peak")


if __name__ == "__main__":
    main()
