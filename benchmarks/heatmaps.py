"""Whether heatmaps are faithful: removal of the cells that they call hot, mosaics of two classes; and their cost.

    python benchmarks/heatmaps.py [--photos FOLDER|FILE.tar] [--model FOLDER|FILE.onnx] [--images N] [--part PART]
    python benchmarks/heatmaps.py --part breeds --breeds FOLDER [--images N]

The photographs are `data/dogs-vs-cats-160.tar` of the folder that AUDITOR_SHARED names, or of `../shared` beside the
repository, or that file unpacked; without those that the model was trained on, that people found faulty, or that are
duplicates. Draw, random maps, noise and intervals are the same in every run. docs/heatmaps.md explains the measures.
All parts are some 50,000 passes through the model: half an hour with the bundled int8 file on two idle cores.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.backends import load_backend
from auditor.backends.base import Backend, Forward
from auditor.backends.class_match import match_model
from auditor.backends.head import Head
from auditor.data.sample import Sample
from auditor.engines import LocalEngine, Task
from auditor.engines.steps import ALL_MAPS_UP_TO, TOP_MAPS
from auditor.heatmaps.grad_cam import class_heatmaps, contrast_heatmap, evidence_maps, scale
from auditor.heatmaps.occlusion import occlusion_maps
from auditor.progress import TerminalProgress
from auditor.resources import bundled_model
from auditor.settings import Settings
from benchmarks.heatmap_breeds import BATCH, CENTRE, RANDOM, breeds
from benchmarks.heatmap_metrics import (
    STEPS,
    bootstrap,
    centre_blob,
    mosaic,
    pointing_share,
    print_removal,
    removal_curves,
    right_share,
    verdict,
)
from benchmarks.photographs import CLASSES, Photo, draw, faulty_files

GRAD_CAM, OCCLUSION, OTHER = "Grad-CAM", "occlusion", "Grad-CAM of another photograph"
CONTRAST = "contrast, class minus other"
OCCLUDED = 100                          # mosaics that occlusion is tried on; it takes 50 passes for each
COST_IMAGES, COST_REPEATS, MOST_COST = 128, 7, 0.03
PROGRESS = TerminalProgress()


@dataclass(frozen=True)
class Model:
    """A classifier with a head behind global average pooling, and which of its classes are cats and dogs.

    Attributes:
        backend, head: The classifier.
        folder_of: (C,) for each model class the index of `CLASSES`, -1 where it is neither.
    """

    backend: Backend
    head: Head
    folder_of: NDArray[np.intp]

    @property
    def side(self) -> tuple[int, int]:
        """(height, width) of its input."""
        return self.backend.card.input_size

    def grad_cam(self, forward: Forward, classes: NDArray[np.intp]) -> NDArray[np.float32]:
        """(B, n) classes -> (B, n, h, w)."""
        return class_heatmaps(_features(forward), self.head.jacobian(forward.embedding, classes))

    def contrast(self, forward: Forward, classes: NDArray[np.intp]) -> NDArray[np.float32]:
        """(B, 2) classes -> (B, 2, h, w): each one minus the other, signed."""
        first, second = np.moveaxis(self.head.jacobian(forward.embedding, classes), 1, 0)      # (B, K) each
        maps = contrast_heatmap(_features(forward), first, second)                             # (B, h, w)
        return np.stack([maps, -maps], axis=1)

    def animals(self, probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
        """(B, C) -> (B, 2): the most probable cat and the most probable dog."""
        columns = [np.flatnonzero(self.folder_of == label) for label in range(len(CLASSES))]
        return np.stack([own[probabilities[:, own].argmax(axis=1)] for own in columns], axis=1)


def faithfulness(model: Model, photos: Sequence[Photo]) -> bool:
    """ROAD on photographs; returns whether Grad-CAM is significantly better than random."""
    images = np.stack([photo.pixels(model.side) for photo in photos])
    forwards = [model.backend.forward(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
    predicted = np.concatenate([forward.probabilities.argmax(axis=1) for forward in forwards])              # (N,)
    chosen = np.split(predicted[:, None], range(BATCH, len(images), BATCH))
    cams = np.concatenate([model.grad_cam(*each)[:, 0] for each in zip(forwards, chosen, strict=True)])     # (N, h, w)
    labels = np.array([photo.label for photo in photos])
    curves: dict[str, list[NDArray[np.floating]]] = {}
    for row in PROGRESS.track(range(len(images)), len(images), "removing cells"):
        rng, target = np.random.default_rng([7, row]), int(predicted[row])
        other = cams[(row + 2) % len(cams)]                     # they alternate: a photograph of the same class
        heats = heats_of(model, images[row], target, cams[row], other, rng)

        def answer(changed: NDArray[np.uint8], target: int = target) -> NDArray[np.float32]:
            return model.backend.forward(changed).probabilities[:, target]

        for name, curve in removal_curves(answer, images[row], heats, rng, BATCH).items():
            curves.setdefault(name, []).append(curve)
    right, (height, width) = float((model.folder_of[predicted] == labels).mean()), cams.shape[1:]
    print(f"\nROAD: {len(cams)} photographs, {right:.1%} predicted right, {height} x {width} cells, {STEPS} steps")
    stacked = {name: np.stack(found) for name, found in curves.items()}
    scores = print_removal(stacked, GRAD_CAM, RANDOM, height * width)
    margin = bootstrap(scores[GRAD_CAM] - scores[RANDOM])
    return verdict(margin.low > 0, f"Grad-CAM minus random {margin}, wanted above 0")


def heats_of(
    model: Model,
    image: NDArray[np.uint8],
    target: int,
    cam: NDArray[np.float32],
    other: NDArray[np.float32],
    rng: np.random.Generator,
) -> dict[str, NDArray[np.floating]]:
    """Method -> heatmap (h, w) of the target class."""
    return {
        GRAD_CAM: cam,
        OCCLUSION: occlusion_maps(model.backend, image[None], np.array([[target]]), cam.shape[0])[0, 0],
        OTHER: other,
        CENTRE: centre_blob(cam.shape[0]),
        RANDOM: rng.random(cam.shape),
    }


def mosaics(model: Model, photos: Sequence[Photo]) -> bool:
    """Heat in the right quarters of 2x2 mosaics; returns whether Grad-CAM's is significantly above one half."""
    count = len(photos) // 4
    shares: dict[str, list[NDArray[np.floating]]] = {}          # each (2, 2), as `mosaic_shares` has it
    silent = 0
    for number in PROGRESS.track(range(count), count, "mosaics"):
        found, cold = mosaic_shares(model, photos[4 * number : 4 * number + 4], number)
        silent += cold
        for name, share in found.items():
            shares.setdefault(name, []).append(share)
    return _print_mosaics({name: np.stack(found) for name, found in shares.items()}, silent, model.side)


def mosaic_shares(model: Model, four: Sequence[Photo], number: int) -> tuple[dict[str, NDArray[np.floating]], int]:
    """For every method (2, 2): share and pointing share of the cat and the dog map; and how many maps have no heat."""
    rng = np.random.default_rng([11, number])
    places = rng.permutation(4)
    image = mosaic([photo.pixels(model.side) for photo in four], places.tolist(), model.side)[None]
    label_at = np.array([photo.label for photo in four])[np.argsort(places)]                   # (4,) by place
    right = np.stack([label_at == label for label in range(2)]).reshape(2, 2, 2)               # (class, 2, 2)
    forward = model.backend.forward(image)
    classes = model.animals(forward.probabilities)              # (1, 2)
    cam = model.grad_cam(forward, classes)[0]                   # (2, h, w)
    heats = {GRAD_CAM: cam, CONTRAST: model.contrast(forward, classes)[0]}
    if number < OCCLUDED:
        heats[OCCLUSION] = occlusion_maps(model.backend, image, classes, cam.shape[1])[0]
    heats[CENTRE] = np.broadcast_to(centre_blob(cam.shape[1]), cam.shape)
    heats[RANDOM] = rng.random(cam.shape)
    shares = {name: np.stack([right_share(heat, right), pointing_share(heat, right)]) for name, heat in heats.items()}
    return shares, int((cam.max(axis=(-2, -1)) == 0).sum())


def _print_mosaics(shares: dict[str, NDArray[np.floating]], silent: int, side: tuple[int, int]) -> bool:
    """Prints shares (N, 2, 2) of every method."""
    count = len(shares[GRAD_CAM])
    print(f"\nMosaics: {count} of two cats and two dogs, {side[0]} x {side[1]} pixels")
    print(f"{silent} of {2 * count} Grad-CAM maps are cold all over, and count as .5")
    print("share of the positive heat in the quarters of the right class: mean [95 % interval]")
    print(f"  {'':32}{'n':>5}  {'cat':24}{'dog':24}{'both':24}{'hottest cell, both':24}")
    for name, found in shares.items():
        share, hottest = found[:, 0], found[:, 1]               # (N, 2) each
        columns = (share[:, 0], share[:, 1], share.mean(axis=1), hottest.mean(axis=1))
        print(f"  {name:32}{len(share):>5}  " + "".join(f"{bootstrap(column)!s:24}" for column in columns))
    reached = bootstrap(shares[GRAD_CAM][:, 0].mean(axis=1))
    return verdict(reached.low > 0.5, f"Grad-CAM {reached}, wanted above .5")


def cost(model: Model, photos: Sequence[Photo]) -> bool:
    """Heatmaps of all images beside the pass of a scan that makes them; returns whether they take little of it."""
    batch = Settings(data="").batch_size
    samples = [Sample(str(photo.path), photo.path.name, CLASSES[photo.label], None) for photo in photos[:COST_IMAGES]]
    forward = model.backend.forward(np.stack([photo.pixels(model.side) for photo in photos[:batch]]))
    count = forward.probabilities.shape[1]
    kept = count if count <= ALL_MAPS_UP_TO else TOP_MAPS
    classes = np.argsort(-forward.probabilities, axis=1)[:, :kept]                             # (B, n)
    as_computed = np.ascontiguousarray(np.moveaxis(_features(forward), -1, 1))                 # (B, K, h, w)

    def whole() -> None:
        for _ in LocalEngine().run(samples, Task(model.backend, batch_size=batch)):
            pass

    def heatmaps() -> None:
        features = np.ascontiguousarray(np.moveaxis(as_computed, 1, -1))                       # maps need this layout
        scale(evidence_maps(features, model.head.jacobian(forward.embedding, classes))).astype(np.float16)

    per_pass = _median(whole, COST_REPEATS) / len(samples)
    per_map = _median(heatmaps, 10 * COST_REPEATS) / len(classes)
    share = per_map / per_pass
    print(f"\nCost: {len(samples)} photographs, batches of {batch}, medians of {COST_REPEATS} and {10 * COST_REPEATS}")
    print(f"  whole pass (read, decode, model, heatmaps)        {1000 * per_pass:8.2f} ms an image")
    print(f"  heatmaps of {classes.shape[1]:4} classes                          {1000 * per_map:8.2f} ms an image")
    return verdict(share < MOST_COST, f"ratio {share:.2%} of the pass, wanted under {MOST_COST:.0%}")


def _median(run: Callable[[], None], repeats: int) -> float:
    """Median seconds of a run, after one that warms up."""
    run()
    seconds = []
    for _ in PROGRESS.track(range(repeats), repeats, "timing"):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def _features(forward: Forward) -> NDArray[np.float32]:
    assert forward.features is not None                         # a model with a head gives them
    return forward.features


def main() -> int:
    """Runs the parts; 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="dogs-vs-cats-160.tar, or the folder it unpacks to")
    parser.add_argument("--model", type=Path, help="model folder or .onnx file; the bundled one by default")
    parser.add_argument("--class-map", help="which model classes are cat and dog, as `auditor scan` takes it")
    parser.add_argument("--images", type=int, default=300, help="photographs, and mosaics (default 300)")
    parser.add_argument("--breeds", type=Path, help="imagewoof-128.tar unpacked, for the part of that name")
    parts = {"faithfulness": faithfulness, "mosaics": mosaics, "cost": cost}
    of_parts = "one part alone; may be repeated (default: the three about cats and dogs)"
    parser.add_argument("--part", choices=(*parts, "breeds"), action="append", help=of_parts)
    options = parser.parse_args()
    asked = options.part or list(parts)
    if "breeds" in asked and options.breeds is None:
        parser.error("--part breeds needs --breeds, the folder that imagewoof-128.tar unpacks to")
    backend = load_backend(options.model or bundled_model())
    print(f"{backend.card.name}, {backend.kind} on {backend.device}, sha256 {backend.sha256[:12]}", flush=True)
    shown = [breeds(backend, options.breeds, options.images, PROGRESS)] if "breeds" in asked else []
    if set(asked) == {"breeds"}:
        return 0 if all(shown) else 1
    shared = Path(os.environ.get("AUDITOR_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    source = options.photos or shared / "data" / "dogs-vs-cats-160.tar"
    if not source.exists() or not shared.is_dir():
        sys.exit(f"no photographs at {source}, or no {shared}. Set AUDITOR_SHARED to the folder that holds `data`.")
    backend, match = match_model(backend, CLASSES, options.class_map)
    if backend.head is None or not match.complete:
        sys.exit(f"{backend.card.name}: {backend.no_head or 'it has no class for ' + ' and '.join(match.missing)}")
    model = Model(backend, backend.head, match.folder_of)
    with tempfile.TemporaryDirectory() as scratch:
        photos = draw(source, 2 * options.images, backend.card, faulty_files(shared), Path(scratch))
        few = photos[: options.images // 2 * 2]
        chosen = {"faithfulness": few, "mosaics": photos, "cost": few}
        shown += [parts[name](model, chosen[name]) for name in parts if name in asked]
    return 0 if all(shown) else 1


if __name__ == "__main__":
    sys.exit(main())
