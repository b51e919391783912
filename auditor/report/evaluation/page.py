"""An evaluation as one HTML page, with the learning curves where the model was trained here; and `evaluation.json`.

Example:
    >>> write_training_page(evaluation, Path("models/mine"), history)
    PosixPath('models/mine/index.html')
"""

from dataclasses import dataclass, replace
from pathlib import Path

from auditor.audit import RunInfo
from auditor.evaluation import Evaluation, write_document
from auditor.evaluation.training_history import TrainingHistory
from auditor.report.evaluation.answers import AnswerTile, Mistake, mistakes, tiles
from auditor.report.evaluation.learning import Learning, learning
from auditor.report.evaluation.scores import (
    CalibrationView,
    Grid,
    Pair,
    ScoreTable,
    calibration_view,
    confused_pairs,
    confusion_grid,
    confusion_table,
    other_classes,
    score_table,
)
from auditor.report.evaluation.sentences import (
    GLOSSARY,
    figures,
    in_sample,
    mistakes_intro,
    model_facts,
    remarks,
    sample_intro,
)
from auditor.report.shared.facts import Fact, Skipped, Term, facts, run_facts, skipped
from auditor.report.shared.html import STYLE, render, write_page
from auditor.report.shared.matrix import Matrix
from auditor.report.shared.parts import KeyFigure, Link, Stop, heat_stops
from auditor.runs.files import EVALUATION
from auditor.text import count, moment, number, percent, visible

#: Up to this number of classes the matrix has room beside the scores.
BESIDE = 12


@dataclass(frozen=True)
class TrainingPage:
    """Everything that `training.html.j2` prints."""

    title: str
    name: str
    data: str
    split: str
    date: str
    model: tuple[str, ...]
    headline: str
    rest: str
    also: tuple[str, ...]
    in_sample: str
    notes_hint: str
    figures: tuple[KeyFigure, ...]
    links: tuple[Link, ...]
    learning: Learning | None
    scores: ScoreTable
    matrix: Matrix | None
    grid: Grid | None
    matrix_absent: str
    pairs: tuple[Pair, ...]
    other_classes: str
    stacked: bool
    mistakes: tuple[Mistake, ...]
    mistakes_intro: str
    heat: tuple[Stop, ...]
    tiles: tuple[AnswerTile, ...]
    tiles_intro: str
    calibration: CalibrationView
    unreadable: tuple[Skipped, ...]
    unreadable_count: str
    notes: tuple[str, ...]
    model_facts: tuple[Fact, ...]
    guessed: tuple[Fact, ...]
    about: tuple[Fact, ...]
    run: tuple[Fact, ...]
    glossary: tuple[Term, ...]
    version: str


def write_training_page(evaluation: Evaluation, folder: Path, history: TrainingHistory | None = None) -> Path:
    """Writes `index.html` and `evaluation.json` into the folder, which is made if it is missing.

    Args:
        evaluation: What the page is about.
        folder: A model's, or a separate one.
        history: Of the training; without it the page has no learning curves.

    Returns:
        The path of the page.
    """
    path = write_page(render_training(evaluation, history), folder)
    write_document(evaluation, folder)
    return path


def render_training(evaluation: Evaluation, history: TrainingHistory | None = None) -> str:
    """The page as text; the same evaluation gives the same text."""
    page = build_training_page(evaluation, history)
    return render("training.html.j2", page, styles=(STYLE, "chart.css", "training.css"))


def build_training_page(evaluation: Evaluation, history: TrainingHistory | None = None) -> TrainingPage:
    """Fills the page."""
    model, accuracy = evaluation.model, evaluation.accuracy
    matrix, grid = confusion_table(evaluation), confusion_grid(evaluation)
    trained, cards = learning(history), mistakes(evaluation)
    name = f"{visible(model.name)} on {visible(evaluation.data)}"
    rest = f" of {count(accuracy.total, 'image')} {'is' if accuracy.total == 1 else 'are'} named right."
    return TrainingPage(
        title=f"{name}: {percent(accuracy.value)}{rest}",
        name=name,
        data=visible(evaluation.root),
        split=evaluation.split or "everything",
        date=moment(evaluation.run.started_at),
        model=tuple(visible(part) for part in (model.name, model.backend, model.device, model.sha256[:12]) if part),
        headline=percent(accuracy.value),
        rest=rest,
        also=tuple(remarks(evaluation)),
        in_sample=in_sample(evaluation),
        notes_hint=f"{count(len(evaluation.notes), 'thing')} to know about these images" if evaluation.notes else "",
        figures=tuple(figures(evaluation)),
        links=_links(evaluation, trained, cards),
        learning=trained,
        scores=score_table(evaluation),
        matrix=matrix,
        grid=grid,
        matrix_absent=f"{number(len(evaluation.classes))} classes are too many for a matrix on a page; it is in "
        f"{EVALUATION}.",
        pairs=confused_pairs(evaluation),
        other_classes=other_classes(evaluation),
        stacked=len(evaluation.classes) > BESIDE,
        mistakes=cards,
        mistakes_intro=mistakes_intro(evaluation),
        heat=heat_stops() if any(shown.evidence for shown in evaluation.mistakes) else (),
        tiles=tiles(evaluation),
        tiles_intro=sample_intro(evaluation),
        calibration=calibration_view(evaluation),
        unreadable=skipped(evaluation.unreadable),
        unreadable_count=number(len(evaluation.unreadable)),
        notes=tuple(map(visible, evaluation.notes)),
        model_facts=model_facts(evaluation),
        guessed=facts(model.guessed),
        about=facts(model.about),
        run=run_facts(_without_repetition(evaluation)),
        glossary=GLOSSARY,
        version=visible(evaluation.run.auditor_version),
    )


def _without_repetition(evaluation: Evaluation) -> RunInfo:
    """The run; without its settings where it is the training's own, whose settings the model's card says."""
    run = evaluation.run
    return replace(run, settings={}) if run.settings == evaluation.model.about.get("settings") else run


def _links(evaluation: Evaluation, trained: Learning | None, cards: tuple[Mistake, ...]) -> tuple[Link, ...]:
    links = [Link("learning", "Learning")] if trained else []
    links.append(Link("classes", "Classes", number(len(evaluation.classes))))
    if cards:
        links.append(Link("mistakes", "Worst mistakes"))
    links += [Link("sample", "Sample"), Link("calibration", "Calibration")]
    if evaluation.notes:
        links.append(Link("notes", "Notes", number(len(evaluation.notes))))
    return (*links, Link("model", "Model"), Link("run", "Run"), Link("reading", "How to read"))
