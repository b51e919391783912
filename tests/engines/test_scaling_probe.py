"""What nothing states about the pixels of a bare model photographs settle: a guess, with its margin."""

import numpy as np
import pytest

from auditor.backends import load_backend
from auditor.backends.base import TORCH_MEAN, TORCH_STD
from auditor.backends.class_match import match_model
from auditor.data.sources import load_dataset
from auditor.engines import Task
from auditor.engines.scaling_probe import IMAGES, settle_scaling
from tests.backends.nets import SIDE, Net, save

FIRST, SECOND = np.array([150, 100, 90]), np.array([100, 150, 90])


@pytest.fixture
def folder(tmp_path, place):
    """Two classes of nearly plain colours, twenty images each."""
    for name, colour in (("first", FIRST), ("second", SECOND)):
        for number in range(20):
            noise = np.random.default_rng(number).normal(0, 8, (32, 32, 3))
            place(np.clip(colour + noise, 0, 255).astype(np.uint8), tmp_path / "data" / name / f"{number}.png")
    return tmp_path / "data"


def nearest_colour(folder, scale, shift, **metadata):
    """A classifier of mean colours after `scale * pixels + shift`, with no scaling in it that could be read."""
    net = Net()
    colours = np.stack([FIRST, SECOND]) * scale + shift         # as its input sees them
    towards, middle = colours[1] - colours[0], colours.mean(axis=0)
    weight = towards / (towards @ towards) * 12
    ripple = 0.05 * np.abs(weight).sum()                        # far from both colours it is sure of nothing
    kernel = np.stack([weight, np.full(3, ripple)]).astype(np.float32)[:, :, None, None]
    offset = np.array([-weight @ middle, -ripple * middle.sum()], np.float32)
    maps = net.add("Conv", "image", net.constant(kernel), net.constant(offset))
    pooled = net.add("Flatten", net.add("GlobalAveragePool", maps))
    side = net.add("Gather", pooled, net.constant(np.array([0])), axis=1)
    away = net.add("Gather", pooled, net.constant(np.array([1])), axis=1)
    flat = net.add("Exp", net.add("Neg", net.add("Mul", away, away)))
    logit = net.add("Mul", side, flat)
    scores = net.add("Softmax", net.add("Concat", net.add("Neg", logit), logit, axis=1))
    return save(net.model(["N", 3, SIDE, SIDE], [scores], **metadata), folder)


def settled(path, folder):
    dataset = load_dataset(folder)
    backend, match = match_model(load_backend(path, device="cpu"), dataset.classes, None)
    task, notes = settle_scaling(Task(backend), match, dataset.samples, dataset.classes)
    return task.backend.card, notes


NAMES = '["first", "second"]'


@pytest.mark.parametrize(
    ("scale", "shift", "wanted"),
    [(1, 0, "raw"), (1 / 255, 0, "unit"), (1 / 255 / TORCH_STD, -TORCH_MEAN / TORCH_STD, "torch")],
)
def test_the_scaling_under_which_labels_are_known_best_is_taken(scale, shift, wanted, folder, tmp_path):
    card, notes = settled(nearest_colour(tmp_path, scale, shift, names=NAMES), folder)

    assert card.preprocessing == wanted
    assert card.guessed["preprocessing"].startswith(f"{wanted}: guessed")
    assert f"{IMAGES} images of the folder" in card.guessed["preprocessing"]
    assert "margin" in notes[0] and "--preprocessing" in notes[0]


def test_the_same_images_settle_it_every_time(folder, tmp_path):
    path = nearest_colour(tmp_path, 1 / 255, 0, names=NAMES)

    assert settled(path, folder) == settled(path, folder)


def test_a_scaling_that_is_stated_is_not_probed(folder, tmp_path):
    card, notes = settled(nearest_colour(tmp_path, 1 / 255, 0, names=NAMES, preprocessing="tf"), folder)

    assert (card.preprocessing, notes) == ("tf", ())


def test_a_model_with_a_card_keeps_what_its_card_guesses(folder, tmp_path):
    from auditor.backends.catalogue import write_card

    path = nearest_colour(tmp_path, 1 / 255, 0, names=NAMES)
    guess = write_card(path).guessed["preprocessing"]

    card, notes = settled(path, folder)

    assert (card.guessed["preprocessing"], notes) == (guess, ())


def test_a_few_images_settle_nothing_and_the_note_says_that_it_is_a_guess(folder, tmp_path):
    for path in sorted(folder.rglob("*.png"))[:-4]:
        path.unlink()
    (folder / "first").rmdir()

    card, notes = settled(nearest_colour(tmp_path, 1 / 255, 0, names=NAMES), folder)

    assert card.preprocessing == "torch"
    assert "is a guess: torch: channels come first" in notes[0]
