"""The order of review learned again after decisions: the labels that a person settled teach the probe.

The probe learns from what is known by now: settled labels are trusted, removed images are left out, and so are labels
that the scan flagged until somebody settles them. Then it judges the labels as the data set gave them. So what is said
about how labels go wrong here, class by class, still rests on all wrong labels, the settled ones too; judged by the
corrected labels, the noise model would see fewer and fewer and lose sight of the rest. An image never teaches the
discriminant that judges it (its fold does not), so that a settled label is no evidence for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logit

from auditor.labels import find_label_issues
from auditor.labels.neighbours import Directions, Neighbours, class_votes, nearest
from auditor.labels.noise_model import LIKELY_RIGHT
from auditor.labels.parallel import one_blas_thread
from auditor.labels.probe import Probe, assign_folds, out_of_fold
from auditor.labels.ranking import review_order
from auditor.labels.reliability import Verdicts, fit_lapse_curve, wrong_probability

_SURE = 1e-6                                    # probabilities are kept this far from 0 and 1, for their logits


@dataclass(frozen=True)
class Order:
    """The order of N images.

    Attributes:
        rank: (N,) place in the order of review, 1 first; 0 for images without a verdict.
        p_wrong: (N,) the probability that the label that the data set gives is wrong.
    """

    rank: NDArray[np.intp]
    p_wrong: NDArray[np.float64]


@dataclass(frozen=True)
class Relearner:
    """What is kept between decisions.

    Attributes:
        given: (N,) the classes as the data set gives them; -1 for images without a label.
        probe: Fitted to those.
        neighbours: The most similar images of each.
        known: (N,) what the scan knew beyond the embeddings, added to the logit of the given class: a trained
            classifier that had not seen the image.
        doubted: (N,) whether the label is more likely wrong than right, before anything is settled.
    """

    given: NDArray[np.intp]
    probe: Probe
    neighbours: Neighbours
    known: NDArray[np.float32]
    doubted: NDArray[np.bool_]

    @classmethod
    def fit(
        cls,
        embeddings: NDArray[np.floating],
        given: NDArray[np.intp],
        keys: Sequence[str],
        classes: int,
        p_given: NDArray[np.floating],
    ) -> Self:
        """Fits the probe in its best form, and finds the neighbours.

        Args:
            embeddings: (N, D); NaN rows for images without one.
            given: (N,) from 0 to classes - 1; -1 for images without a label.
            keys: (N,) content of each image, or of its group of copies.
            classes: Number of classes.
            p_given: (N,) the scan's out-of-fold probability of the given class; NaN where it gave none.
        """
        with one_blas_thread():
            probe = out_of_fold(embeddings, given, assign_folds(keys), classes)
            neighbours = nearest(Directions.fit(embeddings).of_all(embeddings), groups=keys)
            more = _logit(p_given) - _logit(probe.probabilities[np.arange(len(given)), np.maximum(given, 0)])
            known = np.where(np.isfinite(more), more, 0).astype(np.float32)
            doubted = _wrong(_added(probe.probabilities, given, known), given)[1]
        return cls(given, probe, neighbours, known, doubted)

    def order(self, labels: NDArray[np.intp], settled: NDArray[np.bool_]) -> Order:
        """Learns from labels and orders the images. The same labels give the same order, whatever was asked before.

        Args:
            labels: (N,) the given classes, but the decided one where it is decided; -1 for images to be left out.
            settled: (N,) which of them somebody decided; where none is, the order is that of the scan.
        """
        with one_blas_thread():
            return self._order(labels, settled)

    def _order(self, labels: NDArray[np.intp], settled: NDArray[np.bool_]) -> Order:
        given = self.given
        taught = np.where(self.doubted & ~settled, -1, labels) if settled.any() else labels
        probabilities = _added(self.probe.relearn(taught), given, self.known)               # (N, C)
        issues = find_label_issues(probabilities, given)
        p_wrong, flagged = _wrong(probabilities, given)
        votes = class_votes(self.neighbours, labels, probabilities.shape[1])                # (N, C)
        denied = np.nan_to_num(probabilities).argmax(axis=1) != given
        of_given = votes[np.arange(len(given)), np.maximum(given, 0)]
        return Order(review_order(issues.score, of_given, flagged, denied), p_wrong)


def _wrong(
    probabilities: NDArray[np.float32], given: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(N,) the probability that each given label is wrong, and whether it is flagged: as the verdict of a scan."""
    p_wrong, flagged = np.zeros(len(given)), np.zeros(len(given), bool)
    judged = np.flatnonzero(np.isfinite(probabilities).all(axis=1) & (given >= 0))
    if len(judged):
        verdicts = Verdicts.of(probabilities[judged], given[judged].astype(np.int64))
        curve = fit_lapse_curve(verdicts)
        p_wrong[judged] = wrong_probability(curve, verdicts, cautious=False)
        flagged[judged] = 1 - wrong_probability(curve, verdicts) < LIKELY_RIGHT
    return p_wrong, flagged


def _added(
    probabilities: NDArray[np.float32], given: NDArray[np.intp], known: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The probabilities (N, C) with what the scan knew beyond the embeddings."""
    logits = np.log(np.maximum(probabilities, np.float32(_SURE)))                           # NaN rows stay NaN
    rows = np.flatnonzero(given >= 0)
    logits[rows, given[rows]] += known[rows]
    return np.asarray(np.exp(log_softmax(logits, axis=1)), np.float32)


def _logit(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(probabilities.astype(np.float64), _SURE, 1 - _SURE)))
