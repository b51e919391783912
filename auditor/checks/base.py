"""What a check is, and what it gives: a score for every image, and findings about images, groups or the data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Chart, RuleKind, Severity
from auditor.checks.samples import Samples
from auditor.checks.stored import StoredImage

LOW: Severity = "low"


@dataclass(frozen=True)
class GroupFinding:
    """A finding about several images together, or about the data set as a whole.

    Attributes:
        rows: The images. The finding is listed under the first one, the others are `related`. Without any it is about
            the data set.
        score: In [0, 1], 0 worst.
        message: One sentence.
        severity: How much it matters.
        value: What was measured, in the rule's own unit; None where nothing was.
        threshold: What `value` was compared with; None where the rule is yes or no.
        suggested: Index of the class that the first image should have; -1 where the rule suggests none.
        key: What a finding about the data set is about, say the name of a class, where a rule can make several: with
            the rule's name it makes the finding's id, which stays the same while the numbers in the message change.
        related_values: What was measured between the first image and each of the others, such as their similarity.
        examples: Images that show a finding about the data set, the clearest first: its `related` files.
        chart: A small plot that shows it.
    """

    rows: tuple[int, ...]
    score: float
    message: str
    severity: Severity
    value: float | None = None
    threshold: float | None = None
    suggested: int = -1
    key: str = ""
    related_values: tuple[float, ...] = ()
    examples: tuple[int, ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True)
class CheckResult:
    """What one check says about N samples.

    Attributes:
        score: (N,) float32 in [0, 1], 0 worst, NaN where the sample was not judged.
        flagged: (N,) bool.
        value: (N,) what was measured, in the rule's own unit; NaN where nothing was.
        threshold: What `value` was compared with, (N,) where images have limits of their own; None where the rule is
            yes or no.
        messages: (N,) a sentence for each flagged sample, "" for the others.
        severity: (N,) for each sample.
        suggested: (N,) index of the class it should have; -1 where the rule suggests none.
        notes: What could not be judged, and why, in sentences.
        groups: Findings about several images, or about the data set.
    """

    score: NDArray[np.float32]
    flagged: NDArray[np.bool_]
    value: NDArray[np.float32]
    threshold: float | NDArray[np.float64] | None
    messages: tuple[str, ...]
    severity: tuple[Severity, ...]
    suggested: NDArray[np.intp]
    notes: tuple[str, ...] = ()
    groups: tuple[GroupFinding, ...] = ()


class Check(Protocol):
    """One rule. Its arguments, with their defaults, are its settings; its docstring is its documentation.

    Attributes:
        rule: Its name in files, settings and commands.
        title: Its name on pages.
        kind: What its findings claim.
        demo_faults: The kinds of faults in the stickers of `auditor demo` that it is meant to find.
    """

    rule: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[RuleKind]
    demo_faults: ClassVar[tuple[str, ...]]

    def run(self, samples: Samples) -> CheckResult:
        """Looks at all samples; never changes them."""
        ...

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """Why it did not flag an image: a sentence that begins with "not flagged" or "not judged"."""
        ...


def for_flagged(flagged: NDArray[np.bool_], sentence: Callable[[int], str]) -> tuple[str, ...]:
    """A sentence for each flagged row, "" for the others."""
    return tuple(sentence(row) if flagged[row] else "" for row in range(len(flagged)))


def about_images(
    flagged: NDArray[np.bool_],
    sentence: Callable[[int], str],
    *,
    score: NDArray[np.floating],
    value: NDArray[np.floating],
    threshold: float | NDArray[np.float64] | None,
    severity: Sequence[Severity],
    notes: Sequence[str] = (),
) -> CheckResult:
    """The result of a rule that flags single images and suggests no class.

    Args:
        flagged: (N,).
        sentence: Of a row, for those that are flagged.
        score, value, threshold, notes: As in `CheckResult`.
        severity: (N,) for each image, flagged or not.
    """
    return CheckResult(
        score=score.astype(np.float32),
        flagged=flagged,
        value=value.astype(np.float32),
        threshold=threshold,
        messages=for_flagged(flagged, sentence),
        severity=tuple(severity),
        suggested=np.full(len(flagged), -1, dtype=np.intp),
        notes=tuple(notes),
    )


def yes_or_no(flagged: NDArray[np.bool_], sentence: Callable[[int], str], severity: Severity) -> CheckResult:
    """The result of a rule without a measure: score 0 for what it flags, 1 for the rest."""
    unmeasured = np.full(len(flagged), np.nan)
    score = np.where(flagged, 0.0, 1.0)
    grades = (severity,) * len(flagged)
    return about_images(flagged, sentence, score=score, value=unmeasured, threshold=None, severity=grades)


def nothing_judged(samples: Samples, note: str = "") -> CheckResult:
    """The result of a rule that has nothing to go by in this data set; `note` says why, if nothing else does."""
    count = len(samples)
    empty = np.full(count, np.nan, dtype=np.float32)
    return CheckResult(
        score=empty,
        flagged=np.zeros(count, dtype=bool),
        value=empty,
        threshold=None,
        messages=("",) * count,
        severity=(LOW,) * count,
        suggested=np.full(count, -1, dtype=np.intp),
        notes=(note,) if note else (),
    )


def about_data_set(samples: Samples, found: Sequence[GroupFinding], notes: Sequence[str] = ()) -> CheckResult:
    """The result of a rule that says nothing about single images."""
    return replace(nothing_judged(samples), notes=tuple(notes), groups=tuple(found))
