"""What the four rules about copies share: which rule a pair of images belongs to, and the findings made of pairs.

A pair of images that are the same picture gets one rule: conflicting labels before a leak between splits before an
exact duplicate before a near one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Severity
from auditor.checks.base import LOW, CheckResult, GroupFinding
from auditor.checks.copies import EXACT, KINDS, Copies, Kind, kind_between
from auditor.checks.samples import Samples
from auditor.checks.statistics.splits import splits_of
from auditor.text import listing

#: Similarity from which two pictures are the same one. Of 40 photographs in 31 alterations only those with a stamp over
#: the picture had less than 0.8; of 60 in which a subject of a third of the side moved by 3 % of it, none had more.
SAME_PICTURE = 0.7

_SENTENCES: dict[Kind, str] = {
    "bytes": "equal files",
    "pixels": "the same pixels in another file",
    "altered": "altered",
    "mirrored": "altered and mirrored",
}


@dataclass(frozen=True)
class CopyGroup:
    """A centre and the images that are the same picture; n rows, the centre first.

    Attributes:
        rows: (n,) images.
        similarity: (n,) to the centre; 1 for itself.
        kinds: (n,) index into `KINDS`; -1 for the centre.
    """

    rows: NDArray[np.intp]
    similarity: NDArray[np.float32]
    kinds: NDArray[np.int8]


def groups_of(copies: Copies, kept: NDArray[np.bool_]) -> Iterator[CopyGroup]:
    """The groups of those pairs that are kept, (M,) bool, in the order of their centres."""
    pairs = np.flatnonzero(kept)
    if not len(pairs):
        return
    for some in np.split(pairs, np.flatnonzero(np.diff(copies.centre[pairs])) + 1):
        yield CopyGroup(
            np.concatenate([copies.centre[some[:1]], copies.copy[some]]),
            np.concatenate([np.ones(1, np.float32), copies.similarity[some]]),
            np.concatenate([np.full(1, -1, np.int8), copies.kind[some]]),
        )


def is_exact(copies: Copies) -> NDArray[np.bool_]:
    """(M,) whether the pixels of each pair are all the same."""
    return np.isin(copies.kind, [KINDS.index(kind) for kind in EXACT])


def differ(values: NDArray[np.intp], one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether the values (N,) of two images are known, not -1, and differ."""
    found: NDArray[np.bool_] = (values[one] >= 0) & (values[other] >= 0) & (values[one] != values[other])
    return found


def of_no_other_rule(samples: Samples) -> NDArray[np.bool_]:
    """(M,) pairs without two labels and without two splits: the duplicates."""
    copies, (_, splits) = samples.copies, splits_of(samples)
    conflict = differ(samples.labels, copies.centre, copies.copy)
    return ~conflict & ~differ(splits, copies.centre, copies.copy)


def in_conflict(
    samples: Samples,
    values: NDArray[np.intp],
    minimum: float,
    doubt: NDArray[np.floating] | None = None,
    *,
    among_one_label: bool = False,
) -> Iterator[tuple[CopyGroup, int, list[int]]]:
    """Images of a group whose values differ: one of them, and those that it is in conflict with.

    Within a group the images with the rarest value come first; of equally rare ones those that are most in doubt. The
    first of them is listed with all that differ from it, every other image only once, so that all are named and the
    lists stay short. No pair comes twice.

    Args:
        samples: All N.
        values: (N,) their labels or their splits, -1 unknown.
        minimum: Similarity that a pair must have.
        doubt: (N,) the lower, the more an image is in doubt, NaN unknown; None where nothing says so.
        among_one_label: Leave out pairs whose labels differ.

    Yields:
        The group, the place in it of the image, and the places of those that it is in conflict with.
    """
    told: set[tuple[int, int]] = set()
    for group in groups_of(samples.copies, samples.copies.similarity >= minimum):
        own, labels = values[group.rows], samples.labels[group.rows]                    # (n,) each
        known = own[own >= 0]
        if len(np.unique(known)) < 2:
            continue
        often = np.bincount(known)
        order = np.lexsort((_doubts(doubt, group.rows), np.where(own < 0, 0, often[own])))      # of equals the first
        named: set[int] = set()
        for place in (int(place) for place in order if own[place] >= 0):
            if place in named:
                continue
            clash = (own >= 0) & (own != own[place])
            if among_one_label:
                clash &= (labels < 0) | (labels[place] < 0) | (labels == labels[place])
            row = int(group.rows[place])
            fresh = (int(other) for other in np.flatnonzero(clash) if _pair(row, int(group.rows[other])) not in told)
            others = list(fresh)
            others = others if not named else others[:1]
            if not others:
                continue
            told.update(_pair(row, int(group.rows[other])) for other in others)
            named |= {place, *others}
            yield group, place, others


def _doubts(doubt: NDArray[np.floating] | None, rows: NDArray[np.intp]) -> NDArray[np.floating]:
    return np.zeros(len(rows)) if doubt is None else np.nan_to_num(doubt[rows], nan=np.inf)


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def between(group: CopyGroup, place: int, others: Sequence[int]) -> tuple[tuple[float, ...], tuple[Kind, ...]]:
    """Similarity of an image of a group to others of it, and how they are the same picture.

    Only the similarity to the centre was measured: of two others it is the lower one of theirs.
    """
    values = tuple(float(min(group.similarity[place], group.similarity[other])) for other in others)
    kinds = {_kind_between(int(group.kinds[place]), int(group.kinds[other])) for other in others}
    return values, tuple(kind for kind in KINDS if kind in kinds)


def _kind_between(one: int, other: int) -> Kind:
    """How two images of a group are the same picture, from how each is that of the centre."""
    if min(one, other) < 0:                     # one is the centre
        return KINDS[max(one, other)]
    return kind_between(KINDS[one], KINDS[other])


def how(kinds: Iterable[Kind], lowest: float) -> str:
    """How pictures are the same, for the end of a sentence."""
    kinds = tuple(kinds)
    plain = tuple(kind for kind in kinds if kind != "mirrored" or "altered" not in kinds)
    said = listing(_SENTENCES[kind] for kind in plain) + (", some mirrored" if plain != kinds else "")
    return said if set(kinds) <= set(EXACT) else f"{said}, similarity {lowest:.2f}"


def group_result(samples: Samples, found: Sequence[GroupFinding], threshold: float | None) -> CheckResult:
    """The result of a rule about groups: an image's score is that of its worst finding, and 1 without any."""
    score = np.where(samples.readable, 1.0, np.nan).astype(np.float32)
    for finding in found:
        rows = list(finding.rows)
        score[rows] = np.minimum(score[rows], finding.score)
    return CheckResult(
        score=score,
        flagged=np.zeros(len(samples), bool),
        value=np.full(len(samples), np.nan, np.float32),
        threshold=threshold,
        messages=("",) * len(samples),
        severity=(LOW,) * len(samples),
        suggested=np.full(len(samples), -1, np.intp),
        groups=tuple(found),
    )


def duplicates(group: CopyGroup, severity: Severity, threshold: float | None) -> GroupFinding:
    """The finding about a centre and its copies."""
    values, kinds = between(group, 0, range(1, len(group.rows)))
    files = "Another file is" if len(values) == 1 else f"{len(values)} other files are"
    return GroupFinding(
        rows=tuple(group.rows.tolist()),
        score=1 - min(values),
        message=f"{files} the same picture: {how(kinds, min(values))}.",
        severity=severity,
        value=min(values),
        threshold=threshold,
        related_values=values,
    )
