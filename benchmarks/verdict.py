"""Whether the verdict on labels is reliable, on any folder and with any model: changed labels, known truth.

    python -m benchmarks.verdict --mobilenet FILE.onnx [--images N] [--seed N]

{bundled model, MobileNet, a weak model, random numbers} x {ImageWoof, dogs-vs-cats, five drawn shapes} x {0, 1, 5, 25 %
of the labels changed; to any other class, or to the most similar one}. The weak model is the pooled maps of the
bundled model's second stage. MobileNet is made from `models/mobilenet_v2_1.0_224_quant.tflite` of the shared folder
(docs/label-issues.md); without `--mobilenet` it is left out. The photographs are those of `data/imagewoof-128.tar` and
`data/dogs-vs-cats-160.tar`, unpacked below `--data`. Up to `--repeats` changes are averaged; the fewer labels
are changed, the more changes are averaged, because thirty wrong labels alone say little.

It prints a line for each cell and then what must hold:
truth inside the interval in 95 % of the cells that give one; clean labels flagged at most 1 %; precision at least .8
where 20 or more are flagged; recall of the bundled model on ImageWoof at least .9 at 5 and 25 %; no claims from random
numbers; swapped labels found as often as changed ones, within .05. Exit code 1 if something does not hold.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.backends import load_backend
from auditor.backends.abilities import open_layers
from auditor.backends.base import Backend
from auditor.images.decoding import decode, resize
from auditor.labels.probe import assign_folds, out_of_fold
from auditor.labels.verdict import decide
from auditor.progress import TerminalProgress
from auditor.resources import bundled_model

SHAPES = ("circle", "square", "triangle", "ring", "cross")
WEAK_LAYER = "conv2_block3_out"
BATCH = 32
#: Share of the labels that is changed -> how often at most: few wrong labels say little.
REPEATS = {0.0: 1, 0.01: 4, 0.05: 2, 0.25: 1}
PROGRESS = TerminalProgress()


@dataclass(frozen=True)
class Pictures:
    """A labelled set: how to get each picture at a size, its class and its content hash."""

    name: str
    classes: int
    labels: NDArray[np.intp]
    contents: tuple[str, ...]
    pixels: Callable[[int, int, int], NDArray[np.uint8]]        # number, height, width -> (H, W, 3)


@dataclass(frozen=True)
class Cell:
    """What was measured in one cell, the mean over the repeated changes."""

    model: str
    pictures: str
    kind: str
    rate: float
    wrong: int
    judged: bool
    inside: float
    low: float
    middle: float
    high: float
    flagged: float
    precision: float
    recall: float
    power: float
    skill: float


def photographs(name: str, folder: Path, count: int, seed: int) -> Pictures:
    """A draw from class folders."""
    files = sorted(path for path in folder.glob("*/*") if path.is_file())
    if len(files) < count:
        sys.exit(f"{folder} holds {len(files)} files in class folders; expected at least {count}. See --data.")
    chosen = [files[place] for place in sorted(np.random.default_rng(seed).permutation(len(files))[:count])]
    labels = np.unique([path.parent.name for path in chosen], return_inverse=True)[1].astype(np.intp)
    contents = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in chosen)

    def pixels(number: int, height: int, width: int) -> NDArray[np.uint8]:
        return resize(decode(chosen[number].read_bytes(), at_least=2 * max(height, width)).pixels, height, width)

    return Pictures(name, int(labels.max()) + 1, labels, contents, pixels)


def shapes(count: int, seed: int) -> Pictures:
    """Drawn shapes of any size, place, turn and colour, on noise; some so small or pale that they are hard to tell."""
    labels = np.arange(count, dtype=np.intp) % len(SHAPES)
    contents = tuple(hashlib.sha256(f"{seed} {number}".encode()).hexdigest() for number in range(count))

    def pixels(number: int, height: int, width: int) -> NDArray[np.uint8]:
        return resize(draw_shape(SHAPES[labels[number]], np.random.default_rng([seed, number])), height, width)

    return Pictures("shapes", len(SHAPES), labels, contents, pixels)


def draw_shape(shape: str, rng: np.random.Generator, side: int = 160) -> NDArray[np.uint8]:
    """(side, side, 3)."""
    picture = np.clip(rng.normal(rng.integers(60, 200, 3), 25, (side, side, 3)), 0, 255).astype(np.uint8)
    colour = [int(value) for value in rng.integers(0, 256, 3)]
    centre, size = rng.uniform(0.35, 0.65, 2) * side, rng.uniform(0.12, 0.33) * side
    turn = rng.uniform(0, 2 * np.pi)
    if shape in ("circle", "ring"):
        line = -1 if shape == "circle" else max(2, int(size / 4))
        cv2.circle(picture, [int(value) for value in centre], int(size), colour, line, cv2.LINE_AA)
        return picture
    angles = turn + np.arange(3 if shape == "triangle" else 4) * 2 * np.pi / (3 if shape == "triangle" else 4)
    corners = centre + size * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    if shape == "cross":
        for one, other in (corners[::2], corners[1::2]):
            ends = [[int(value) for value in end] for end in (one, other)]
            cv2.line(picture, ends[0], ends[1], colour, max(2, int(size / 4)), cv2.LINE_AA)
        return picture
    cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)
    return picture


def embed(pictures: Pictures, backend: Backend) -> NDArray[np.float16]:
    """(N, K) as a scan stores them."""
    height, width = backend.card.input_size
    starts = range(0, len(pictures.labels), BATCH)
    rows = []
    for start in PROGRESS.track(starts, len(starts), f"{pictures.name}, {backend.card.name}"):
        numbers = range(start, min(start + BATCH, len(pictures.labels)))
        images = np.stack([pictures.pixels(number, height, width) for number in numbers])
        rows.append(backend.forward(images).embedding)
    return np.concatenate(rows).astype(np.float16)


def embed_weakly(pictures: Pictures, folder: Path) -> NDArray[np.float16]:
    """(N, 256) means of the maps that the second stage ends in."""
    backend = load_backend(folder)
    layers = open_layers(backend)
    layer = next(layer for layer in layers.layers if WEAK_LAYER in layer.name)
    height, width = backend.card.input_size
    numbers = range(len(pictures.labels))
    rows = [
        layers.activations(pictures.pixels(number, height, width), [layer])[0].mean(axis=(0, 1))
        for number in PROGRESS.track(numbers, len(numbers), f"{pictures.name}, {WEAK_LAYER}")
    ]
    return np.stack(rows).astype(np.float16)


def embed_nothing(pictures: Pictures, seed: int) -> NDArray[np.float16]:
    """(N, 512) random numbers."""
    return np.random.default_rng(seed).normal(size=(len(pictures.labels), 512)).astype(np.float16)


def kept(path: Path, make: Callable[[], NDArray[np.float16]]) -> NDArray[np.float16]:
    """An array that is computed once and then read from its file."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, make())
    return np.asarray(np.load(path))


def most_similar(embeddings: NDArray[np.float16], pictures: Pictures) -> NDArray[np.intp]:
    """(C,) the class that each is most often confused with, by the probe on the true labels."""
    folds = assign_folds(pictures.contents)
    found = out_of_fold(embeddings, pictures.labels, folds, pictures.classes).probabilities
    confusions = np.zeros((pictures.classes,) * 2)
    np.add.at(confusions, pictures.labels, np.nan_to_num(found))
    confusions += confusions.T
    np.fill_diagonal(confusions, -1)
    return np.asarray(confusions.argmax(axis=1), np.intp)


def change(
    pictures: Pictures, rate: float, similar: NDArray[np.intp] | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Labels of which a share is changed, to any other class or to the most similar one."""
    given = pictures.labels.copy()
    rows = rng.permutation(len(given))[: round(rate * len(given))]
    any_other = (given[rows] + rng.integers(1, pictures.classes, len(rows))) % pictures.classes
    given[rows] = any_other if similar is None else similar[given[rows]]
    return given


def measure(
    model: str,
    embeddings: NDArray[np.float16],
    pictures: Pictures,
    rate: float,
    similar: NDArray[np.intp] | None,
    seeds: Sequence[int],
) -> Cell:
    """One cell: labels are changed again for each seed; everything else is the verdict of a scan."""
    found = []
    folds = assign_folds(pictures.contents)
    for seed in seeds:
        given = change(pictures, rate, similar, np.random.default_rng([seed, round(1000 * rate)]))
        probe = out_of_fold(embeddings, given, folds, pictures.classes)
        verdict = decide(probe.probabilities, given, pictures.contents, probe.relearn)
        wrong, flagged = given != pictures.labels, verdict.issues.flagged
        low, middle, high = verdict.issues.expected_errors
        hit, power = int((wrong & flagged).sum()), verdict.power
        found.append(
            (
                wrong.sum(), verdict.can_judge, round(low) <= wrong.sum() <= round(high), low, middle, high,
                flagged.sum(), hit, hit / max(wrong.sum(), 1),
                power.share if power else 0.0, power.skill if power else 0.0,
            )
        )  # fmt: skip
    mean = np.mean(np.array(found, dtype=float), axis=0)
    mean[7] /= max(mean[6], 1e-9)                               # precision: of all flags in all changes
    kind = "similar" if similar is not None else "any"
    return Cell(
        model, pictures.name, kind, rate, int(mean[0]), bool(mean[1] > 0.5), float(mean[2]),
        *(float(value) for value in mean[3:]),
    )  # fmt: skip


def cells(
    embeddings: dict[tuple[str, str], NDArray[np.float16]], sets: Sequence[Pictures], seed: int, repeats: int
) -> Iterator[Cell]:
    """All cells, each printed when it is done."""
    print(f"{'model':10}{'pictures':14}{'changed':>14}{'wrong':>7}{'judged':>8}{'flagged':>9}{'precision':>11}"
          f"{'recall':>8}{'power':>7}{'skill':>7}   interval")
    for pictures in sets:
        similar = most_similar(embeddings["bundled", pictures.name], pictures) if pictures.classes > 2 else None
        for model in dict.fromkeys(model for model, _ in embeddings):
            for rate in REPEATS:
                for to in (None, similar) if similar is not None and rate >= 0.01 else (None,):
                    seeds = range(seed, seed + min(repeats, REPEATS[rate]))
                    cell = measure(model, embeddings[model, pictures.name], pictures, rate, to, seeds)
                    interval = f"{cell.low:.0f} .. {cell.middle:.0f} .. {cell.high:.0f}" if cell.judged else "no claim"
                    inside = "" if not cell.judged or cell.inside == 1 else f"  ({cell.inside:.0%} inside)"
                    print(f"{model:10}{pictures.name:14}{rate:>6.0%} {cell.kind:>7}{cell.wrong:>7}"
                          f"{'yes' if cell.judged else 'no':>8}{cell.flagged:>9.1f}{cell.precision:>11.2f}"
                          f"{cell.recall:>8.2f}{cell.power:>7.2f}{cell.skill:>7.2f}   {interval}{inside}", flush=True)
                    yield cell


def report(found: Sequence[Cell]) -> bool:
    """Prints what must hold, with what was measured; returns whether all of it does."""
    claimed = [cell for cell in found if cell.judged]
    inside = float(np.mean([cell.inside for cell in claimed])) if claimed else 1.0
    clean = max((cell.flagged / 1 for cell in found if not cell.rate), default=0.0)
    sure = [cell for cell in found if cell.flagged >= 20]
    precision = min((cell.precision for cell in sure), default=1.0)
    bundled = [cell for cell in found if (cell.model, cell.pictures) == ("bundled", "ImageWoof") and cell.rate >= 0.05]
    recall = min((cell.recall for cell in bundled if cell.kind == "any"), default=0.0)
    similar = [cell.recall for cell in bundled if cell.kind == "similar"]
    random = sum(cell.flagged + cell.judged for cell in found if cell.model == "random")
    gaps = [(cell.power - cell.recall, cell) for cell in claimed if cell.rate and cell.kind == "any"]
    widest = max((abs(gap) for gap, _ in gaps), default=0.0)
    lines = (
        ("truth inside the interval, share of claims", f"{inside:.3f} of {len(claimed)} cells", inside >= 0.95),
        ("most clean labels flagged", f"{clean:.0f}", all(
            cell.flagged <= 0.01 * cell.wrong or cell.flagged <= 0.01 * 1500 for cell in found if not cell.rate)),
        ("lowest precision where 20 or more are flagged", f"{precision:.2f} of {len(sure)} cells", precision >= 0.8),
        ("lowest recall, bundled, ImageWoof, 5 and 25 % to any class", f"{recall:.2f}", recall >= 0.9),
        ("claims made of random numbers", f"{random:.0f}", random == 0),
        ("widest gap between power and recall, to any class", f"{widest:.3f}, mean "
         f"{float(np.mean([gap for gap, _ in gaps])) if gaps else 0.0:+.3f}", widest <= 0.05),
    )
    print()
    for what, value, holds in lines:
        print(f"{what:62}{value:>26}   {'holds' if holds else 'DOES NOT HOLD'}")
    print(f"{'recall, bundled, ImageWoof, 5 and 25 % to the similar class':62}"
          f"{', '.join(f'{value:.2f}' for value in similar):>26}")
    return all(holds for *_, holds in lines)


def main() -> int:
    """Embeds, measures, prints; 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="holds imagewoof-128 and dogs-vs-cats-160")
    parser.add_argument("--mobilenet", type=Path, help="the ONNX file")
    parser.add_argument("--images", type=int, default=3000, help="of each set")
    parser.add_argument("--seed", type=int, default=0, help="of draw and changes")
    parser.add_argument("--repeats", type=int, default=4, help="changes of the labels that are averaged at most")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "auditor-verdict")
    options = parser.parse_args()
    sets = (
        photographs("ImageWoof", options.data / "imagewoof-128" / "train", options.images, options.seed),
        photographs("dogs-vs-cats", options.data / "dogs-vs-cats-160", options.images, options.seed),
        shapes(options.images, options.seed),
    )
    embeddings: dict[tuple[str, str], NDArray[np.float16]] = {}
    bundled = load_backend(bundled_model())
    models: dict[str, Callable[[Pictures], NDArray[np.float16]]] = {"bundled": partial(embed, backend=bundled)}
    if options.mobilenet:
        models["MobileNet"] = partial(embed, backend=load_backend(options.mobilenet))
    models["weak"] = partial(embed_weakly, folder=bundled_model())
    models["random"] = partial(embed_nothing, seed=options.seed)
    for model, make in models.items():
        version = bundled.sha256[:8] if model in ("bundled", "weak") else "1"
        for pictures in sets:
            name = f"{model}-{version}-{pictures.name}-{options.images}-{options.seed}.npy"
            embeddings[model, pictures.name] = kept(options.cache / name, partial(make, pictures))
    return 0 if report(list(cells(embeddings, sets, options.seed, options.repeats))) else 1


if __name__ == "__main__":
    sys.exit(main())
