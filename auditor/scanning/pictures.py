"""Pictures of images that are the same, side by side with what differs, and of examples of what is said of a data set.

Like all pictures they are read a second time when it is known which are shown, with the same decoder.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest

import numpy as np
from numpy.typing import NDArray

from auditor.audit import CopyPicture, Finding, Rule, RuleKind
from auditor.checks import Samples
from auditor.checks.copies import EXACT, KINDS, Copies, Kind, kind_between
from auditor.duplicates.agreement import overlay
from auditor.engines import Outcomes
from auditor.images.decoding import resize, thumbnail
from auditor.images.encoding import webp
from auditor.images.reader import read_again
from auditor.progress import Progress
from auditor.settings import Limits

GROUPS = 60                                     # groups of copies that are shown
IN_GROUP = 6                                    # images of a group
COPY_SIDE = 160                                 # pixels; a page shows it at 8 to 11 rem
EXAMPLES = 12                                   # images for a finding about the data set
EXAMPLE_SIDE = 112                              # pixels
_QUALITY = 50
#: A page carries all pictures in itself: these end when they have so many bytes, whatever the limits above allow.
_COPIES_BYTES, _EXAMPLES_BYTES = 400_000, 100_000
#: Findings of these kinds are about one picture that is there more than once.
_SAME_PICTURE: tuple[RuleKind, ...] = ("conflict", "copies")
_GREY = 128


def in_turns(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The first finding of each rule, then the second of each: no rule with many of them hides the others."""
    of_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        of_rule.setdefault(finding.rule, []).append(finding)
    for turn in zip_longest(*of_rule.values()):
        yield from (finding for finding in turn if finding is not None)


@dataclass(frozen=True)
class Pictures:
    """Reads images again and shrinks them.

    Attributes:
        outcomes: One for each of the N samples.
        samples: The N samples.
        rules: That ran.
        limits: Larger files and images are refused.
        progress: Watches the loops.
    """

    outcomes: Outcomes
    samples: Samples
    rules: Sequence[Rule]
    limits: Limits
    progress: Progress
    _row_of: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._row_of.update((file, row) for row, file in enumerate(self.samples.files))

    def copies(self, findings: Sequence[Finding]) -> dict[str, tuple[CopyPicture, ...]]:
        """Id of a finding -> the images that are the same picture, for the first findings of each rule."""
        kinds = {rule.name for rule in self.rules if rule.kind in _SAME_PICTURE}
        groups = [found for found in findings if found.rule in kinds and found.file is not None and found.related]
        chosen = list(islice(in_turns(groups), GROUPS))
        rows_of = [[self._row_of[file] for file in _files(found)[:IN_GROUP]] for found in chosen]
        kinds_of = _Kinds(self.samples.copies, {row for rows in rows_of for row in rows})
        shown: dict[str, tuple[CopyPicture, ...]] = {}
        taken = 0
        for found, rows in self.progress.track(zip(chosen, rows_of, strict=True), len(chosen), "copies"):
            pictures = tuple(self._group(rows, found, kinds_of))
            taken += sum(len(each.thumbnail or b"") + len(each.difference or b"") for each in pictures)
            if taken > _COPIES_BYTES:
                break
            shown[found.id] = pictures
        return shown

    def examples(self, findings: Sequence[Finding]) -> dict[str, bytes]:
        """File -> thumbnail of the first images that show each finding about the data set."""
        general = [found for found in findings if found.file is None]
        files = dict.fromkeys(file for found in general for file in found.related[:EXAMPLES])
        pictures: dict[str, bytes] = {}
        taken = 0
        for file in files:
            small = self._small(self._row_of[file], EXAMPLE_SIDE)
            if small is None:
                continue
            picture = webp(small, _QUALITY)
            taken += len(picture)
            if taken > _EXAMPLES_BYTES:
                break
            pictures[file] = picture
        return pictures

    def _group(self, rows: Sequence[int], found: Finding, kinds: "_Kinds") -> Iterator[CopyPicture]:
        """The first image of a group, then each copy with what differs."""
        first, *others = rows
        original = self._small(first, COPY_SIDE)                                        # (H, W, 3)
        whole = None if original is None else webp(original, _QUALITY)
        yield self._copy(first, "", 1.0, whole, None)
        # Equal files have equal pictures.
        drawn: dict[str, tuple[bytes | None, bytes | None]] = {self.samples.contents[first]: (whole, None)}
        measured = dict(zip(found.related, found.related_values, strict=False))
        for row in others:
            content = self.samples.contents[row]
            kind: Kind = "bytes" if content == self.samples.contents[first] else kinds.between(first, row)
            similarity = 1.0 if kind in EXACT else measured.get(self.samples.files[row], float("nan"))
            if content not in drawn:
                small = self._small(row, COPY_SIDE)
                differs = None
                if kind not in EXACT and small is not None and original is not None:
                    differs = _difference(original, small, mirrored=kind == "mirrored")
                drawn[content] = None if small is None else webp(small, _QUALITY), differs
            yield self._copy(row, kind, similarity, *drawn[content])

    def _copy(
        self, row: int, kind: str, similarity: float, picture: bytes | None, difference: bytes | None
    ) -> CopyPicture:
        return CopyPicture(
            file=self.samples.files[row],
            label=self.samples.given[row],
            split=self.samples.splits[row],
            kind=kind,
            similarity=round(similarity, 4),
            thumbnail=picture,
            difference=difference,
        )

    def _small(self, row: int, side: int) -> NDArray[np.uint8] | None:
        pixels = read_again(self.outcomes.samples[row], side, self.limits)
        return None if pixels is None else thumbnail(pixels, side)


def _files(found: Finding) -> tuple[str, ...]:
    return found.related if found.file is None else (found.file, *found.related)


class _Kinds:
    """How some rows are the same picture."""

    def __init__(self, copies: Copies, rows: set[int]) -> None:
        self._of: dict[int, dict[int, Kind]] = {}               # row -> row of its centre -> how it is a copy of that
        for place in np.flatnonzero(np.isin(copies.copy, sorted(rows))).tolist():
            kind = KINDS[copies.kind[place]]
            self._of.setdefault(int(copies.copy[place]), {})[int(copies.centre[place])] = kind

    def between(self, one: int, other: int) -> Kind:
        """Of two rows; by way of their centre where both are copies of a third one."""
        own, others = self._of.get(one, {}), self._of.get(other, {})
        if other in own or one in others:
            return own[other] if other in own else others[one]
        shared = next((centre for centre in own if centre in others), None)
        return "altered" if shared is None else kind_between(own[shared], others[shared])


def _difference(first: NDArray[np.uint8], copy: NDArray[np.uint8], *, mirrored: bool) -> bytes | None:
    """The copy less the first around grey, as a picture of the first's size; None where nothing differs.

    Args:
        first: (H, W, 3) the image that the copy is compared with.
        copy: (h, w, 3), laid over the first: scaled, and moved where it is a part of it or more than it. What it does
            not show stays grey.
        mirrored: Whether the copy is turned over before.
    """
    other = np.ascontiguousarray(copy[:, ::-1]) if mirrored else copy
    over, side = overlay(first, other), max(first.shape)
    if over is None:
        laid, inside = resize(other, side, side), np.ones((side, side), bool)           # (S, S, 3), (S, S)
    else:
        laid, inside = over.lay(other, side)
    change = (laid.astype(np.int16) - resize(first, side, side)) * inside[..., None]
    if not change.any():
        return None
    grey = np.clip(_GREY + change, 0, 255).astype(np.uint8)
    return webp(resize(grey, *first.shape[:2]), _QUALITY)
