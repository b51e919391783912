"""A simulated review: how many planted wrong labels are found, against images looked at, in the fixed and live order.

    python -m benchmarks.review --photographs FOLDER --dogs FOLDER [--cache FOLDER] [--seeds N] [--draw FILE.svg]

FOLDER holds class folders: `cat` and `dog` with the photographs of `data/dogs-vs-cats-160.tar` of the shared folder,
and the ten breeds of `data/imagewoof-128.tar`. Each is scanned once with the bundled model, and its embeddings are kept
below `--cache`. Then 2,000 images are drawn for every seed, 5 % of their labels are changed, and somebody who knows the
truth decides on one image after the other: in the order of the scan, and in the order that is learned again after every
`--step` decisions, as `auditor serve` does. Labels are changed in two ways: "any" takes any label to any other class;
"alike" takes labels of half of the classes to the class that looks most alike, as somebody does who does not know two
breeds apart.

It prints a table for every setting; exit code 1 if what was found, on the mean over the seeds, is anywhere so much
lower in the live order that chance explains it in fewer than 5 % of cases. `--time` measures instead how long a
decision takes on all images.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.backends.card import CARD_NAME, read_card
from auditor.labels.probe import assign_folds, out_of_fold
from auditor.outputs.run import scan_to_disk
from auditor.progress import TerminalProgress
from auditor.resources import bundled_model
from auditor.runs.files import LATEST, PREDICTIONS
from auditor.runs.stored import open_run
from auditor.serving.relearning import Order, Relearner
from auditor.settings import Settings
from auditor.store.embeddings import stored_embeddings
from benchmarks.curves import Curve, Panel, draw_curves
from benchmarks.photographs import faulty_files

ROOT = Path(__file__).resolve().parents[1]

IMAGES, SHARE, LOOKED = 2000, 0.05, 300
WAYS = {"any": "any class for any other", "alike": "half of the classes, the class most alike"}
#: The live order is worse if chance alone would make it look so bad in fewer cases.
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Pool:
    """All images of a folder.

    Attributes:
        name: Of the data set.
        embeddings: (M, K) float16.
        labels: (M,) classes, as the folders say.
        contents: (M,) sha256.
        unseen: (M, C) probabilities of the trained classifier where it has the folder's classes; else None.
    """

    name: str
    embeddings: NDArray[np.float16]
    labels: NDArray[np.intp]
    contents: NDArray[np.str_]
    unseen: NDArray[np.float32] | None


@dataclass(frozen=True)
class Task:
    """A draw of N images with some labels changed."""

    embeddings: NDArray[np.float16]
    true: NDArray[np.intp]
    given: NDArray[np.intp]
    contents: list[str]
    unseen: tuple[NDArray[np.float32], ...]

    def relearner(self) -> Relearner:
        """What a server would make of a scan of these images."""
        classes, rows = int(self.true.max()) + 1, np.arange(len(self.given))
        folds = assign_folds(self.contents)
        scanned = out_of_fold(self.embeddings, self.given, folds, classes, self.unseen).probabilities
        return Relearner.fit(self.embeddings, self.given, self.contents, classes, scanned[rows, self.given])


def read_pool(name: str, folder: Path, cache: Path, shared: Path, *, everything: bool) -> Pool:
    """Scans a folder, unless it was scanned before, and reads what was stored.

    Images that the model was trained on are left out, and those that people found faulty, whose labels are not certain;
    unless it is `everything`.
    """
    home = cache / "reports" / name
    if not (home / LATEST).exists():
        scan_to_disk(Settings.load(data=str(folder), out=cache / "reports", name=name), progress=TerminalProgress())
    run = open_run(home / LATEST)
    table = pd.read_parquet(home / LATEST / PREDICTIONS)
    card = read_card(bundled_model() / CARD_NAME)
    faulty = faulty_files(shared)
    table = table[table["outcome"] == "ok"]
    table = table[[
        everything or (not card.saw(content) and file not in faulty)
        for content, file in zip(table["sha256"], table["file"], strict=True)
    ]]  # fmt: skip
    contents = table["sha256"].to_numpy(dtype=str)
    embeddings = stored_embeddings(cache / "reports", run.summary["model"]["sha256"], contents.tolist())
    if embeddings is None:
        sys.exit(f"the store below {cache} has nothing of the bundled model; remove the folder and run this again")
    labels = np.unique(table["label"].to_numpy(dtype=str), return_inverse=True)[1].astype(np.intp)
    given = table["p_given"].to_numpy(dtype=np.float32)
    unseen = None
    if np.isfinite(given).all() and labels.max() == 1:          # the other class has the rest
        unseen = np.stack([np.where(labels == k, given, 1 - given) for k in range(2)], axis=1)
    return Pool(name, embeddings, labels, contents, unseen)


def draw_task(pool: Pool, way: str, seed: int) -> Task:
    """Draws images and changes labels; the same for the same seed."""
    rng = np.random.default_rng([seed, 2026])
    rows = np.sort(rng.permutation(len(pool.labels))[:IMAGES])
    embeddings, true = pool.embeddings[rows], pool.labels[rows]
    classes, wanted = int(true.max()) + 1, round(SHARE * len(rows))
    given = true.copy()
    if way == "any":
        wrong = rng.permutation(len(rows))[:wanted]
        given[wrong] = (true[wrong] + rng.integers(1, classes, wanted)) % classes
    else:
        centres = np.stack([embeddings[true == k].mean(axis=0, dtype=np.float32) for k in range(classes)])
        apart = np.linalg.norm(centres[:, None] - centres, axis=2)
        np.fill_diagonal(apart, np.inf)
        careless = rng.permutation(classes)[: classes // 2]
        wrong = rng.choice(np.flatnonzero(np.isin(true, careless)), wanted, replace=False)
        given[wrong] = apart.argmin(axis=1)[true[wrong]]
    unseen = () if pool.unseen is None else (pool.unseen[rows],)
    return Task(embeddings, true, given, pool.contents[rows].tolist(), unseen)


def review(task: Task, relearner: Relearner, first: Order, step: int) -> NDArray[np.intp]:
    """(LOOKED,) wrong labels found after each image; `step` decisions are taken together, 0 keeps the first order."""
    labels, decided = task.given.copy(), np.zeros(len(task.given), bool)
    order, looked = first, list[int]()
    while len(looked) < LOOKED:
        queue = np.argsort(np.where(decided | (order.rank == 0), len(labels) + 1, order.rank), kind="stable")
        some = queue[: step or LOOKED]
        looked += some.tolist()
        decided[some] = True
        labels[some] = task.true[some]
        if step:
            order = relearner.order(labels, decided)
    found: NDArray[np.intp] = np.cumsum(task.given[looked] != task.true[looked])[:LOOKED]
    return found


def measure(pool: Pool, way: str, seeds: Sequence[int], step: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(S, LOOKED) wrong labels found for each seed, in the fixed and in the live order."""
    fixed, live = [], []
    for seed in seeds:
        task = draw_task(pool, way, seed)
        relearner = task.relearner()
        first = relearner.order(task.given, np.zeros(len(task.given), bool))
        fixed.append(review(task, relearner, first, 0))
        live.append(review(task, relearner, first, step))
    return np.stack(fixed), np.stack(live)


def chance_of_worse(gain: NDArray[np.intp]) -> float:
    """How often the lowest place of the mean curve would be as low if live and fixed were equally good.

    Then each draw's difference could as well have the other sign; all combinations of signs are tried (a permutation
    test of the minimum, so that 300 places are one test).

    Args:
        gain: (S, LOOKED) labels that live found more, for S seeds, at most 16.
    """
    signs = np.array(list(product((1, -1), repeat=len(gain))))                              # (2^S, S)
    lowest = (signs @ gain / len(gain)).min(axis=1)                                         # (2^S,)
    return float((lowest <= gain.mean(axis=0).min() + 1e-9).mean())


def print_setting(name: str, way: str, fixed: NDArray[np.intp], live: NDArray[np.intp]) -> bool:
    """Prints the means at some numbers of images, and the worst of all; returns whether live is as good."""
    places = (25, 50, 75, 100, 125, 150, 200, 250, 300)
    wrong = round(SHARE * IMAGES)
    gain, chance = (live - fixed).mean(axis=0), chance_of_worse(live - fixed)
    shown = chance >= SIGNIFICANCE
    print(f"\n{name}, {way}: {wrong} wrong labels among {IMAGES}, mean of {len(fixed)} draws")
    print(f"  {'images looked at':18}" + "".join(f"{place:>8}" for place in places))
    for word, found in (("fixed", fixed), ("live", live)):
        print(f"  {word:18}" + "".join(f"{found.mean(axis=0)[place - 1] / wrong:>8.1%}" for place in places))
    print(f"  live over fixed, in labels: mean {gain.mean():+.2f}, best {gain.max():+.1f}, worst {gain.min():+.1f} "
          f"(after {int(gain.argmin()) + 1}; chance alone: {chance:.0%})   {'PASS' if shown else 'FAIL'}")
    return shown


def time_decision(pool: Pool) -> None:
    """Prints how long a server takes to begin with all images of a pool, and then for a decision."""
    rng = np.random.default_rng(0)
    classes = int(pool.labels.max()) + 1
    wrong = rng.random(len(pool.labels)) < SHARE
    given = np.where(wrong, (pool.labels + 1) % classes, pool.labels).astype(np.intp)
    task = Task(pool.embeddings, pool.labels, given, pool.contents.tolist(), ())
    start = time.perf_counter()
    relearner = Relearner.fit(
        task.embeddings, given, task.contents, classes, np.full(len(given), np.nan, dtype=np.float32)
    )
    begun = time.perf_counter() - start
    labels, settled, seconds = given.copy(), np.zeros(len(given), bool), []
    for row in np.flatnonzero(wrong)[:9]:
        labels[row], settled[row] = pool.labels[row], True
        start = time.perf_counter()
        relearner.order(labels, settled)
        seconds.append(time.perf_counter() - start)
    print(f"{pool.name}, {len(given)} images, {pool.embeddings.shape[1]} features, {classes} classes: begins in "
          f"{begun:.0f} s, a decision takes {np.median(seconds):.2f} s (most {max(seconds):.2f})")


def main() -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, required=True, help="class folders cat and dog")
    parser.add_argument("--dogs", type=Path, required=True, help="ten class folders of breeds")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "auditor-review")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("AUDITOR_SHARED") or ROOT.parent / "shared"))
    parser.add_argument("--seeds", type=int, default=8, help="number of draws")
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--step", type=int, default=10, help="decisions that are taken together")
    parser.add_argument("--draw", type=Path, help="an SVG file for the curves")
    parser.add_argument("--time", action="store_true", help="measure how long a decision takes instead")
    options = parser.parse_args()
    pools = [
        read_pool(name, folder, options.cache, options.shared, everything=options.time)
        for name, folder in (("photographs", options.photographs), ("breeds", options.dogs))
    ]
    if options.time:
        for pool in pools:
            time_decision(pool)
        return 0
    passed, panels = True, []
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for pool in pools:
        for way in WAYS:
            fixed, live = measure(pool, way, seeds, options.step)
            passed &= print_setting(pool.name, way, fixed, live)
            shares = {"fixed": fixed.mean(axis=0) / (SHARE * IMAGES), "live": live.mean(axis=0) / (SHARE * IMAGES)}
            panels.append(Panel(f"{pool.name}, {WAYS[way]}", tuple(Curve(*each) for each in shares.items())))
    if options.draw is not None:
        options.draw.write_text(draw_curves(panels), encoding="utf-8")
        print(f"\n{options.draw}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
