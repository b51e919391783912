"""Out-of-fold class probabilities from embeddings, in closed form.

A model scanned over the folder it was trained on has memorised the wrong labels. The probe has not: each
image is judged by a linear discriminant fitted to the other folds alone. The fit needs only sums over images
(counts, means, one scatter matrix), so a fold is taken out by subtraction and all fits together cost little more
than one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import log_softmax

from auditor.components import leading_components, standardise

FOLDS = 10
#: Dimensions that the discriminant sees: all of an ordinary network, the leading components of a wider one. Fewer cost
#: less, and put doubtful photographs in front of wrong labels.
COMPONENTS = 2048
#: Images of left-out folds on which the form is chosen; the first folds that hold them are enough.
CHOOSING = 4096
#: Numbers that calibration looks at; with more rows, every second or third one.
CALIBRATED = 1 << 22


@dataclass(frozen=True)
class Form:
    """What a discriminant leaves open.

    Attributes:
        rooted: Whether it sees the signed square roots of the features. Behind a ReLU most are small and a few large;
            roots help where these few say little about the classes.
        shrinkage: The share of the identity in the covariance.
    """

    rooted: bool
    shrinkage: float


#: The one with the best out-of-fold likelihood is used.
FORMS = tuple(Form(rooted, share) for rooted in (True, False) for share in (0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.8))


@dataclass(frozen=True)
class Probe:
    """Out-of-fold probabilities and how they were made.

    Attributes:
        probabilities: (N, C) float32, rows sum to 1; NaN rows where the image could not be judged: it has no
            embedding, or no image of its class lies in another fold. Unlabelled images are judged.
        form: The form that was chosen; the first of all where nothing could be judged.
        scale: What the discriminant's logits were multiplied by.
        trust: What the log-probabilities were multiplied by, of each other witness that said anything.
    """

    probabilities: NDArray[np.float32]
    form: Form
    scale: float
    trust: tuple[float, ...]


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
    witnesses: Sequence[NDArray[np.floating]] = (),
    forms: Sequence[Form] = FORMS,
) -> Probe:
    """Judges each image by a shrunk linear discriminant (Friedman, 1989) fitted without its fold.

    To fit it a second time without the labels that the first fit doubts gains .003 to .005 of F1 where many labels
    were changed at random, and makes it sure of exactly the photographs that people find doubtful: it is fitted once.

    The logits are scaled by one factor (temperature scaling; Guo et al., 2017), and each witness that has
    never seen an image's label adds its log-probabilities to that image's logits with one weight for all (a logarithmic
    opinion pool; Heskes, 1998). Factor and weights maximise the likelihood of the given labels over all folds:
    a few numbers from N labels, so that no image has a hand in its own verdict worth naming.

    Args:
        embeddings: (N, D), NaN rows for images without one.
        labels: (N,) from 0 to classes - 1; -1 for images without a label, which are judged but not learned from.
        folds: (N,) of `assign_folds`.
        classes: Number of classes.
        witnesses: (N, C) probabilities each, of a classifier that was not trained on these images, say; NaN rows where
            it was.
        forms: To choose from.
    """
    judged = np.isfinite(embeddings).all(axis=1) & bool(embeddings.shape[1])    # (N,)
    probabilities = np.full((len(labels), classes), np.nan, dtype=np.float32)
    unjudged = Probe(probabilities, forms[0], scale=1.0, trust=())
    if len(np.unique(labels[judged & (labels >= 0)])) < 2:
        return unjudged
    testimonies = (_log_evidence(witness[judged]) for witness in witnesses)
    evidence = [logs for logs in testimonies if logs.any()]                     # (M, C) each
    tried = []
    for rooted in dict.fromkeys(form.rooted for form in forms):
        points = _points(embeddings[judged], rooted)                            # (M, d)
        moments = _Moments.of(points, labels[judged], folds[judged], classes)
        some = moments.first_folds(CHOOSING)
        for form in (form for form in forms if form.rooted == rooted):
            logits = moments.logits(form.shrinkage, some)
            if not moments.seen(logits).any():
                return unjudged
            loss, *_ = _calibrate(logits, evidence, moments.labels, moments.seen(logits))
            tried.append((loss, form, moments))
    _, form, moments = min(tried, key=itemgetter(0))
    logits = moments.logits(form.shrinkage)
    _, scale, trust = _calibrate(logits, evidence, moments.labels, moments.seen(logits))
    unseen = (moments.labels >= 0) & ~moments.seen(logits)
    logits *= np.float32(scale)
    logits += _weighed(trust, evidence)
    with np.errstate(invalid="ignore"):         # all -inf where the other folds hold one class alone: no verdict, NaN
        verdict = np.exp(log_softmax(logits, axis=1))                           # (M, C)
    verdict[unseen] = np.nan
    probabilities[judged] = verdict
    return Probe(probabilities, form, scale, trust)


@dataclass(frozen=True)
class _Moments:
    """Points, and per fold the sums over them that a discriminant is made of."""

    points: NDArray[np.float32]         # (M, d)
    labels: NDArray[np.integer]         # (M,)
    rows: list[NDArray[np.intp]]        # K folds, the rows of each
    counts: NDArray[np.float64]         # (K, C)
    sums: NDArray[np.float32]           # (K, C, d)
    scatter: NDArray[np.float32]        # (K, d, d)

    @classmethod
    def of(
        cls, points: NDArray[np.float32], labels: NDArray[np.integer], folds: NDArray[np.integer], classes: int
    ) -> "_Moments":
        rows = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
        parts = [_sums(points[inside], labels[inside], classes) for inside in rows]
        counts, sums, scatter = (np.stack(column) for column in zip(*parts, strict=True))
        return cls(points, labels, rows, counts, sums, scatter)

    def seen(self, logits: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(M,) labelled, and the class of the label lies in another fold too."""
        given = logits[np.arange(len(logits)), np.maximum(self.labels, 0)]
        result: NDArray[np.bool_] = (self.labels >= 0) & np.isfinite(given)
        return result

    def first_folds(self, images: int) -> int:
        """How many folds hold so many labelled images; all of them where they hold fewer."""
        held = np.cumsum(self.counts.sum(axis=1))
        return min(int(np.searchsorted(held, images)) + 1, len(held))

    def logits(self, shrinkage: float, folds: int | None = None) -> NDArray[np.float32]:
        """(M, C) of each image of the first folds, or of all, from the others; -inf for a class they lack."""
        logits = np.full((len(self.points), self.counts.shape[1]), -np.inf, dtype=np.float32)
        for fold, inside in enumerate(self.rows[:folds]):
            logits[inside] = _score(self.points[inside], self._fit(shrinkage, fold))
        return logits

    def _fit(
        self, shrinkage: float, without: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]:
        """The discriminant without one fold: (C,) classes it knows, (d, P) directions, (P,) offsets."""
        counts = self.counts.sum(axis=0) - self.counts[without]                                 # (C,)
        sums = self.sums.sum(axis=0) - self.sums[without]                                       # (C, d)
        scatter = self.scatter.sum(axis=0) - self.scatter[without]                              # (d, d)
        present = counts > 0.5
        if present.sum() < 2:
            return np.zeros_like(present), sums[:0].T, sums[:0, 0]
        means = sums[present] / counts[present, None].astype(np.float32)                        # (P, d)
        covariance = (scatter - sums[present].T @ means) / max(counts.sum() - present.sum(), 1.0)
        dimension = len(covariance)
        spread = float(np.trace(covariance)) / dimension
        covariance *= 1 - shrinkage
        rounding = 1e-5 * float(scatter.diagonal().max()) / max(counts.sum(), 1.0)              # of float32 sums
        covariance[np.diag_indices(dimension)] += shrinkage * max(spread, 0.0) + max(rounding, 0.0) + 1e-6
        symmetric = covariance.astype(np.float64).T         # (d, d), in LAPACK's own order, which saves it a copy
        factor = cho_factor(symmetric, lower=False, overwrite_a=True, check_finite=False)
        directions = cho_solve(factor, means.T.astype(np.float64), check_finite=False)          # (d, P)
        offset = np.log(counts[present] / counts.sum()) - 0.5 * np.einsum("pd,dp->p", means, directions)
        return present, directions.astype(np.float32), offset.astype(np.float32)


def _sums(
    points: NDArray[np.float32], labels: NDArray[np.integer], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
    """Counts (C,), sums (C, d) and scatter (d, d) of the rows with a label."""
    used = labels >= 0
    points, labels = points[used], labels[used]
    member = csr_array((np.ones(len(labels), np.float32), (labels, np.arange(len(labels)))), (classes, len(labels)))
    return np.bincount(labels, minlength=classes).astype(np.float64), member @ points, points.T @ points


def _score(
    points: NDArray[np.float32], weights: tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """(n, C) logits; -inf for classes that the discriminant does not know."""
    present, directions, offset = weights
    logits = np.full((len(points), len(present)), -np.inf, dtype=np.float32)
    if present.any():
        logits[:, present] = points @ directions + offset
    return logits


def _points(embeddings: NDArray[np.floating], rooted: bool) -> NDArray[np.float32]:
    """(M, D) -> (M, d) for the discriminant, which no rotation changes: only what is too wide is reduced."""
    points = standardise(embeddings, rooted=rooted)
    return points if points.shape[1] <= min(len(points), COMPONENTS) else leading_components(points, COMPONENTS)


def _log_evidence(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """(M, C) log-probabilities of a witness; zero rows, which change no verdict, where it has none."""
    logs = np.log(np.maximum(rows, 1e-6))       # a witness may be sure, but never beyond appeal
    return np.where(np.isfinite(rows).all(axis=1, keepdims=True), logs, 0.0).astype(np.float32)


def _weighed(trust: Sequence[float], evidence: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(M, C) what the witnesses say together; (1, 1) zero where there is none."""
    total = np.zeros((1, 1), dtype=np.float32)
    for weight, logs in zip(trust, evidence, strict=True):
        total = total + np.float32(weight) * logs
    return total


def _calibrate(
    logits: NDArray[np.float32],
    evidence: Sequence[NDArray[np.float32]],
    labels: NDArray[np.integer],
    used: NDArray[np.bool_],
) -> tuple[float, float, tuple[float, ...]]:
    """The scale of the logits and the trust in each witness with the best likelihood; (loss in nats, scale, trust).

    A share of the labels, found along with them, may be drawn by lot: without it a few labels that are certainly wrong
    would make all verdicts timid (the forward correction of Patrini et al., 2017, with uniform noise).
    """
    rows = np.flatnonzero(used)
    rows = rows[:: 1 + len(rows) * logits.shape[1] // CALIBRATED]
    logits, labels, evidence = logits[rows], labels[rows], [logs[rows] for logs in evidence]
    at = np.arange(len(rows)), labels

    def loss(values: NDArray[np.float64]) -> float:
        scale, by_lot, *trust = np.exp(values)
        given = log_softmax(np.float32(scale) * logits + _weighed(trust, evidence), axis=1)[at].astype(np.float64)
        return float(-np.log((1 - by_lot) * np.exp(given) + by_lot / logits.shape[1]).mean())

    start = np.log([0.3, 0.02, *(0.5 for _ in evidence)])
    wide = (np.log(1 / 1024), np.log(16.0))
    bounds = [wide, (np.log(1e-6), np.log(0.9)), *(wide for _ in evidence)]
    best = minimize(loss, start, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-2, "fatol": 1e-6})
    scale, _, *trust = np.exp(best.x).tolist()
    return float(best.fun), scale, tuple(trust)
