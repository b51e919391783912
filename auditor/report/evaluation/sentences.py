"""Sentences about an evaluation: the headline's remarks, key numbers, facts, and how to read the page."""

from collections.abc import Iterator

from auditor.evaluation import Evaluation
from auditor.report.evaluation.scores import called
from auditor.report.shared.facts import Fact, Term
from auditor.report.shared.parts import KeyFigure
from auditor.text import count, decimal, listing, number, percent, visible

MAX_NAMED = 12                                  # classes of a model that are all named

GLOSSARY = (
    Term("Accuracy", "The share of images whose most probable class is the one they are filed under."),
    Term(
        "95% interval",
        "What this number of images can tell: in 95 of 100 samples of this size it holds the true accuracy (Wilson).",
    ),
    Term("Precision", "Of the images with a class as the model's answer, the share that has it as the label."),
    Term("Recall", "Of the images with a class as the label, the share that has it as the model's answer."),
    Term("F1", "Precision and recall in one: their harmonic mean. Macro F1 is its mean, each class counting the same."),
    Term("Log loss", "How improbable the given class was, on average: 0 is perfect, and confident errors cost most."),
    Term(
        "Calibration error",
        "How far confidence and accuracy are apart on average, over 15 ranges of confidence (Guo et al., 2017).",
    ),
    Term("ROC AUC", "How often an image of the one class ranks above one of the other; 50% is chance, 100% perfect."),
    Term("Heatmap", "Where in the image the evidence for one class lies. Hot means high; cold means none."),
    Term("In sample", "The model was trained on exactly this image. Its answer says nothing about new images."),
)


def summary_lines(evaluation: Evaluation) -> Iterator[str]:
    """The result for a terminal; control characters in names are made visible."""
    accuracy = evaluation.accuracy
    low, high = percent(accuracy.low), percent(accuracy.high)
    yield f"accuracy           {percent(accuracy.value)} of {accuracy.total:,} images ({low} to {high})"
    for figure in figures(evaluation):
        yield f"{figure.name:<19}{figure.value}"
    if evaluation.unseen is not None:
        yield f"note: {in_sample(evaluation)}"
    for note in evaluation.notes:
        yield f"note: {visible(note)}"


def remarks(evaluation: Evaluation) -> Iterator[str]:
    """How reliable the headline's number is."""
    accuracy = evaluation.accuracy
    low, high = percent(accuracy.low), percent(accuracy.high)
    yield f"For images like these, that is between {low} and {high} (95% interval)."
    if len(evaluation.classes) > 1:
        yield f"Always answering with the commonest class would be right in {percent(evaluation.commonest)}."


def in_sample(evaluation: Evaluation) -> str:
    """What the model saw in training; "" if its card lists its training images and none of them is here."""
    if not evaluation.lists_training:
        return (
            "The model's card does not list what it was trained on. If it was trained on these images, this page is "
            "too optimistic."
        )
    seen, unseen = evaluation.model.in_sample, evaluation.unseen
    if unseen is None:
        return ""
    if not unseen.total:
        return "The model was trained on all of these images: this page only shows how well it remembers them."
    low, high = percent(unseen.low), percent(unseen.high)
    return (
        f"The model was trained on {number(seen)} of these images. On the other {number(unseen.total)} it is right in "
        f"{percent(unseen.value)} ({low} to {high})."
    )


def figures(evaluation: Evaluation) -> Iterator[KeyFigure]:
    """The row of key numbers."""
    failed = len(evaluation.unreadable)
    classes = count(len(evaluation.classes), "class", "classes")
    yield KeyFigure(number(evaluation.accuracy.total), "images", f"in {classes}")
    yield KeyFigure(percent(evaluation.macro_f1), "macro F1", f"recall {percent(evaluation.balanced_accuracy)}")
    if evaluation.top_5 is not None:
        yield KeyFigure(percent(evaluation.top_5.value), "in the top five", "")
    if evaluation.ranking is not None:
        yield KeyFigure(percent(evaluation.ranking.roc_auc), "ROC AUC", f"for {called(evaluation.ranking.positive)}")
    yield KeyFigure(decimal(evaluation.log_loss), "log loss", "0 is best")
    yield KeyFigure(f"{100 * evaluation.calibration.error:.1f}%", "calibration error", "0% is best")
    yield KeyFigure(number(failed), "unreadable", "no answer for them" if failed else "")


def mistakes_intro(evaluation: Evaluation) -> str:
    """What is shown of the wrong answers."""
    wrong = evaluation.accuracy.total - evaluation.accuracy.right
    shown = len(evaluation.mistakes)
    first = f"All {count(wrong, 'wrong answer')}" if shown == wrong else f"{shown} of {count(wrong, 'wrong answer')}"
    method = f" Heatmaps by {evaluation.heatmaps}." if evaluation.heatmaps else ""
    return f"{first}, the most confident first. Look at the label too: some may be wrong.{method}"


def sample_intro(evaluation: Evaluation) -> str:
    """What is shown of all answers."""
    right, shown = sum(one.right for one in evaluation.sample), len(evaluation.sample)
    drawn = "all there are" if shown == evaluation.accuracy.total else "drawn at random, the same ones every time"
    return f"{count(shown, 'image')}, {drawn}: {right} right, {shown - right} wrong."


def model_facts(evaluation: Evaluation) -> tuple[Fact, ...]:
    """What is known about the model."""
    model = evaluation.model
    seen = "not known: its card does not list what it was trained on"
    if evaluation.lists_training:
        seen = f"{count(model.in_sample, 'image')} of these" if model.in_sample else "none of these"
    few = len(model.classes) <= MAX_NAMED
    named = listing(map(called, model.classes)) if few else number(len(model.classes))
    return (
        Fact("name", visible(model.name)),
        Fact("backend", visible(f"{model.backend} on {model.device}")),
        Fact("sha256", visible(model.sha256)),
        Fact("classes", named or "not named"),
        Fact("trained on", seen),
    )
