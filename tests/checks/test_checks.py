"""The rules on hand-made arrays."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auditor.checks import CHECKS, ModelView, Samples, StoredImage, documentation, make_checks, rule_of
from auditor.checks.format_mismatch import FormatMismatch
from auditor.checks.label_issue import LabelIssue
from auditor.checks.low_confidence import LowConfidence
from auditor.checks.model_disagrees import ModelDisagrees
from auditor.checks.unreadable import UnreadableImage
from auditor.errors import InputError
from auditor.labels import LabelIssues
from auditor.labels.noise_model import LIKELY_RIGHT
from auditor.labels.verdict import LabelVerdict, Power

CLASSES = ("cat", "dog")


ABLE, UNABLE = Power(0.99, 0.5, 100, 95, 0.0), Power(0.7, 0.5, 100, 12, 0.0)


def samples(
    labels, out_of_fold, *, model=None, seen=(), votes=None, p_correct=None, failures=None, formats=None,
    power=ABLE, show_doubtful=False,
):  # fmt: skip
    """Two classes; what is not given says nothing. `seen`: rows that the model was trained on."""
    count = len(labels)
    labels, out_of_fold = np.array(labels), np.array(out_of_fold, dtype=np.float32).reshape(count, 2)
    p_correct = np.full(count, np.nan) if p_correct is None else np.array(p_correct)
    flagged = np.nan_to_num(p_correct, nan=1.0) < LIKELY_RIGHT
    doubtful = LabelIssues(p_correct, flagged, np.where(flagged, 1 - labels, labels), p_correct, (0, 0, 0), 0.0)
    silent = LabelIssues(p_correct, np.zeros(count, bool), labels, p_correct, (0, 0, 0), 0.0)
    issues = doubtful if power is not None and power.suffices else silent
    view = None
    if model is not None:
        model = np.array(model, dtype=np.float32)
        top = model.argmax(axis=1)
        view = ModelView(
            "The model", model, tuple(CLASSES[best] for best in top), top, model.max(axis=1),
            np.isin(np.arange(count), seen),
        )  # fmt: skip
    return Samples(
        files=tuple(f"{number}.jpg" for number in range(count)),
        classes=CLASSES,
        labels=labels,
        splits=(None,) * count,
        contents=tuple(f"{number:064x}" for number in range(count)),
        sizes=np.full(count, 1000),
        failures=failures or (None,) * count,
        formats=formats or ("JPEG",) * count,
        embeddings=np.full((count, 3), np.nan, np.float16),
        model=view,
        out_of_fold=out_of_fold,
        verdict=LabelVerdict(issues, doubtful, 1 - p_correct, power),
        votes=np.full((count, 2), np.nan, np.float32) if votes is None else np.array(votes, dtype=np.float32),
        show_doubtful=show_doubtful,
    )


WRONG = [[0.05, 0.95]]                                          # an image labelled cat that looks like a dog


@pytest.mark.parametrize(
    ("model", "votes", "severity"),
    [
        (WRONG, [[0.0, 1.0]], "high"),                          # both other views deny the label
        (WRONG, [[0.8, 0.2]], "medium"),                        # the neighbours stand by it
        ([[0.9, 0.1]], [[0.0, 1.0]], "medium"),                 # the model does
        (None, [[0.0, 1.0]], "high"),                           # the model does not know the classes
    ],
)
def test_a_label_issue_is_high_where_the_other_views_agree(model, votes, severity):
    result = LabelIssue().run(samples([0], WRONG, model=model, votes=votes, p_correct=[0.1]))

    assert result.flagged.tolist() == [True]
    assert result.severity == (severity,)
    assert result.suggested.tolist() == [1]


def test_a_model_that_was_trained_on_the_image_has_no_say():
    result = LabelIssue().run(samples([0], WRONG, model=[[0.9, 0.1]], seen=[0], votes=[[0.0, 1.0]], p_correct=[0.1]))

    assert result.severity == ("high",)


def test_where_the_model_cannot_judge_the_labels_it_says_why_and_flags_none():
    result = LabelIssue().run(samples([0], WRONG, votes=[[0.0, 1.0]], p_correct=[0.1], power=UNABLE))

    assert result.flagged.tolist() == [False]
    assert result.suggested.tolist() == [-1]
    assert result.notes[0].startswith(
        "This model cannot judge these labels: it knows the class of 70% of images it has not seen, where guessing "
        "gives 50%, and of 100 labels that auditor swapped itself it found 12."
    )
    assert "--doubtful" in result.notes[0]


def test_those_who_ask_see_its_doubts_with_low_severity():
    unsure = samples([0], WRONG, votes=[[0.0, 1.0]], p_correct=[0.1], power=UNABLE, show_doubtful=True)
    sure = samples([0], WRONG, votes=[[0.0, 1.0]], p_correct=[0.1], show_doubtful=True)

    result = LabelIssue().run(unsure)

    assert result.flagged.tolist() == [True]
    assert result.suggested.tolist() == [1]
    assert result.severity == ("low",)
    assert result.notes
    assert LabelIssue().run(sure).severity == ("high",)


def test_its_sentence_has_value_threshold_and_the_other_views():
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


def test_without_a_model_that_knows_the_classes_none_disagrees_and_nothing_is_said():
    result = ModelDisagrees().run(samples([0], WRONG))

    assert result.flagged.tolist() == [False]
    assert np.isnan(result.score).all()
    assert result.notes == ()


def test_undecided_is_under_the_minimum():
    found = samples([0, 0, 0], [[0.5, 0.5]] * 3, model=[[0.55, 0.45], [0.6, 0.4], [np.nan, np.nan]])

    assert LowConfidence(minimum=0.6, at_most=1).run(found).flagged.tolist() == [True, False, False]
    assert LowConfidence(minimum=0.5, at_most=1).run(found).flagged.tolist() == [False, False, False]


@pytest.mark.parametrize(("at_most", "count"), [(0.02, 2), (0.1, 10), (0.0, 0), (1.0, 60)])
def test_undecided_are_the_least_sure_and_no_more_than_allowed(at_most, count):
    top = np.linspace(0.5, 0.99, 100)
    top[:60], top[60:] = np.linspace(0.5, 0.69, 60), 0.9        # sixty under the minimum
    model = np.stack([top, 1 - top], axis=1)
    result = LowConfidence(at_most=at_most).run(samples([0] * 100, [[0.5, 0.5]] * 100, model=model))

    assert np.flatnonzero(result.flagged).tolist() == list(range(count))
    assert set(result.severity) == {"low"}


def test_equally_unsure_images_are_not_told_apart():
    result = LowConfidence(at_most=0.1).run(samples([0] * 50, [[0.5, 0.5]] * 50, model=[[0.6, 0.4]] * 50))

    assert not result.flagged.any()


def test_without_a_model_the_probe_is_unsure_if_it_can_judge():
    unsure = [[0.55, 0.45], [0.95, 0.05]]

    able, unable = (LowConfidence(at_most=0.5).run(samples([0, 0], unsure, power=power)) for power in (ABLE, UNABLE))

    assert able.messages[0].startswith("By the other images the most probable class has")
    assert not unable.flagged.any()


def test_broken_and_misnamed_files_are_yes_or_no():
    found = samples([0, 0], [[1, 0]] * 2, failures=("empty file", None), formats=(None, "PNG"))

    unreadable, mismatch = UnreadableImage().run(found), FormatMismatch().run(found)
    assert unreadable.flagged.tolist() == [True, False]
    assert unreadable.messages[0] == "It cannot be read: empty file."
    assert mismatch.flagged.tolist() == [False, True]
    assert mismatch.messages[1] == "The name ends in .jpg, but the file is PNG."


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule)
def test_every_rule_is_documented_and_judges_each_sample(check):
    rows = [[0.9, 0.1], [0.2, 0.8]]
    result = check().run(samples([0, 1], rows, model=rows, p_correct=[0.9, 0.8]))

    assert check.__doc__
    assert check.title
    for column in (result.score, result.flagged, result.value, result.messages, result.severity, result.suggested):
        assert len(column) == 2
    judged = result.score[~np.isnan(result.score)]              # what a rule knows nothing of is NaN
    assert ((judged >= 0) & (judged <= 1)).all()


def test_settings_reach_the_rule_and_wrong_ones_are_named():
    chosen = {check.rule: check for check in make_checks({"low_confidence": {"minimum": 0.8}})}

    assert rule_of(chosen["low_confidence"]).settings == {"minimum": 0.8, "at_most": 0.02}
    with pytest.raises(InputError, match="expected minimum"):
        make_checks({"low_confidence": {"maximum": 1}})
    with pytest.raises(InputError, match="is not a rule"):
        make_checks({"lowconfidence": {}})


def test_rules_can_be_left_out_and_wrong_ones_are_named():
    def left(skip="", only=""):
        return [check.rule for check in make_checks({}, skip, only)]

    every = [check.rule for check in CHECKS]
    assert left() == every
    assert left("low_confidence, model_disagrees") == [each for each in every if each not in every[1:3]]
    assert left("dark", "dark, unreadable,label_issue") == ["label_issue", "unreadable"]
    with pytest.raises(InputError, match="skip_rules names 'blurred', which is not a rule"):
        left("low_confidence,blurred")
    with pytest.raises(InputError, match="rules names 'colour', which is not a rule; expected some of"):
        left(only="colour")
    with pytest.raises(InputError, match="leave no rule"):
        left("dark", "dark")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule)
def test_every_rule_says_why_not_even_where_nothing_is_known_of_the_image(check):
    for judged in (True, False):
        for row in ({}, {"label": "cat"}, {"label": "cat", "outcome": "ok", "predicted": "cat"}):
            assert check.why_not(StoredImage(row, {}, judged, judged)).startswith(("not flagged", "not judged"))


def test_embeddings_are_read_in_blocks_also_from_a_memory_map(tmp_path):
    stored = np.lib.format.open_memmap(tmp_path / "embeddings.npy", "w+", np.float16, (10, 3))
    stored[:] = np.arange(30).reshape(10, 3)
    found = replace(samples([0] * 10, [[0.5, 0.5]] * 10), embeddings=stored)

    blocks = list(found.embedding_blocks(rows_at_once=4))

    assert [len(block) for _, block in blocks] == [4, 4, 2]
    assert all((block == stored[rows]).all() and block.dtype == np.float32 for rows, block in blocks)


def test_the_documentation_is_what_the_rules_say():
    path = Path(__file__).parents[2] / "docs" / "checks.md"

    assert path.read_text(encoding="utf-8") == documentation.page(), f"{documentation.__doc__}"
