"""Out-of-fold class probabilities from embeddings, in closed form.

A model scanned over the folder it was trained on has memorised the wrong labels. The probe has not: each image is
judged by a linear discriminant fitted to the other folds alone, and whatever it says of an image can be shown as a
heatmap, because it is linear in the features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from auditor.labels.components import Standard
from auditor.labels.discriminant import Discriminants, Fit, FoldScatter
from auditor.labels.parallel import one_blas_thread

FOLDS = 10
#: Dimensions that the discriminant sees: all of an ordinary network, the leading components of a wider one. Fewer cost
#: less, and put doubtful photographs in front of wrong labels.
COMPONENTS = 2048
#: Images of left-out folds on which the form is chosen; the first folds that hold them are enough.
CHOOSING = 8192
#: Numbers that calibration looks at; with more rows, every second or third one.
CALIBRATED = 1 << 19


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


SHRINKAGES = (0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.8)


@dataclass(frozen=True)
class _Learner:
    """What is kept to learn other labels from the same embeddings, and to ask why."""

    discriminants: Discriminants
    standard: Standard
    rows: NDArray[np.intp]                              # (M,) images with an embedding
    place: NDArray[np.intp]                             # (M,) the fold of each, counted among the folds that are there
    evidence: tuple[NDArray[np.float32], ...]
    fit: Fit


@dataclass(frozen=True)
class Probe:
    """Out-of-fold probabilities and how they were made.

    Attributes:
        probabilities: (N, C) float32, rows sum to 1; NaN rows where the image could not be judged: it has no
            embedding, or no image of its class lies in another fold. Unlabelled images are judged.
        form: The form that was chosen; None where nothing could be judged.
        scale: What the discriminant's logits were multiplied by.
        trust: What the log-probabilities were multiplied by, of each classifier that said anything.
    """

    probabilities: NDArray[np.float32]
    form: Form | None = None
    scale: float = 1.0
    trust: tuple[float, ...] = ()
    _learner: _Learner | None = field(default=None, repr=False)

    def relearn(self, labels: NDArray[np.integer]) -> NDArray[np.float32]:
        """(N, C) out-of-fold probabilities from other labels of the same images, in the same form, calibrated anew.

        Args:
            labels: (N,) from 0 to C - 1; -1 for images that are not learned from.
        """
        probabilities = np.full_like(self.probabilities, np.nan)
        if self._learner is not None:
            learner, given = self._learner, labels[self._learner.rows]
            logits = learner.discriminants.logits(learner.discriminants.fit(given, probabilities.shape[1]))
            seen = _seen(logits, given)
            _, scale, trust = _calibrate(logits, learner.evidence, given, seen)
            verdict = _probabilities(logits, scale, trust, learner.evidence)
            verdict[(given >= 0) & ~seen] = np.nan
            probabilities[learner.rows] = verdict
        return probabilities

    def feature_weights(
        self, rows: NDArray[np.integer], classes: NDArray[np.integer], embeddings: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """D logit / d pooled feature of the discriminant that judged each image: it was learned without it.

        Args:
            rows: (n,) images that have an embedding.
            classes: (n, c) classes of the folder.
            embeddings: (n, D) of the images.

        Returns:
            (n, c, D) float32: what a class map is made with, as with a head's own weights.
        """
        assert self._learner is not None
        learner = self._learner
        fold = learner.place[np.searchsorted(learner.rows, rows)]                   # (n,)
        directions = learner.fit.directions[fold[:, None], :, classes]              # (n, c, d)
        return learner.standard.pull_back(np.float32(self.scale) * directions, embeddings)

    def answer(self, row: int, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """(B, D) embeddings of changed copies of an image -> (B, C), by the discriminant learned without it."""
        assert self._learner is not None
        learner = self._learner
        fold = learner.place[np.searchsorted(learner.rows, row)]
        logits = learner.standard.points(embeddings) @ learner.fit.directions[fold] + learner.fit.offsets[fold]
        result: NDArray[np.float32] = np.exp(log_softmax(np.float32(self.scale) * logits, axis=1))
        return result

    @property
    def can_explain(self) -> bool:
        """Whether `feature_weights` has weights to give."""
        return self._learner is not None


def _probabilities(
    logits: NDArray[np.float32], scale: float, trust: Sequence[float], evidence: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """(M, C) of the discriminants' logits, scaled, and of what the classifiers add."""
    logits = logits * np.float32(scale) + _weighed(trust, evidence)
    with np.errstate(invalid="ignore"):         # all -inf where the other folds hold one class alone: no verdict, NaN
        return np.asarray(np.exp(log_softmax(logits, axis=1)), np.float32)


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
    classifiers: Sequence[NDArray[np.floating]] = (),
) -> Probe:
    """Judges each image by a shrunk linear discriminant (Friedman, 1989) fitted without its fold.

    To fit it a second time without the labels that the first fit doubts gains .003 to .005 of F1 where many labels
    were changed at random, and makes it sure of exactly the photographs that people find doubtful: it is fitted once.

    The logits are scaled by one factor (temperature scaling; Guo et al., 2017), and each classifier that has
    never seen an image's label adds its log-probabilities to that image's logits with one weight for all (a logarithmic
    opinion pool; Heskes, 1998). Factor and weights maximise the likelihood of the given labels over all folds:
    a few numbers from N labels, so that no image has a hand in its own verdict worth naming.

    Args:
        embeddings: (N, D), NaN rows for images without one.
        labels: (N,) from 0 to classes - 1; -1 for images without a label, which are judged but not learned from.
        folds: (N,) of `assign_folds`.
        classes: Number of classes.
        classifiers: (N, C) probabilities each, of a classifier that was not trained on these images, say; NaN rows
            where it was.
    """
    with one_blas_thread():
        return _out_of_fold(embeddings, labels, folds, classes, classifiers)


def _out_of_fold(
    embeddings: NDArray[np.floating],
    labels: NDArray[np.integer],
    folds: NDArray[np.integer],
    classes: int,
    classifiers: Sequence[NDArray[np.floating]],
) -> Probe:
    judged = np.flatnonzero(np.isfinite(embeddings).all(axis=1) & bool(embeddings.shape[1]))    # (M,)
    nothing = Probe(np.full((len(labels), classes), np.nan, dtype=np.float32))
    given = labels[judged]
    if len(np.unique(given[given >= 0])) < 2:
        return nothing
    everything = len(judged) == len(labels)
    rows = embeddings if everything else embeddings[judged]                         # (M, D)
    logs = (_log_evidence(one[judged]) for one in classifiers)
    evidence = tuple(one for one in logs if one.any())                              # (M, C) each
    search = _Search(rows, given, folds[judged], classes, evidence)
    found = search.best()
    if found is None:
        return nothing
    form, standard, scatter = found
    discriminants = Discriminants(scatter, form.shrinkage)
    fit = discriminants.fit(given, classes)
    logits = discriminants.logits(fit)                                              # (M, C)
    seen = _seen(logits, given)
    _, scale, trust = _calibrate(logits, evidence, given, seen)
    place = np.unique(folds[judged], return_inverse=True)[1]
    learner = _Learner(discriminants, standard, judged, place, evidence, fit)
    verdict = _probabilities(logits, scale, trust, evidence)
    verdict[(given >= 0) & ~seen] = np.nan
    nothing.probabilities[judged] = verdict
    return Probe(nothing.probabilities, form, scale, trust, learner)


@dataclass
class _Search:
    """Looks for the form with the best out-of-fold likelihood."""

    embeddings: NDArray[np.floating]                    # (M, D)
    labels: NDArray[np.integer]                         # (M,)
    folds: NDArray[np.integer]                          # (M,)
    classes: int
    evidence: tuple[NDArray[np.float32], ...]

    def best(self) -> tuple[Form, Standard, FoldScatter] | None:
        """None where no image can be judged by the other folds.

        The likelihood falls to both sides of the best shrinkage: it is climbed, from the middle with roots, from where
        that ended without.
        """
        found: tuple[float, Form, Standard, FoldScatter] | None = None
        start = len(SHRINKAGES) // 2
        for rooted in (True, False):
            standard = self._standard(rooted)
            scatter = FoldScatter(self.embeddings, standard, self.folds)
            losses: dict[int, float] = {}

            def loss(at: int, scatter: FoldScatter = scatter, losses: dict[int, float] = losses) -> float:
                if not 0 <= at < len(SHRINKAGES):
                    return np.inf
                if at not in losses:
                    losses[at] = self._loss(scatter, SHRINKAGES[at])
                return losses[at]

            step = 1 if loss(start + 1) < loss(start) else -1
            while loss(start + step) < loss(start):
                start += step
            if not np.isfinite(loss(start)):
                return None
            if found is None or loss(start) < found[0]:
                found = loss(start), Form(rooted, SHRINKAGES[start]), standard, scatter
        return None if found is None else found[1:]

    def _standard(self, rooted: bool) -> Standard:
        """No rotation changes the discriminant: only what is too wide is reduced."""
        standard = Standard.fit(self.embeddings, rooted=rooted)
        if len(self.embeddings) < min(standard.dimension, COMPONENTS):
            return standard.compact(self.embeddings)
        return standard if standard.dimension <= COMPONENTS else standard.reduced(self.embeddings, COMPONENTS)

    def _loss(self, scatter: FoldScatter, shrinkage: float) -> float:
        """Nats per label, on the first folds that hold enough of them; infinite where nothing is judged."""
        held = np.cumsum([(self.labels[rows] >= 0).sum() for rows in scatter.rows])
        discriminants = Discriminants(scatter, shrinkage, int(np.searchsorted(held, CHOOSING)) + 1)
        logits = discriminants.logits(discriminants.fit(self.labels, self.classes))
        seen = _seen(logits, self.labels)
        return _calibrate(logits, self.evidence, self.labels, seen)[0] if seen.any() else np.inf


def _seen(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(M,) labelled, and the class of the label lies in another fold too."""
    given = logits[np.arange(len(logits)), np.maximum(labels, 0)]
    result: NDArray[np.bool_] = (labels >= 0) & np.isfinite(given)
    return result


def _log_evidence(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """(M, C) log-probabilities of a classifier; zero rows, which change no verdict, where it has none."""
    logs = np.log(np.maximum(rows, 1e-6))       # it may be sure, but never beyond appeal
    return np.where(np.isfinite(rows).all(axis=1, keepdims=True), logs, 0.0).astype(np.float32)


def _weighed(trust: Sequence[float], evidence: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(M, C) what the classifiers say together; (1, 1) zero where there is none."""
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
    """The scale of the logits and the trust in each classifier with the best likelihood; (loss in nats, scale, trust).

    A share of the labels, found along with them, may be random: without it a few labels that are certainly wrong
    would make all verdicts timid (the forward correction of Patrini et al., 2017, with uniform noise).
    """
    rows = np.flatnonzero(used)
    rows = rows[:: 1 + len(rows) * logits.shape[1] // CALIBRATED]
    logits, labels, evidence = logits[rows], labels[rows], [logs[rows] for logs in evidence]
    at = np.arange(len(rows)), labels

    def loss(values: NDArray[np.float64]) -> float:
        scale, random, *trust = np.exp(values)
        given = log_softmax(np.float32(scale) * logits + _weighed(trust, evidence), axis=1)[at].astype(np.float64)
        return float(-np.log((1 - random) * np.exp(given) + random / logits.shape[1]).mean())

    start = np.log([0.3, 0.02, *(0.5 for _ in evidence)])
    wide = (np.log(1 / 1024), np.log(16.0))
    bounds = [wide, (np.log(1e-6), np.log(0.9)), *(wide for _ in evidence)]
    best = minimize(loss, start, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-2, "fatol": 1e-6})
    scale, _, *trust = np.exp(best.x).tolist()
    return float(best.fun), scale, tuple(trust)
