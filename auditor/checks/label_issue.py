"""Wrong labels: what the other images say about this one's label."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.audit import RuleKind, Severity
from auditor.checks.base import LOW, CheckResult, for_flagged, nothing_judged
from auditor.checks.samples import Samples
from auditor.checks.stored import NO_LABEL, NO_MODEL, StoredImage
from auditor.labels.noise_model import LIKELY_RIGHT
from auditor.text import percent, whole_percent


@dataclass(frozen=True)
class LabelIssue:
    """The given label is probably wrong, by what was learned from other images of the data set.

    Works for any folder with two classes or more, whatever classes the model knows: the probe learns the
    folder's own classes from the embeddings. How far the probe can be trusted is measured on the folder itself
    (`auditor.labels.verdict`); where it cannot, nothing is flagged, or with `--doubtful` with low severity. The
    severity is high where the independent views disagree with the given label too: the labels of the most similar
    images, and the trained classifier where it knows the folder's classes and was not trained on the image; it is
    medium where one of them agrees with it.
    """

    rule: ClassVar[str] = "label_issue"
    title: ClassVar[str] = "Label probably wrong"
    kind: ClassVar[RuleKind] = "label"
    demo_faults: ClassVar[tuple[str, ...]] = ("mislabelled",)

    def run(self, samples: Samples) -> CheckResult:
        """Scores every labelled, readable image; (N,) float32 in [0, 1], 0 worst, NaN not judged."""
        verdict = samples.verdict
        issues = verdict.doubtful if samples.show_doubtful and not verdict.can_judge else verdict.issues
        judged = np.isfinite(issues.score)                                                      # (N,)
        if not judged.any():
            return nothing_judged(samples, _why_nothing(samples))
        given = samples.out_of_fold[np.arange(len(samples)), np.maximum(samples.labels, 0)]     # (N,)
        voted = np.nan_to_num(samples.votes)                                                    # (N, C)
        denied = voted.argmax(axis=1) != samples.labels                                         # (N,)
        if samples.model is not None:
            denied &= samples.model.in_sample | (samples.model.predicted_class != samples.labels)
        severity: tuple[Severity, ...] = tuple("high" if row else "medium" for row in denied)

        def sentence(row: int) -> str:
            other = issues.suggested[row]
            right, probability = whole_percent(issues.p_correct[row]), whole_percent(samples.out_of_fold[row, other])
            return (
                f"Probability that the label is right: {right}, under {whole_percent(LIKELY_RIGHT)}. "
                f"By the other images it is {samples.classes[other]} ({probability}), "
                f"not {samples.classes[samples.labels[row]]} ({whole_percent(given[row])}). "
                f"Of the most similar images {voted[row, other]:.0%} are labelled {samples.classes[other]}"
                f"{_model_says(samples, row)}."
            )

        return CheckResult(
            score=issues.score.astype(np.float32),
            flagged=issues.flagged,
            value=issues.p_correct.astype(np.float32),
            threshold=LIKELY_RIGHT,
            messages=for_flagged(issues.flagged, sentence),
            severity=severity if verdict.can_judge else (LOW,) * len(samples),
            suggested=np.where(issues.flagged, issues.suggested, -1).astype(np.intp),
            notes=(*_cannot_judge(samples), *_unjudged(samples, judged)),
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """How probable it is that the label is right, or why nobody could tell."""
        row = image.row
        if row.get("label") is None:
            return NO_LABEL
        if image.modelless:
            return NO_MODEL
        if not image.can_judge:
            return "not judged: the model knows these classes too little to call a label wrong."
        score, right = row.get("label_score"), row.get("p_correct")
        if score is None:
            return "not judged: its class has too few other images to learn from, or there is no second class."
        limit = "it flags where the label is more likely wrong than right."
        if right is None:
            return f"not flagged: score {score:.2f}, 0 being the worst; {limit}"
        chance = f"not flagged: the label is right with {percent(right)}"
        if right < LIKELY_RIGHT and row.get("oof_predicted") == row["label"]:
            return f"{chance}; but no other class is likelier by the other images, and it flags only where one is."
        return f"{chance}; {limit}"


def _cannot_judge(samples: Samples) -> tuple[str, ...]:
    """Why nothing is claimed, and what would help."""
    power = samples.verdict.power
    if power is None or power.suffices:
        return ()
    known = (
        f"it knows the class of {whole_percent(power.knows)} of images it has not seen, where guessing gives "
        f"{whole_percent(power.chance)}"
    )
    found = f"and of {power.swapped} labels that auditor swapped itself it found {power.found}"
    return (
        f"This model cannot judge these labels: {known}, {found}. So no label is called wrong. A model that was "
        "trained on such images would help (--model, or auditor train on labels that are known to be right), and "
        "more images of each class; --doubtful shows what this one doubts.",
    )


def _model_says(samples: Samples, row: int) -> str:
    model = samples.model
    if model is None:
        return ""
    stands = "agrees with the label" if model.predicted_class[row] == samples.labels[row] else "denies the label too"
    return f"; the model {stands} ({model.predicted[row]}, {whole_percent(model.confidence[row])})"


def _why_nothing(samples: Samples) -> str:
    if not samples.embeddings.shape[1]:
        return "No label was judged: the scan had no model." if samples.classes else ""
    if len(samples.classes) < 2:
        return "With fewer than two classes there is no other class that a label could be mistaken for."
    return "No label could be judged: it takes two classes with several different readable images each."


def _unjudged(samples: Samples, judged: NDArray[np.bool_]) -> tuple[str, ...]:
    unjudged = samples.readable & (samples.labels >= 0) & ~judged
    names = sorted({samples.classes[label] for label in samples.labels[unjudged]})
    if not names:
        return ()
    return (
        f"{unjudged.sum()} labels could not be judged, because their classes have too few images to learn from "
        f"without them: {', '.join(names)}.",
    )
