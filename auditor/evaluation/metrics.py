"""How good answers are: counts, shares with their uncertainty, calibration. Arrays in, numbers out."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

#: Bins of equal width over the confidence, as in Guo et al.
BINS = 15
_Z_95 = 1.959963984540054                       # the normal distribution's 97.5 % point
_SMALLEST = float(np.finfo(np.float32).eps)     # probabilities are float32: below this nothing is known


@dataclass(frozen=True)
class Share:
    """`right` of `total`, with the interval that holds the true share in 95 of 100 samples of this size."""

    right: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """NaN if there was nothing to count."""
        return self.right / self.total if self.total else math.nan


@dataclass(frozen=True)
class ClassScore:
    """The scores of one class.

    Attributes:
        name: The class.
        support: Images with it as their label.
        predicted: Images with it as the model's answer.
        right: Images with both.
        precision: right / predicted; NaN if it is never the answer.
        recall: right / support; NaN if it has no image.
        f1: Their harmonic mean, 2 right / (predicted + support); NaN if it has no image.
    """

    name: str
    support: int
    predicted: int
    right: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Bin:
    """The images whose confidence lies in (low, high]: how many, how sure the model was, how often it was right."""

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Whether 90 % sure means right in 90 % of the cases.

    Attributes:
        error: Expected calibration error: mean over the images of |accuracy - confidence| of their bin, in [0, 1].
        confidence: Mean confidence.
        bins: Those that hold images, from low to high.
    """

    error: float
    confidence: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Ranking:
    """For two classes: how well the probability of the second one sorts the images, independent of a threshold."""

    positive: str
    roc_auc: float
    average_precision: float


def wilson(right: int, total: int) -> Share:
    """A share with its 95 % score interval (Wilson, JASA 1927), which is valid for few images and near 0 and 1 too."""
    if not total:
        return Share(0, 0, 0.0, 1.0)
    share, widening = right / total, _Z_95**2 / total
    centre = share + widening / 2
    spread = _Z_95 * math.sqrt(share * (1 - share) / total + widening / (4 * total))
    low, high = (centre - spread) / (1 + widening), (centre + spread) / (1 + widening)
    # Rounding would leave 1e-17 at an end that is exactly 0 or 1.
    return Share(right, total, 0.0 if right == 0 else low, 1.0 if right == total else high)


def confusion_matrix(
    given: NDArray[np.integer], predicted: NDArray[np.integer], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts of given x predicted class.

    Args:
        given: (N,) in 0..C-1.
        predicted: (N,) likewise; -1 for an answer that is none of the classes.
        classes: C.

    Returns:
        (C, C), rows given and columns predicted; and (C,), for each given class the answers that are none of them.
    """
    inside = predicted >= 0
    matrix = np.bincount(given[inside] * classes + predicted[inside], minlength=classes**2).reshape(classes, classes)
    return matrix.astype(np.int64), np.bincount(given[~inside], minlength=classes).astype(np.int64)


def class_scores(
    names: tuple[str, ...], confusion: NDArray[np.int64], elsewhere: NDArray[np.int64]
) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class, from (C, C) counts and (C,) answers that are none of the classes."""
    support = confusion.sum(axis=1) + elsewhere                 # (C,)
    predicted = confusion.sum(axis=0)                           # (C,)
    right = confusion.diagonal()                                # (C,)
    return tuple(
        ClassScore(
            name=name,
            support=int(support[place]),
            predicted=int(predicted[place]),
            right=int(right[place]),
            precision=_ratio(right[place], predicted[place]),
            recall=_ratio(right[place], support[place]),
            f1=_ratio(2 * right[place], predicted[place] + support[place]) if support[place] else math.nan,
        )
        for place, name in enumerate(names)
    )


def calibration(confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS) -> Calibration:
    """Expected calibration error and the bins of the reliability diagram (Guo et al., ICML 2017).

    Args:
        confidence: (N,) probability of the answer, in [0, 1].
        right: (N,) whether the answer is the label.
        bins: Of equal width.
    """
    if not len(confidence):
        return Calibration(math.nan, math.nan, ())
    sure = confidence.astype(np.float64)
    # Bins are (low, high]: 1.0 belongs to the last one, and 0.0, which does not occur, to the first.
    place = np.clip(np.ceil(sure * bins).astype(np.intp) - 1, 0, bins - 1)      # (N,)
    found = []
    for number in np.unique(place).tolist():
        inside = place == number
        low, high = number / bins, (number + 1) / bins
        found.append(Bin(low, high, int(inside.sum()), float(sure[inside].mean()), float(right[inside].mean())))
    error = sum(each.images * abs(each.accuracy - each.confidence) for each in found) / len(sure)
    return Calibration(error, float(sure.mean()), tuple(found))


def log_loss(p_given: NDArray[np.floating]) -> float:
    """Mean -log of the given class's probability, (N,); a probability of 0 counts as float32's epsilon, 1.2e-7."""
    if not len(p_given):
        return math.nan
    return float(-np.log(np.clip(p_given.astype(np.float64), _SMALLEST, 1.0)).mean()) + 0.0     # never -0.0


def ranking(score: NDArray[np.floating], positive: NDArray[np.bool_], name: str) -> Ranking | None:
    """Area under the ROC curve and average precision; None if only one of the two classes has images.

    The area is the share of (positive, negative) pairs in the right order, ties counted half (Mann-Whitney). Average
    precision is the mean precision at each newly found positive, without interpolation.

    Args:
        score: (N,) higher for the positive class.
        positive: (N,) whether the image is of it.
        name: Of the positive class.
    """
    found, others = int(positive.sum()), int((~positive).sum())
    if not found or not others:
        return None
    ranks = rankdata(score)                                     # (N,) from 1, ties share their mean
    area = (ranks[positive].sum() - found * (found + 1) / 2) / (found * others)
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(positive[order])                           # (N,) positives among the first n
    last = np.append(np.diff(score[order]) != 0, True)          # (N,) images of one score count together
    precision = hits[last] / (np.flatnonzero(last) + 1)
    gained = np.diff(hits[last], prepend=0) / found
    return Ranking(name, float(area), float((precision * gained).sum()))


def mean_known(values: list[float]) -> float:
    """Mean of the values that are not NaN; NaN if there are none."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _ratio(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else math.nan
