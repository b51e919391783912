"""Off-topic pictures among photographs: the rule `outlier` beside other rankings of the same embeddings.

Example:
    python -m benchmarks.outliers data/dogs-vs-cats
    python -m benchmarks.outliers --million /tmp

The first draws off-topic pictures (`benchmarks.off_topic`), embeds them and some of the photographs with the bundled
model, and prints the average precision of each ranking. SelfClean and scikit-learn are used where they are installed.
The second writes synthetic embeddings into a folder and prints seconds and peak memory of neighbours and outliers.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.backends import stated_backend
from auditor.checks.outlier import Outlier
from auditor.data.sources import stated_dataset
from auditor.engines import LocalEngine, Outcomes, Task
from auditor.labels.components import Standard
from auditor.labels.neighbours import Directions, nearest
from auditor.labels.remoteness import remoteness
from auditor.settings import Settings
from benchmarks.off_topic import HELD_OUT, LOOKED_AT

OF_EACH = 60
SIZES = (100_000, 300_000, 1_000_000)
DIMENSION = 512
Ranking = Callable[[NDArray[np.float16], NDArray[np.intp]], NDArray[np.floating]]


def by_ours(embeddings: NDArray[np.float16], labels: NDArray[np.intp]) -> NDArray[np.floating]:
    """The rule's distance."""
    return remoteness(embeddings, labels)


def by_neighbours(embeddings: NDArray[np.float16], labels: NDArray[np.intp]) -> NDArray[np.floating]:
    """Mean distance to the 30 nearest, as the scan stores them."""
    near = nearest(Directions.fit(embeddings).of_all(embeddings))
    return -np.asarray(near.similarity.mean(axis=1))


def by_mahalanobis(embeddings: NDArray[np.float16], labels: NDArray[np.intp]) -> NDArray[np.floating]:
    """Mahalanobis distance in 256 principal components."""
    points = Standard.fit(embeddings, rooted=True).reduced(embeddings, 256).points(embeddings)
    spread = np.maximum(points.std(axis=0), 1e-6)
    return np.asarray(np.square(points / spread).sum(axis=1))


def by_lof(embeddings: NDArray[np.float16], labels: NDArray[np.intp]) -> NDArray[np.floating]:
    """Local outlier factor (Breunig et al., SIGMOD 2000), 20 neighbours."""
    from sklearn.neighbors import LocalOutlierFactor

    points = Directions.fit(embeddings).of_all(embeddings)
    return -np.asarray(LocalOutlierFactor(20).fit(points).negative_outlier_factor_)


def by_selfclean(embeddings: NDArray[np.float16], labels: NDArray[np.intp]) -> NDArray[np.floating]:
    """SelfClean's off-topic ranking (Gröger et al., NeurIPS 2024), from the single-linkage dendrogram."""
    from selfclean.cleaner.selfclean_cleaner import SelfCleanCleaner  # type: ignore[import-not-found]

    cleaner = SelfCleanCleaner(memmap=False, log_level="ERROR")
    cleaner.fit(embeddings.astype(np.float32), labels=labels)
    _, order = cleaner.get_off_topic_ranking()                      # the most off-topic first
    ranks = np.empty(len(order))
    ranks[order.astype(int)] = np.arange(len(order), 0, -1)
    return ranks


RANKINGS: Mapping[str, Ranking] = {
    "auditor": by_ours,
    "SelfClean": by_selfclean,
    "30 nearest": by_neighbours,
    "Mahalanobis": by_mahalanobis,
    "LOF": by_lof,
}


def embedded(folder: Path) -> tuple[NDArray[np.float16], list[str]]:
    """Embeddings of the images of a folder, and their classes."""
    settings = Settings.load(data=folder)
    samples = stated_dataset(settings).samples
    outcomes = Outcomes.collect(LocalEngine().run(samples, Task(stated_backend(settings))), samples)
    return outcomes.embeddings, [sample.label or "" for sample in outcomes.samples]


def copied(data: Path, folder: Path, count: int, rng: np.random.Generator) -> None:
    """Copies some photographs, with their class folders."""
    files = sorted(path for path in data.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    for place in rng.choice(len(files), min(count, len(files)), replace=False):
        target = folder / files[place].parent.name / files[place].name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[place].read_bytes())


def drawn(folder: Path, seed: int) -> None:
    """Draws every kind of off-topic picture, a folder each."""
    for kind, draw in enumerate((*LOOKED_AT, *HELD_OUT)):
        (folder / draw.__name__).mkdir(parents=True)
        for place in range(OF_EACH):
            pixels = draw(np.random.default_rng([seed, kind, place]))
            cv2.imwrite(str(folder / draw.__name__ / f"{place:03}.png"), pixels[..., ::-1])


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Mean of the precision at each that is found, from the highest score on."""
    found = truth[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(found) / np.arange(1, len(found) + 1))[found].mean())


def compare(data: Path, photographs: int, off_topic: int, seed: int) -> None:
    """Prints a row for each mixture of off-topic pictures."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as temporary:
        copied(data, Path(temporary, "on"), photographs, rng)
        drawn(Path(temporary, "off"), seed)
        on, names = embedded(Path(temporary, "on"))
        off, kinds = embedded(Path(temporary, "off"))
    labels = np.unique(names, return_inverse=True)[1]
    mixtures = {
        "looked at": ([draw.__name__ for draw in LOOKED_AT], off_topic),
        "held out": ([draw.__name__ for draw in HELD_OUT], off_topic),
        "flowers, drawings, screens": (["flowers", "comics", "stickers", "screens"], off_topic),
        "screens alone": (["screens"], 30),
        "stickers alone": (["stickers"], 30),
    }
    print(f"{len(on)} photographs of {data}, bundled model, seed {seed}; average precision")
    for name, (wanted, count) in mixtures.items():
        rows = rng.choice(np.flatnonzero(np.isin(kinds, wanted)), count, replace=False)
        embeddings = np.concatenate([on, off[rows]])
        given = np.concatenate([labels, rng.integers(0, labels.max() + 1, count)])
        truth = np.arange(len(embeddings)) >= len(on)
        row = []
        for peer, ranking in RANKINGS.items():
            try:
                row.append(f"{peer} {average_precision(truth, ranking(embeddings, given)):.3f}")
            except ImportError as error:
                row.append(f"{peer} not installed ({error.name})")
        distance = remoteness(embeddings, given)
        flagged = distance > Outlier().spread
        shares = f"flagged {flagged[truth].mean():.2f}, of the photographs {flagged[~truth].mean():.2%}"
        print(f"{count} of {name}: {', '.join(row)}; {shares}", flush=True)


def scale(folder: Path) -> None:
    """Prints time and memory by number of images, each in its own process."""
    seconds, cpu = [], []
    for size in SIZES:
        path = folder / f"embeddings-{size}.npy"
        _write_embeddings(path, size)
        try:
            command = [sys.executable, "-m", "benchmarks.outliers", "--measure", str(path)]
            measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        finally:
            path.unlink()
        seconds.append(measured["neighbours"] + measured["outliers"])
        cpu.append(measured["cpu_seconds"])
        print(f"{size} images x {DIMENSION}: {json.dumps(measured)}", flush=True)
    slopes = [np.polyfit(np.log(SIZES), np.log(values), 1)[0] for values in (seconds, cpu)]
    print(f"exponent over images from {SIZES[0]} on: {slopes[0]:.2f} of seconds, {slopes[1]:.2f} of CPU seconds")


def _write_embeddings(path: Path, size: int) -> None:
    """A thousand clusters of unequal sizes, with noise whose variances fall as those of photographs do; float16."""
    rng = np.random.default_rng(0)
    falling = 1 / np.sqrt(np.arange(1, 257, dtype=np.float32))
    mixing = np.linalg.qr(rng.normal(0, 1, (DIMENSION, 256)))[0].T.astype(np.float32)       # orthonormal rows
    centres = rng.normal(0, 1, (1000, 256)).astype(np.float32) * falling
    stored = np.lib.format.open_memmap(path, "w+", np.float16, (size, DIMENSION))
    for start in range(0, size, 10_000):
        rows = min(10_000, size - start)
        cluster = (rng.random(rows) ** 2 * len(centres)).astype(int)
        noise = rng.normal(0, 0.5, (rows, 256)).astype(np.float32) * falling
        stored[start : start + rows] = (centres[cluster] + noise) @ mixing
    stored.flush()


def _measure(path: Path) -> None:
    import resource

    embeddings = np.load(path, mmap_mode="r")
    labels = np.arange(len(embeddings)) % 10
    start, started = time.perf_counter(), time.process_time()
    points = Directions.fit(embeddings).of_all(embeddings)
    found = nearest(points)
    middle = time.perf_counter()
    remoteness(embeddings, labels)
    end, ended = time.perf_counter(), time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20          # before what follows, which needs more
    some = np.linspace(0, len(points) - 1, 500).astype(int)
    close = points[some] @ points.T
    close[np.arange(500), some] = -2
    true = np.argsort(-close, axis=1)[:, :30]
    recall = (found.indices[some][:, :, None] == true[:, None, :5]).any(axis=1).mean()
    lost = np.take_along_axis(close, true, axis=1).mean() - found.similarity[some].mean()
    print(
        json.dumps(
            {
                "neighbours": round(middle - start, 1),
                "outliers": round(end - middle, 1),
                "cpu_seconds": round(ended - started, 1),
                "recall_of_5_nearest": round(float(recall), 3),
                "similarity_lost": round(float(lost), 4),
                "peak_GB": round(peak, 2),
            }
        )
    )


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("data", type=Path, nargs="?", help="folder of photographs, one folder a class")
    parser.add_argument("--photographs", type=int, default=2000)
    parser.add_argument("--off-topic", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--million", type=Path, metavar="FOLDER", help="measure time and memory; files go here")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        _measure(arguments.measure)
    if arguments.million:
        scale(arguments.million)
    if arguments.data:
        compare(arguments.data, arguments.photographs, arguments.off_topic, arguments.seed)


if __name__ == "__main__":
    main()
