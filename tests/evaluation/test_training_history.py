"""The history of a training run can be written and read again, and a broken file is an error."""

import math

import pytest

from auditor.errors import ModelError
from auditor.evaluation.training_history import Epoch, Phase, TrainingHistory, read_history


def epoch(number, val_loss=0.5):
    return Epoch(number, 0.6, 0.7, val_loss, 0.8, 1e-3, 1.25)


HISTORY = TrainingHistory((Phase("head", (epoch(1), epoch(2, 0.3))), Phase("fine-tuning", (epoch(1, 0.2),))))


def test_a_history_is_read_back_from_its_text():
    assert TrainingHistory.from_json(HISTORY.to_json()) == HISTORY


def test_the_history_is_in_the_models_folder(tmp_path):
    HISTORY.write(tmp_path)

    assert read_history(tmp_path) == HISTORY
    assert read_history(tmp_path / "elsewhere") is None


def test_what_is_not_a_number_is_written_as_null():
    text = TrainingHistory((Phase("head", (epoch(1, math.nan),)),)).to_json()

    assert "NaN" not in text
    assert math.isnan(TrainingHistory.from_json(text).phases[0].epochs[0].val_loss)


def test_an_epoch_joins_its_phase_or_begins_a_new_one():
    grown = TrainingHistory().with_epoch("head", epoch(1)).with_epoch("head", epoch(2, 0.3))
    grown = grown.with_epoch("fine-tuning", epoch(1, 0.2))

    assert grown == HISTORY
    assert grown.phase("other").epochs == ()


def test_the_best_epoch_is_the_first_with_the_smallest_validation_loss():
    phase = Phase("head", (epoch(1, 0.4), epoch(2, 0.2), epoch(3, 0.2), epoch(4, math.nan)))

    assert phase.best == epoch(2, 0.2)
    assert Phase("head", (epoch(1, math.inf),)).best is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format_version": 9, "phases": []}', '{"format_version": 1, "phases": [{"name": "head"}]}',
     '{"format_version": 1, "phases": [{"name": "head", "epochs": [{"number": 1}]}]}'],
)  # fmt: skip
def test_a_broken_history_is_an_error_of_the_tree(tmp_path, text):
    (tmp_path / "history.json").write_text(text)

    with pytest.raises(ModelError, match="history"):
        read_history(tmp_path)
