"""Which labels are wrong: a noise model, its posterior, and a threshold that allows for its uncertainty.

Everything is computed from out-of-fold probabilities and the given labels. There is nothing to
tune: what differs between data sets is estimated from the data set.

A network and a label disagree for one of two reasons. Either the label was changed without looking
at the image (a slip, a script, a careless annotator): the class-conditional model of Patrini et al.,
"Making deep neural networks robust to label noise" (CVPR 2017), and of Northcutt et al.,
"Confident learning" (JAIR 2021). Or the image is hard, and network and annotator share the doubt:
noise that depends on the instance, as in Wei et al., "Learning with noisy labels revisited" (ICLR
2022). With the transition matrix T and the probability q(k | x) of the true class, a label g is
drawn from

    p(g | true = k, x) = T_kg - lambda_g 1[k = g] + lambda_g q(g | x),    lambda_g = doubt * T_gg

(an exact distribution over g if all classes are equally clean, and nearly one otherwise). Weighted
with q and summed over k this is (q T)_g for any doubt: probabilities and labels alone cannot
distinguish the two reasons (Zhu et al., "Clusterability as an alternative to anchor points", ICML
2021, and Liu et al., "Identifiability of label noise transition matrix", ICML 2023, describe what
else is needed). But they show *which* classes are mixed up. Wrong labels between classes that the
network confuses indicate shared doubt; wrong labels between other classes do not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import gammaln

from auditor.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNLABELLED = -1
LIKELY_RIGHT = 0.5          # a label with a lower probability of being right is flagged: more likely wrong than right
CONFIDENT_SHARE = 2 / 3     # the most confident part of the images predicted as a class: its anchors
DOUBT_PRIOR = 0.4           # if nothing is known; below 1/2, so that doubt alone never flags a label
DOUBT_PRIOR_CELLS = 6       # weight of the prior in matrix cells: as many as three classes have
FLOOR = 1e-9                # a probability of 0 is a rounding error, or a vote of few neighbours
EM_STEPS = 5
CHUNK = 1 << 21             # numbers in a block of rows: 8 MB


@dataclass(frozen=True)
class LabelIssues:
    """The verdict on every label of a data set.

    Args:
        score: (N,) in [0, 1], 0 worst; the order of review. NaN where there is no verdict.
        flagged: (N,) where the label is more likely wrong than right and the network disagrees with it.
        suggested: (N,) the most probable other class where flagged, the given label elsewhere.
        p_correct: (N,) probability that the given label is right; under 0.5 if flagged. NaN as above.
        expected_errors: low, middle and high estimate of the number of wrong labels. Middle is the
            number of flags; `docs/label-issues.md` says how often the true number lies between
            low and high.
        shared_doubt: in [0, 1], the estimated share of the network's doubt that the annotators share.
    """

    score: Floats
    flagged: Bools
    suggested: Ints
    p_correct: Floats
    expected_errors: tuple[float, float, float]
    shared_doubt: float


def find_label_issues(pred_probs: ArrayLike, labels: ArrayLike) -> LabelIssues:
    """Finds the labels that are more likely wrong than right.

    Args:
        pred_probs: (N, C) out-of-fold probabilities. A row with NaN is an image without a
            prediction: no verdict.
        labels: (N,) the given classes, 0 to C - 1, or -1 for an image without a label: no verdict.

    Returns:
        A `LabelIssues`.

    Raises:
        InputError: the shapes do not match, or a value is not a probability or not a class.

    Example:
        >>> probs = [[0.9, 0.1]] * 9 + [[0.1, 0.9]] * 9
        >>> labels = [0] * 8 + [1] + [1] * 8 + [0]
        >>> find_label_issues(probs, labels).flagged.nonzero()[0].tolist()
        [8, 17]
    """
    probs, given = _validated(pred_probs, labels)                # (N, C), (N,)
    judged = ~np.isnan(probs).any(axis=1) & (given != UNLABELLED)
    score = np.full(len(given), np.nan)
    p_correct = np.full(len(given), np.nan)
    suggested = given.copy()
    errors, doubt = (0.0, 0.0, 0.0), 0.0
    if probs.shape[1] == 1:
        score[judged] = p_correct[judged] = 1.0                  # only one class is possible
    elif judged.any():
        model = _NoiseModel.fit(probs[judged], given[judged])
        doubt = model.doubt
        p_correct[judged], score[judged], suggested[judged], errors = model.verdict()
    return LabelIssues(score, suggested != given, suggested, p_correct, errors, doubt)


def _validated(pred_probs: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float32], Ints]:
    probs = _array("pred_probs", pred_probs, "one row of class probabilities per image, all of the same length")
    given = _array("labels", labels, "one whole number per image; leave out images that have several labels")
    if probs.ndim != 2 or probs.shape[1] == 0:
        raise InputError(
            f"pred_probs has shape {probs.shape}; expected (images, classes). Pass one row of class probabilities "
            "per image."
        )
    if given.shape != probs.shape[:1]:
        raise InputError(
            f"labels has shape {given.shape} and pred_probs {probs.shape}; expected one label per row. "
            "Pass both for the same images, in the same order."
        )
    if probs.dtype.kind not in "fiub":
        raise InputError(f"pred_probs has dtype {probs.dtype}; expected floating point numbers. Convert it first.")
    if given.size and given.dtype.kind not in "iu":
        raise InputError(
            f"labels has dtype {given.dtype}; expected integers, 0 to {probs.shape[1] - 1}, or {UNLABELLED} for no "
            "label. Pass the index of each class, not its name."
        )
    outside = np.flatnonzero((given < UNLABELLED) | (given >= probs.shape[1]))
    if outside.size:
        raise InputError(
            f"label {given[outside[0]]} in row {outside[0]}; expected 0 to {probs.shape[1] - 1}, one per column of "
            f"pred_probs, or {UNLABELLED} for no label. Check that labels and columns use the same classes."
        )
    with np.errstate(invalid="ignore", over="ignore"):
        probs = probs.astype(np.float32)                         # a copy: the caller's array stays as it is
        sums = probs.sum(axis=1)                                 # NaN rows compare False below
        wrong = np.flatnonzero((probs < 0).any(axis=1) | (np.abs(sums - 1) > 0.02))
    if wrong.size:
        row = wrong[0]
        raise InputError(
            f"row {row} of pred_probs has a minimum of {probs[row].min():.4g} and a sum of {sums[row]:.4g}; expected "
            "probabilities: none negative, sum 1. Pass softmax outputs, not logits."
        )
    return probs / sums[:, None], given.astype(np.int64)


def _array(name: str, values: ArrayLike, expected: str) -> NDArray[Any]:
    """What was passed, as an array of any kind and shape but that of a single value."""
    reason = "it is not a sequence"
    try:
        array = np.asarray(values)
        if array.ndim:
            return array
    except Exception as error:  # lists of different lengths, and what other libraries raise for arrays of their own
        reason = " ".join(str(error).split())
    raise InputError(f"{name} is a {type(values).__name__} that cannot be read as an array: {reason}. Pass {expected}.")


@dataclass(frozen=True)
class _NoiseModel:
    """The fitted model: log-probabilities, labels, temperature, transition matrix and doubt."""

    logits: NDArray[np.float32]     # (N, C)
    given: Ints                     # (N,)
    sharpness: float                # inverse temperature
    transition: Floats              # (C, C): p(given | true)
    doubt: float

    @classmethod
    def fit(cls, probs: NDArray[np.float32], given: Ints) -> "_NoiseModel":
        """Fits on probabilities (N, C) without NaN and labels (N,), none missing."""
        classes = probs.shape[1]
        predicted = probs.argmax(axis=1)
        confident = _confident(probs.max(axis=1), predicted, classes)
        counts = np.zeros((classes, classes))                    # predicted x given, over the anchors
        np.add.at(counts, (predicted[confident], given[confident]), 1)
        transition = transition_matrix(counts)
        logits = np.log(np.maximum(probs, FLOOR))
        sharpness = _sharpness(logits, given, transition)
        anchors, anchors_given = logits[confident], given[confident]
        for _ in range(EM_STEPS):
            counts = _anchor_counts(anchors, anchors_given, sharpness, transition)
            transition = transition_matrix(counts)
        doubt = _shared_doubt(_confusions(logits, predicted, confident, sharpness), counts)
        return cls(logits, given, sharpness, transition, doubt)

    def verdict(self) -> tuple[Floats, Floats, Ints, tuple[float, float, float]]:
        """Returns p_correct (N,), score (N,), suggested (N,) and the low, middle and high number of wrong labels."""
        count = len(self.given)
        p_correct, score, suggested = np.empty(count), np.empty(count), self.given.copy()
        doubts = np.array([0.0, self.doubt, max(self.doubt, 2 / 3)])[:, None]
        expected = np.zeros(3)                                   # wrong labels, for each share of shared doubt
        disagreements = 0
        for rows in _blocks(self.logits.shape):
            true, given = _softmax(self.logits[rows], self.sharpness), self.given[rows]
            at = np.arange(len(given)), given
            self_confidence = true[at]                           # (n,)
            posterior = true * self.transition.T[given]          # (n, C): p(true = k | given, x), no shared doubt
            posterior /= posterior.sum(axis=1, keepdims=True)
            right = posterior[at] * (1 - doubts * (1 - self_confidence))         # (3, n): rest to other classes
            p_correct[rows] = right[1]
            # The ranking gives the network's own doubt equal weight: if the transition matrix is
            # estimated from few errors, it ranks the confusions of the network first.
            score[rows] = np.sqrt(right[1] * self_confidence)
            posterior += true * (self.doubt * posterior[at])[:, None]
            posterior[at] = -1
            # An untrained network gives every class a low probability: this alone is not a reason to flag.
            disagrees = true.max(axis=1) > self_confidence
            flagged = disagrees & (right[1] < LIKELY_RIGHT)
            suggested[rows][flagged] = posterior.argmax(axis=1)[flagged]
            expected += (1 - right).sum(axis=1)
            disagreements += int(disagrees.sum())
        flags = int((suggested != self.given).sum())
        return p_correct, score, suggested, _interval(flags, disagreements, float(expected[0]), float(expected[2]))


def _interval(flagged: int, disagreements: int, fewest: float, most: float) -> tuple[float, float, float]:
    """Low, middle and high number of wrong labels.

    Low: no doubt is shared, and the network makes 1.5 times the errors that its probabilities imply.
    High: at least two thirds of the doubt are shared. Both include two standard deviations of a count.
    """
    low = fewest - 0.5 * max(disagreements - fewest, 0.0) - 2 * np.sqrt(fewest)
    high = most + 2 * np.sqrt(most)
    return max(0.0, float(min(low, flagged))), float(flagged), float(max(high, flagged))


def _blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows with at most `CHUNK` numbers, so that intermediate arrays stay small."""
    step = max(1, CHUNK // shape[1])
    for start in range(0, shape[0], step):
        yield slice(start, start + step)


def _softmax(logits: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
    scaled = logits * np.float32(sharpness)
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def _sum_by(group: Ints, values: NDArray[np.floating], groups: int) -> Floats:
    """Sums the rows of values (n, C) by group to (G, C); `np.add.at` takes five times as long."""
    count = len(group)
    membership = csr_array((np.ones(count), group, np.arange(count + 1)), shape=(count, groups))
    return np.asarray(membership.T @ values, dtype=np.float64)


def _confident(confidence: NDArray[np.float32], predicted: Ints, classes: int) -> Bools:
    """The most confident images of every predicted class, (N,) bool, for which the network is rarely wrong.

    Among them a label that differs is a wrong label: the anchor points of Liu & Tao,
    "Classification with noisy labels by importance reweighting" (TPAMI 2016).
    """
    order = np.lexsort((-confidence, predicted))
    count = np.bincount(predicted, minlength=classes)
    start = np.cumsum(count) - count
    last = start + np.maximum(np.ceil(CONFIDENT_SHARE * count).astype(int) - 1, 0)
    limit = np.full(classes, np.inf)
    limit[count > 0] = confidence[order][last[count > 0]]
    result: Bools = confidence >= limit[predicted]               # ties are kept: the order of rows must not matter
    return result


def _shrunk(counts: Floats, mean: Floats) -> Floats:
    """Rates of each row of counts (R, M), shrunk towards `mean` (M,) as far as the rows agree with it.

    The strength maximises the Dirichlet-multinomial likelihood over a grid (empirical Bayes; Minka,
    "Estimating a Dirichlet distribution", 2000): rows that differ only by chance become equal, rows
    that differ clearly keep their own rates.
    """
    total = counts.sum(axis=1, keepdims=True)                    # (R, 1)

    def evidence(strength: float) -> float:
        prior = strength * mean
        rows = gammaln(strength) - gammaln(strength + total)
        return float(rows.sum() + gammaln(counts + prior).sum() - len(counts) * gammaln(prior).sum())

    best = max(4.0 ** np.arange(-1, 11), key=evidence)
    result: Floats = (counts + best * mean) / (total + best)
    return result


def class_rates(right: Floats, wrong: Floats) -> Floats:
    """Error rate of each class (C,), from counts (C,), shrunk towards the mean as far as the classes agree."""
    share = (wrong.sum() + 0.5) / (right.sum() + wrong.sum() + 1)                            # never 0 or 1
    return _shrunk(np.stack([right, wrong], axis=1), np.array([1 - share, share]))[:, 1]


def transition_matrix(counts: Floats) -> Floats:
    """p(given | true) (C, C) from counts true x given: the error rate of each class, times which class it becomes."""
    classes = len(counts)
    off = ~np.eye(classes, dtype=bool)
    errors = counts[off].reshape(classes, classes - 1)           # (C, C - 1)
    rate = class_rates(np.diag(counts), errors.sum(axis=1))
    target = _shrunk(errors, np.full(classes - 1, 1 / (classes - 1)))
    transition = np.diag(1 - rate)
    transition[off] = (rate[:, None] * target).ravel()
    return transition


def _sharpness(logits: NDArray[np.float32], given: Ints, transition: Floats) -> float:
    """The inverse temperature that makes the given labels most likely under the noise model.

    Temperature scaling (Guo et al., ICML 2017) of the true class, with the forward correction of
    Patrini et al.: a network that was regularised, or trained on noise, understates its confidence.
    """
    steps = np.arange(-4, 4.1, 0.5)                              # in powers of two
    likelihoods = np.zeros(len(steps))
    for rows in _blocks(logits.shape):
        columns = transition.T[given[rows]].astype(np.float32)   # (n, C): p(given | true = k)
        for i, step in enumerate(steps):
            p_given = np.einsum("nc,nc->n", _softmax(logits[rows], 2.0**step), columns)
            likelihoods[i] += np.log(np.maximum(p_given, 1e-12), dtype=np.float64).sum()
    top = int(likelihoods.argmax())
    if not 0 < top < len(steps) - 1:
        return float(2.0 ** steps[top])
    before, here, after = likelihoods[top - 1 : top + 2]
    bend = before - 2 * here + after                             # the parabola through the three best
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(2.0 ** (steps[top] + 0.5 * shift))


def _anchor_counts(logits: NDArray[np.float32], given: Ints, sharpness: float, transition: Floats) -> Floats:
    """One E step over the anchors: counts true x given (C, C) that do not count the network's errors as noise."""
    counts = np.zeros(transition.shape)                          # given x true, transposed at the end
    for rows in _blocks(logits.shape):
        joint = _softmax(logits[rows], sharpness) * transition.T[given[rows]]    # (n, C)
        joint /= joint.sum(axis=1, keepdims=True)
        counts += _sum_by(given[rows], joint, len(counts))
    return counts.T


def _confusions(logits: NDArray[np.float32], predicted: Ints, confident: Bools, sharpness: float) -> Floats:
    """Symmetric (C, C): how much more probability unsure predictions of class k give to class j than sure ones."""
    classes = logits.shape[1]
    group = predicted + classes * confident                      # (N,): unsure 0 to C - 1, sure C to 2C - 1
    sums = np.zeros((2 * classes, classes))
    for rows in _blocks(logits.shape):
        sums += _sum_by(group[rows], _softmax(logits[rows], sharpness), 2 * classes)
    mean = sums / np.maximum(np.bincount(group, minlength=2 * classes), 1)[:, None]
    growth = mean[:classes] - mean[classes:]
    # The noise adds the same probability to both terms, in one direction only, so it cancels here.
    growth = np.maximum(growth, 0)
    result: Floats = growth + growth.T
    return result


def _shared_doubt(confusions: Floats, counts: Floats) -> float:
    """The share of the noise's variance over pairs of classes that the network's confusions explain.

    Square roots are used because they make the variance of all counts equal. Two classes show
    nothing and get the prior, three get hardly more. With few wrong labels the result is shrunk
    towards the prior too: in counts of mean m whose rates spread as widely as m, chance causes the
    part 1 / (1 + m) of the variance.
    """
    classes = len(counts)
    off = ~np.eye(classes, dtype=bool)
    noise = np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))[off]
    doubt = np.sqrt(confusions)[off]
    explained, cells = 0.0, 0
    if classes > 2 and noise.std() > 1e-12 and doubt.std() > 1e-12:
        explained = max(float(np.corrcoef(noise, doubt)[0, 1]), 0.0) ** 2
        cells = noise.size
        events = counts[off].mean()                              # per pair; if there are few, chance hides the pattern
        explained += max(DOUBT_PRIOR - explained, 0.0) / (1 + events)
    return (cells * explained + DOUBT_PRIOR_CELLS * DOUBT_PRIOR) / (cells + DOUBT_PRIOR_CELLS)
