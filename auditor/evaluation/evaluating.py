"""Model and data -> `Evaluation`: one decode and one forward pass for each image."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from auditor import __version__
from auditor.audit import RunInfo
from auditor.backends.answers import refuse_silent, silent_note
from auditor.backends.base import Backend
from auditor.backends.card import ModelCard
from auditor.backends.class_match import match_dataset, model_info
from auditor.classes.names import ClassMatch
from auditor.data.dataset import Dataset
from auditor.engines import LocalEngine, Task
from auditor.engines.scaling_probe import settle_scaling
from auditor.errors import InputError
from auditor.evaluation.answers import TOP, Answer, ClassNames, choices, read_answer
from auditor.evaluation.metrics import (
    Ranking,
    Share,
    calibration,
    class_scores,
    confusion_matrix,
    log_loss,
    ranking,
    wilson,
)
from auditor.evaluation.pictures import explain, show
from auditor.evaluation.record import Evaluation
from auditor.evaluation.selection import Selection, select
from auditor.progress import Progress
from auditor.runs.folder import run_id as id_of
from auditor.settings import Limits
from auditor.text import shown

SAMPLE, MISTAKES = 25, 12                       # images shown
_SEED = 0                                       # of the sample: the same images for every model


def evaluate(
    backend: Backend,
    dataset: Dataset,
    *,
    split: str | None = None,
    class_map: str | None = None,
    batch_size: int = 16,
    threads: int | None = None,
    limits: Limits | None = None,
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    run_id: str | None = None,
) -> Evaluation:
    """Compares a classifier's answers with the labels of a data set.

    Args:
        backend: The classifier.
        dataset: The images with their labels.
        split: "train", "val", "test" or "all"; None takes `test` where there is one, else `val`, else everything.
        class_map: As in `--class-map`, if names differ by more than case and plural.
        batch_size: Images per forward pass.
        threads: Decoding threads; one per core if None.
        limits: What the reader refuses.
        settings: What the user asked for, to be printed with the result.
        progress: Watches the long loops.
        run_id: Id of the run that was claimed for it; None makes one from the time.

    Raises:
        InputError: there is no such split, no label, no readable image, or a class that the model does not know.
        ModelError: the model has a usable answer for none of the images.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    progress = progress or Progress()
    backend, dataset, match = match_dataset(backend, dataset, class_map)
    chosen = select(dataset, split)
    _check_known(match, chosen, backend, dataset)
    task, scaling = settle_scaling(
        Task(backend, limits or Limits(), batch_size, threads), match, chosen.samples, dataset.classes
    )
    backend = task.backend or backend
    answers, unreadable, readable = _ask(task, backend.card, dataset, chosen, match, progress)
    names = ClassNames(dataset.classes, backend.card)
    sample = show(_draw(answers, SAMPLE), names, task.limits)
    mistakes, method = explain(_worst(answers, MISTAKES), names, backend, task.limits, progress)
    given, predicted = (np.array(values, dtype=np.intp) for values in _indices(answers))            # (N,), (N,)
    confusion, elsewhere = confusion_matrix(given, predicted, len(dataset.classes))
    right = given == predicted                                                                      # (N,)
    seen = sum(answer.seen for answer in answers)
    seconds = time.perf_counter() - clock
    return Evaluation(
        data=dataset.name,
        root=shown(str(dataset.root)),
        split=chosen.split,
        model=model_info(backend, match, seen),
        lists_training=bool(backend.card.trained_on),
        classes=dataset.classes,
        confusion=confusion,
        elsewhere=elsewhere,
        other_classes=_other_classes(answers, names),
        scores=class_scores(dataset.classes, confusion, elsewhere),
        accuracy=_share(answers),
        unseen=_share([answer for answer in answers if not answer.seen]) if seen else None,
        top_5=_top_5(answers) if choices(dataset.classes, match) > TOP else None,
        log_loss=log_loss(np.array([answer.p_given for answer in answers])),
        calibration=calibration(np.array([answer.confidence for answer in answers]), right),
        ranking=_ranking(answers, dataset.classes),
        unreadable=unreadable,
        unlabelled=chosen.unlabelled,
        sample=sample,
        mistakes=mistakes,
        heatmaps=method,
        notes=(*backend.notes, *scaling, *silent_note(readable, len(answers)), *_notes(dataset, chosen)),
        run=RunInfo(
            id=run_id or id_of(started),
            started_at=started.isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            images_per_second=round((len(answers) + len(unreadable)) / seconds, 2),
            cached=0,
            auditor_version=__version__,
            settings=dict(settings or {}),
        ),
    )


def _check_known(match: ClassMatch, chosen: Selection, backend: Backend, dataset: Dataset) -> None:
    """Refuses classes with images that the model cannot answer with: every figure would be wrong."""
    labels = {sample.label for sample in chosen.samples}
    unknown = [name for name in match.missing if name in labels]
    if not unknown:
        return
    card = backend.card
    theirs = f"its classes are {_few(card.classes)}" if card.has_classes else "its classes have no names"
    help_ = "" if card.has_classes else "Name them with --classes FILE. "
    raise InputError(
        f"the model {shown(card.name)} has no class for {_few(unknown)} of {dataset.name} ({theirs}). "
        f"{help_}Say which of its classes are meant with --class-map 'its class={unknown[0]}'."
    )


def _ask(
    task: Task,
    card: ModelCard,
    dataset: Dataset,
    chosen: Selection,
    match: ClassMatch,
    progress: Progress,
) -> tuple[list[Answer], tuple[tuple[str, str], ...], int]:
    """The answers in the order of the samples; (file, reason) of what has none; how many images could be read."""
    run = LocalEngine().run(chosen.samples, task)
    index = {name: place for place, name in enumerate(dataset.classes)}
    answers, unreadable, readable = [], [], 0
    for outcome in progress.track(run, len(chosen.samples), "images"):
        readable += outcome.decoded is not None
        answer = read_answer(outcome, index, match, card)
        if answer is None:
            unreadable.append((outcome.sample.file, outcome.failure or "unknown"))
        else:
            answers.append(answer)
    if chosen.split is None:
        unreadable += dataset.failed            # their split is not known
    refuse_silent(readable, len(answers), card.name)
    if not answers:
        file, reason = unreadable[0]
        raise InputError(
            f"none of {len(unreadable):,} images of {dataset.name} can be read ({file}: {reason}); "
            "`auditor scan` lists why"
        )
    return answers, tuple(sorted(unreadable)), readable


def _indices(answers: Sequence[Answer]) -> Iterable[list[int]]:
    return [answer.given for answer in answers], [answer.predicted for answer in answers]


def _draw(answers: Sequence[Answer], number: int) -> list[Answer]:
    """Images at random, without regard to the answers, in the order of the files."""
    rows = np.random.default_rng(_SEED).permutation(len(answers))[:number]
    return [answers[row] for row in sorted(rows.tolist())]


def _worst(answers: Sequence[Answer], number: int) -> list[Answer]:
    """The most confident wrong answers; equal ones in the order of the files."""
    wrong = [answer for answer in answers if not answer.right]
    return sorted(wrong, key=lambda answer: (-answer.confidence, answer.sample.file))[:number]


def _share(answers: Sequence[Answer]) -> Share:
    return wilson(sum(answer.right for answer in answers), len(answers))


def _top_5(answers: Sequence[Answer]) -> Share:
    return wilson(sum(answer.rank < TOP for answer in answers), len(answers))


def _other_classes(answers: Sequence[Answer], names: ClassNames) -> tuple[tuple[str, str, int], ...]:
    counts = Counter((names.given(answer), names.predicted(answer)) for answer in answers if answer.predicted < 0)
    return tuple(sorted(((*pair, times) for pair, times in counts.items()), key=lambda each: (-each[2], each)))


def _ranking(answers: Sequence[Answer], classes: tuple[str, ...]) -> Ranking | None:
    if len(classes) != 2:
        return None
    score = np.array([answer.p_second for answer in answers])                   # (N,)
    return ranking(score, np.array([answer.given == 1 for answer in answers]), classes[1])


def _notes(dataset: Dataset, chosen: Selection) -> tuple[str, ...]:
    notes = [chosen.why] if chosen.why else []
    if chosen.unlabelled:
        notes.append(f"Images without a label, left out: {chosen.unlabelled:,}.")
    if dataset.failed and chosen.split is not None:
        notes.append(f"Files that cannot be opened, whose split is not known: {len(dataset.failed):,}.")
    return (*notes, *dataset.notes)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")
