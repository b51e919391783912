"""What every check sees and gives back: arrays in, a score per sample out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Severity
from auditor.labels.verdict import LabelVerdict

LOW: Severity = "low"


@dataclass(frozen=True)
class ModelView:
    """A classifier's verdict in terms of the folder's classes.

    Attributes:
        name: Who says so, as a sentence begins: "The model" or "The probe".
        probabilities: (N, C) float32 over folder classes; NaN rows unreadable. Rows sum to less than 1 where the
            model has classes that the folder has not.
        predicted: (N,) name of the model's top class, as the folder calls it where it does; None unreadable.
        predicted_class: (N,) index of that class among the folder's, -1 where it is none of them.
        confidence: (N,) its probability.
        in_sample: (N,) bool, whether the model was trained on the image, by its card.
    """

    name: str
    probabilities: NDArray[np.float32]
    predicted: tuple[str | None, ...]
    predicted_class: NDArray[np.intp]
    confidence: NDArray[np.float32]
    in_sample: NDArray[np.bool_]


@dataclass(frozen=True)
class Samples:
    """Everything stored about N images, in the order of their files. Checks never see more than this.

    Attributes:
        files: POSIX paths relative to the root, sorted.
        classes: Names of the folder's classes.
        labels: (N,) index into `classes`, -1 where there is no label.
        failures: Reason for which an image could not be read; None where it could.
        mismatches: For a file in another format than its name claims, that format; else None.
        model: The trained classifier's verdict; None where its classes are not the folder's.
        out_of_fold: (N, C) float32 probabilities of the probe; NaN rows not judged.
        verdict: On every label that the probe judged, and how far it can be believed.
        show_doubtful: Whether the user wants to see what a probe that cannot judge the labels doubts.
        votes: (N, C) float32 share of each class among the labels of the most similar images; NaN where none has one.
        properties: Name -> (N,) values taken when the image was decoded, NaN unreadable.
    """

    files: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.intp]
    failures: tuple[str | None, ...]
    mismatches: tuple[str | None, ...]
    model: ModelView | None
    out_of_fold: NDArray[np.float32]
    verdict: LabelVerdict
    votes: NDArray[np.float32]
    show_doubtful: bool = False
    properties: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def classifier(self) -> ModelView | None:
        """The trained classifier where it knows the folder's classes, else the probe on its embeddings.

        None where neither knows them.
        """
        if self.model is not None or not self.classes or not self.verdict.can_judge:
            return self.model
        judged = np.asarray(np.isfinite(self.out_of_fold).all(axis=1))                  # (N,)
        values = np.nan_to_num(self.out_of_fold)                                        # (N, C)
        top = values.argmax(axis=1)
        return ModelView(
            name="The probe",
            probabilities=self.out_of_fold,
            predicted=tuple(self.classes[best] if known else None for best, known in zip(top, judged, strict=True)),
            predicted_class=np.where(judged, top, -1).astype(np.intp),
            confidence=np.where(judged, values.max(axis=1), np.nan).astype(np.float32),
            in_sample=np.zeros(len(self), dtype=bool),
        )


@dataclass(frozen=True)
class CheckResult:
    """The verdict of one check over N samples.

    Attributes:
        score: (N,) float32 in [0, 1], 0 worst, NaN where the sample was not judged.
        flagged: (N,) bool.
        value: (N,) what was measured, in the rule's own unit; NaN where nothing was.
        threshold: What `value` was compared with; None where the rule is yes or no.
        messages: (N,) a sentence for each flagged sample, "" for the others.
        severity: (N,) for each sample.
        suggested: (N,) index of the class it should have; -1 where the rule suggests none.
        notes: What could not be judged, and why, in sentences.
    """

    score: NDArray[np.float32]
    flagged: NDArray[np.bool_]
    value: NDArray[np.float32]
    threshold: float | None
    messages: tuple[str, ...]
    severity: tuple[Severity, ...]
    suggested: NDArray[np.intp]
    notes: tuple[str, ...] = ()


def percent(probability: float) -> str:
    """A probability as a whole per cent that never claims certainty: `<1%` and `>99%` at the ends."""
    if probability < 0.005:
        return "<1%"
    return ">99%" if probability > 0.995 else f"{probability:.0%}"


def for_flagged(flagged: NDArray[np.bool_], sentence: Callable[[int], str]) -> tuple[str, ...]:
    """A sentence for each flagged row, "" for the others."""
    return tuple(sentence(row) if flagged[row] else "" for row in range(len(flagged)))


def yes_or_no(
    flagged: NDArray[np.bool_], sentence: Callable[[int], str], severity: Severity
) -> CheckResult:
    """The result of a rule without a measure: score 0 for what it flags, 1 for the rest."""
    score = np.where(flagged, 0.0, 1.0).astype(np.float32)
    return CheckResult(
        score=score,
        flagged=flagged,
        value=np.full(len(flagged), np.nan, dtype=np.float32),
        threshold=None,
        messages=for_flagged(flagged, sentence),
        severity=(severity,) * len(flagged),
        suggested=np.full(len(flagged), -1, dtype=np.intp),
    )


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


class Check(Protocol):
    """One rule. Its arguments, with their defaults, are its settings; its docstring is its documentation."""

    rule: ClassVar[str]
    title: ClassVar[str]
    is_about_labels: ClassVar[bool]

    def run(self, samples: Samples) -> CheckResult: ...
