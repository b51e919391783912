"""What the rules about the data set as a whole report where something was planted, and where nothing was.

    python -m benchmarks.set_level --photos FOLDER [--images N] [--classes C] [--seed N]

FOLDER holds photographs in class folders, with splits above them or not. `--images` of each of the first `--classes`
classes are copied, changed and scanned without a model (`auditor scan --no-model`), once for each plant. In a class:
every picture darkened or lightened, framed, stored smaller, in another format or as a poorer JPEG; a mark on 30 % of
the pictures. In a split (one picture in four, drawn at random): all of these that concern the pixels, and the classes
mixed otherwise. Then the bundled model gets a head that can tell two classes by a mark on 30 % of the one only, because
the labels are drawn at random, and what its heatmaps show is looked at.

It prints a line for each plant and how many were reported, and exits with 1 where something was reported on the
untouched photographs.
"""

import argparse
import io
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from auditor.audit import Finding
from auditor.backends import load_backend
from auditor.checks.spurious_correlation import SpuriousCorrelation
from auditor.checks.statistics.places import find_places
from auditor.heatmaps.grad_cam import evidence_maps, heat
from auditor.images.decoding import decode, resize
from auditor.resources import bundled_model
from auditor.scanning.scan import run_scan
from auditor.settings import Settings

RULES = ("class_imbalance", "spurious_correlation", "split_drift")
MARKED = 0.3
VAL = 0.25
BATCH = 16

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, np.random.Generator], Pixels]


@dataclass(frozen=True)
class Photo:
    """One photograph on its way into a planted folder."""

    pixels: Pixels
    label: str
    number: int
    is_val: bool


@dataclass(frozen=True)
class Plant:
    """What is changed in one folder.

    Attributes:
        name: For the table.
        rule: That should report it; "" for none.
        concerns: Which photographs are changed.
        change: Their pixels.
        format, quality: Of their files.
        keep: Which photographs are there at all.
        splits: Whether the folder has splits.
    """

    name: str
    rule: str
    concerns: Callable[[Photo], bool] = lambda photo: False
    change: Change = lambda pixels, rng: pixels
    format: str = "JPEG"
    quality: int = 92
    keep: Callable[[Photo], bool] = lambda photo: True
    splits: bool = False


def scaled(factor: float) -> Change:
    """Darkens."""
    return lambda pixels, rng: (pixels * np.float32(factor)).astype(np.uint8)


def curved(gamma: float) -> Change:
    """Middle greys darker (above 1) or lighter."""
    return lambda pixels, rng: np.rint(255 * (pixels / np.float32(255)) ** gamma).astype(np.uint8)


def smaller(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Half the sides."""
    return resize(pixels, pixels.shape[0] // 2, pixels.shape[1] // 2)


def framed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A coloured frame, 3 % of the shorter side."""
    thick = max(2, round(0.03 * min(pixels.shape[:2])))
    marked = np.empty_like(pixels)
    marked[:] = (200, 160, 40)
    marked[thick:-thick, thick:-thick] = pixels[thick:-thick, thick:-thick]
    return marked


def logo(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A red disc with a white square in it, top left."""
    marked, side = pixels.copy(), min(pixels.shape[:2])
    middle, inner = round(0.14 * side), round(0.04 * side)
    cv2.circle(marked, (middle, middle), round(0.1 * side), (220, 30, 40), -1, cv2.LINE_AA)
    cv2.rectangle(marked, (middle - inner,) * 2, (middle + inner,) * 2, (255, 255, 255), -1)
    return marked


def watermark(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Pale letters through which the picture is seen, bottom right."""
    return _written("(c) PetPix", pixels, (255, 255, 255), 0.75)


def date(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Orange digits that are others in each picture, bottom right."""
    day, month, year = rng.integers(1, 29), rng.integers(1, 13), rng.integers(90, 100)
    return _written(f"'{year} {month:2d} {day:2d}", pixels, (255, 140, 20), 1.0)


def banner(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A dark strip along the bottom with an address in it."""
    marked = pixels.copy()
    marked[-round(0.09 * len(marked)) :] = 10
    return _written("breeder.example", marked, (230, 230, 230), 1.0, start=0.03)


def _written(text: str, pixels: Pixels, colour: tuple[int, int, int], opacity: float, start: float = 0.4) -> Pixels:
    height, width = pixels.shape[:2]
    side = min(height, width)
    layer = pixels.copy()
    place = (round(start * width), height - round(0.03 * height))
    cv2.putText(layer, text, place, cv2.FONT_HERSHEY_SIMPLEX, side / 330, colour, max(1, side // 100), cv2.LINE_AA)
    return np.asarray(cv2.addWeighted(layer, opacity, pixels, 1 - opacity, 0), np.uint8)


def plants(first: str, count: int) -> list[Plant]:
    """All of them, for a class and for a split."""

    def mine(photo: Photo) -> bool:
        return photo.label == first

    def marked(photo: Photo) -> bool:
        return mine(photo) and photo.number % 10 < 10 * MARKED

    def val(photo: Photo) -> bool:
        return photo.is_val

    class_rule, split_rule = "spurious_correlation", "split_drift"
    return [
        Plant("nothing", ""),
        Plant("nothing, with splits", "", splits=True),
        Plant("a class has 4 % of its images", "class_imbalance", keep=lambda photo: not mine(photo)
              or photo.number < 0.04 * count),
        Plant("a class darkened by 30 %", class_rule, mine, scaled(0.7)),
        Plant("a class with gamma 0.6", class_rule, mine, curved(0.6)),
        Plant("a class at half the size", class_rule, mine, smaller),
        Plant("a class stored as PNG", class_rule, mine, format="PNG"),
        Plant("a class stored at JPEG quality 30", class_rule, mine, quality=30),
        Plant("a class with a coloured frame", class_rule, mine, framed),
        Plant("30 % of a class with a logo", class_rule, marked, logo),
        Plant("30 % of a class with a watermark", class_rule, marked, watermark),
        Plant("30 % of a class with a banner", class_rule, marked, banner),
        Plant("30 % of a class with a frame", class_rule, marked, framed),
        Plant("30 % of a class with dates", class_rule, marked, date),
        Plant("val darkened by 20 %", split_rule, val, scaled(0.8), splits=True),
        Plant("val with gamma 1.5", split_rule, val, curved(1.5), splits=True),
        Plant("val stored at JPEG quality 30", split_rule, val, quality=30, splits=True),
        Plant("val at half the size", split_rule, val, smaller, splits=True),
        Plant("val without most of one class", split_rule, splits=True,
              keep=lambda photo: not (photo.is_val and mine(photo) and photo.number % 6)),
    ]  # fmt: skip


def load(folder: Path, classes: int, each: int, seed: int) -> list[Photo]:
    """So many photographs of so many classes, the same every time."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rng = np.random.default_rng(seed)
    taken: Counter[str] = Counter()
    labels = sorted({path.parent.name for path in files})[:classes]
    photos = []
    for place in rng.permutation(len(files)):
        label = files[place].parent.name
        if label in labels and taken[label] < each:
            pixels = decode(files[place].read_bytes()).pixels
            photos.append(Photo(pixels, label, taken[label], bool(rng.random() < VAL)))
            taken[label] += 1
    if len(labels) < 2 or min(taken.values()) < each:
        sys.exit(f"{folder} holds {dict(taken)}; expected {each} of each of two or more classes. See --images.")
    return photos


def write(photos: Sequence[Photo], plant: Plant, root: Path) -> None:
    """The folder of one plant."""
    rng = np.random.default_rng(0)
    for photo in filter(plant.keep, photos):
        concerned = plant.concerns(photo)
        pixels = plant.change(photo.pixels, rng) if concerned else photo.pixels
        kind, quality = (plant.format, plant.quality) if concerned else ("JPEG", 92)
        split = ("val" if photo.is_val else "train") if plant.splits else ""
        path = root / split / photo.label / f"{photo.number:05d}.{'jpg' if kind == 'JPEG' else kind.lower()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, kind, **({"quality": quality} if kind == "JPEG" else {}))
        path.write_bytes(data.getvalue())


def reported(photos: Sequence[Photo], plant: Plant) -> list[Finding]:
    """What a scan says about the data set."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "photos"
        write(photos, plant, root)
        return list(run_scan(Settings.load(data=root, no_model=True, rules=",".join(RULES))).findings)


def evidence(photos: Sequence[Photo], mark: Change | None) -> list[str]:
    """What the heatmaps of a head show that can use nothing but the mark; the labels are drawn at random."""
    backend, rng = load_backend(bundled_model()), np.random.default_rng(0)
    height, width = backend.card.input_size
    labels = rng.integers(0, 2, len(photos))
    marked = (labels == 0) & (rng.random(len(photos)) < MARKED)
    pairs = zip(photos, marked, strict=True)
    changed = (mark(photo.pixels, rng) if on and mark else photo.pixels for photo, on in pairs)
    images = [resize(pixels, height, width) for pixels in changed]
    parts = []
    for start in range(0, len(images), BATCH):
        found = backend.forward(np.stack(images[start : start + BATCH])).features
        assert found is not None                                # the bundled model has them
        parts.append(found.astype(np.float16))
    features = np.concatenate(parts)                                                    # (N, h, w, K)
    pooled = features.mean(axis=(1, 2), dtype=np.float32)                               # (N, K)
    spread = pooled.std(axis=0) + 1e-3
    points = (pooled - pooled.mean(axis=0)) / spread
    kernel = points @ points.T
    penalty = np.trace(kernel) / len(kernel)
    signs = np.where(labels == 0, 1.0, -1.0)
    head = points.T @ np.linalg.solve(kernel + penalty * np.eye(len(kernel)), signs) / spread       # (K,)
    maps = evidence_maps(features, (signs[:, None] * head)[:, None])[:, 0]              # (N, h, w), of the given label
    rule = SpuriousCorrelation()
    places = find_places(heat(maps).astype(np.float16), labels.astype(np.intp), rule.share, rule.significance)
    return [
        f"evidence {place.name} in {place.inside:.0%}, else {place.outside:.1%}; {marked[place.rows].mean():.0%} of "
        "them marked"
        for place in places
    ]


def main() -> None:
    """Scans every plant and prints what was reported."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="photographs in class folders")
    parser.add_argument("--images", type=int, default=300, help="of each class")
    parser.add_argument("--classes", type=int, default=4)
    parser.add_argument("--evidence", type=int, default=400, help="photographs for the heatmaps; 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    photos = load(options.photos, options.classes, options.images, options.seed)
    planted = told = false = 0
    for plant in plants(photos[0].label, options.images):
        found = reported(photos, plant)
        rules = {finding.rule for finding in found}
        planted, told = planted + bool(plant.rule), told + (plant.rule in rules)
        false += bool(rules and not plant.rule)
        print(f"{plant.name}: {'reported' if plant.rule in rules else 'not reported'}", flush=True)
        for finding in found:
            print(f"       {finding.rule} {finding.value:.2f}: {finding.message}", flush=True)
    for name, mark in (("nothing", None), ("logo", logo), ("watermark", watermark)) if options.evidence else ():
        seen = evidence(photos[: options.evidence], mark)
        planted, told, false = planted + bool(mark), told + bool(mark and seen), false + bool(seen and not mark)
        print(f"heatmaps, {name}: {'; '.join(seen) or 'not reported'}", flush=True)
    print(f"{told} of {planted} plants reported; {false} reports where nothing was planted")
    sys.exit(1 if false else 0)


if __name__ == "__main__":
    main()
