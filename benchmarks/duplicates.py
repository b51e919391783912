"""Copies: what a scan finds of known, altered and leaked ones, beside imagededup, and what a million images cost.

    python -m benchmarks.duplicates known --images FOLDER [--pairs FILE.csv] [--sheet FILE.png]
    python -m benchmarks.duplicates altered --images FOLDER [--count 1000] [--no-features]
    python -m benchmarks.duplicates leakage --images FOLDER
    python -m benchmarks.duplicates scale [--count 100000 1000000]

`known`: all pairs of the table are found, and every further pair is listed and drawn, to be looked at. `altered`: so
many photographs and altered copies of them; of a peer, the recall at the largest distance at which 99 % of the pairs
that it finds are copies. `leakage`: copies are planted between train and val. `scale`: drawn miniatures and their
hashes, without a file, through candidates and groups; each number in a process of its own.
imagededup is compared with where it is installed; its CNN needs weights from the network.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import auditor
from auditor.backends import load_backend
from auditor.checks.copies import Copies
from auditor.data.sample import Sample
from auditor.data.sources import stated_dataset
from auditor.duplicates.candidates import find_candidates
from auditor.duplicates.copies import find_copies
from auditor.duplicates.grouping import stars
from auditor.engines import LocalEngine, Outcomes, Task
from auditor.images.decoding import decode
from auditor.images.perceptual_hash import FREQUENCIES, MINIATURE_SIDE, hash_miniatures
from auditor.resources import bundled_model
from auditor.settings import Limits, Settings

PRECISION = 0.99
HASHES = ("PHash", "DHash", "AHash", "WHash")
EXACT = REENCODED = 30                          # planted between two splits
COPIED = 20                                     # one of so many drawn miniatures has a copy

Pixels = NDArray[np.uint8]
Pair = tuple[int, int]


def jpeg_50(picture: Image.Image) -> Image.Image:
    """The same size, saved as JPEG of quality 50."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    return Image.open(buffer).convert("RGB")


def half_size(picture: Image.Image) -> Image.Image:
    """Half the width and the height."""
    return picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.LANCZOS)


def crop(picture: Image.Image) -> Image.Image:
    """5 % off every side."""
    across, down = round(picture.width * 0.05), round(picture.height * 0.05)
    return picture.crop((across, down, picture.width - across, picture.height - down))


def border(picture: Image.Image) -> Image.Image:
    """A black border of 5 % of the longer side."""
    wide = round(max(picture.size) * 0.05)
    framed = Image.new("RGB", (picture.width + 2 * wide, picture.height + 2 * wide))
    framed.paste(picture, (wide, wide))
    return framed


def brighter(picture: Image.Image) -> Image.Image:
    """Every value times 1.2."""
    return picture.point(lambda value: min(255, round(value * 1.2)))


def mirrored(picture: Image.Image) -> Image.Image:
    """Left and right exchanged."""
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


ALTERATIONS: dict[str, tuple[Callable[[Image.Image], Image.Image], float]] = {  # and the recall that is wanted
    "JPEG quality 50": (jpeg_50, 0.99),
    "half size": (half_size, 0.99),
    "crop 5 %": (crop, 0.95),
    "border": (border, 0.95),
    "brightness +20 %": (brighter, 0.98),
    "mirrored": (mirrored, 0.95),
}


def described(samples: Sequence[Sample]) -> Outcomes:
    """The pixel pass without a model."""
    return Outcomes.collect(LocalEngine().run(samples, Task(None, describe=True)), samples)


def listed(copies: Copies) -> list[Pair]:
    """The pairs as rows."""
    return list(zip(copies.centre.tolist(), copies.copy.tolist(), strict=True))


def known(images: str, table: Path, sheet: Path | None) -> bool:
    """All pairs of a table, and what else was found."""
    samples = stated_dataset(Settings.load(data=images, no_model=True)).samples
    started = time.perf_counter()
    outcomes = described(samples)
    between = time.perf_counter()
    copies = find_copies(outcomes, Limits())
    ended = time.perf_counter()
    row = {sample.file: number for number, sample in enumerate(outcomes.samples)}
    with table.open(newline="") as lines:
        wanted = {tuple(sorted((row[line["file_a"]], row[line["file_b"]]))) for line in csv.DictReader(lines)}
    found = [(min(pair), max(pair)) for pair in listed(copies)]
    further = [pair for pair in found if pair not in wanted]
    hit = len(wanted & set(found))
    print(f"{len(samples)} images, {len(wanted)} known pairs: {hit} found, {len(further)} further pairs")
    print(f"find_copies takes {(ended - between) / (between - started):.1%} of the time of a pass without a model")
    for one, other in further:
        print(f"    {outcomes.samples[one].file}  {outcomes.samples[other].file}")
    if sheet is not None:
        draw_sheet(sheet, [(outcomes.samples[one], outcomes.samples[other]) for one, other in further])
    return wanted <= set(found)


def draw_sheet(path: Path, pairs: Sequence[tuple[Sample, Sample]], side: int = 150, columns: int = 4) -> None:
    """Pairs side by side, to be looked at."""
    rows = max(1, -(-len(pairs) // columns))
    sheet = Image.new("RGB", (columns * (2 * side + 14), rows * (side + 6)), (0, 90, 0))
    for place, pair in enumerate(pairs):
        for half, sample in enumerate(pair):
            small = Image.fromarray(decode(sample.read_bytes()).pixels)
            small.thumbnail((side, side))
            sheet.paste(small, (place % columns * (2 * side + 14) + half * side, place // columns * (side + 6)))
    sheet.save(path)


def altered(images: str, count: int, features: bool) -> bool:
    """Recall and precision of each alteration, and those of the peers."""
    samples = list(stated_dataset(Settings.load(data=images, no_model=True)).samples)
    chosen = np.random.default_rng(0).permutation(len(samples))
    distinct = without_copies([samples[row] for row in chosen[: count + count // 5]])[:count]
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        originals = write(root / "original", distinct, lambda picture: picture)
        print(f"{count} photographs; recall at precision {PRECISION}, of auditor as it is with its precision")
        for name, (alter, wanted) in ALTERATIONS.items():
            pool = [*originals, *write(root / name.replace(" ", "-"), distinct, alter)]
            ours = {(min(pair), max(pair)) for pair in listed(find_copies(described(pool), Limits()))}
            right = {(row, row + count) for row in range(count)}
            recall, precision = len(ours & right) / count, len(ours & right) / max(1, len(ours))
            passed &= recall >= wanted and precision >= PRECISION
            scores = " ".join(f"{peer} {value:.3f}" for peer, value in peers(pool, count, features))
            print(f"{name:18} auditor {recall:.3f} (precision {precision:.4f}, wanted {wanted}) {scores}", flush=True)
    return passed


def without_copies(samples: Sequence[Sample]) -> list[Sample]:
    """Samples of which none is a copy of another."""
    copies = find_copies(described(samples), Limits())
    left = {sorted(samples, key=lambda sample: sample.file)[row].file for row in copies.copy.tolist()}
    return [sample for sample in samples if sample.file not in left]


def write(folder: Path, samples: Sequence[Sample], alter: Callable[[Image.Image], Image.Image]) -> list[Sample]:
    """Altered pictures as files, without another loss."""
    folder.mkdir()
    written = []
    for number, sample in enumerate(samples):
        picture = alter(Image.fromarray(decode(sample.read_bytes()).pixels))
        path = folder / f"{number:05}.png"
        picture.save(path, compress_level=1)
        # The originals come first in the order of the files.
        written.append(Sample(str(path), f"{'a' if folder.name == 'original' else 'b'}/{path.name}", None, None))
    return written


def peers(pool: Sequence[Sample], count: int, features: bool) -> Iterator[tuple[str, float]]:
    """Each peer's recall at the largest distance that keeps the precision."""
    if features:
        embeddings = backbone(pool)
        yield "cosine of our backbone", recall_at(1 - embeddings @ embeddings.T, count)
    try:
        from imagededup import methods  # type: ignore[import-not-found]
    except ImportError:
        yield "(imagededup is not installed)", np.nan
        return
    for name in HASHES:
        hasher = getattr(methods, name)(verbose=False)
        codes = [hasher.encode_image(sample.where) for sample in pool]
        bits = np.unpackbits(np.array([np.frombuffer(bytes.fromhex(code), np.uint8) for code in codes]), axis=1)
        signs = bits.astype(np.float32) * 2 - 1
        yield name, recall_at((signs.shape[1] - signs @ signs.T) / 2, count)


def backbone(pool: Sequence[Sample]) -> NDArray[np.float32]:
    """(n, K) features of the bundled model, as unit vectors: what imagededup's CNN compares is the cosine."""
    outcomes = Outcomes.collect(LocalEngine().run(pool, Task(load_backend(bundled_model()))), pool)
    values = outcomes.embeddings.astype(np.float32)
    unit: NDArray[np.float32] = values / np.linalg.norm(values, axis=1, keepdims=True)
    return unit


def recall_at(distance: NDArray[np.floating], count: int) -> float:
    """Share of the copies (row, row + count) found at the largest distance with that precision of all pairs."""
    one, other = np.triu_indices(len(distance), 1)
    far, right = distance[one, other], other - one == count
    nearest = np.argpartition(far, 20 * count)[: 20 * count]
    order = nearest[np.argsort(far[nearest], kind="stable")]
    far, hits = far[order], right[order].cumsum()
    last = np.append(far[1:] != far[:-1], True)                 # pairs at one distance are found together
    good = last & (hits >= PRECISION * np.arange(1, len(hits) + 1))
    return float(hits[good].max() / count) if good.any() else 0.0


def leakage(images: str) -> bool:
    """Copies of train images planted in val, and what leaks there already."""
    samples = stated_dataset(Settings.load(data=images, no_model=True)).samples
    train = [sample for sample in samples if sample.split == "train"]
    chosen = np.random.default_rng(0).permutation(len(train))[: EXACT + REENCODED]
    with tempfile.TemporaryDirectory() as folder:
        root, planted = Path(folder), {}
        for sample in samples:
            path = root / sample.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(sample.read_bytes())
        for number, row in enumerate(chosen.tolist()):
            source = train[row]
            data = source.read_bytes()
            path = root / "val" / (source.label or "") / f"planted-{number}{Path(source.file).suffix}"
            if number < EXACT:
                path.write_bytes(data)
            else:
                path = path.with_suffix(".jpg")
                Image.fromarray(decode(data).pixels).save(path, quality=70)
            planted[path.relative_to(root).as_posix()] = source.file
        audit = auditor.scan(root, no_model=True, rules="conflicting_labels,split_leakage")
    pairs = {frozenset((found.file or "", other)): found.rule for found in audit.findings for other in found.related}
    hit = sum(frozenset(pair) in pairs for pair in planted.items())
    own = [pair for pair, rule in pairs.items() if not pair & set(planted) and rule == "split_leakage"]
    print(f"{len(planted)} planted leaks: {hit} found; of the data set's own: {len(own)}")
    for pair in own:
        print("    " + "  ".join(sorted(pair)))
    return hit == len(planted)


def scale(counts: Sequence[int]) -> bool:
    """Seconds, memory, and the exponent of time over the number of images."""
    taken = []
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.duplicates", "one-scale", "--count", str(count)]
        line = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        taken.append(line["cpu_seconds"])
        print(
            f"{count} images: {line['seconds']:.0f} s ({line['cpu_seconds']:.0f} s of processors), "
            f"{line['megabytes']:.0f} MB, {line['recall']:.4f} of the copies are candidates, {line['further']} others",
            flush=True,
        )
    if len(counts) < 2:
        return True
    exponent = float(np.log(taken[-1] / taken[0]) / np.log(counts[-1] / counts[0]))
    print(f"exponent of the time over the number of images: {exponent:.2f}")
    return exponent < 1.2


def one_scale(count: int) -> None:
    """One number of images: drawn miniatures, their spectrum that of photographs, a few of them with a copy."""
    import resource

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        shape = count, MINIATURE_SIDE, MINIATURE_SIDE
        miniatures = np.lib.format.open_memmap(Path(folder) / "miniatures.npy", "w+", np.uint8, shape)
        hashes = np.empty((count, 4), np.uint64)
        frequency = np.hypot(*np.indices((FREQUENCIES, FREQUENCIES)))
        copied = count // COPIED
        for start in range(0, count, 8192):
            rows = range(start, min(start + 8192, count))
            for row in rows:
                waves = np.zeros(shape[1:], np.float32)
                waves[:FREQUENCIES, :FREQUENCIES] = rng.normal(0, 1000, frequency.shape) / np.maximum(frequency, 1)
                miniatures[row] = np.clip(cv2.idct(waves) + 128, 0, 255)
                if row >= count - copied:
                    miniatures[row] = np.clip(miniatures[row - count + copied] + rng.normal(0, 4, shape[1:]), 0, 255)
            hashes[rows.start : rows.stop] = hash_miniatures(miniatures[rows.start : rows.stop])
        started, processors = time.perf_counter(), time.process_time()
        candidates = find_candidates(np.arange(count), hashes, miniatures)
        close = (1 - candidates.distance / 256).astype(np.float32)
        stars(candidates.first, candidates.second, close, np.ones(count, np.int_))
        seconds, processors = time.perf_counter() - started, time.process_time() - processors
    right = int((candidates.second - candidates.first == count - copied).sum())
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({
        "seconds": seconds, "cpu_seconds": processors, "megabytes": megabytes, "recall": right / copied,
        "further": len(candidates) - right,
    }))  # fmt: skip


def main() -> None:
    """Runs one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("known", "altered", "leakage", "scale", "one-scale"))
    parser.add_argument("--images", help="a folder of images")
    parser.add_argument("--pairs", type=Path, default=Path("../shared/data/dogs-vs-cats-duplicates.csv"))
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--count", type=int, nargs="+")
    parser.add_argument("--no-features", action="store_true")
    given = parser.parse_args()
    if given.what == "one-scale":
        one_scale(given.count[0])
        return
    if given.what == "scale":
        passed = scale(given.count or (100_000, 1_000_000))
    elif given.images is None:
        parser.error(f"{given.what} needs --images")
    elif given.what == "known":
        passed = known(given.images, given.pairs, given.sheet)
    elif given.what == "altered":
        passed = altered(given.images, (given.count or [1000])[0], not given.no_features)
    else:
        passed = leakage(given.images)
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
