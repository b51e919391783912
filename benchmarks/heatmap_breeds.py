"""The probe's heatmaps beside the classifier's own, on breeds of dogs that both tell apart: a part of `heatmaps.py`.

The probe learns a folder's classes from the model's embeddings, and a report shows its heatmaps. The model's ImageNet
head, which was trained on these breeds, uses the same features; so there are two maps of one breed.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend, NamedHead
from auditor.backends.class_match import imagenet_head
from auditor.classes.imagenet import positions, synset_of, synsets
from auditor.heatmaps.grad_cam import evidence_maps, heat
from auditor.labels.probe import Probe, assign_folds, out_of_fold
from auditor.progress import Progress
from benchmarks.heatmap_metrics import (
    bootstrap,
    centre_blob,
    mosaic,
    pointing_share,
    print_removal,
    removal_curves,
    right_share,
    verdict,
)
from benchmarks.photographs import Photo

PROBE, CLASSIFIER = "probe's Grad-CAM", "ImageNet head's Grad-CAM"
PROBE_CONTRAST, CLASSIFIER_CONTRAST = "probe's contrast", "ImageNet head's contrast"
CENTRE, RANDOM = "centre blob", "random"
LEARNED = 2500                          # photographs that the probe is fitted to
BATCH = 20


@dataclass(frozen=True)
class Breeds:
    """A probe of some breeds, and the head that knows them too.

    Attributes:
        backend, head: The model, and its outputs for ImageNet's 1000 classes.
        columns: (C,) for each breed the head's output.
        photos: Those that the probe was fitted to, each judged by a discriminant learned without it.
        others: Photographs that it has never seen.
        embeddings: (N, K) of `photos`.
        probe: Fitted to them.
    """

    backend: Backend
    head: NamedHead
    columns: NDArray[np.intp]
    photos: list[Photo]
    others: list[Photo]
    embeddings: NDArray[np.float32]
    probe: Probe

    def maps(
        self, image: NDArray[np.uint8], row: int, classes: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(1, H, W, 3) and (1, n) breeds -> signed maps (n, h, w): the probe's, as for one row, and the head's.

        If the row is not the image's own, it only selects one of the probe's discriminants.
        """
        forward = self.backend.forward(image)
        assert forward.features is not None                     # a model with two heads gives them
        of_probe = self.probe.feature_weights(np.array([row]), classes, forward.embedding)
        of_head = self.head.head.jacobian(forward.embedding, self.columns[classes])
        return evidence_maps(forward.features, of_probe)[0], evidence_maps(forward.features, of_head)[0]


def breeds(backend: Backend, root: Path, images: int, progress: Progress, learned: int = LEARNED) -> bool:
    """ROAD and mosaics; whether the probe's maps are better than chance and not significantly worse than the head's.

    Args:
        backend: A model with a further head for ImageNet.
        root: `train/<synset>/*` and `val/<synset>/*`.
        images: Number of photographs, and of mosaics, to measure with.
        progress: Watches the long loops.
        learned: Number of photographs that the probe is fitted to.
    """
    found = learn(backend, root, learned, progress)
    seen = (found.probe.probabilities.argmax(axis=1) == [photo.label for photo in found.photos]).mean()
    print(f"\nBreeds: {len(found.columns)}; the probe, of {len(found.photos)} photographs, is right on {seen:.1%}")
    return all([faithfulness(found, images, progress), mosaics(found, images, progress)])


def learn(backend: Backend, root: Path, learned: int, progress: Progress) -> Breeds:
    """Draws photographs, the same every time and without those that the model's card lists, and fits the probe."""
    head = imagenet_head(backend)
    places = positions(head.classes) if head is not None else None
    if head is None or places is None:
        sys.exit(f"{backend.card.name} has no further head for ImageNet; the part about breeds compares with that")
    known = {synset.id: place for place, synset in enumerate(synsets())}
    names = sorted(path.name for path in (root / "train").iterdir() if path.is_dir() and synset_of(path.name))
    if len(names) < 2:
        sys.exit(f"{root / 'train'} has {len(names)} folders named by ImageNet's ids; at least two are wanted")
    photos: list[Photo] = []
    contents: list[str] = []
    for photo in _shuffled(root / "train", names):
        content = sha256(photo.path.read_bytes()).hexdigest()
        if len(photos) < learned and not backend.card.saw(content):
            photos.append(photo)
            contents.append(content)
    rows = []
    for start in progress.track(range(0, len(photos), BATCH), -(-len(photos) // BATCH), "embedding"):
        batch = np.stack([photo.pixels(backend.card.input_size) for photo in photos[start : start + BATCH]])
        rows.append(backend.forward(batch).embedding)
    embeddings, labels = np.concatenate(rows), np.array([photo.label for photo in photos])
    probe = out_of_fold(embeddings, labels, assign_folds(contents), len(names))
    columns = np.array([places.index(known[name[:9]]) for name in names])
    return Breeds(backend, head, columns, photos, _shuffled(root / "val", names), embeddings, probe)


def faithfulness(found: Breeds, images: int, progress: Progress) -> bool:
    """ROAD; the probability is that of the probe's predicted breed, by the discriminant that judged the image."""
    curves: dict[str, list[NDArray[np.float32]]] = {}
    rows = range(min(images, len(found.photos)))
    for row in progress.track(rows, len(rows), "removing cells"):
        rng = np.random.default_rng([17, row])
        image = found.photos[row].pixels(found.backend.card.input_size)
        target = int(found.probe.probabilities[row].argmax())
        of_probe, of_head = (heat(maps)[0] for maps in found.maps(image[None], row, np.array([[target]])))

        def answer(changed: NDArray[np.uint8], row: int = row, target: int = target) -> NDArray[np.float32]:
            return found.probe.answer(row, found.backend.forward(changed).embedding)[:, target]

        heats = {
            PROBE: of_probe,
            CLASSIFIER: of_head,
            CENTRE: centre_blob(of_probe.shape[0]),
            RANDOM: rng.random(of_probe.shape),
        }
        for name, curve in removal_curves(answer, image, heats, rng, BATCH).items():
            curves.setdefault(name, []).append(curve)
    print(f"\nROAD, the probability being the probe's: {len(rows)} photographs, {of_probe.size} cells")
    scores = print_removal({name: np.stack(each) for name, each in curves.items()}, PROBE, RANDOM, of_probe.size)
    ahead, beside = bootstrap(scores[PROBE] - scores[RANDOM]), bootstrap(scores[PROBE] - scores[CLASSIFIER])
    shown = verdict(ahead.low > 0, f"{PROBE} minus random {ahead}, wanted above 0")
    return verdict(beside.high >= 0, f"{PROBE} minus the head's {beside}, wanted not below 0 beyond chance") and shown


def mosaics(found: Breeds, count: int, progress: Progress) -> bool:
    """Heat in the right quarters of mosaics of two breeds, of photographs that the probe has never seen."""
    shares: dict[str, list[NDArray[np.floating]]] = {}
    for number in progress.track(range(count), count, "mosaics of breeds"):
        for name, share in mosaic_shares(found, number).items():
            shares.setdefault(name, []).append(share)
    print(f"\nMosaics: {count} of two breeds, two photographs each, that the probe has never seen; the discriminants,")
    print("one without each fold, take turns. Share of the positive heat in the right quarters: mean [95 % interval]")
    print(f"  {'':32}{'share':24}{'hottest cell':24}")
    means = {name: np.stack(each).mean(axis=2) for name, each in shares.items()}               # (N, 2) each
    for name, mean in means.items():
        print(f"  {name:32}{bootstrap(mean[:, 0])!s:24}{bootstrap(mean[:, 1])!s:24}")
    shown = []
    for own, other in ((PROBE, CLASSIFIER), (PROBE_CONTRAST, CLASSIFIER_CONTRAST)):
        beside = bootstrap(means[own][:, 0] - means[other][:, 0])
        shown.append(verdict(beside.high >= 0, f"{own} minus the head's {beside}, wanted not below 0 beyond chance"))
    return all(shown)


def mosaic_shares(found: Breeds, number: int) -> dict[str, NDArray[np.floating]]:
    """For every method (2, 2): share and pointing share of the maps of the one breed and of the other."""
    rng = np.random.default_rng([19, number])
    side = found.backend.card.input_size
    pair = rng.choice(len(found.columns), 2, replace=False)
    photos = [photo for breed in pair for photo in _two(found.others, int(breed), rng)]
    places = rng.permutation(4)
    image = mosaic([photo.pixels(side) for photo in photos], places.tolist(), side)[None]
    breed_at = np.repeat(pair, 2)[np.argsort(places)]                                          # (4,) by place
    right = np.stack([breed_at == breed for breed in pair]).reshape(2, 2, 2)                   # (breed, 2, 2)
    of_probe, of_head = found.maps(image, number % len(found.photos), pair[None])              # (2, h, w)
    heats = {
        PROBE: of_probe,
        CLASSIFIER: of_head,
        PROBE_CONTRAST: of_probe - of_probe[::-1],
        CLASSIFIER_CONTRAST: of_head - of_head[::-1],
        CENTRE: np.broadcast_to(centre_blob(of_probe.shape[1]), of_probe.shape),
        RANDOM: rng.random(of_probe.shape),
    }
    return {name: np.stack([right_share(each, right), pointing_share(each, right)]) for name, each in heats.items()}


def _two(photos: Sequence[Photo], label: int, rng: np.random.Generator) -> list[Photo]:
    own = [photo for photo in photos if photo.label == label]
    return [own[place] for place in rng.choice(len(own), 2, replace=False)]


def _shuffled(folder: Path, names: Sequence[str]) -> list[Photo]:
    """All photographs of the breeds, in an order that is the same every time."""
    photos = [Photo(path, label) for label, name in enumerate(names) for path in sorted((folder / name).iterdir())]
    return [photos[place] for place in np.random.default_rng(23).permutation(len(photos))]
