"""Trains the bundled model's backbone end to end, on a GPU: cats, dogs, ten breeds, drawn stickers.

    KERAS_BACKEND=jax python -m benchmarks.train_backbone --photos DIR --breeds DIR --work DIR --out backbone.npz
    python -m benchmarks.train_bundled --photos DIR --backbone backbone.npz --epochs 0

`--photos` is `dogs-vs-cats-160.tar`, unpacked, `--breeds` is `imagewoof-128.tar`, unpacked: its `train` folder is
learned from, its `val` folder is measured. One softmax says cat or dog, a second one which of ten breeds, for images
whose breed is known: embeddings that tell breeds apart serve other photographs better than those of two species. The
same photographs are held out and left out as in train_bundled. Killed, it goes on from the last epoch in `--work`.
`--start` begins with a backbone's .npz; without it the weights are random. It writes arrays of the same form.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import preprocess
from auditor.curves import Curves
from auditor.dataset import load_dataset
from auditor.demo.stickers import draw_sticker
from auditor.images import decode, resize
from auditor.progress import TerminalProgress
from auditor.training.augment import Augmentation
from auditor.training.batches import shuffled
from auditor.training.checkpoints import Checkpoints, write_arrays
from auditor.training.loop import Plan, Score, prepare, train_phase
from auditor.training.network import POOLED, Shape, build, set_trainable
from auditor.training.settings import STAGES
from auditor.training.weights import fill_backbone
from benchmarks.device_views import NUMBERS, DeviceViews, numbers_of
from benchmarks.train_bundled import CLASSES, STICKER_SEED, Photo, draw_photos

STRONG = Augmentation(smallest_area=0.25, turn=15.0, brightness=0.25, contrast=0.4, saturation=0.4, erase=0.25)
BREED_SHARE = 0.5                               # of the loss
SMOOTHING = 0.1


@dataclass(frozen=True)
class Item:
    """An image to learn from or to measure with: a file or the number of a sticker, species, breed or -1."""

    source: Path | int
    species: int
    breed: int


@dataclass(frozen=True)
class Images:
    """N images in memory, and what is to be said of them.

    Attributes:
        pixels: (N, H, W, 3) uint8.
        targets: (N, 2 + breeds) float32; the loss is minus the sum of targets times log-probabilities.
        species: (N,) classes.
    """

    pixels: NDArray[np.uint8]
    targets: NDArray[np.float32]
    species: NDArray[np.intp]


class Views(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """One epoch of images, each with what its view does to it."""

    def __init__(self, images: Images, batch_size: int, epoch: int, workers: int) -> None:
        super().__init__(workers=workers, max_queue_size=16)
        self._images, self._epoch = images, epoch
        self._batches = shuffled(len(images.pixels), batch_size, 0, epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[tuple[NDArray[np.uint8], NDArray[np.float32]], NDArray[np.float32]]:
        """((B, H, W, 3) pixels, (B, 16) numbers of their views), (B, 2 + breeds) targets."""
        rows = self._batches[index]
        _, height, width, _ = self._images.pixels.shape
        generators = (np.random.default_rng([1, self._epoch, int(row)]) for row in rows)
        numbers = np.stack([numbers_of(STRONG.draw(height, width, generator)) for generator in generators])
        return (self._images.pixels[rows], numbers), self._images.targets[rows]


def main() -> None:
    """Trains, measures, writes."""
    arguments = _arguments()
    keras.utils.set_random_seed(0)
    learned, held_out, breeds = _items(arguments)
    progress = TerminalProgress()
    train, val = (_load(items, arguments.size, breeds, progress) for items in (learned, held_out))
    network = _network(arguments, breeds)
    plan = Plan(
        "backbone", arguments.epochs, arguments.epochs, arguments.learning_rate, 0.05, 0.05, 0.0, bar_per_epoch=True
    )
    trainer = _behind_views(network, arguments.size)
    prepare(trainer, plan, len(learned) // arguments.batch_size, loss=_loss, metrics=_metrics())

    def validate() -> Score:
        return _score(network, val, arguments.batch_size)

    def tell(curves: Curves) -> None:
        epoch = curves.phases[-1].epochs[-1]
        print(
            f"epoch {epoch.number}: loss {epoch.loss:.4f}, held out {epoch.val_loss:.4f}, species right "
            f"{epoch.val_accuracy:.4f}, {epoch.seconds:.0f} s",
            flush=True,
        )

    train_phase(
        trainer,
        plan,
        lambda epoch: Views(train, arguments.batch_size, epoch, arguments.workers),
        validate,
        Curves(),
        Checkpoints(arguments.work),
        progress,
        after_epoch=tell,
    )
    print(f"held out: {validate()}; breeds right {_breeds_right(network, held_out, val, arguments.batch_size):.4f}")
    write_arrays(arguments.out, backbone_arrays(network))
    print(arguments.out)


def backbone_arrays(network: Any) -> dict[str, NDArray[Any]]:
    """The backbone by layer name, without convolution biases: what they add is taken off the means behind them."""
    arrays: dict[str, NDArray[Any]] = {}
    for layer in network.layers:
        if layer.name.endswith("_conv"):
            kernel, bias = layer.get_weights()
            norm = layer.name.removesuffix("_conv") + "_bn"
            gamma, beta, mean, variance = network.get_layer(norm).get_weights()
            arrays[f"{layer.name}/kernel"] = kernel.astype(np.float16)
            parts = {"gamma": gamma, "beta": beta, "moving_mean": mean - bias, "moving_variance": variance}
            arrays |= {f"{norm}/{name}": value.astype(np.float32) for name, value in parts.items()}
    return arrays


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder with cat/ and dog/")
    parser.add_argument("--breeds", type=Path, help="folder with train/ and val/ of ImageWoof")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/")
    parser.add_argument("--start", type=Path, help="an .npz to start from")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--limit", type=int, default=10**6, help="number of photographs drawn")
    parser.add_argument("--stickers", type=int, default=10_000, help="number of drawn stickers")
    parser.add_argument("--size", type=int, default=224, help="side in pixels")
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--workers", type=int, default=16, help="threads that draw views")
    parser.add_argument("--float32", action="store_true", help="compute in float32 instead of bfloat16")
    return parser.parse_args()


def _items(arguments: argparse.Namespace) -> tuple[list[Item], list[Item], int]:
    """Images to learn from, images to measure with, number of breeds."""
    learned: list[Item] = []
    held_out: list[Item] = []
    drawn: list[Photo] = list(draw_photos(arguments.photos, arguments.shared, arguments.limit))
    for photo in drawn:
        (held_out if photo.held_out else learned).append(Item(photo.sample.path, photo.label, -1))
    breeds: tuple[str, ...] = ()
    if arguments.breeds:
        dataset = load_dataset(arguments.breeds)
        breeds = dataset.classes
        for sample in dataset.samples:
            item = Item(sample.path, CLASSES.index("dog"), breeds.index(sample.label or ""))
            (learned if sample.split == "train" else held_out).append(item)
    learned += [Item(number, number % 2, -1) for number in range(arguments.stickers) if number % 10]
    return learned, held_out, len(breeds)


def _load(items: Sequence[Item], size: int, breeds: int, progress: TerminalProgress) -> Images:
    pixels = np.empty((len(items), size, size, 3), np.uint8)
    for row, item in enumerate(progress.track(items, len(items), "images")):
        if isinstance(item.source, Path):
            image = decode(item.source.read_bytes()).pixels
        else:
            rng = np.random.default_rng([STICKER_SEED, item.source])
            image = draw_sticker("dog" if item.species else "cat", rng)
        pixels[row] = resize(image, size, size)
    species = np.array([item.species for item in items], dtype=np.intp)
    targets = np.zeros((len(items), len(CLASSES) + breeds), np.float32)
    targets[:, : len(CLASSES)] = _smoothed(species, len(CLASSES))
    known = np.array([item.breed for item in items]) >= 0
    targets[known, len(CLASSES) :] = BREED_SHARE * _smoothed(np.array([i.breed for i in items if i.breed >= 0]), breeds)
    return Images(pixels, targets, species)


def _smoothed(labels: NDArray[np.integer], classes: int) -> NDArray[np.float32]:
    """(N, C) one-hot, softened."""
    hot = np.eye(max(classes, 1), dtype=np.float32)[labels.astype(np.intp)][:, :classes]
    return (hot * (1 - SMOOTHING) + SMOOTHING / max(classes, 1)).astype(np.float32)


def _network(arguments: argparse.Namespace, breeds: int) -> Any:
    """ResNet50 with two softmaxes side by side: (B, 2 + breeds)."""
    size = (arguments.size, arguments.size)
    dtype = "float32" if arguments.float32 else "mixed_bfloat16"
    network = build(Shape("resnet50", size, len(CLASSES), (), 0.2), dtype=dtype)
    if arguments.start:
        fill_backbone(network, str(arguments.start))
    outputs = [network.output]
    if breeds:
        pooled = network.get_layer(POOLED).output
        outputs.append(keras.layers.Dense(breeds, activation="softmax", dtype="float32", name="breeds")(pooled))
    joined = keras.layers.Concatenate(dtype="float32", name="both")(outputs) if breeds else network.output
    model = keras.Model(network.input, joined)
    set_trainable(model, STAGES["resnet50"], batch_norm=True)
    if breeds:
        model.get_layer("breeds").trainable = True
    return model


def _behind_views(network: Any, size: int) -> Any:
    """The network with its preprocessing and the views in front: from uint8 pixels and numbers, on the device."""
    pixels = keras.Input((size, size, 3), dtype="uint8", name="pixels")
    numbers = keras.Input((NUMBERS,), name="numbers")
    views = DeviceViews(name="views")(pixels, numbers)                                  # (B, H, W, 3), 0 to 255
    caffe = keras.layers.Lambda(keras.applications.resnet50.preprocess_input, dtype="float32", name="caffe")(views)
    return keras.Model([pixels, numbers], network(caffe))


def _loss(targets: Any, probabilities: Any) -> Any:
    logs = keras.ops.log(keras.ops.maximum(probabilities, 1e-7))
    return -keras.ops.sum(targets * logs, axis=-1)


def _species_right(targets: Any, probabilities: Any) -> Any:
    own = [keras.ops.argmax(side[:, : len(CLASSES)], axis=-1) for side in (targets, probabilities)]
    return keras.ops.cast(keras.ops.equal(*own), "float32")


def _metrics() -> list[Any]:
    wrapper = keras.metrics.MeanMetricWrapper
    return [wrapper(_loss, name="cross_entropy"), wrapper(_species_right, name="accuracy")]


def _predicted(network: Any, images: Images, batch_size: int) -> NDArray[np.float32]:
    rows = [
        keras.ops.convert_to_numpy(network.predict_on_batch(preprocess(images.pixels[i : i + batch_size], "caffe")))
        for i in range(0, len(images.pixels), batch_size)
    ]
    return np.concatenate(rows).astype(np.float32)


def _score(network: Any, images: Images, batch_size: int) -> Score:
    probabilities = _predicted(network, images, batch_size)                             # (N, 2 + breeds)
    loss = -(images.targets * np.log(np.maximum(probabilities, 1e-7))).sum(axis=1)
    right = probabilities[:, : len(CLASSES)].argmax(axis=1) == images.species
    return Score(float(loss.mean()), float(right.mean()))


def _breeds_right(network: Any, items: Sequence[Item], images: Images, batch_size: int) -> float:
    known = np.array([item.breed for item in items])
    if not (known >= 0).any():
        return float("nan")
    answers = _predicted(network, images, batch_size)[:, len(CLASSES) :].argmax(axis=1)
    return float((answers == known)[known >= 0].mean())


if __name__ == "__main__":
    main()
