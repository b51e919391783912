"""Tonight against the last run: which findings are resolved, and why."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from auditor.audit import Audit
from auditor.store.known import Image, Images
from auditor.store.past import OpenFinding, Past, circumstances_of
from auditor.text import count, number

#: Why a finding is no more: the first that holds for any of its images.
Reason = Literal["file gone", "content changed", "label changed", "kept in review", "no longer flagged"]
REASONS: tuple[Reason, ...] = get_args(Reason)
_LISTED = 50                                    # resolved findings that an audit names
_SAME = 0.1                                     # share of the images that the runs of one data set have in common


@dataclass(frozen=True)
class Resolved:
    """A finding that was open, and is not found any more; `label` is the one that it was found with."""

    id: str
    rule: str
    file: str | None
    label: str | None
    reason: Reason


@dataclass(frozen=True)
class Changes:
    """What became of the findings of the last run.

    Attributes:
        since: Id of that run.
        since_when: When it started, as an ISO timestamp.
        resolved: How many findings are resolved.
        reasons: Why -> how many, without zeros.
        by_rule: Rule -> how many, without zeros.
        listed: The first of them, by rule and file.
        unseen: Findings that stay open although nobody looked: their images could not be read this time.
    """

    name: ClassVar[str] = "changes"

    since: str
    since_when: str
    resolved: int
    reasons: Mapping[str, int]
    by_rule: Mapping[str, int]
    listed: tuple[Resolved, ...]
    unseen: int

    def summary(self) -> dict[str, Any]:
        """As in `Addition`."""
        return asdict(self) | {"listed": [asdict(each) for each in self.listed]}

    def renamed(self, rename: Callable[[str], str]) -> "Changes":
        """As in `Addition`: labels are shown as the folder has them."""
        return self


@dataclass(frozen=True)
class Compared:
    """The open findings that were not found again, each with its reason; and those that nobody could look for."""

    resolved: tuple[tuple[OpenFinding, Reason], ...]
    unseen: tuple[OpenFinding, ...]


def compare(past: Past, audit: Audit, images: Images) -> Compared:
    """What became of the open findings that a run did not find again.

    A rule that did not run, or had nothing to go by, resolves nothing. Neither does an image that is there but could
    not be read: its findings stay open.

    Args:
        past: What was open before.
        audit: Of a complete run.
        images: Of that run.
    """
    found = {finding.id for finding in audit.findings}
    kept = frozenset(audit.kept)
    judged = {rule.name for rule in audit.rules if rule.judged}
    missing = [each for each in past.open.values() if each.rule in judged and each.id not in found]
    if not missing:
        return Compared((), ())
    here = _Here(images, (image for each in missing for image in each.images))
    resolved: list[tuple[OpenFinding, Reason]] = []
    unseen = []
    for each in missing:
        if each.id in kept:                     # found, and left out
            resolved.append((each, "kept in review"))
            continue
        states = list(here.states(each.images))
        if None in states:
            unseen.append(each)
        else:
            reason = min((state for state in states if state is not None), key=REASONS.index, default=REASONS[-1])
            resolved.append((each, reason))
    return Compared(tuple(resolved), tuple(unseen))


def changes_of(past: Past, audit: Audit) -> Changes | None:
    """The same as a part of the audit; None where there was no run before."""
    if past.run is None:
        return None
    compared = compare(past, audit, Images.of(audit.predictions))
    first = sorted(compared.resolved, key=lambda each: (each[0].rule, each[0].images[:1], each[0].id))[:_LISTED]
    reasons = Counter(reason for _, reason in compared.resolved)
    return Changes(
        since=past.run,
        since_when=past.started,
        resolved=len(compared.resolved),
        reasons={reason: reasons[reason] for reason in REASONS if reasons[reason]},
        by_rule=dict(sorted(Counter(each.rule for each, _ in compared.resolved).items())),
        listed=tuple(Resolved(each.id, each.rule, each.file, each.label, reason) for each, reason in first),
        unseen=len(compared.unseen),
    )


def stranger_note(past: Past, audit: Audit) -> tuple[str, ...]:
    """That this may be another data set under the name of the last run's; nothing where its images are here.

    Paths cannot tell: a data set may move, and two may lie at the same relative path.
    """
    if not len(past.known):
        return ()
    known = Images.of(audit.predictions).known()
    here = len(np.intersect1d(past.known, known, assume_unique=True))
    if here >= _SAME * min(len(past.known), len(known)):
        return ()
    last = f"of {past.root}, had {count(len(past.known), 'image')}"
    return (
        f"The last run that is named {audit.name}, {last}, and {number(here) if here else 'none'} of them "
        f"{'is' if here == 1 else 'are'} in this scan with the same label. If these are two data sets, give one of "
        "them a --name of its own: what is new and what is resolved is told by the name.",
    )


class _Here:
    """Where images of earlier findings are now.

    Args:
        images: Of tonight.
        wanted: Those of the findings.
    """

    def __init__(self, images: Images, wanted: Iterable[Image]) -> None:
        wanted = set(wanted)
        files, contents = {image.file for image in wanted}, {image.content for image in wanted if image.content}
        self._by_file: dict[str, Image] = {}
        self._labels: dict[str, dict[str | None, bool]] = defaultdict(dict)     # content -> label -> readable anywhere
        self._copies: Counter[str] = Counter()                                  # content -> its files
        for image, readable in images.find(files, contents):
            self._by_file[image.file] = image
            if image.content:
                self._copies[image.content] += 1
                labels = self._labels[image.content]
                labels[image.label] = readable or labels.get(image.label, False)

    def states(self, images: Sequence[Image]) -> Iterator[Reason | None]:
        """What keeps a finding about these images from being found, for each; None where nobody could look."""
        yield from map(self._state, images)
        needed = Counter(image.content for image in images if image.content)
        if any(0 < self._copies[content] < number for content, number in needed.items()):
            yield "file gone"                   # one of several copies

    def _state(self, image: Image) -> Reason | None:
        there = self._by_file.get(image.file)
        if not image.content:                   # it could not be opened then
            return "file gone" if there is None else "no longer flagged" if there.content else None
        labels = self._labels.get(image.content)
        if labels is None:
            return "file gone" if there is None else "content changed" if there.content else None
        if image.label not in labels:
            return "label changed"
        return "no longer flagged" if labels[image.label] else None


def repeats(past: Past, audit: Audit) -> bool:
    """Whether an audit of the very same images and settings would come out again after this past.

    It does where there is no past, as there was none when it was made; and where the past is what it found: what
    hysteresis made of it once, it makes of it again.
    """
    if past.run is None:
        return True
    images = Images.of(audit.predictions)
    return (
        all(finding.id in past.open for finding in audit.findings)
        and past.circumstances == circumstances_of(audit)
        and np.array_equal(past.known, images.known())
        and not compare(past, audit, images).resolved
    )
