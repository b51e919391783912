"""Outcomes of the pixel pass -> the model's answer to each image, in the classes of the data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.backends.card import ModelCard
from auditor.classes.names import ClassMatch, class_name
from auditor.data.sample import Sample
from auditor.engines import Outcome

TOP = 5


@dataclass(frozen=True)
class Answer:
    """The model's answer to one image; its size does not depend on the number of classes.

    Attributes:
        sample: The image.
        given: Its class, an index into the data set's classes.
        predicted: The answer, likewise; -1 if the model's top class stands for none of them.
        top: The model's own class behind the answer.
        top_given: The model's own class behind the given class: the most probable of those that stand for it.
        confidence: The probability of the answer.
        p_given: The probability of the given class.
        rank: How many classes are more probable than the given one.
        p_second: The probability of the second class among the first two; two classes are ranked by it.
        seen: Whether the model was trained on the image, according to its card.
    """

    sample: Sample
    given: int
    predicted: int
    top: int
    top_given: int
    confidence: float
    p_given: float
    rank: int
    p_second: float
    seen: bool

    @property
    def right(self) -> bool:
        return self.predicted == self.given


@dataclass(frozen=True)
class ClassNames:
    """The names of an answer's classes."""

    classes: tuple[str, ...]
    card: ModelCard

    def given(self, answer: Answer) -> str:
        """The label."""
        return self.classes[answer.given]

    def predicted(self, answer: Answer) -> str:
        """The answer; the model's own class name if it is none of the data set's classes."""
        if answer.predicted >= 0:
            return self.classes[answer.predicted]
        return class_name(self.card.classes, answer.top)


def read_answer(outcome: Outcome, index: Mapping[str, int], match: ClassMatch, card: ModelCard) -> Answer | None:
    """The answer to one image; None if it could not be read.

    Several classes of the model may stand for one of the data set's: their probabilities are added, and the sum
    competes with every other class. Nothing is scaled up if the model knows more classes: the probability of those is
    missing from the right one.

    Args:
        outcome: Of an image with a label.
        index: The data set's classes and their indices.
        match: How the model's classes map to them.
        card: Of the model.
    """
    if outcome.inferred is None:
        return None
    own = outcome.inferred.probabilities                                        # (M,) over the model's classes
    mapped = match.folder_of >= 0                                               # (M,)
    projected = np.bincount(match.folder_of[mapped], own[mapped], minlength=len(index))             # (C,)
    other_classes = own[~mapped]                                                # those that stand for none
    given, best, top = index[outcome.sample.label or ""], int(projected.argmax()), int(own.argmax())
    known = projected[best] >= own[top]
    first_two = float(projected[:2].sum())
    return Answer(
        sample=outcome.sample,
        given=given,
        predicted=best if known else -1,
        top=_behind(own, match.folder_of == best) if known else top,
        top_given=_behind(own, match.folder_of == given),
        confidence=float(projected[best] if known else own[top]),
        p_given=float(projected[given]),
        rank=int((projected > projected[given]).sum() + (other_classes > projected[given]).sum()),
        p_second=float(projected[1]) / first_two if len(index) > 1 and first_two > 0 else 0.5,
        seen=card.saw(outcome.content),
    )


def choices(classes: Sequence[str], match: ClassMatch) -> int:
    """How many different answers the model can give."""
    return len(classes) + int((match.folder_of < 0).sum())


def _behind(own: NDArray[np.float32], inside: NDArray[np.bool_]) -> int:
    """The most probable of some of the model's classes."""
    return int(np.where(inside, own, -1.0).argmax())
