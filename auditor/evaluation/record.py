"""The result of an evaluation: a frozen record that the page and `evaluation.json` only render."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.audit import ModelInfo, RunInfo
from auditor.evaluation.metrics import Calibration, ClassScore, Ranking, Share, mean_known

EVALUATION_FORMAT = 1


@dataclass(frozen=True)
class AnswerPicture:
    """A picture with a heatmap over it, encoded (JPEG), and the class that it shows the evidence for."""

    overlay: bytes
    subject: str


@dataclass(frozen=True)
class Shown:
    """An image with the model's answer.

    Attributes:
        file: POSIX, relative to the root.
        given: Its class in the data set.
        predicted: The model's answer: a class of the data set, or the model's own class if that stands for none.
        right: Whether the two are equal.
        confidence: The probability of the answer.
        p_given: The probability of the given class.
        thumbnail: The image, upright, encoded (JPEG); None where it could not be read again.
        width, height: Size of the thumbnail in pixels; 0 without one.
        evidence: Heatmaps for the answer and for the given class; empty if none were asked for.
    """

    file: str
    given: str
    predicted: str
    right: bool
    confidence: float
    p_given: float
    thumbnail: bytes | None
    width: int
    height: int
    evidence: tuple[AnswerPicture, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results of a model on labelled images.

    Attributes:
        data: Name of the data set.
        root: Its folder, as the user wrote it.
        split: The split that was evaluated; None for all images.
        model: The model; `in_sample` counts the evaluated images that it was trained on.
        lists_training: Whether its card lists what it was trained on; otherwise `in_sample` is not known.
        classes: The C classes of the data set, including those without images.
        confusion: (C, C) counts, rows given and columns predicted.
        elsewhere: (C,) for each given class the images whose answer is none of the classes.
        other_classes: (given class, class of the model, count) of those answers, most frequent first.
        scores: One for each class.
        accuracy: Over all images with a label that could be read.
        unseen: Over those that the model was not trained on; None if it was trained on none, or if that is not known.
        top_5: Whether the given class is among the five most probable; None if there are five classes or fewer.
        log_loss: Mean -log probability of the given class, in nats.
        calibration: Confidence against accuracy.
        ranking: For two classes; None for more, or if one has no image.
        unreadable: (file, reason).
        unlabelled: Images that were left out because the data set gives them no class.
        sample: Images drawn at random, the same ones for the same files.
        mistakes: The most confident wrong answers, the worst first.
        heatmaps: How their heatmaps were made ("Grad-CAM", ...); "" where there are none.
        notes: Sentences the reader must know.
        run: When, how fast and with which settings.
    """

    data: str
    root: str
    split: str | None
    model: ModelInfo
    lists_training: bool
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    elsewhere: NDArray[np.int64]
    other_classes: tuple[tuple[str, str, int], ...]
    scores: tuple[ClassScore, ...]
    accuracy: Share
    unseen: Share | None
    top_5: Share | None
    log_loss: float
    calibration: Calibration
    ranking: Ranking | None
    unreadable: tuple[tuple[str, str], ...]
    unlabelled: int
    sample: tuple[Shown, ...]
    mistakes: tuple[Shown, ...]
    heatmaps: str
    notes: tuple[str, ...]
    run: RunInfo

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that have images: each counts the same, however small."""
        return mean_known([score.f1 for score in self.scores])

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have images."""
        return mean_known([score.recall for score in self.scores])

    @property
    def commonest(self) -> float:
        """The share of the class with the most images: the accuracy of always answering with it."""
        return max(score.support for score in self.scores) / self.accuracy.total if self.accuracy.total else math.nan
