"""The verdict on every label, and how far it can be believed: measured on the folder itself.

Labels are changed in memory, the probe learns again, and what it finds is counted. That says in one sentence what no
formula does: of 100 labels that were swapped it found so many. Where that is few, or where the probe hardly knows the
classes, nothing is claimed.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.labels.noise_model import LIKELY_RIGHT, LabelIssues, find_label_issues
from auditor.labels.parallel import one_blas_thread
from auditor.labels.reliability import LapseCurve, Verdicts, fit_lapse_curve, wrong_probability

#: Labels that are swapped, over all rounds; in one round no more than this share, so that the probe stays what it was.
SWAPPED, SWAPPED_AT_ONCE = 300, 0.01
#: The same where the folder shows no wrong label: so many must be wrong that the curve shows them.
SWAPPED_TO_SHOW = 0.02
#: A probe that comes less than this far of the way from guessing to certainty cannot judge the labels.
LEAST_SKILL = 0.8
#: Agreement with the labels that is no further above chance, in deviations of a count, shows no knowledge.
CHANCE_DEVIATIONS = 3.0
#: Nor can one that finds less than this share of the swapped labels.
LEAST_POWER = 0.5

#: Labels (N,), -1 where there is none -> (N, C) out-of-fold probabilities that were learned from them.
Relearn = Callable[[NDArray[np.intp]], NDArray[np.float32]]


@dataclass(frozen=True)
class Power:
    """What the probe can do on a folder.

    Attributes:
        knows: Share of the images whose class it knows without having seen them.
        chance: Share that guessing the most frequent class would get right.
        swapped: How many labels were swapped in memory.
        found: How many of those it found.
        disturbed: Share of the other labels that it flagged anew meanwhile.
    """

    knows: float
    chance: float
    swapped: int
    found: int
    disturbed: float

    @property
    def skill(self) -> float:
        """How far it comes from guessing (0) to certainty (1)."""
        return (self.knows - self.chance) / max(1 - self.chance, 1e-9)

    @property
    def share(self) -> float:
        """Share of the swapped labels that were found."""
        return self.found / self.swapped if self.swapped else 0.0

    @property
    def suffices(self) -> bool:
        """Whether what is flagged can be believed."""
        return self.skill >= LEAST_SKILL and self.share >= LEAST_POWER


@dataclass(frozen=True)
class LabelVerdict:
    """What is to be thought of N labels.

    Attributes:
        issues: Scores of all labels, and the flags: none that cannot be believed.
        doubtful: The flags of the noise model alone, for folders whose labels the probe cannot judge.
        p_wrong: (N,) the most likely probability that each label is wrong; the flags are made with a more cautious one.
        power: What the probe can do here; None where no label was judged.
    """

    issues: LabelIssues
    doubtful: LabelIssues
    p_wrong: NDArray[np.float64]
    power: Power | None

    @property
    def can_judge(self) -> bool:
        """Whether the flags can be believed."""
        return self.power is not None and self.power.suffices


def decide(
    probabilities: NDArray[np.float32], labels: NDArray[np.intp], contents: Sequence[str], relearn: Relearn
) -> LabelVerdict:
    """Judges the labels.

    Args:
        probabilities: (N, C) out of fold; NaN rows not judged.
        labels: (N,) the given classes, -1 without one.
        contents: (N,) content hashes: which labels are swapped depends on nothing else.
        relearn: Learns other labels.
    """
    with one_blas_thread():
        return _decide(probabilities, labels, contents, relearn)


def _decide(
    probabilities: NDArray[np.float32], labels: NDArray[np.intp], contents: Sequence[str], relearn: Relearn
) -> LabelVerdict:
    found = find_label_issues(probabilities, labels)
    judged = np.flatnonzero(np.isfinite(found.score))
    nobody = np.zeros(len(labels))
    silent = replace(found, flagged=np.zeros(len(labels), dtype=bool), suggested=labels.copy())
    if probabilities.shape[1] < 2 or not len(judged):
        return LabelVerdict(silent, found, nobody, None)
    verdicts = Verdicts.of(probabilities[judged], labels[judged].astype(np.int64))
    curve = fit_lapse_curve(verdicts)
    cautious, likely = wrong_probability(curve, verdicts), nobody.copy()
    likely[judged] = wrong_probability(curve, verdicts, cautious=False)
    power = _measure(verdicts, curve, cautious, judged, labels, contents, relearn)
    flagged, suggested, p_correct = silent.flagged.copy(), labels.copy(), np.full(len(labels), np.nan)
    p_correct[judged] = 1 - cautious
    flagged[judged] = p_correct[judged] < LIKELY_RIGHT
    suggested[flagged] = np.nan_to_num(probabilities[flagged]).argmax(axis=1)
    share = np.array([curve.low, curve.wrong, curve.high]) * len(judged)
    low, middle, high = (float(each) for each in share)
    issues = LabelIssues(found.score, flagged, suggested, p_correct, (low, middle, high), found.shared_doubt)
    if not power.suffices:
        return LabelVerdict(silent, found, nobody, power)
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
    """Swaps labels that are not in doubt, in rounds, and judges them as the folder's own are judged.

    A folder that shows no wrong label has no curve to judge wrong labels by: then it is the first round's, in which
    there are some.
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
    """Share of the images whose class the probe knows: by the curve, or as often as it agrees where that is no skill.

    Where a probe that learned nothing is calibrated to look sure, the curve takes half of the labels for wrong.
    """
    agrees = float(1 - verdicts.denied.mean())
    deviation = np.sqrt(chance * (1 - chance) / len(verdicts.given))
    if agrees < chance + CHANCE_DEVIATIONS * deviation:
        return agrees
    return float(1 - curve.mistakes(verdicts.log_odds).mean())


def _rounds(
    trusted: NDArray[np.intp], labels: NDArray[np.intp], contents: Sequence[str], classes: int, at_once: float
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows and their changed labels, round after round, every class in its share; the same every night."""
    draws = np.array([_draw(contents[row]) for row in trusted], dtype=np.uint64)
    order = np.lexsort((trusted, draws))                                        # by content
    place = np.empty(len(order))
    for label in range(classes):                                                # evenly spread over the classes
        members = order[labels[trusted[order]] == label]
        place[members] = (np.arange(len(members)) + 0.5) / max(len(members), 1)
    order = np.lexsort((draws, place))
    chosen = order[: min(SWAPPED, len(order) // 2)]
    # Neighbours in that order are the same share of every class; dealt out, each round has all of them.
    size = max(1, round(at_once * len(trusted)))
    for part in np.array_split(chosen, max(1, -(-len(chosen) // size))) if len(chosen) else ():
        rows = trusted[part]
        steps = 1 + (draws[part] // np.uint64(7) % np.uint64(classes - 1)).astype(np.intp)
        yield rows, (labels[rows] + steps) % classes


def _draw(content: str) -> int:
    """A number that depends on the content alone, and not as its fold does."""
    return int.from_bytes(hashlib.sha256(f"swap {content}".encode()).digest()[:8], "big")


