"""Wrong labels: auditor beside cleanlab's filters and scores and beside plain disagreement.

    python benchmarks/label_issues.py [--model FOLDER|FILE.onnx] [--images FOLDER] [--cache FOLDER]

Reads `data/label-noise/*.npz` of the folder that AUDITOR_SHARED names, or of `../shared` beside the repository:
out-of-fold probabilities, given labels and true labels. Needs cleanlab and scikit-learn (the `dev` extra).
"""

import argparse
import csv
import hashlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cleanlab.filter import find_label_issues as cleanlab_filter
from cleanlab.rank import get_label_quality_scores as cleanlab_score
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import normalize

from auditor.backends import load_backend
from auditor.images.decoding import decode, resize
from auditor.labels import find_label_issues
from auditor.labels.neighbours import Directions, class_votes, nearest
from auditor.labels.probe import assign_folds, out_of_fold
from auditor.labels.ranking import review_order
from auditor.resources import bundled_model

CLEANLAB_DEFAULT = "prune_by_noise_rate"
CLEANLAB_FILTERS = (
    CLEANLAB_DEFAULT,
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
)
CLEANLAB_SCORES = (  # method, adjusted by the class thresholds
    ("self_confidence", False),
    ("self_confidence", True),
    ("normalized_margin", False),
    ("normalized_margin", True),
    ("confidence_weighted_entropy", False),
)
WORST_ALLOWED, MEAN_WANTED = -0.003, 0.010      # F1 against the better of cleanlab's default and disagreement


@dataclass(frozen=True)
class Row:
    """One method to find wrong labels, measured. NaN: it does not flag, or does not rank."""

    method: str
    f1: float = np.nan
    average_precision: float = np.nan
    auroc: float = np.nan
    flagged: int = 0


@dataclass(frozen=True)
class Comparison:
    """All methods on one data set."""

    name: str
    images: int
    wrong: int
    auditor: Row
    estimate: tuple[float, float, float]
    seconds: float
    disagreement: Row
    filters: tuple[Row, ...]
    scores: tuple[Row, ...]

    @property
    def f1_margin(self) -> float:
        """Auditor's F1 over the better of cleanlab's default filter and disagreement."""
        return self.auditor.f1 - max(self.filters[0].f1, self.disagreement.f1)

    @property
    def precision_margin(self) -> float:
        """Auditor's average precision over the best of cleanlab's scores."""
        return self.auditor.average_precision - max(row.average_precision for row in self.scores)


def flags(method: str, flagged: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> Row:
    """Measures a set of flagged images."""
    f1 = 2 * (flagged & wrong).sum() / max(flagged.sum() + wrong.sum(), 1)
    return Row(method, f1=float(f1), flagged=int(flagged.sum()))


def ranking(method: str, score: NDArray[np.floating], wrong: NDArray[np.bool_]) -> Row:
    """Measures a score, 0 worst."""
    return Row(
        method,
        average_precision=float(average_precision_score(wrong, -score)),
        auroc=float(roc_auc_score(wrong, -score)),
    )


def compare(
    name: str, pred_probs: NDArray[np.floating], given: NDArray[np.integer], wrong: NDArray[np.bool_]
) -> Comparison:
    """Runs everything on one data set whose wrong labels are known."""
    start = time.perf_counter()
    found = find_label_issues(pred_probs, given)
    seconds = time.perf_counter() - start
    flagged, ranked = flags("auditor", found.flagged, wrong), ranking("auditor", found.score, wrong)
    probs = pred_probs.astype(np.float64)                        # cleanlab wants rows that sum to one
    probs /= probs.sum(axis=1, keepdims=True)
    labels = given.astype(np.int64)
    return Comparison(
        name=name,
        images=len(labels),
        wrong=int(wrong.sum()),
        auditor=Row("auditor", flagged.f1, ranked.average_precision, ranked.auroc, flagged.flagged),
        estimate=found.expected_errors,
        seconds=seconds,
        disagreement=flags("predicted != given", probs.argmax(axis=1) != labels, wrong),
        filters=tuple(
            flags(f"cleanlab {by}", cleanlab_filter(labels, probs, filter_by=by, n_jobs=1), wrong)
            for by in CLEANLAB_FILTERS
        ),
        scores=tuple(
            ranking(
                f"cleanlab {method}{' adjusted' if adjusted else ''}",
                cleanlab_score(labels, probs, method=method, adjust_pred_probs=adjusted),
                wrong,
            )
            for method, adjusted in CLEANLAB_SCORES
        ),
    )


def print_comparison(result: Comparison) -> None:
    """Prints one data set: a line for each method, then the estimated number of wrong labels."""
    print(f"\n{result.name}: {result.images} images, {result.wrong} wrong labels ({result.wrong / result.images:.1%})")
    print(f"  {'':44}{'F1':>8}{'AP':>8}{'AUROC':>8}{'flagged':>9}")
    for row in (result.auditor, result.disagreement, *result.filters, *result.scores):
        numbers = "".join(
            f"{'' if np.isnan(value) else format(value, '.4f'):>8}"
            for value in (row.f1, row.average_precision, row.auroc)
        )
        print(f"  {row.method:44}{numbers}{'' if np.isnan(row.f1) else row.flagged:>9}")
    low, middle, high = result.estimate
    print(f"  auditor estimates {middle:.0f} wrong labels, {low:.0f} to {high:.0f}; {result.seconds:.2f} s")


def label_noise(shared: Path) -> bool:
    """The rule alone, on probabilities that others have published. Returns whether it passes."""
    files = sorted((shared / "data" / "label-noise").glob("*.npz"))
    if not files:
        sys.exit(f"no *.npz in {shared / 'data' / 'label-noise'}. Set AUDITOR_SHARED to the folder that holds `data`.")
    results = []
    for file in files:
        with np.load(file) as data:
            given, wrong = data["given_labels"], data["given_labels"] != data["true_labels"]
            results.append(compare(file.stem, data["pred_probs"], given, wrong))
        print_comparison(results[-1])
    print("\nF1 over the better of cleanlab's default and disagreement; AP over the best of cleanlab's scores")
    for result in results:
        print(f"  {result.name:34}{result.f1_margin:+9.4f}{result.precision_margin:+9.4f}")
    margin = float(np.mean([result.f1_margin for result in results]))
    shown = (
        min(result.f1_margin for result in results) >= WORST_ALLOWED
        and margin >= MEAN_WANTED
        and min(result.precision_margin for result in results) >= 0
    )
    wanted = f"wanted: mean F1 {MEAN_WANTED:+.3f}, each F1 {WORST_ALLOWED:+.3f}, each AP +0"
    print(f"  {'mean':34}{margin:+9.4f}   {'PASS' if shown else 'FAIL'} ({wanted})")
    return shown


IMAGES = {"ImageWoof": ("imagewoof-128", "train/*/*.webp"), "dogs-vs-cats": ("dogs-vs-cats-160", "*/*.jpg")}
SUBJECTS = ("wrong_class_photo", "wrong_class_drawing", "both_animals", "no_animal")


def embed(root: Path, pattern: str, model: Path, cached: Path) -> dict[str, NDArray[Any]]:
    """Embeddings as a scan stores them, contents and files; read from `cached` if that exists."""
    if not cached.exists():
        backend = load_backend(model)
        height, width = backend.card.input_size
        files = sorted(root.glob(pattern))
        rows, contents = [], []
        for start in range(0, len(files), 32):
            data = [file.read_bytes() for file in files[start : start + 32]]
            contents += [hashlib.sha256(each).hexdigest() for each in data]
            pictures = [decode(each, at_least=2 * max(height, width)).pixels for each in data]
            rows.append(backend.forward(np.stack([resize(each, height, width) for each in pictures])).embedding)
        names = [file.relative_to(root).as_posix() for file in files]
        embeddings = np.concatenate(rows).astype(np.float16)
        np.savez(cached, embeddings=embeddings, contents=np.array(contents), files=np.array(names))
    with np.load(cached) as data:
        return {name: data[name] for name in ("embeddings", "contents", "files")}


def regression(
    embeddings: NDArray[np.floating], labels: NDArray[np.integer], folds: NDArray[np.integer]
) -> NDArray[np.float64]:
    """(N, C) out-of-fold probabilities of scikit-learn's logistic regression over embeddings of length 1."""
    points = normalize(embeddings.astype(np.float32))    # far better here than standardised
    probabilities = np.zeros((len(labels), int(labels.max()) + 1))
    for fold in range(5):
        inside = folds % 5 == fold
        model = LogisticRegression(max_iter=200).fit(points[~inside], labels[~inside])
        probabilities[inside] = model.predict_proba(points[inside])
    return probabilities


def woof(shared: Path, found: dict[str, NDArray[Any]]) -> bool:
    """ImageWoof with changed labels: the probe and the rule against cleanlab on logistic regression."""
    with (shared / "data" / "imagewoof-noisy-labels.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    shown = True
    for rate in ("noise_5pct", "noise_25pct"):
        names = np.array([[rows[name]["true_label"], rows[name][rate]] for name in found["files"]])
        true, given = np.unique(names, return_inverse=True)[1].reshape(-1, 2).T
        folds = assign_folds(list(found["contents"]))
        probe = out_of_fold(found["embeddings"], given, folds, int(given.max()) + 1).probabilities
        ours = compare(f"ImageWoof {rate}, probe", probe, given, true != given)
        regressed = regression(found["embeddings"], given, folds)
        theirs = compare(f"ImageWoof {rate}, logistic regression", regressed, given, true != given)
        print_comparison(ours)
        print_comparison(theirs)
        f1 = ours.auditor.f1 - max(theirs.filters[0].f1, theirs.disagreement.f1)
        precision = ours.auditor.average_precision - max(row.average_precision for row in theirs.scores)
        print(f"  over cleanlab on logistic regression: F1 {f1:+.4f}, AP {precision:+.4f}")
        shown &= f1 > 0 and precision > 0
    return shown


def known_issues(shared: Path, found: dict[str, NDArray[Any]]) -> bool:
    """dogs-vs-cats: where in the order of review the known issues are."""
    with (shared / "data" / "dogs-vs-cats-known-issues.csv").open(newline="") as file:
        kind_of = {row["file"]: row["kind"] for row in csv.DictReader(file)}
    files, contents = found["files"].tolist(), found["contents"].tolist()
    given = np.array([name.startswith("dog/") for name in files], dtype=np.intp)
    kinds, rows = np.array([kind_of.get(name, "") for name in files]), np.arange(len(files))
    start = time.perf_counter()
    points = Directions.fit(found["embeddings"]).of_all(found["embeddings"])
    votes = class_votes(nearest(points, groups=contents), given, 2)
    probe = out_of_fold(found["embeddings"], given, assign_folds(contents), 2).probabilities
    issues = find_label_issues(probe, given)
    order = review_order(issues.score, votes[rows, given], issues.flagged, probe.argmax(axis=1) != given)
    seconds = time.perf_counter() - start
    print(f"\ndogs-vs-cats: {len(files)} images, probe right on {(probe.argmax(axis=1) == given).mean():.2%}, "
          f"{issues.flagged.sum()} flagged, {seconds:.0f} s from embeddings to order")
    orders = {"review order": order, "self-confidence of the probe": probe[rows, given].argsort().argsort() + 1}
    for name, rank in orders.items():
        print(f"  {name:44}{'of':>6}{100:>6}{300:>6}{1000:>6}")
        for kind in sorted(set(kind_of.values())):
            places = rank[kinds == kind]
            print(f"    {kind:42}{len(places):>6}" + "".join(f"{(places <= k).sum():>6}" for k in (100, 300, 1000)))
    recall = float((order[np.isin(kinds, SUBJECTS)] <= 1000).mean())
    photos, sticker = order[kinds == "wrong_class_photo"], order[kinds == "wrong_class_drawing"]
    shown = recall >= 0.88 and photos.max() <= 30 and sticker.max() <= 0.05 * len(files) and seconds < 60
    print(f"  {recall:.1%} of wrong class, both, none in the first 1000 (wanted 88 %); wrong-class photographs at "
          f"{sorted(photos.tolist())} (30), sticker at {sticker.tolist()} (5 %)   {'PASS' if shown else 'FAIL'}")
    return bool(shown)


def from_images(shared: Path, images: Path, model: Path, cache: Path) -> bool:
    """From images to flags and to the order of review. Returns whether it passes."""
    shown = True
    for name, measure in (("ImageWoof", woof), ("dogs-vs-cats", known_issues)):
        folder, pattern = IMAGES[name]
        cached = cache / f"{folder}-{model.resolve().name}.npz"
        if not cached.exists() and not (images / folder).is_dir():
            print(f"\n{name}: skipped, {images / folder} does not exist. Unpack {folder}.tar there, or name --images.")
            continue
        cache.mkdir(parents=True, exist_ok=True)
        shown &= measure(shared, embed(images / folder, pattern, model, cached))
    return shown


def main() -> int:
    """Runs both sections; 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="model of the second section; the bundled one by default")
    parser.add_argument("--images", type=Path, help="folder of the unpacked data sets; `data` of the shared folder")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "auditor-embeddings")
    options = parser.parse_args()
    shared = Path(os.environ.get("AUDITOR_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not shared.is_dir():
        sys.exit(f"no shared data: {shared} does not exist. Set AUDITOR_SHARED to the folder that holds `data`.")
    rule = label_noise(shared)
    model = options.model or bundled_model()
    chain = from_images(shared, options.images or shared / "data", model, options.cache)    # also if the rule failed
    return 0 if rule and chain else 1


if __name__ == "__main__":
    sys.exit(main())
