"""Splits that differ from each other."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from auditor.checks import ModelView
from auditor.checks.split_drift import SplitDrift
from auditor.checks.statistics.two_samples import TwoSamples
from tests.checks.pictured import samples_of

COUNT = 800


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def two_splits(rng, share=0.25, count=COUNT):
    """Samples of two classes, drawn into train and val at random."""
    properties = {"brightness": rng.normal(0.45, 0.13, count), "contrast": rng.normal(0.2, 0.05, count)}
    drawn = samples_of(properties, rng.integers(0, 2, count))
    splits = tuple(np.where(rng.random(count) < share, "val", "train").tolist())
    return replace(drawn, splits=splits, embeddings=rng.normal(0, 1, (count, 16)).astype(np.float16))


def in_val(samples):
    return np.array(samples.splits) == "val"


def findings(samples, **settings):
    return SplitDrift(**settings).run(samples).groups


def test_splits_drawn_at_random_do_not_drift(rng):
    assert not findings(two_splits(rng))


def test_a_darker_split_is_reported_with_two_histograms(rng):
    plain = two_splits(rng)
    darker = plain.properties["brightness"] * np.where(in_val(plain), 0.7, 1)

    (finding,) = findings(replace(plain, properties={**plain.properties, "brightness": darker}))

    assert finding.message.startswith("Images of val are lower in brightness than those of their class in train in ")
    assert finding.key == "properties\0val" and finding.rows == ()
    assert [series.name for series in finding.chart.series] == ["val", "train"]
    assert in_val(plain)[list(finding.examples)].all()
    assert finding.value > 0.7


def test_another_mix_of_classes_is_no_drift_of_the_images(rng):
    plain = two_splits(rng, count=2000)
    brightness = np.where(plain.labels == 1, 0.8, 0.2) + rng.normal(0, 0.05, 2000)
    moved = in_val(plain) & (plain.labels == 1) & (rng.random(2000) < 0.5)
    splits = tuple("train" if away else split for away, split in zip(moved, plain.splits, strict=True))

    (finding,) = findings(replace(plain, splits=splits, properties={"brightness": brightness}))

    assert finding.key == "mix\0val" and finding.severity == "low"
    assert "would have to be of other classes to be mixed like train: class 0 is " in finding.message
    assert finding.chart.kind == "bars" and finding.chart.marked == ("class 0", "class 1")


def test_features_that_tell_the_splits_apart_are_reported(rng):
    plain = two_splits(rng)
    embeddings = plain.embeddings.copy()
    embeddings[in_val(plain), 3] += 1

    (finding,) = findings(replace(plain, embeddings=embeddings))

    assert finding.key == "embeddings\0val" and finding.message.startswith("To the model, images of val look different")


def test_a_model_that_learned_one_split_does_not_compare_their_features(rng):
    plain = two_splits(rng)
    embeddings = plain.embeddings.copy()
    embeddings[in_val(plain), 3] += 1
    none = np.zeros(COUNT)
    view = ModelView("The model", np.zeros((COUNT, 2)), (None,) * COUNT, none, none, ~in_val(plain))

    result = SplitDrift().run(replace(plain, embeddings=embeddings, model=view))

    assert not result.groups and len(result.notes) == 1 and "trained on" in result.notes[0]


def test_a_difference_that_is_certain_but_small_is_no_finding(rng):
    plain = two_splits(rng, count=4000)
    brightness = plain.properties["brightness"] + 0.03 * in_val(plain)

    assert not findings(replace(plain, properties={"brightness": brightness}))
    assert findings(replace(plain, properties={"brightness": brightness}), minimum=0.53)


def test_a_split_without_labels_is_compared_too(rng):
    plain = two_splits(rng)
    darker = {"brightness": plain.properties["brightness"] * np.where(in_val(plain), 0.7, 1)}
    labels = np.where(in_val(plain), -1, plain.labels)

    (finding,) = findings(replace(plain, labels=labels, properties=darker))

    assert finding.key == "properties\0val"


def test_every_split_is_compared_with_the_largest(rng):
    plain = two_splits(rng, count=1500)
    names = tuple(np.array(["train", "train", "train", "val", "test"])[rng.integers(0, 5, 1500)].tolist())
    darker = plain.properties["brightness"] - 0.1 * (np.array(names) == "test")

    (finding,) = findings(replace(plain, splits=names, properties={"brightness": darker}))

    assert finding.key == "properties\0test" and "in train in" in finding.message


def test_the_area_within_one_class_is_that_of_mann_and_whitney(rng):
    values, other = rng.integers(0, 9, 90).astype(float), rng.random(90) < 0.3
    samples = TwoSamples(np.zeros(90, np.intp), other)

    pairs = other.sum() * (~other).sum()
    expected = mannwhitneyu(values[other], values[~other]).statistic / pairs
    assert samples.areas(values[:, None])[0] == pytest.approx(expected)


def test_chance_is_as_frequent_as_it_says(rng):
    strata = rng.integers(0, 3, 60)
    p = [
        TwoSamples(strata, rng.random(60) < 0.4).p_values(rng.normal(size=(60, 5)), seed).min() for seed in range(40)
    ]

    assert 0 <= np.mean(np.array(p) < 0.25) <= 0.45


@pytest.mark.parametrize("count", [0, 1, 19, 60])
def test_few_or_equal_images_are_fine(count):
    equal = samples_of({"brightness": [0.5] * count, "width": [8] * count, "height": [8] * count})
    splits = tuple(("train", "val")[row % 2] for row in range(count))
    unknown = np.full((count, 4), np.nan, np.float16)

    assert not findings(replace(equal, splits=splits, embeddings=unknown))
    assert not findings(replace(equal, splits=splits, embeddings=np.ones((count, 4), np.float16)))
