"""The verdict on every label, and how reliable it is, measured on the folder itself.

Labels are swapped in memory, the probe learns again, and the swapped labels that it finds are counted. The result is
easy to state: of 100 swapped labels the probe found this many. If it finds few, or hardly knows the classes, it flags
nothing.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.labels.noise_model import LIKELY_RIGHT, LabelIssues, find_label_issues
from auditor.labels.parallel import one_blas_thread
from auditor.labels.reliability import LapseCurve, Verdicts, fit_lapse_curve, wrong_probability

#: Number of labels that are swapped in all rounds; one round swaps only this share, so that the probe hardly changes.
SWAPPED, SWAPPED_AT_ONCE = 300, 0.01
#: The share per round if the folder shows no wrong label: the curve needs this many wrong labels to show them.
SWAPPED_TO_SHOW = 0.02
#: A probe with less skill, from 0 (guessing) to 1 (certainty), cannot judge the labels.
LEAST_SKILL = 0.8
#: The probe knows nothing if it agrees with the labels less than this many standard deviations above chance.
CHANCE_DEVIATIONS = 3.0
#: A probe that finds less than this share of the swapped labels cannot judge the labels.
LEAST_POWER = 0.5

#: Labels (N,), -1 where there is none -> (N, C) out-of-fold probabilities learned from them.
Relearn = Callable[[NDArray[np.intp]], NDArray[np.float32]]


@dataclass(frozen=True)
class Power:
    """How well the probe judges the labels of a folder.

    Attributes:
        knows: Share of the images whose class it predicts correctly without having seen them.
        chance: Share that is correct if the most frequent class is always predicted.
        swapped: How many labels were swapped in memory.
        found: How many of them it found.
        disturbed: Share of the other labels that it flagged only because of the swaps.
    """

    knows: float
    chance: float
    swapped: int
    found: int
    disturbed: float

    @property
    def skill(self) -> float:
        """The share `knows`, rescaled so that guessing is 0 and certainty is 1."""
        return (self.knows - self.chance) / max(1 - self.chance, 1e-9)

    @property
    def share(self) -> float:
        """The share of the swapped labels that were found."""
        return self.found / self.swapped if self.swapped else 0.0

    @property
    def suffices(self) -> bool:
        """Whether the flags are reliable."""
        return self.skill >= LEAST_SKILL and self.share >= LEAST_POWER


@dataclass(frozen=True)
class LabelVerdict:
    """The verdict on N labels.

    Attributes:
        issues: Scores of all labels, and the flags; no flags if they are not reliable.
        doubtful: The flags of the noise model only, for folders whose labels the probe cannot judge.
        p_wrong: (N,) the most likely probability that each label is wrong; the flags use a more cautious one.
        power: How well the probe judges these labels; None if no label was judged.
    """

    issues: LabelIssues
    doubtful: LabelIssues
    p_wrong: NDArray[np.float64]
    power: Power | None

    @property
    def can_judge(self) -> bool:
        """Whether the flags are reliable."""
        return self.power is not None and self.power.suffices


def decide(
    probabilities: NDArray[np.float32], labels: NDArray[np.intp], contents: Sequence[str], relearn: Relearn
) -> LabelVerdict:
    """Judges N labels.

    Args:
        probabilities: (N, C) out-of-fold probabilities; NaN rows are not judged.
        labels: (N,) the given classes; -1 for images without a label.
        contents: (N,) content hashes, which decide the labels that are swapped.
        relearn: Learns from other labels of the same images.
    """
    with one_blas_thread():
        return _decide(probabilities, labels, contents, relearn)


def _decide(
    probabilities: NDArray[np.float32], labels: NDArray[np.intp], contents: Sequence[str], relearn: Relearn
) -> LabelVerdict:
    found = find_label_issues(probabilities, labels)
    judged = np.flatnonzero(np.isfinite(found.score))
    none_wrong = np.zeros(len(labels))
    unflagged = replace(found, flagged=np.zeros(len(labels), dtype=bool), suggested=labels.copy())
    if probabilities.shape[1] < 2 or not len(judged):
        return LabelVerdict(unflagged, found, none_wrong, None)
    verdicts = Verdicts.of(probabilities[judged], labels[judged].astype(np.int64))
    curve = fit_lapse_curve(verdicts)
    cautious, likely = wrong_probability(curve, verdicts), none_wrong.copy()
    likely[judged] = wrong_probability(curve, verdicts, cautious=False)
    power = _measure(verdicts, curve, cautious, judged, labels, contents, relearn)
    flagged, suggested, p_correct = unflagged.flagged.copy(), labels.copy(), np.full(len(labels), np.nan)
    p_correct[judged] = 1 - cautious
    flagged[judged] = p_correct[judged] < LIKELY_RIGHT
    suggested[flagged] = np.nan_to_num(probabilities[flagged]).argmax(axis=1)
    share = np.array([curve.low, curve.wrong, curve.high]) * len(judged)
    low, middle, high = (float(each) for each in share)
    issues = LabelIssues(found.score, flagged, suggested, p_correct, (low, middle, high), found.shared_doubt)
    if not power.suffices:
        return LabelVerdict(unflagged, found, none_wrong, power)
    return LabelVerdict(issues, found, likely, power)


def _measure(
    verdicts: Verdicts,
    curve: LapseCurve,
    p_wrong: NDArray[np.float64],
    judged: NDArray[np.intp],
    labels: NDArray[np.intp],
    contents: Sequence[str],
    relearn: Relearn,
) -> Power:
    """Swaps labels that are not in doubt, in rounds, and judges them in the same way as the original labels.

    The curve of a folder without visible wrong labels cannot judge wrong labels, so then the curve of the first round
    is used, which contains some.
    """
    classes = verdicts.classes
    chance = float(np.bincount(verdicts.given, minlength=classes).max() / len(verdicts.given))
    knows = _known(curve, verdicts, chance)
    trusted = judged[p_wrong <= LIKELY_RIGHT]
    flagged_before = judged[p_wrong > LIKELY_RIGHT]
    swapped = found = others = disturbed = 0
    at_once = SWAPPED_AT_ONCE if curve.shows_wrong_labels else SWAPPED_TO_SHOW
    for rows, changed in _rounds(trusted, labels, contents, classes, at_once):
        given = labels.copy()
        given[rows] = changed
        learned = relearn(given)
        usable = judged[np.isfinite(learned[judged]).all(axis=1)]
        again = Verdicts.of(learned[usable], given[usable].astype(np.int64))
        if not swapped and not curve.shows_wrong_labels:
            curve = fit_lapse_curve(again)
        flags = usable[wrong_probability(curve, again) > LIKELY_RIGHT]
        swapped += len(rows)
        found += int(np.isin(rows, flags).sum())
        others += len(usable) - len(rows)
        disturbed += len(np.setdiff1d(flags, np.concatenate([rows, flagged_before])))
    return Power(
        knows=knows,
        chance=chance,
        swapped=swapped,
        found=found,
        disturbed=disturbed / others if others else 0.0,
    )


def _known(curve: LapseCurve, verdicts: Verdicts, chance: float) -> float:
    """Share of images that the probe predicts correctly: by the curve, or its agreement if that is only chance.

    If a probe has learned nothing but is calibrated to high confidence, the curve considers half of the labels wrong.
    """
    agrees = float(1 - verdicts.denied.mean())
    deviation = np.sqrt(chance * (1 - chance) / len(verdicts.given))
    if agrees < chance + CHANCE_DEVIATIONS * deviation:
        return agrees
    return float(1 - curve.mistakes(verdicts.log_odds).mean())


def _rounds(
    trusted: NDArray[np.intp], labels: NDArray[np.intp], contents: Sequence[str], classes: int, at_once: float
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yields the rows of each round (n,) and their new labels (n,), stratified by class and the same in every run."""
    draws = np.array([_draw(contents[row]) for row in trusted], dtype=np.uint64)
    order = np.lexsort((trusted, draws))                                        # by content
    place = np.empty(len(order))
    for label in range(classes):                                                # each class spread evenly
        members = order[labels[trusted[order]] == label]
        place[members] = (np.arange(len(members)) + 0.5) / max(len(members), 1)
    order = np.lexsort((draws, place))
    chosen = order[: min(SWAPPED, len(order) // 2)]
    # Any stretch of that order has every class in its share, so each round has all classes.
    size = max(1, round(at_once * len(trusted)))
    for part in np.array_split(chosen, max(1, -(-len(chosen) // size))) if len(chosen) else ():
        rows = trusted[part]
        steps = 1 + (draws[part] // np.uint64(7) % np.uint64(classes - 1)).astype(np.intp)
        yield rows, (labels[rows] + steps) % classes


def _draw(content: str) -> int:
    """A 64-bit number that depends only on the content, independent of its fold."""
    return int.from_bytes(hashlib.sha256(f"swap {content}".encode()).digest()[:8], "big")


