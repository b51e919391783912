"""How reliable the probe is when it calls a label wrong, estimated from the labels of the folder itself.

A label and the probe disagree for one of two reasons: the label is wrong, or the probe is. The more confident the
probe, the rarer its own mistakes; but wrong labels do not depend on its confidence. So the share of labels that it
denies (gives a different top class) falls with its confidence, but not below the share of wrong labels. This is a
psychometric function with a lapse rate
(Wichmann & Hill, "The psychometric function: I. Fitting, sampling, and goodness of fit", Perception & Psychophysics
2001):

    p(denied | s) = (1 - w) h(s) + w (1 - h(s) / (C - 1)),    h(s) = 1 / (1 + exp(a + b s))

with s the log odds of the top class, w the share of wrong labels and h the probability of a mistake of the probe. If
the probe is never confident, the likelihood is flat in w: the interval is wide, its lower end is 0, and no conclusion
is possible. The method is an anchor method (Liu & Tao, TPAMI 2016; for mixture proportions Ramaswamy et al., ICML
2016) that finds its own anchors.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import chdtri, expit  # scipy.stats would take 0.7 s to import

from auditor.labels.noise_model import FLOOR, class_rates, transition_matrix
from auditor.labels.parallel import one_blas_thread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Number of groups of images of similar confidence that the curve is fitted to, over all classes.
GROUPS = 512
#: Drop of the log likelihood at the ends of a 95 % interval: half the chi-squared quantile with one degree of freedom.
HALF_95 = 1.92
#: How much lower the log likelihood must be at a share of 0 to show that there are wrong labels.
EVIDENCE = 3.0
#: Shares of wrong labels at which the likelihood is computed, before its peak and the interval's ends are refined.
SHARES = np.concatenate([[1e-7], np.geomspace(2e-4, 0.8, 31)])
#: The probe's probabilities are calibrated, so its mistakes nearly follow them: a = 0, b = 1. These are the prior
#: standard deviations of a and of log b; without a prior, a flat curve of mistakes and wrong labels look the same.
SPREAD_OFFSET, SPREAD_SLOPE = 2.0, 0.5
#: Classes get different shares of wrong labels only if chance would cause such a difference once in 10,000 times.
SIGNIFICANCE = 1e-4
#: If the weights of the classes differ by less, they are treated as equal.
EQUAL_WITHIN = 0.1
_ROUNDS = 4


@dataclass(frozen=True)
class LapseCurve:
    """The share of denied labels as a function of the probe's confidence.

    Attributes:
        wrong: w, the share of wrong labels.
        low, high: Its 95 % likelihood interval.
        cautious: A lower share, which flags are based on: one standard deviation below the mean of log w under the
            likelihood. In a folder without visible wrong labels it is about one label, so only the most confident
            denials are flagged.
        shape: (2,) a and log b of the probe's own mistakes.
        cautious_shape: (2,) the same, fitted for the share `cautious`.
        weights: (C,) how much more often than the mean a label is wrong for images predicted as each class.
        evidence: Drop of the log likelihood from its peak to a share of 0.
    """

    wrong: float
    low: float
    high: float
    cautious: float
    shape: Floats
    cautious_shape: Floats
    weights: Floats
    evidence: float

    @property
    def shows_wrong_labels(self) -> bool:
        """Whether there is clear evidence that some labels are wrong."""
        return self.evidence > EVIDENCE

    def mistakes(self, log_odds: Floats, *, cautious: bool = False) -> Floats:
        """Computes h(s) (n,), the probability that the probe's top class is wrong, from log odds (n,)."""
        offset, slope = self.cautious_shape if cautious else self.shape
        result: Floats = expit(-(offset + np.exp(slope) * log_odds))
        return result


@dataclass(frozen=True)
class Verdicts:
    """The probe's verdicts on M labels, to which the curve is fitted.

    Attributes:
        predicted: (M,) the probe's top class.
        log_odds: (M,) log odds of that class.
        denied: (M,) bool, whether the label differs from it.
        logits: (M, C) log-probabilities.
        given: (M,) the labels.
    """

    predicted: Ints
    log_odds: Floats
    denied: NDArray[np.bool_]
    logits: NDArray[np.float32]
    given: Ints

    @classmethod
    def of(cls, probabilities: NDArray[np.floating], given: Ints) -> Self:
        """Computes the verdicts from out-of-fold probabilities (M, C) without NaN and labels (M,), none missing."""
        logits = np.log(np.maximum(probabilities, FLOOR)).astype(np.float32)        # (M, C)
        predicted = logits.argmax(axis=1)
        top = np.take_along_axis(probabilities, predicted[:, None], axis=1)[:, 0].astype(np.float64)
        rest = np.maximum(1 - top, FLOOR)
        return cls(predicted, np.log(np.maximum(top, FLOOR) / rest), predicted != given, logits, given)

    @property
    def classes(self) -> int:
        """The number of classes, C."""
        return int(self.logits.shape[1])


def fit_lapse_curve(verdicts: Verdicts) -> LapseCurve:
    """Fits the curve by maximum likelihood, with one share of wrong labels unless the classes clearly differ."""
    with one_blas_thread():
        return _fit(verdicts)


def _fit(verdicts: Verdicts) -> LapseCurve:
    groups = _Groups.of(verdicts)
    even = _Profile.of(groups)
    weights = _first_weights(verdicts)
    if np.ptp(weights) < EQUAL_WITHIN:
        return even.curve()
    for _ in range(2):
        profile = _Profile.of(replace(groups, weights=weights))
        p_wrong = wrong_probability(profile.curve(), verdicts, cautious=False)
        if not p_wrong.any():
            break
        weights = _weights(np.bincount(verdicts.predicted, p_wrong, minlength=verdicts.classes), verdicts)
    apart = _Profile.of(replace(groups, weights=weights))
    gain = even.lowest - apart.lowest
    return apart.curve() if gain > chdtri(verdicts.classes - 1, SIGNIFICANCE) / 2 else even.curve()


def wrong_probability(curve: LapseCurve, verdicts: Verdicts, *, cautious: bool = True) -> Floats:
    """Computes the probability (M,) that each label is wrong; 0 where the probe does not deny it.

    A denied label is either wrong or a mistake of the probe. If the probe is mistaken, the label is usually a class
    that the probe also finds likely. If the label is wrong, it is a class that labels are often changed to here;
    these classes are learned from the clearest cases (expectation maximisation with a shrunk transition matrix).

    Args:
        curve: Fitted to these verdicts, or to those of the same folder with a few labels changed.
        verdicts: The verdicts on M labels.
        cautious: Use the cautious share of wrong labels, not the most likely one.
    """
    share = curve.cautious if cautious else curve.wrong
    result = np.zeros(len(verdicts.given))
    rows = np.flatnonzero(verdicts.denied)
    if share <= SHARES[0] or not len(rows):
        return result
    predicted, given, classes = verdicts.predicted[rows], verdicts.given[rows], verdicts.classes
    mistakes = (1 - share) * curve.mistakes(verdicts.log_odds[rows], cautious=cautious)     # (n,)
    others = verdicts.logits[rows].astype(np.float64)
    others[np.arange(len(rows)), predicted] = -np.inf
    per_class = np.bincount(verdicts.predicted, minlength=classes)
    moves = np.repeat(share * curve.weights[:, None] / (classes - 1), classes, axis=1)      # (C, C) predicted -> given
    sharpness = 1.0
    for _ in range(_ROUNDS):
        slips = moves[predicted, given]                                                     # (n,)
        if classes > 2:
            sharpness = _best_sharpness(others, given, mistakes, slips)
        result[rows] = slips / (slips + mistakes * _share_of(others, given, sharpness))
        counts = np.zeros((classes, classes))
        np.add.at(counts, (predicted, given), result[rows])
        counts[np.diag_indices(classes)] = np.maximum(per_class - counts.sum(axis=1), 0)
        moves = transition_matrix(counts)
        np.fill_diagonal(moves, 0)
        moves *= share * per_class.sum() / max(float(moves.sum(axis=1) @ per_class), FLOOR)
    slips = moves[predicted, given]
    result[rows] = slips / (slips + mistakes * _share_of(others, given, sharpness))
    return result


def _best_sharpness(others: Floats, given: Ints, mistakes: Floats, slips: Floats) -> float:
    """The inverse temperature of the probabilities of all but the top class that has the best likelihood."""

    def loss(log_sharpness: float) -> float:
        return float(-np.log(mistakes * _share_of(others, given, np.exp(log_sharpness)) + slips).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 1.5), method="bounded", options={"xatol": 0.02}).x))


def _share_of(others: Floats, given: Ints, sharpness: float) -> Floats:
    """(n,) probability of the given class among all but the predicted one, whose logit is -inf."""
    scaled = others * sharpness
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    result: Floats = scaled[np.arange(len(given)), given] / scaled.sum(axis=1)
    return result


def _first_weights(verdicts: Verdicts) -> Floats:
    """(C,) weights from the denied labels among the most confident half of each predicted class."""
    confident = np.zeros(len(verdicts.given), dtype=bool)
    for members in _by_class(verdicts):
        confident[members[len(members) // 2 :]] = True
    return _weights(np.bincount(verdicts.predicted[confident & verdicts.denied], minlength=verdicts.classes), verdicts)


def _weights(wrong: NDArray[np.floating] | Ints, verdicts: Verdicts) -> Floats:
    """(C,) weights from the number of wrong labels of each predicted class; their mean over the images is 1."""
    total = np.bincount(verdicts.predicted, minlength=verdicts.classes).astype(np.float64)
    rates = class_rates(np.maximum(total - wrong, 0), np.asarray(wrong, np.float64))
    result: Floats = rates / max(float(rates @ total) / total.sum(), FLOOR)
    return result


def _by_class(verdicts: Verdicts) -> list[Ints]:
    """The rows of each predicted class, the least confident first; classes without images are left out."""
    order = np.lexsort((verdicts.log_odds, verdicts.predicted))
    starts = np.flatnonzero(np.diff(verdicts.predicted[order])) + 1
    return [part for part in np.split(order, starts) if len(part)]


@dataclass(frozen=True)
class _Groups:
    """Groups of images of one predicted class and similar confidence: the likelihood needs only their counts.

    Attributes:
        predicted, log_odds, images, denied: (G,) class, mean log odds, number of images and of denied labels.
        weights: (C,), as in `LapseCurve`.
    """

    predicted: Ints
    log_odds: Floats
    images: Floats
    denied: Floats
    weights: Floats

    @classmethod
    def of(cls, verdicts: Verdicts) -> Self:
        each = max(8, GROUPS // verdicts.classes)
        parts = [part for rows in _by_class(verdicts) for part in np.array_split(rows, min(each, len(rows)))]
        return cls(
            predicted=np.array([verdicts.predicted[part[0]] for part in parts]),
            log_odds=np.array([verdicts.log_odds[part].mean() for part in parts]),
            images=np.array([len(part) for part in parts], dtype=np.float64),
            denied=np.array([verdicts.denied[part].sum() for part in parts], dtype=np.float64),
            weights=np.ones(verdicts.classes),
        )

    def loss(self, shape: Floats, share: float) -> tuple[float, Floats]:
        """Returns the negative sum of log likelihood and log prior, and its gradient (2,) by shape."""
        offset, log_slope = shape
        slope = np.exp(log_slope)
        mistakes = expit(-(offset + slope * self.log_odds))                                 # (G,)
        wrong = np.minimum(share * self.weights[self.predicted], 0.95)
        elsewhere = 1 / (len(self.weights) - 1)
        denied = np.clip((1 - wrong) * mistakes + wrong * (1 - mistakes * elsewhere), 1e-12, 1 - 1e-12)
        loss = -(self.denied * np.log(denied) + (self.images - self.denied) * np.log1p(-denied)).sum()
        by_denied = self.denied / denied - (self.images - self.denied) / (1 - denied)
        by_mistakes = by_denied * (1 - wrong - wrong * elsewhere)
        by_offset = by_mistakes * mistakes * (1 - mistakes)                                 # (G,)
        prior = 0.5 * (offset / SPREAD_OFFSET) ** 2 + 0.5 * (log_slope / SPREAD_SLOPE) ** 2
        gradient = [
            by_offset.sum() + offset / SPREAD_OFFSET**2,
            (by_offset * slope * self.log_odds).sum() + log_slope / SPREAD_SLOPE**2,
        ]
        return float(loss + prior), np.array(gradient)

    def best(self, share: float, start: Floats) -> tuple[float, Floats]:
        """Minimises the loss for one share of wrong labels; returns the loss and the shape (2,)."""
        bounds = [(-20.0, 20.0), (-4.0, 3.0)]
        found = minimize(self.loss, start, args=(share,), jac=True, method="L-BFGS-B", bounds=bounds)
        return float(found.fun), found.x


@dataclass(frozen=True)
class _Profile:
    """The profile likelihood: the loss for each share of wrong labels in `SHARES`, and at its minimum."""

    groups: _Groups
    losses: Floats
    share: float
    lowest: float
    shape: Floats

    @classmethod
    def of(cls, groups: _Groups) -> Self:
        losses, shapes, shape = [], [], np.zeros(2)
        for share in SHARES:
            loss, shape = groups.best(share, shape)
            losses.append(loss)
            shapes.append(shape)
        at = int(np.argmin(losses))
        if at == 0:
            return cls(groups, np.array(losses), 0.0, losses[0], shapes[0])
        around = np.log(SHARES[[at - 1, min(at + 1, len(SHARES) - 1)]])
        found = minimize_scalar(
            lambda log_share: groups.best(np.exp(log_share), shapes[at])[0],
            bounds=tuple(around), method="bounded", options={"xatol": 1e-3},
        )  # fmt: skip
        lowest, shape = groups.best(np.exp(found.x), shapes[at])
        return cls(groups, np.array(losses), float(np.exp(found.x)), lowest, shape)

    def curve(self) -> LapseCurve:
        cautious = self._cautious()
        return LapseCurve(
            wrong=self.share,
            low=self._end(HALF_95, -1),
            high=self._end(HALF_95, 1),
            cautious=cautious,
            shape=self.shape,
            cautious_shape=self.groups.best(max(cautious, SHARES[0]), self.shape)[1],
            weights=self.groups.weights,
            evidence=float(self.losses[0] - self.lowest),
        )

    def _cautious(self) -> float:
        """Mean minus standard deviation of log w, as a share; the prior of log w is flat above half a label."""
        images = self.groups.images.sum()
        above = np.maximum(np.append(SHARES, self.share), 0.5 / images)
        losses = np.append(self.losses, self.lowest)
        order = np.argsort(above, kind="stable")
        logs, weights = np.log(above[order]), np.exp(self.lowest - losses[order])
        grid = np.linspace(logs[0], logs[-1], 400)
        likelihood = np.interp(grid, logs, weights)
        mean = float((grid * likelihood).sum() / likelihood.sum())
        return float(np.exp(mean - np.sqrt(((grid - mean) ** 2 * likelihood).sum() / likelihood.sum())))

    def _end(self, fall: float, side: int) -> float:
        """The outermost share below (side -1) or above (1) the peak where the loss has risen by `fall`."""
        inside = np.flatnonzero(self.losses < self.lowest + fall)
        beyond = self.share > SHARES if side < 0 else self.share < SHARES
        near = [place for place in inside if beyond[place]]
        nearest = (near[0] if side < 0 else near[-1]) if near else None
        if side < 0 and (self.share <= SHARES[0] or nearest == 0):
            return 0.0
        if nearest == len(SHARES) - 1 and side > 0:
            return float(SHARES[-1])
        inner = self.share if nearest is None else float(SHARES[nearest])
        outer = SHARES[inner > SHARES].max() if side < 0 else SHARES[inner < SHARES].min()

        def above(log_share: float) -> float:
            return self.groups.best(np.exp(log_share), self.shape)[0] - self.lowest - fall

        ends = np.log(max(inner, SHARES[0])), np.log(outer)
        if above(ends[0]) > 0 or above(ends[1]) < 0:
            return float(outer)
        return float(np.exp(brentq(above, *ends, xtol=1e-2)))
