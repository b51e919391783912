"""Builds `models/catdog-resnet50`: the shared backbone with two heads over one forward pass, and its card.

    python benchmarks/train_bundled.py --photos DIR --breeds DIR --out models/catdog-resnet50

`--photos` is `dogs-vs-cats-160.tar`, unpacked; `--breeds`, optional, `imagewoof-128.tar`.

The backbone stays as it is, and so does the head for ImageNet's 1,000 classes that comes with it. What is learned here
is the head for cats and dogs: a regularised logistic regression on the pooled features of photographs and drawn
stickers, half an hour of embedding on two cores (`--cache` keeps the embeddings) and minutes of fitting. The penalty
is chosen by cross-validation within the training part. One photograph in ten, chosen by content hash, is held out and
measured. Images that people found faulty and both sides of every duplicate pair are never trained on.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from tqdm import tqdm

from auditor.backends.base import as_probabilities, preprocess
from auditor.backends.card import ModelCard
from auditor.backends.card import sha256 as file_sha256
from auditor.backends.keras.resnet50 import HEAD, build_resnet50, fill, fold_batchnorm, stored
from auditor.backends.onnx.backend import OnnxBackend
from auditor.classes.imagenet import output_names
from auditor.data.sample import Sample
from auditor.data.sources import load_dataset
from auditor.demo.stickers import draw_sticker
from auditor.images.decoding import decode, resize
from auditor.model_export.int8 import to_int8
from auditor.model_export.keras_to_onnx import store_as_float16, to_onnx
from auditor.model_export.parity import Limits, Parity, compare

CLASSES = ("cat", "dog")
IMAGENET = "imagenet"                   # the second head: its output, its layer
SIZE = (224, 224)
HELD_OUT = 10                           # one in ten
FOLDS = 3                               # of the cross-validation within the training part
STICKER_SEED = 2026                     # the demo draws with other seeds
INVERSE_PENALTIES = (0.001, 0.002, 0.005, 0.01, 0.02)     # scikit-learn's C, on features of variance 1 on average
CALIBRATED_ON = (192, 64, 96)           # photographs, stickers, dogs of `--breeds`
COMPARED_WITH_KERAS = 500               # held-out photographs
BATCH = 16
EXPORT = Limits(difference=1e-4)
INT8 = Limits(same_class=0.99, points=0.5)

Array = NDArray[Any]


@dataclass(frozen=True)
class Photo:
    """A photograph of the training set: its class and the hash of its bytes."""

    sample: Sample
    label: int
    content: str

    @property
    def group(self) -> int:
        """From the hash alone, so that another draw does not change the group of a photograph."""
        return int(self.content[-8:], 16)

    @property
    def held_out(self) -> bool:
        """Whether it is used for measuring and never for training."""
        return self.group % HELD_OUT == 0


@dataclass(frozen=True)
class Answers:
    """A model's answers to N images: probabilities of cat and dog (N, 2), and of ImageNet's classes (N, 1000)."""

    animals: Array
    imagenet: Array


def main() -> None:
    """Builds the model and prints what was measured."""
    arguments = _arguments()
    keras.utils.set_random_seed(0)
    photos = list(draw_photos(arguments.photos, arguments.shared, arguments.limit))
    arrays = arguments.shared / "models"
    backbone = arguments.backbone or arrays / "resnet50-backbone.npz"
    weights = fold_batchnorm(np.load(backbone))
    second = np.load(arrays / "resnet50-imagenet-head.npz")
    weights[IMAGENET] = (second["kernel"].astype(np.float32), second["bias"].astype(np.float32))
    model = build_resnet50(len(CLASSES), SIZE, {IMAGENET: len(second["bias"])})
    kernel, bias = model.get_layer(HEAD).get_weights()
    fill(model, {**weights, HEAD: (kernel, bias)})
    points = embeddings(model, photos, arguments.stickers, file_sha256(backbone), arguments.cache)
    head, measured = fit_head(points, photos, arguments.stickers)
    fill(model, {**weights, HEAD: head})
    _write(model, arguments.out, photos, arguments.stickers, measured, _breeds(arguments.breeds))


def fit_head(
    points: NDArray[np.float16], photos: Sequence[Photo], stickers: int
) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], dict[str, float]]:
    """Fits the head for cats and dogs.

    Args:
        points: (N, 2048) embeddings of the photographs, then of the stickers.
        photos: Their records, in order.
        stickers: Number of stickers, which are cat and dog alternately.

    Returns:
        Its kernel (2048, 2) and bias (2,), the scaling folded in; what was measured.
    """
    labels = np.array([photo.label for photo in photos] + [number % 2 for number in range(stickers)])
    groups = np.array([photo.group for photo in photos] + list(range(stickers)))
    is_photo, held_out = np.arange(len(labels)) < len(photos), groups % HELD_OUT == 0
    learned, features = ~held_out, points.astype(np.float32)
    # One scale for all: divided by their own deviations, features that are hardly ever active would count as much as
    # the others (log loss of photographs in cross-validation: .027, with one scale .025).
    mean, deviation = features[learned].mean(axis=0), np.sqrt(features[learned].var(axis=0).mean())
    scaled = (features - mean) / deviation
    folds = np.where(is_photo, groups // HELD_OUT % FOLDS, FOLDS)                       # stickers are always learned
    penalty = _choose_penalty(scaled[learned], labels[learned], folds[learned])
    regression = LogisticRegression(C=penalty, max_iter=500).fit(scaled[learned], labels[learned])
    column = regression.coef_[0] / deviation                                            # (2048,) logit of the second
    half = (regression.intercept_[0] - mean @ column) / 2
    kernel, bias = stored(np.stack([-column, column], axis=1) / 2), stored(np.array([-half, half]))
    right = (features @ kernel + bias).argmax(axis=1) == labels
    measured = {
        "inverse_penalty": penalty,
        "photographs_trained_on": int((is_photo & learned).sum()),
        "photographs_held_out": int((is_photo & held_out).sum()),
        "accuracy_photographs_held_out": round(float(right[is_photo & held_out].mean()), 4),
        "stickers_trained_on": int((~is_photo & learned).sum()),
        "stickers_held_out": int((~is_photo & held_out).sum()),
        "accuracy_stickers_held_out": round(float(right[~is_photo & held_out].mean()), 4),
    }
    print(json.dumps(measured, indent=1), flush=True)
    return (kernel, bias), measured


def _choose_penalty(points: NDArray[np.float32], labels: Array, folds: Array) -> float:
    """The one of `INVERSE_PENALTIES` whose probabilities of photographs, out of fold, are the best (log loss)."""
    losses = np.zeros(len(INVERSE_PENALTIES))
    for fold in tqdm(range(FOLDS), desc="cross-validation", disable=None):
        inside = folds != fold
        regression = LogisticRegression(max_iter=500, warm_start=True)
        for place, penalty in enumerate(INVERSE_PENALTIES):     # from strong to weak: each starts at the last result
            regression.set_params(C=penalty).fit(points[inside], labels[inside])
            losses[place] += log_loss(labels[~inside], regression.predict_proba(points[~inside])) / FOLDS
    print("log loss", dict(zip(INVERSE_PENALTIES, losses.round(4).tolist(), strict=True)), flush=True)
    return INVERSE_PENALTIES[int(losses.argmin())]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder with cat/ and dog/")
    parser.add_argument("--breeds", type=Path, help="folder of ImageWoof; its train/ helps to calibrate int8")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with models/ and data/")
    parser.add_argument("--backbone", type=Path, help="an .npz of a backbone [default: the shared one]")
    parser.add_argument("--out", type=Path, default=Path("models/catdog-resnet50"))
    parser.add_argument("--stickers", type=int, default=5000, help="number of drawn stickers")
    parser.add_argument("--limit", type=int, help="number of photographs drawn [default: all]")
    parser.add_argument("--cache", type=Path, help="an .npz that keeps the embeddings between runs")
    return parser.parse_args()


def draw_photos(folder: Path, shared: Path, limit: int | None) -> Iterator[Photo]:
    """A random sample of photographs for training and measuring, without those that are known to be faulty."""
    data = shared / "data"
    faulty = {row["file"] for row in csv.DictReader((data / "dogs-vs-cats-known-issues.csv").open())}
    for row in csv.DictReader((data / "dogs-vs-cats-duplicates.csv").open()):
        faulty |= {row["file_a"], row["file_b"]}
    samples = load_dataset(folder).samples
    for place in np.random.default_rng(0).permutation(len(samples))[:limit]:
        sample = samples[place]
        if sample.file not in faulty:
            content = sha256(sample.path.read_bytes()).hexdigest()
            yield Photo(sample, CLASSES.index(sample.label or ""), content)


def embeddings(
    model: Any, photos: Sequence[Photo], stickers: int, backbone: str, cache: Path | None
) -> NDArray[np.float16]:
    """(photographs + stickers, 2048) pooled features, in the precision in which a scan keeps them.

    Args:
        model: The network, its backbone filled.
        photos: The photographs.
        stickers: Number of stickers.
        backbone: sha256 of the backbone's file: cached embeddings of another one are computed again.
        cache: Keeps `embeddings` (M, 2048) with `contents` and `files` (M,), as far as they are known.
    """
    jobs: list[Path | int] = [*(photo.sample.path for photo in photos), *range(stickers)]
    contents = [*(photo.content for photo in photos), *(f"sticker {STICKER_SEED} {n}" for n in range(stickers))]
    files = [*(photo.sample.file for photo in photos), *([""] * stickers)]
    known: dict[str, NDArray[np.float16]] = {}
    if cache is not None and cache.is_file():
        with np.load(cache, allow_pickle=False) as kept:
            if str(kept["backbone"]) == backbone:
                known = dict(zip(kept["contents"].tolist(), kept["embeddings"], strict=True))
    missing = [place for place, content in enumerate(contents) if content not in known]
    embed = keras.Model(model.input, model.get_layer("avg_pool").output)
    for start in tqdm(range(0, len(missing), BATCH), desc="embeddings", disable=None):
        places = missing[start : start + BATCH]
        rows = embed.predict_on_batch(_batch([jobs[place] for place in places]))        # (n, 2048)
        known.update(zip([contents[place] for place in places], rows.astype(np.float16), strict=True))
    points = np.stack([known[content] for content in contents])
    if cache is not None and missing:
        np.savez(cache, embeddings=points, contents=contents, files=files, backbone=backbone)
    return points


def _pixels(job: Path | int) -> NDArray[np.uint8]:
    """A picture's file or a sticker's number -> (H, W, 3) at the model's input size."""
    if isinstance(job, Path):
        return resize(decode(job.read_bytes(), at_least=2 * max(SIZE)).pixels, *SIZE)
    return resize(draw_sticker("dog" if job % 2 else "cat", np.random.default_rng([STICKER_SEED, job])), *SIZE)


def _batch(jobs: Sequence[Path | int]) -> NDArray[np.float32]:
    """(n, H, W, 3), preprocessed."""
    return preprocess(np.stack([_pixels(job) for job in jobs]), "caffe")


def _breeds(folder: Path | None) -> list[Path]:
    """Some pictures of the training part of ImageWoof, the same every time."""
    if folder is None:
        return []
    found = sorted(folder.glob("train/*/*.webp"))
    if not found:
        raise SystemExit(f"--breeds {folder} has no train/*/*.webp; expected ImageWoof, unpacked")
    return [found[place] for place in np.random.default_rng(1).permutation(len(found))[: CALIBRATED_ON[2]]]


def _write(
    model: Any, out: Path, photos: Sequence[Photo], stickers: int, measured: dict[str, float], breeds: Sequence[Path]
) -> None:
    """Both ONNX files, compared with Keras and with each other on what was held out, and the card."""
    out.mkdir(parents=True, exist_ok=True)
    plain, small = out / "model.onnx", out / "model.int8.onnx"
    held_out: list[Path | int] = [photo.sample.path for photo in photos if photo.held_out]
    drawn: list[Path | int] = list(range(0, stickers, HELD_OUT))
    labels = np.array([photo.label for photo in photos if photo.held_out])
    card = ModelCard(
        name=out.name,
        classes=CLASSES,
        input_size=SIZE,
        preprocessing="caffe",
        trained_on=frozenset(photo.content[:16] for photo in photos if not photo.held_out),
        heads={IMAGENET: output_names(1000) or ()},
    )
    proto = to_onnx(model, out.name)
    store_as_float16(proto)                     # exact: the weights were rounded to float16 before
    onnx.save(proto, str(plain))
    calibration = _calibration(photos, stickers, breeds)
    batches = (_batch(calibration[start : start + BATCH]) for start in range(0, len(calibration), BATCH))
    to_int8(plain, small, batches, heads=card.heads)
    source = _ask_keras(model, held_out[:COMPARED_WITH_KERAS])
    floats = _ask(OnnxBackend(plain, card=card), held_out)
    int8 = _ask(OnnxBackend(small, card=card), held_out)
    int8_stickers = _ask(OnnxBackend(small, card=card), drawn)
    keras_parity = _parity(source, floats)
    int8_parity = _parity(floats, int8)
    for parity in keras_parity.values():
        EXPORT.check(parity, "the ONNX export", "A layer computes something else in ONNX.")
    float_accuracy, accuracy = (float((each.animals.argmax(axis=1) == labels).mean()) for each in (floats, int8))
    lost = replace(int8_parity["probabilities"], accuracy=accuracy, source_accuracy=float_accuracy)
    INT8.check(lost, "the int8 export", "Calibrate it on more or other images.")
    right = int8_stickers.animals.argmax(axis=1) == np.array(drawn) % 2
    measured = {
        **measured,
        "accuracy_photographs_held_out": round(float_accuracy, 4),
        "accuracy_photographs_held_out_int8": round(accuracy, 4),
        "accuracy_stickers_held_out_int8": round(float(right.mean()), 4),
    }
    replace(
        card,
        files={path.name: file_sha256(path) for path in (plain, small)},
        about=_about(measured, keras_parity, int8_parity, len(breeds)),
    ).write(out)
    sizes = " + ".join(f"{path.stat().st_size / 1e6:.1f} MB" for path in (plain, small))
    print(f"{out}: {sizes}\nONNX against Keras {keras_parity}\nint8 against float32 {int8_parity}\n{measured}")


def _calibration(photos: Sequence[Photo], stickers: int, breeds: Sequence[Path]) -> list[Path | int]:
    """The images that set the ranges of the int8 file: none on which it is measured.

    The flat colours of stickers have a wider range than photographs; the dogs of another collection, larger and closer,
    represent the folders for which its embeddings will be used.
    """
    learned = (photo.sample.path for photo in photos if not photo.held_out)
    drawn = (number for number in range(stickers) if number % HELD_OUT)
    return [*islice(learned, CALIBRATED_ON[0]), *islice(drawn, CALIBRATED_ON[1]), *breeds]


def _ask(backend: OnnxBackend, jobs: Sequence[Path | int]) -> Answers:
    """Runs an exported model as a scan does, the second head over the embedding of the one forward pass."""
    (other,) = backend.other_heads
    rows = []
    for start in tqdm(range(0, len(jobs), BATCH), desc="measuring", disable=None):
        found = backend.forward(np.stack([_pixels(job) for job in jobs[start : start + BATCH]]))
        imagenet = as_probabilities(other.head.logits(found.embedding), are_logits=True)
        rows.append((found.probabilities, imagenet))
    return Answers(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _ask_keras(model: Any, jobs: Sequence[Path | int]) -> Answers:
    rows = []
    for start in range(0, len(jobs), BATCH):
        animals, imagenet = (np.asarray(each) for each in model(_batch(jobs[start : start + BATCH]), training=False))
        rows.append((animals, as_probabilities(imagenet, are_logits=True)))
    return Answers(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _parity(source: Answers, exported: Answers) -> dict[str, Parity]:
    """Output -> how two models compare, on the images that both were asked about."""
    rows = [np.arange(len(source.animals))]
    return {
        "probabilities": compare(lambda row: source.animals[row], lambda row: exported.animals[row], rows),
        IMAGENET: compare(lambda row: source.imagenet[row], lambda row: exported.imagenet[row], rows),
    }


def _about(
    measured: dict[str, float], keras_parity: dict[str, Parity], int8_parity: dict[str, Parity], breeds: int
) -> dict[str, Any]:
    calibrated = f"{CALIBRATED_ON[0]} photographs, {CALIBRATED_ON[1]} stickers, {breeds} dogs of ImageWoof"
    return {
        "architecture": "ResNet50 (v1, keras.applications), batch normalisation folded, two Dense layers over the same "
        "pooled features",
        "outputs": {"probabilities": "(batch, 2), cat and dog", IMAGENET: "(batch, 1000), logits, in the usual order"},
        "backbone": "conv1 to conv4 are ImageNet's own weights (He, Zhang, Ren, Sun 2015; MIT, copyright 2016 "
        "Shaoqing Ren); conv5 was distilled for this project, with no label, from EfficientNet-Lite2 (ImageNet, "
        "Apache-2.0) on 47,638 photographs: 19,000 of dogs-vs-cats, ImageWoof, Imagenette, Caltech-101, and one for "
        "each ImageNet class",
        "imagenet_head": "learned from the teacher's opinions of the same photographs: good where images resemble "
        "them (dogs, cats, things of Imagenette and Caltech-101), rougher elsewhere. Imagenette, validation part: "
        "82.2 % top-1, 96.0 % top-5; the breeds of ImageWoof: 67.9 % and 77.0 %",
        "trained_here": "the head for cats and dogs alone: a logistic regression on dogs-vs-cats photographs, "
        f"160 x 160, and stickers drawn by auditor.demo.stickers (seed {STICKER_SEED}); C by {FOLDS}-fold "
        "cross-validation",
        "int8": f"7-bit weights per channel, uint8 activations, ranges (MinMax) of {calibrated}",
        "held_out": f"photographs whose sha256, its last 8 hex digits as a number, is 0 modulo {HELD_OUT}",
        "measured": measured,
        "caveat": "the backbone has seen most of the held-out photographs, though never a label of theirs. On 2,022 "
        "photographs of dogs-vs-cats that it had never seen in any form, 5-fold logistic regression on its features "
        "measured 98.8 %",
        "keras_parity": keras_parity["probabilities"].record(),
        "keras_parity_imagenet": keras_parity[IMAGENET].record(),
        "int8_parity": int8_parity["probabilities"].record(),
        "int8_parity_imagenet": int8_parity[IMAGENET].record(),
        "reproduce": "python benchmarks/train_bundled.py --photos DIR --breeds DIR",
    }


if __name__ == "__main__":
    main()
