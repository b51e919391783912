"""Outcomes -> everything that checks look at, the verdict on every label included."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.backends.card import ModelCard
from auditor.checks import ModelView, Samples
from auditor.checks.copies import Copies
from auditor.checks.samples import MODEL
from auditor.classes.names import ClassMatch, class_name
from auditor.data.dataset import Dataset
from auditor.engines import Outcomes
from auditor.images.properties import PROPERTIES
from auditor.labels.neighbours import SHOWN, Directions, Neighbours, class_votes, nearest
from auditor.labels.parallel import one_blas_thread
from auditor.labels.probe import Probe, assign_folds, out_of_fold
from auditor.labels.ranking import review_order
from auditor.labels.verdict import decide
from auditor.progress import Progress
from auditor.scanning.classifier import Classifier


@dataclass(frozen=True)
class Judgement:
    """The N samples and what their verdicts came from.

    Attributes:
        samples: What checks look at.
        directions: What makes points of embeddings, whose products are similarities.
        neighbours: The most similar images of each, as many as are shown.
        probe: The discriminants that judged the labels; they can be asked why, and learn other labels.
    """

    samples: Samples
    directions: Directions
    neighbours: Neighbours
    probe: Probe

    def review_order(self) -> NDArray[np.intp]:
        """(N,) place of each image in the order of review, 1 first; 0 where no label was judged."""
        samples, issues = self.samples, self.samples.verdict.issues
        votes = samples.votes[np.arange(len(samples)), np.maximum(samples.labels, 0)]   # (N,)
        denied = np.nan_to_num(samples.out_of_fold).argmax(axis=1) != samples.labels    # (N,)
        return review_order(issues.score, votes, issues.flagged, denied)


def judge(
    dataset: Dataset,
    outcomes: Outcomes,
    copies: Copies,
    classifier: Classifier | None = None,
    *,
    show_doubtful: bool = False,
    progress: Progress | None = None,
) -> Judgement:
    """Asks the probe, the trained classifier where it knows the classes, and the neighbours.

    Args:
        dataset: Gives the classes.
        outcomes: One for each of the N samples, sorted by file.
        copies: Those of them that are the same picture: they lie in one fold, and are no evidence for each other.
        classifier: The trained one, its classes matched to the folder's; None for a scan without a model.
        show_doubtful: Whether the user wants to see what a probe that cannot judge the labels doubts.
        progress: Watches the steps.
    """
    with one_blas_thread():     # threads of one product wait for each other, and so for whoever else holds a core
        return _judge(dataset, outcomes, copies, classifier, show_doubtful, progress or Progress())


def _judge(
    dataset: Dataset,
    outcomes: Outcomes,
    copies: Copies,
    classifier: Classifier | None,
    show_doubtful: bool,
    progress: Progress,
) -> Judgement:
    steps = iter(progress.track(range(3), 3, "judging labels"))
    index = {name: position for position, name in enumerate(dataset.classes)}
    labels = np.array([index.get(sample.label or "", -1) for sample in outcomes.samples], dtype=np.intp)    # (N,)
    embeddings, contents = outcomes.embeddings, outcomes.contents()                     # (N, K)
    keys = copies.keys(contents)
    classes = max(len(dataset.classes), 1)      # without any class there is still a column, of nothing
    view, heat = None, None
    unseen: tuple[NDArray[np.float32], ...] = ()
    if classifier is not None and classifier.match.complete and dataset.classes:
        card, match = classifier.backend.card, classifier.match
        view = _model_view(outcomes, dataset, card, match)
        heat = outcomes.heat_of(_model_classes(outcomes, labels, match))
        unseen = (_unseen(view),) if card.trained_on else ()
    next(steps)
    directions = Directions.fit(embeddings)
    neighbours = nearest(directions.of_all(embeddings), groups=keys)
    shown = neighbours.first(SHOWN)
    next(steps)
    probe = out_of_fold(embeddings, labels, assign_folds(keys), classes, unseen)
    next(steps)
    verdict = decide(probe.probabilities, labels, keys, probe.relearn)
    next(steps, None)
    sides = np.where(outcomes.is_decoded()[:, None], outcomes.sides, np.nan)             # (N, 2)
    samples = Samples(
        files=tuple(sample.file for sample in outcomes.samples),
        classes=dataset.classes,
        labels=labels,
        splits=tuple(sample.split for sample in outcomes.samples),
        contents=contents,
        sizes=outcomes.sizes,
        failures=tuple(outcomes.failures),
        formats=tuple(None if kind is None else kind[0] for kind in outcomes.kinds),
        embeddings=embeddings,
        model=view,
        out_of_fold=probe.probabilities,
        verdict=verdict,
        votes=class_votes(neighbours, labels, classes),
        show_doubtful=show_doubtful,
        properties={
            "width": sides[:, 0],
            "height": sides[:, 1],
            **{name: outcomes.properties[:, place].astype(np.float64) for place, name in enumerate(PROPERTIES)},
        },
        copies=copies,
        miniatures=outcomes.miniatures,
        heat=heat,
        neighbours=shown.indices,
        similarity=shown.similarity,
    )
    return Judgement(samples, directions, shown, probe)


def _model_classes(outcomes: Outcomes, labels: NDArray[np.intp], match: ClassMatch) -> NDArray[np.intp]:
    """(N,) the model's class that stands for the given label, the most probable of several; -1 without a label."""
    classes = np.full(len(labels), -1, np.intp)
    if not outcomes.probabilities.shape[1]:     # no image was readable
        return classes
    for folder in np.unique(labels[labels >= 0]):
        columns, rows = np.flatnonzero(match.folder_of == folder), np.flatnonzero(labels == folder)
        classes[rows] = columns[np.nan_to_num(outcomes.probabilities[np.ix_(rows, columns)]).argmax(axis=1)]
    return classes


def _unseen(view: ModelView) -> NDArray[np.float32]:
    """(N, C) the model's probabilities for the images that it was not trained on: only there they say something new.

    Which images those are, only a card can show that lists what the model was trained on.
    """
    return np.where(view.in_sample[:, None], np.nan, view.probabilities).astype(np.float32)


def _model_view(outcomes: Outcomes, dataset: Dataset, card: ModelCard, match: ClassMatch) -> ModelView:
    own = outcomes.probabilities                                                        # (N, C)
    if not own.shape[1]:                        # no image was readable
        own = np.full((len(outcomes), len(card.classes)), np.nan, dtype=np.float32)
    projected = match.project(own, len(dataset.classes))                                # (N, F)
    readable = np.asarray(np.isfinite(own).all(axis=1))
    top, best = np.nan_to_num(own).argmax(axis=1), np.nan_to_num(projected).argmax(axis=1)
    rows = range(len(own))
    # Several model classes may stand for one of the folder's: their sum competes with the best of all classes.
    known = projected[rows, best] >= own[rows, top]                                     # (N,) a folder class is on top

    def name(row: int) -> str | None:
        if not readable[row]:
            return None
        return dataset.classes[best[row]] if known[row] else class_name(card.classes, int(top[row]))

    return ModelView(
        name=MODEL,
        probabilities=projected,
        predicted=tuple(name(row) for row in rows),
        predicted_class=np.where(known, best, -1).astype(np.intp),
        confidence=np.where(known, projected[rows, best], own[rows, top]).astype(np.float32),
        in_sample=np.array([card.saw(content) for content in outcomes.contents()], dtype=bool),
    )
