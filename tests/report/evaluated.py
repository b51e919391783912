"""Evaluations of drawn folders, and those with more classes that are made of them."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from auditor.data.sources import load_dataset
from auditor.evaluation import Evaluation, evaluate
from auditor.evaluation.metrics import calibration, class_scores, confusion_matrix, wilson
from auditor.evaluation.record import Shown
from auditor.evaluation.training_history import Epoch, Phase, TrainingHistory
from tests.backends.fake import FakeBackend
from tests.pictures import GREY, RED, draw_tinted, place_image


def draw_pets(root: Path, cats: str, dogs: str) -> Path:
    """A folder of cats and dogs: `cats` is "gggr" for three grey ones and a red one, whom the model calls a dog."""
    for row, (label, drawn) in enumerate({"cats": cats, "dogs": dogs}.items()):
        for number, letter in enumerate(drawn):
            picture = draw_tinted({"g": GREY, "r": RED}[letter], 100 * row + number)
            place_image(picture, root / label / f"{number:02}.png")
    return root


def evaluated(data: Path, trained_on: Sequence[Path] = ()) -> Evaluation:
    """By a model whose card names these files, or another one that is not there, as what it was trained on."""
    backend = FakeBackend()
    contents = [path.read_bytes() for path in trained_on] or [b"another"]
    backend.card = replace(
        backend.card,
        name="mine",
        trained_on=frozenset(hashlib.sha256(content).hexdigest()[:16] for content in contents),
        guessed={"preprocessing": "raw, by its mean"},
    )
    return evaluate(backend, load_dataset(data), settings={"batch_size": 16})


def evaluate_folders(home: Path) -> dict[str, Evaluation]:
    """Evaluations by what is special about them, the first three as the model earned them."""
    draw_pets(home / "pets" / "test", cats="gggggggrr", dogs="rrrrrrrrrg")
    draw_pets(home / "pets" / "train", cats="gg", dogs="rr")
    (home / "pets" / "test" / "cats" / "broken.jpg").write_bytes(b"")
    two = evaluated(home / "pets")
    right = draw_pets(home / "right", cats="ggg", dogs="rrr")
    (right / "ferrets").mkdir()
    return {
        "two": two,
        "one class": evaluated(draw_pets(home / "cats", cats="gggrr", dogs="")),
        "flawless": evaluated(right, trained_on=sorted(right.rglob("*.png"))),
        "ten": of_classes(two, [f"breed {number}" for number in range(10)], extra="punching bag"),
        "sixty": of_classes(two, [f"class {number:02} {'n' * number}" for number in range(60)], 2000, extra="car"),
        "many": of_classes(two, [f"class {number:03}" for number in range(300)], 3000),
    }


def of_classes(base: Evaluation, classes: Sequence[str], images: int = 300, extra: str = "") -> Evaluation:
    """So many images, spread over other classes, nine in ten right; with `extra` some answers are none of them."""
    rng = np.random.default_rng(5)
    names = tuple(classes)
    given = rng.integers(0, len(names), images)                                 # (N,)
    guesses = rng.integers(-bool(extra), len(names), images)                    # (N,)
    predicted = np.where(rng.random(images) < 0.9, given, guesses)
    matrix, elsewhere = confusion_matrix(given, predicted, len(names))
    others = [(names[row], extra, int(times)) for row, times in enumerate(elsewhere) if times]
    return replace(
        base,
        classes=names,
        model=replace(base.model, classes=names),
        confusion=matrix,
        elsewhere=elsewhere,
        other_classes=tuple(sorted(others, key=lambda each: (-each[2], each))),
        scores=class_scores(names, matrix, elsewhere),
        accuracy=wilson(int((given == predicted).sum()), images),
        top_5=wilson(images - 2, images) if len(names) > 5 else None,
        calibration=calibration(rng.uniform(0.5, 1, images), given == predicted),
        ranking=base.ranking if len(names) == 2 else None,
        sample=tuple(renamed(shown, names[0], names[1]) for shown in base.sample),
        mistakes=tuple(renamed(shown, names[0], names[1]) for shown in base.mistakes),
    )


def renamed(shown: Shown, cats: str, dogs: str) -> Shown:
    """The same answer with other names for both classes."""
    names = {"cats": cats, "dogs": dogs}
    evidence = tuple(replace(each, subject=names[each.subject]) for each in shown.evidence)
    return replace(shown, given=names[shown.given], predicted=names[shown.predicted], evidence=evidence)


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
