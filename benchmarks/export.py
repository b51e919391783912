"""int8 against float32, both as `auditor export` writes them: same answers, and how much faster.

    python benchmarks/export.py --photos DIR [--model FOLDER] [--images N] [--threads N]

DIR holds photographs in class folders; FOLDER both files of a model (the bundled one if not given). Photographs that
the model was trained on are left out. Speed is the median of the ratios of alternating runs on the same batch, so that
other work of the machine affects both. Exit code 1 if a goal is missed: the limits of `auditor export --int8`
(docs/models.md), 1.7 times the speed with AVX2 alone and 3 times with VNNI.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.backends import FLOAT, INT8
from auditor.backends.base import preprocess
from auditor.backends.card import CARD_NAME, ModelCard, read_card
from auditor.data.sources import load_dataset
from auditor.model_export import parity
from auditor.model_export.calibration import Photographs, draw
from auditor.model_export.keras_to_onnx import session
from auditor.progress import Progress, TerminalProgress
from auditor.resources import bundled_model

#: What /proc/cpuinfo calls the instructions that multiply 8-bit numbers without saturating -> goal for the ratio.
_GOALS = {"avx512_vnni": 3.0, "avx_vnni": 3.0, "amx_int8": 3.0, "avx2": 1.7}


Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def main() -> None:
    """Prints the comparison."""
    arguments = _arguments()
    folder = arguments.model or bundled_model()
    card, watch = read_card(folder / CARD_NAME), TerminalProgress()
    photographs = _draw(arguments.photos, card, arguments.images, watch)
    instructions, goal = _processor()
    print(f"model      {card.name}, {card.input_size[0]} x {card.input_size[1]}")
    print(f"images     {len(photographs.checked)}, none of them trained on")
    print(f"processor  {instructions}; {arguments.threads} threads, batches of {arguments.batch}")
    plain, small = (session(folder / name, arguments.threads) for name in (FLOAT, INT8))

    def pixels() -> Iterator[NDArray[np.float32]]:
        for batch in photographs.batches(photographs.checked, arguments.batch):
            yield preprocess(batch, card.preprocessing)

    count = -(-len(photographs.checked) // arguments.batch)
    measured = parity.compare(plain, small, watch.track(pixels(), count, "comparing"), photographs.right())
    print(f"int8       {measured}", flush=True)
    ratio, rates = _speed(plain, small, next(pixels()), arguments.rounds)
    print(f"speed      float32 {rates[0]:.1f} images/s, int8 {rates[1]:.1f}: {ratio:.2f} times (goal {goal:g})")
    missed = [*parity.INT8.broken(measured), *([f"speed {ratio:.2f}, goal {goal:g}"] if ratio < goal else [])]
    for complaint in missed:
        print(f"missed     {complaint}")
    sys.exit(1 if missed else 0)


def _draw(photos: Path, card: ModelCard, images: int, watch: Progress) -> Photographs:
    """So many photographs that the model was not trained on; those come first in a draw."""
    drawn = draw(load_dataset(photos), card, 2 * images, calibrates=False, progress=watch)
    unseen = len(drawn.checked) - drawn.trained_on
    return replace(drawn, checked=drawn.checked[: min(images, unseen)], trained_on=0)


def _speed(plain: Run, small: Run, pixels: NDArray[np.float32], rounds: int) -> tuple[float, tuple[float, float]]:
    """The median ratio of float32 to int8 time over alternating rounds; images per second of each."""
    for run in (plain, small):
        run(pixels)                                             # the first run allocates
    pairs = []
    for turn in range(rounds):
        order = (plain, small) if turn % 2 == 0 else (small, plain)
        seconds = {run: _seconds(run, pixels) for run in order}
        pairs.append((seconds[plain], seconds[small]))
    slow, fast = (statistics.median(column) for column in zip(*pairs, strict=True))
    return statistics.median(before / after for before, after in pairs), (len(pixels) / slow, len(pixels) / fast)


def _seconds(run: Run, pixels: NDArray[np.float32]) -> float:
    start = time.perf_counter()
    run(pixels)
    return time.perf_counter() - start


def _processor() -> tuple[str, float]:
    """The processor's 8-bit instructions, and the ratio to expect from them."""
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return "not known (no /proc/cpuinfo)", _GOALS["avx2"]
    there = [name for name in _GOALS if name in words]
    return (", ".join(there) or "neither AVX2 nor VNNI"), max((_GOALS[name] for name in there), default=1.0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder with a folder for each class")
    parser.add_argument("--model", type=Path, help="model folder with both files [default: the bundled one]")
    parser.add_argument("--images", type=int, default=400, help="photographs to compare on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15, help="of the speed measurement")
    return parser.parse_args()


if __name__ == "__main__":
    main()
