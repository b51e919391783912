"""The rules on hand-made arrays."""

import numpy as np
import pytest

from auditor.checks import CHECKS, ModelView, Samples, make_checks, settings_of
from auditor.checks.format_mismatch import FormatMismatch
from auditor.checks.label_issue import LabelIssue
from auditor.checks.low_confidence import LowConfidence
from auditor.checks.model_disagrees import ModelDisagrees
from auditor.checks.unreadable import UnreadableImage
from auditor.errors import InputError
from auditor.labels import LIKELY_RIGHT, LabelIssues

CLASSES = ("cat", "dog")


def samples(labels, out_of_fold, *, model=None, votes=None, p_correct=None, failures=None, mismatches=None):
    """Two classes; what is not given says nothing."""
    count = len(labels)
    labels, out_of_fold = np.array(labels), np.array(out_of_fold, dtype=np.float32).reshape(count, 2)
    p_correct = np.full(count, np.nan) if p_correct is None else np.array(p_correct)
    flagged = np.nan_to_num(p_correct, nan=1.0) < LIKELY_RIGHT
    view = None
    if model is not None:
        model = np.array(model, dtype=np.float32)
        top = model.argmax(axis=1)
        view = ModelView("The model", model, tuple(CLASSES[best] for best in top), top, model.max(axis=1))
    return Samples(
        files=tuple(f"{number}.jpg" for number in range(count)),
        classes=CLASSES,
        labels=labels,
        failures=failures or (None,) * count,
        mismatches=mismatches or (None,) * count,
        model=view,
        out_of_fold=out_of_fold,
        issues=LabelIssues(p_correct, flagged, np.where(flagged, 1 - labels, labels), p_correct, (0, 0, 0), 0.0),
        votes=np.full((count, 2), np.nan, np.float32) if votes is None else np.array(votes, dtype=np.float32),
    )


WRONG = [[0.05, 0.95]]                                          # an image labelled cat that looks like a dog


@pytest.mark.parametrize(
    ("model", "votes", "severity"),
    [
        (WRONG, [[0.0, 1.0]], "high"),                          # both other witnesses deny the label
        (WRONG, [[0.8, 0.2]], "medium"),                        # the neighbours stand by it
        ([[0.9, 0.1]], [[0.0, 1.0]], "medium"),                 # the model does
        (None, [[0.0, 1.0]], "high"),                           # the model does not know the classes
    ],
)
def test_a_label_issue_is_high_where_the_witnesses_agree(model, votes, severity):
    result = LabelIssue().run(samples([0], WRONG, model=model, votes=votes, p_correct=[0.1]))

    assert result.flagged.tolist() == [True]
    assert result.severity == (severity,)
    assert result.suggested.tolist() == [1]


def test_its_sentence_has_value_threshold_and_the_other_witnesses():
    result = LabelIssue().run(samples([0], WRONG, model=[[0.2, 0.8]], votes=[[0.25, 0.75]], p_correct=[0.1]))

    assert result.messages[0] == (
        "Probability that the label is right: 10%, under 50%. By the other images it is dog (95%), not cat (5%). "
        "Of the most similar images 75% are labelled dog; the model denies the label too (dog, 80%)."
    )


def test_labels_that_no_one_could_judge_are_named():
    nan = np.nan
    found = samples([0, 0, 1], [[0.9, 0.1], [0.9, 0.1], [nan, nan]], p_correct=[0.9, 0.9, nan])

    assert "1 labels could not be judged" in LabelIssue().run(found).notes[0]
    assert "dog" in LabelIssue().run(found).notes[0]


def test_the_model_disagrees_where_its_top_class_is_another():
    result = ModelDisagrees().run(samples([0, 0, -1], [[0.5, 0.5]] * 3, model=[[0.4, 0.6], [0.6, 0.4], [0.1, 0.9]]))

    assert result.flagged.tolist() == [True, False, False]
    assert result.score[:2].tolist() == pytest.approx([0.4, 0.6])
    assert np.isnan(result.score[2])
    assert result.messages[0] == "The model sees dog (60%), the label says cat (40%)."


def test_without_a_model_that_knows_the_classes_the_probe_speaks():
    result = ModelDisagrees().run(samples([0], WRONG))

    assert result.flagged.tolist() == [True]
    assert result.messages[0].startswith("The probe sees dog (95%)")


def test_undecided_is_under_the_minimum():
    found = samples([0, 0, 0], [[0.5, 0.5]] * 3, model=[[0.55, 0.45], [0.6, 0.4], [np.nan, np.nan]])

    assert LowConfidence(minimum=0.6).run(found).flagged.tolist() == [True, False, False]
    assert LowConfidence(minimum=0.5).run(found).flagged.tolist() == [False, False, False]


def test_broken_and_misnamed_files_are_yes_or_no():
    found = samples([0, 0], [[1, 0]] * 2, failures=("empty file", None), mismatches=(None, "PNG"))

    unreadable, mismatch = UnreadableImage().run(found), FormatMismatch().run(found)
    assert unreadable.flagged.tolist() == [True, False]
    assert unreadable.messages[0] == "It cannot be read: empty file."
    assert mismatch.flagged.tolist() == [False, True]
    assert mismatch.messages[1] == "The name ends in .jpg, but the file is PNG."


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule)
def test_every_rule_is_documented_and_judges_each_sample(check):
    result = check().run(samples([0, 1], [[0.9, 0.1], [0.2, 0.8]], p_correct=[0.9, 0.8]))

    assert check.__doc__
    assert check.title
    for column in (result.score, result.flagged, result.value, result.messages, result.severity, result.suggested):
        assert len(column) == 2
    assert ((result.score >= 0) & (result.score <= 1)).all()


def test_settings_reach_the_rule_and_wrong_ones_are_named():
    chosen = {check.rule: check for check in make_checks({"low_confidence": {"minimum": 0.8}})}

    assert settings_of(chosen["low_confidence"]) == {"minimum": 0.8}
    with pytest.raises(InputError, match="expected minimum"):
        make_checks({"low_confidence": {"maximum": 1}})
    with pytest.raises(InputError, match="no rule"):
        make_checks({"lowconfidence": {}})
