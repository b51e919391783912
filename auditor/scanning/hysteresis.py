"""Hysteresis: an image on the brink of a rule's limit stays as it was, so that its finding does not come and go.

Limits move a little whenever a data set does, and so do the probe's answers. An image that the last run knew, with the
same content and the same label, changes its state only when it lies clearly on the other side. The band lies around the
limit of tonight and nothing of it is carried on, so that an unchanged folder gives the same findings every night.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.checks import CheckResult, Samples
from auditor.scanning.findings import Ran
from auditor.store.known import image_keys
from auditor.store.past import Past, circumstance
from auditor.text import count, decimal

#: Half the width of the band, as a share of the limit.
BAND = 0.05
_EVEN = 0.5                                     # the score at the limit, of rules that state no other
_ROUNDING = 1e-6                                # of 32-bit values beside a 64-bit limit, as a share


@dataclass(frozen=True)
class Steadied:
    """What checks found, steadied; `kept` images stay flagged and `held` ones unflagged because they were."""

    ran: tuple[Ran, ...]
    kept: int
    held: int

    def notes(self) -> tuple[str, ...]:
        """A sentence for the reader; none where nothing was steadied."""
        if not self.kept + self.held:
            return ()
        return (
            f"{count(self.kept + self.held, 'verdict')} within {BAND:.0%} of a rule's limit "
            f"{'stays as it was' if self.kept + self.held == 1 else 'stay as they were'} in the last run, so that "
            f"findings do not come and go: {self.kept} flagged, {self.held} not.",
        )


def steadied(ran: Sequence[Ran], samples: Samples, past: Past, model: str, version: str) -> Steadied:
    """Checks' results after hysteresis.

    Only rules that ran in the last run under the same circumstances have a past to hold on to.

    Args:
        ran: The checks and what they found.
        samples: What they looked at.
        past: The last run.
        model: sha256 of the model; "" without one.
        version: Of auditor.
    """
    if past.run is None:
        return Steadied(tuple(ran), 0, 0)
    keys = image_keys(samples.contents, samples.given)                                  # (N,)
    known = past.knows(keys) & samples.readable
    place = {name: index for index, name in enumerate(samples.classes)}
    steady, kept, held = [], 0, 0
    for each in ran:
        result = each.result
        if past.circumstances.get(each.rule.name) == circumstance(each.rule, model, version):
            before = _flagged_before(past, each.rule.name)
            was = known & np.isin(keys, np.array(list(before), np.uint64))
            suggested = np.array([place.get(before.get(key) or "", -1) for key in keys.tolist()], np.intp)
            result = steady_result(result, known, was, suggested)
        kept += int((result.flagged & ~each.result.flagged).sum())
        held += int((each.result.flagged & ~result.flagged).sum())
        steady.append(replace(each, result=result))
    return Steadied(tuple(steady), kept, held)


def steady_result(
    result: CheckResult, known: NDArray[np.bool_], was: NDArray[np.bool_], suggested: NDArray[np.intp]
) -> CheckResult:
    """The result of a rule in which known images near the limit are as they were.

    A rule that says yes or no has no limit, and findings about several images or about the data set are not touched.

    Args:
        result: Of tonight.
        known: (N,) the last run had the image with this label.
        was: (N,) and flagged it.
        suggested: (N,) the class that it suggested, -1 without one.
    """
    found = _limit(result)
    if found is None:
        return result
    measure, limit = found                                                              # (N,)
    near = known & (np.abs(measure - limit) <= BAND * np.abs(limit))                    # NaN compares False
    flagged = np.where(near, was, result.flagged)
    kept = flagged & ~result.flagged
    if np.array_equal(flagged, result.flagged):
        return result

    def sentence(row: int) -> str:
        return (
            f"It was flagged in the last run and has hardly moved: {decimal(float(measure[row]))}, "
            f"within {BAND:.0%} of the limit {decimal(float(limit[row]))}."
        )

    messages = [result.messages[row] if flagged[row] else "" for row in range(len(flagged))]
    for row in map(int, np.flatnonzero(kept)):
        messages[row] = sentence(row)
    return replace(
        result,
        flagged=flagged,
        messages=tuple(messages),
        suggested=np.where(kept, suggested, np.where(flagged, result.suggested, -1)).astype(np.intp),
    )


def _flagged_before(past: Past, rule: str) -> Mapping[int, str | None]:
    """Key of each single image that has an open finding of this rule -> the class that it suggested."""
    single = [each for each in past.open.values() if each.rule == rule and len(each.images) == 1]
    keys = image_keys([each.images[0].content for each in single], [each.images[0].label for each in single])
    return dict(zip(keys.tolist(), (each.suggested for each in single), strict=True))


def _limit(result: CheckResult) -> tuple[NDArray[np.floating], NDArray[np.float64]] | None:
    """What decides, and the limits that separate flagged from unflagged images exactly; None where nothing does."""
    value, even = result.value, np.full(len(result.score), _EVEN)                       # (N,) each
    if result.threshold is not None and np.all(result.threshold) and np.isfinite(result.threshold).all():
        limit = np.broadcast_to(np.asarray(result.threshold, np.float64), value.shape)
        if _separates(value, limit, result) != _separates(-value, -limit, result):     # not both: nothing to tell by
            return value, limit
    return (result.score, even) if _separates(result.score, even, result) else None


def _separates(measure: NDArray[np.floating], limit: NDArray[np.float64], result: CheckResult) -> bool:
    """Whether all flagged images lie at or under the limit, and all others at or over it."""
    judged = np.isfinite(result.score) & np.isfinite(measure)
    most = np.where(result.flagged, measure - limit, limit - measure)[judged]
    return bool((most <= _ROUNDING * np.abs(limit[judged])).all())
