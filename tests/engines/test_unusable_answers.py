"""Images that the model has no numbers for: failed outcomes with a reason, in scans and evaluations, with a note."""

import numpy as np
import pytest

import auditor
from auditor.backends.base import Forward
from auditor.data.sources import load_dataset
from auditor.engines import LocalEngine, Task
from auditor.engines.serial import SerialEngine
from auditor.errors import ModelError
from auditor.evaluation import evaluate
from tests.backends.fake import FakeBackend
from tests.pictures import GREY, RED, draw_tinted


class Breaks(FakeBackend):
    """Gives something else for red images, or for all."""

    def __init__(self, *, scores=None, features=None, everywhere=False):
        super().__init__()
        self.scores, self.broken, self.everywhere = scores, features, everywhere

    def forward(self, images):
        found = super().forward(images)
        red = np.ones(len(images), bool) if self.everywhere else found.probabilities[:, 1] > 0.5
        probabilities, embedding = found.probabilities.copy(), found.embedding.copy()
        if self.scores is not None:
            probabilities[red] = self.scores
        if self.broken is not None:
            embedding[red, 2] = self.broken
        return Forward(probabilities, embedding, found.features)


@pytest.fixture
def folder(tmp_path, place):
    for number in range(12):
        place(draw_tinted(GREY, number), tmp_path / "data" / "cat" / f"{number:02}.png")
        place(draw_tinted(RED, 100 + number), tmp_path / "data" / "dog" / f"{number:02}.png")
    return tmp_path / "data"


@pytest.mark.parametrize("engine", [LocalEngine(), SerialEngine()], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (Breaks(scores=np.nan), "gave NaN"),
        (Breaks(scores=0.0), "all zero"),
        (Breaks(features=np.nan), "features for it that are NaN or infinite"),
        (Breaks(features=-np.inf), "features for it that are NaN or infinite"),
    ],
)
def test_only_the_images_without_numbers_fail(engine, backend, said, folder):
    outcomes = list(engine.run(load_dataset(folder).samples, Task(backend, batch_size=5)))

    for outcome in outcomes:
        failed = outcome.sample.label == "dog"
        assert (outcome.failure is not None) == (outcome.inferred is None) == failed
        assert outcome.decoded is not None
        assert not failed or said in outcome.failure


def test_a_scan_reports_them_and_says_how_many(folder):
    audit = auditor.scan(folder, backend=Breaks(scores=np.nan))

    failed = {finding.file for finding in audit.findings if finding.rule == "unreadable"}
    assert failed == {f"dog/{number:02}.png" for number in range(12)}
    assert audit.outcomes["failed"] == 12
    assert any("for 12 of 24 images" in note for note in audit.notes)
    assert all(
        finding.message.startswith("It cannot be judged: the model gave NaN")
        for finding in audit.findings
        if finding.rule == "unreadable"
    )


def test_an_evaluation_leaves_them_out_and_says_so(folder):
    found = evaluate(Breaks(scores=np.nan), load_dataset(folder))

    assert (found.accuracy.total, len(found.unreadable)) == (12, 12)
    assert np.isfinite(found.log_loss)
    assert any("for 12 of 24 images" in note for note in found.notes)


@pytest.mark.parametrize("backend", [Breaks(scores=np.nan, everywhere=True), Breaks(features=np.nan, everywhere=True)])
def test_a_model_without_any_usable_answer_is_refused_before_a_report(backend, folder):
    with pytest.raises(ModelError, match="asked about 24 images and gave NaN for every one"):
        auditor.scan(folder, backend=backend)
    with pytest.raises(ModelError, match="asked about 24 images and gave NaN for every one"):
        evaluate(backend, load_dataset(folder))


def test_scores_in_the_place_of_an_embedding_are_the_first_note(folder):
    backend = FakeBackend()
    backend.no_embedding = "its scores follow GlobalMaxPool"

    audit = auditor.scan(folder, backend=backend)

    assert audit.notes[0].startswith("No embedding was found in the model fake, and its scores stand in for it")


def test_what_a_backend_has_to_say_is_in_the_notes_of_both(folder):
    backend = FakeBackend()
    backend.notes = ("It was exported in training mode.",)

    assert backend.notes[0] in auditor.scan(folder, backend=backend).notes
    assert backend.notes[0] in evaluate(backend, load_dataset(folder)).notes


def test_without_flagged_images_the_note_says_which_heatmaps_they_would_have(tmp_path, place):
    place(draw_tinted(GREY, 1), tmp_path / "cat" / "1.png")

    audit = auditor.scan(tmp_path, backend=FakeBackend(no_head="its head is out of sight"), skip_rules="low_confidence")

    assert "no label was flagged. Flagged labels get occlusion maps: its head is out of sight" in " ".join(audit.notes)
