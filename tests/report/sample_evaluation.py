"""Evaluations as a model could have earned them, with drawn pictures."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from auditor.audit import ModelInfo, RunInfo
from auditor.evaluation import Evaluation
from auditor.evaluation.metrics import calibration, class_scores, confusion_matrix, ranking, wilson
from auditor.evaluation.record import AnswerPicture, Shown
from auditor.evaluation.training_history import Epoch, Phase, TrainingHistory
from tests.report.drawn import SIDE, draw, jpeg, small


@cache
def shown(place: int, given: str, predicted: str, confidence: float = 0.97) -> Shown:
    """An answer with a drawn picture; a wrong one has heatmaps too."""
    right = given == predicted
    picture, warm = draw("cats" if place % 2 else "dogs", 700 + place)
    evidence = () if right else (AnswerPicture(jpeg(warm), predicted), AnswerPicture(jpeg(warm), given))
    image = small("cats", place) if right else jpeg(picture)
    file = f"{given}/{place:03}.jpg"
    return Shown(file, given, predicted, right, confidence, 1 - confidence, image, SIDE, SIDE, evidence)


def make(classes: Sequence[str], images: int = 300, accuracy: float = 0.9, extra: Sequence[str] = ()) -> Evaluation:
    """So many images, spread over the classes; some answers are none of them where there are extra classes."""
    rng = np.random.default_rng(5)
    names = tuple(classes)
    given = rng.integers(0, len(names), images)                                     # (N,)
    guesses = rng.integers(-bool(extra), len(names), images)                    # (N,)
    predicted = np.where(rng.random(images) < accuracy, given, guesses)
    confidence = rng.uniform(0.5, 1, images)
    matrix, elsewhere = confusion_matrix(given, predicted, len(names))
    others = [(names[row], extra[0], int(times)) for row, times in enumerate(elsewhere) if times]
    answers = [shown(place, names[place % len(names)], names[0]) for place in range(8)]
    binary = ranking(confidence, given == 1, names[1]) if len(names) == 2 else None
    return Evaluation(
        data="pets-test",
        root="data/pets",
        split="test",
        model=ModelInfo("mine", "onnx", "cpu", "ab12" * 16, names, True, 0, {"preprocessing": "caffe, by its mean"}),
        lists_training=True,
        classes=names,
        confusion=matrix,
        elsewhere=elsewhere,
        other_classes=tuple(sorted(others, key=lambda each: (-each[2], each))),
        scores=class_scores(names, matrix, elsewhere),
        accuracy=wilson(int((given == predicted).sum()), images),
        unseen=None,
        top_5=wilson(images - 2, images) if len(names) > 5 else None,
        log_loss=0.271,
        calibration=calibration(confidence, given == predicted),
        ranking=binary,
        unreadable=(("cats/broken.jpg", "truncated: the file ends before the picture does"),),
        unlabelled=0,
        sample=tuple(answers),
        mistakes=tuple(answer for answer in answers if not answer.right),
        heatmaps="Grad-CAM",
        notes=("The test split was evaluated; train (2,400 images) left out.",),
        run=RunInfo("20250102T030405Z", "2025-01-02T03:04:05+00:00", 12.25, 23.67, 0, "0.1.0", {"batch_size": 16}),
    )


def two() -> Evaluation:
    return make(("cats", "dogs"))


def ten() -> Evaluation:
    return make([f"breed {number}" for number in range(10)], extra=("punching bag",))


def sixty() -> Evaluation:
    return make([f"class {number:02} {'n' * number}" for number in range(60)], images=2000, extra=("car", "tree"))


def many() -> Evaluation:
    return make([f"class {number:03}" for number in range(300)], images=3000)


def one_class() -> Evaluation:
    return make(("cats",), accuracy=0.5, extra=("dogs",))


def flawless() -> Evaluation:
    """Everything right, all of it seen in training; a class without images."""
    found = make(("cats", "dogs"), accuracy=1.0)
    matrix, elsewhere = np.diag([150, 150, 0]), np.zeros(3, np.int64)
    names = ("cats", "dogs", "ferrets")
    return replace(
        found,
        classes=names,
        confusion=matrix,
        elsewhere=elsewhere,
        scores=class_scores(names, matrix, elsewhere),
        sample=tuple(answer for answer in found.sample if answer.right),
        mistakes=(),
        unreadable=(),
        notes=(),
        heatmaps="",
        unseen=wilson(0, 0),
        model=replace(found.model, in_sample=300),
        ranking=None,
    )


def curves(epochs: int = 8) -> TrainingHistory:
    """A head that learns, then fine-tuning that overfits, with a value missing."""
    head = [epoch(number, 0.7 / number, 1 - 0.4 / number) for number in range(1, epochs + 1)]
    tuned = [epoch(number, 0.1 / number, 0.97) for number in range(1, epochs + 1)]
    tuned[-1] = replace(tuned[-1], val_loss=0.3)
    if epochs > 3:
        tuned[2] = replace(tuned[2], val_loss=math.nan)
    return TrainingHistory((Phase("head", tuple(head)), Phase("fine-tuning", tuple(tuned))))


def epoch(number: int, loss: float, accuracy: float) -> Epoch:
    return Epoch(number, loss, accuracy, loss * 1.1, accuracy - 0.02, 1e-3 / number, 1.5)
