"""Out-of-fold class probabilities from embeddings, in closed form.

A model scanned over the folder it was trained on has memorised the wrong labels. The probe has not: each
image is judged by a linear discriminant fitted to the other folds alone. The fit needs only sums over
images (counts, means, one scatter matrix), so a fold is taken out by subtraction and all folds together
cost little more than one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.optimize import minimize
from scipy.special import log_softmax

FOLDS = 10
#: Principal components that the discriminant sees: fewer lose accuracy, all 2048 cost more and are no better.
COMPONENTS = 512
#: Candidates for the share of the identity in the covariance; the one with the best out-of-fold likelihood is used.
SHRINKAGE = (0.003, 0.01, 0.03, 0.1, 0.3, 0.6)


@dataclass(frozen=True)
class Probe:
    """Out-of-fold probabilities and how they were made.

    Attributes:
        probabilities: (N, C) float32, rows sum to 1; NaN rows where the image could not be judged: it has no
            embedding, or no image of its class lies in another fold. Unlabelled images are judged.
        shrinkage: The share of the identity in the covariance that was chosen.
        scale: What the discriminant's logits were multiplied by.
        trust: What the other witness's log-probabilities were multiplied by; 0 where there is none.
    """

    probabilities: NDArray[np.float32]
    shrinkage: float
    scale: float
    trust: float


def assign_folds(contents: Sequence[str], folds: int = FOLDS) -> NDArray[np.intp]:
    """The fold of each image: its content's hash modulo the number of folds.

    It is the same every night, copies share it, and a new image leaves the others where they are.

    Args:
        contents: sha256 in hex of each image, or of its duplicate group; "" where it was never read.
        folds: Number of folds.
    """
    return np.array([int(content[:8] or "0", 16) % folds for content in contents], dtype=np.intp)


def out_of_fold(
    embeddings: NDArray[np.floating],
    labels: NDArray[np.integer],
    folds: NDArray[np.integer],
    classes: int,
    witness: NDArray[np.floating] | None = None,
) -> Probe:
    """Judges each image by a shrunk linear discriminant (Friedman, 1989) fitted without its fold.

    The logits are scaled by one factor (temperature scaling; Guo et al., 2017), and a witness that has never
    seen an image adds its log-probabilities to that image's logits with one weight for all (a logarithmic
    opinion pool; Heskes, 1998). Factor and weight maximise the likelihood of the given labels over all folds:
    a few numbers from N labels, so that no image has a hand in its own verdict worth naming.

    Args:
        embeddings: (N, D), NaN rows for images without one.
        labels: (N,) from 0 to classes - 1; -1 for images without a label, which are judged but not learned from.
        folds: (N,) of `assign_folds`.
        classes: Number of classes.
        witness: (N, C) probabilities of a classifier that was not trained on these images; NaN rows where it was.
    """
    judged = np.isfinite(embeddings[:, 0]) if embeddings.size else np.zeros(len(labels), dtype=bool)
    probabilities = np.full((len(labels), classes), np.nan, dtype=np.float32)
    learned = judged & (labels >= 0)
    if len(np.unique(labels[learned])) < 2:
        return Probe(probabilities, SHRINKAGE[-1], scale=1.0, trust=0.0)
    points = _principal_components(embeddings[judged])                          # (M, d)
    given, fold = labels[judged], folds[judged]                                 # (M,) each
    evidence = _log_evidence(witness, judged, classes)                          # (M, C)
    fits = []
    for shrinkage, logits in zip(SHRINKAGE, _logits_per_shrinkage(points, given, fold, classes), strict=True):
        seen = (given < 0) | np.isfinite(logits[np.arange(len(given)), given])  # (M,) its class lies in other folds
        usable = (given >= 0) & seen
        if usable.any():
            loss, scale, trust = _calibrate(logits[usable], evidence[usable], given[usable])
            fits.append((loss, shrinkage, scale, trust, logits, seen))
    if not fits:
        return Probe(probabilities, SHRINKAGE[-1], scale=1.0, trust=0.0)
    _, shrinkage, scale, trust, logits, seen = min(fits, key=lambda fit: fit[:2])
    verdict = np.exp(log_softmax(scale * logits + trust * evidence, axis=1)).astype(np.float32)     # (M, C)
    verdict[~seen] = np.nan
    probabilities[judged] = verdict
    return Probe(probabilities, shrinkage, scale, trust)


def _principal_components(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """(M, D) -> (M, d), standardised and rotated to the leading components, without looking at labels."""
    points = embeddings.astype(np.float32)                                      # (M, D), a copy
    points -= points.mean(axis=0)
    deviation = points.std(axis=0)
    points /= np.where(deviation > 1e-6, deviation, 1.0)
    images, dimension = points.shape
    kept = min(COMPONENTS, images, dimension)
    if images < dimension:                      # the same components from the smaller of the two matrices
        values, vectors = _leading(points @ points.T, kept)
        lengths: NDArray[np.floating] = np.sqrt(np.maximum(values, 0.0))
        return (vectors * lengths).astype(np.float32)
    _, directions = _leading(points.T @ points, kept)
    return (points @ directions).astype(np.float32, copy=False)


def _leading(matrix: NDArray[np.float32], kept: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    size = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=[size - kept, size - 1], overwrite_a=True, check_finite=False)
    return values, vectors


def _log_evidence(
    witness: NDArray[np.floating] | None, judged: NDArray[np.bool_], classes: int
) -> NDArray[np.float64]:
    """(M, C) log-probabilities of the witness; zero rows, which change no verdict, where it has none."""
    if witness is None:
        return np.zeros((int(judged.sum()), classes))
    rows = witness[judged].astype(np.float64)
    logs = np.log(np.maximum(rows, 1e-6))       # a witness may be sure, but never beyond appeal
    return np.where(np.isfinite(rows).all(axis=1, keepdims=True), logs, 0.0)


def _logits_per_shrinkage(
    points: NDArray[np.float32], labels: NDArray[np.integer], folds: NDArray[np.integer], classes: int
) -> list[NDArray[np.float64]]:
    """For each of `SHRINKAGE`, (M, C) logits of each image from the other folds; -inf for a class they lack."""
    dimension = points.shape[1]
    logits = [np.full((len(points), classes), -np.inf) for _ in SHRINKAGE]
    used = labels >= 0
    total = points[used].T @ points[used]                                       # (d, d)
    for fold in np.unique(folds):
        inside, learned = folds == fold, used & (folds != fold)
        held = points[inside & used]
        counts = np.bincount(labels[learned], minlength=classes).astype(np.float64)             # (C,)
        present = counts > 0
        if present.sum() < 2:
            continue
        sums = np.zeros((classes, dimension))
        np.add.at(sums, labels[learned], points[learned])
        means = sums[present] / counts[present, None]                           # (P, d)
        scatter = total - held.T @ held - sums[present].T @ means
        covariance = scatter / max(counts.sum() - present.sum(), 1.0)           # (d, d) within classes
        spread = float(np.trace(covariance)) / dimension
        prior = np.log(counts[present] / counts.sum())
        for shrinkage, out in zip(SHRINKAGE, logits, strict=True):
            shrunk = (1 - shrinkage) * covariance
            shrunk[np.diag_indices(dimension)] += shrinkage * spread + 1e-6
            directions = cho_solve(cho_factor(shrunk, lower=True, overwrite_a=True), means.T)   # (d, P)
            offset = prior - 0.5 * np.einsum("pd,dp->p", means, directions)
            out[np.ix_(inside, present)] = points[inside] @ directions + offset
    return logits


def _calibrate(
    logits: NDArray[np.float64], evidence: NDArray[np.float64], labels: NDArray[np.integer]
) -> tuple[float, float, float]:
    """The scale of the logits and the trust in the evidence with the best likelihood; (loss in nats, scale, trust)."""
    rows = np.arange(len(labels))
    trusted = bool(evidence.any())

    def loss(logarithms: NDArray[np.float64]) -> float:
        scale, trust = np.exp(logarithms[0]), np.exp(logarithms[-1]) if trusted else 0.0
        return float(-log_softmax(scale * logits + trust * evidence, axis=1)[rows, labels].mean())

    start = np.log([0.3, 0.5]) if trusted else np.log([0.3])
    bounds = [(np.log(1 / 1024), np.log(16.0))] * len(start)
    best = minimize(loss, start, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-3, "fatol": 1e-6})
    return float(best.fun), float(np.exp(best.x[0])), float(np.exp(best.x[-1])) if trusted else 0.0
