"""Matching a model to a data set: classes of the data that the user merges, on the way to the model's."""

import numpy as np
import pytest

from auditor.backends.class_match import match_dataset
from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.evaluation import evaluate
from auditor.scanning.scan import run_scan
from auditor.settings import Settings
from tests.backends.fake import FakeBackend


@pytest.fixture
def pets(place, tmp_path):
    """Red dogs in two spellings, and grey cats."""
    noise = np.random.default_rng(0)
    for folder, colour in (("train/cat", (90, 90, 90)), ("train/Dog", (220, 40, 40)), ("val/dog", (220, 40, 40))):
        for number in range(4):
            picture = np.clip(np.array(colour) + noise.normal(0, 9, (32, 32, 3)), 0, 255).astype(np.uint8)
            place(picture, tmp_path / "pets" / folder / f"{number}.png")
    return tmp_path / "pets"


@pytest.mark.parametrize("text", ["Dog=dog", "dog=Dog", "Dog=dog,cat=cat"])
def test_two_spellings_are_merged_and_the_model_knows_the_class(pets, text):
    _, dataset, match = match_dataset(FakeBackend(), load_dataset(pets), text)

    assert len(dataset.classes) == 2
    assert match.complete


def test_without_a_map_the_other_spelling_is_a_class_that_the_model_does_not_know(pets):
    _, dataset, match = match_dataset(FakeBackend(), load_dataset(pets), None)

    assert dataset.classes == ("Dog", "cat", "dog")
    assert match.missing == ("Dog",)


def test_a_scan_and_an_evaluation_merge(pets):
    audit = run_scan(Settings(data=str(pets), class_map="Dog=dog"), backend=FakeBackend())
    evaluation = evaluate(FakeBackend(), load_dataset(pets), split="all", class_map="Dog=dog")

    assert audit.classes == {"cat": 4, "dog": 8}
    assert any("Dog" in note and "--class-map" in note for note in audit.notes)
    assert evaluation.classes == ("cat", "dog")
    assert evaluation.accuracy.value == 1


def test_a_name_that_nobody_has_is_an_error(pets):
    with pytest.raises(InputError, match="not a class of the model"):
        match_dataset(FakeBackend(), load_dataset(pets), "Wolf=dog")
