"""Groups whose class is often not known, on hand-made arrays."""

from dataclasses import replace

import numpy as np
import pytest

from auditor.checks.underperforming_group import UnderperformingGroup
from tests.checks.judged import judged


def folder(wrong, *, count=1000, embeddings=None, **others):
    """Images of two classes; `wrong`: those whose class the probe does not know."""
    labels = np.arange(count) % 2
    sure = np.where(wrong, 0.1, 0.9).astype(np.float32)
    out_of_fold = np.empty((count, 2), np.float32)
    out_of_fold[np.arange(count), labels], out_of_fold[np.arange(count), 1 - labels] = sure, 1 - sure
    if embeddings is None:
        embeddings = np.random.default_rng(0).normal(0, 1, (count, 12))
    return judged(labels, embeddings=embeddings, out_of_fold=out_of_fold, **others)


def wrong_in(group, inside, outside=0.03, seed=1):
    return np.random.default_rng(seed).random(len(group)) < np.where(group, inside, outside)


def test_a_cluster_that_the_probe_does_not_know_is_reported_with_images_that_show_it():
    group = np.arange(1000) % 12 == 0
    embeddings = np.random.default_rng(0).normal(0, 1, (1000, 12))
    embeddings[group, 0] += 12
    wrong = wrong_in(group, 0.6)
    result = UnderperformingGroup().run(folder(wrong, embeddings=embeddings))

    (found,) = result.groups
    assert not result.flagged.any()
    assert found.rows == ()
    assert found.examples and wrong[list(found.examples)].all()
    assert group[list(found.examples)].mean() > 0.8
    assert found.value is not None and found.value < 0.6
    assert found.chart is not None
    assert found.chart.series[0].values[0] == found.value
    assert found.chart.series[0].values[1] > 0.95


def test_dark_images_that_the_probe_does_not_know_are_named_by_their_property():
    brightness = np.random.default_rng(2).uniform(0.4, 0.8, 1000)
    dark = np.arange(1000) % 20 == 0
    brightness[dark] = 0.1
    found = UnderperformingGroup().run(folder(wrong_in(dark, 0.5), properties={"brightness": brightness}))

    assert [group.key for group in found.groups] == ["brightness\0low 0.02"]
    assert "brightness up to 0.1" in found.groups[0].message


def test_a_split_can_be_the_group():
    val = np.arange(1000) % 10 == 0
    found = UnderperformingGroup().run(
        folder(wrong_in(val, 0.5), splits=tuple("val" if each else "train" for each in val))
    )

    assert [group.key for group in found.groups] == ["split\0val"]


@pytest.mark.parametrize("seed", range(4))
def test_where_all_groups_are_alike_none_is_reported(seed):
    nowhere = np.zeros(1000, bool)
    found = folder(wrong_in(nowhere, 0, 0.2, seed), properties={"brightness": np.random.default_rng(33).random(1000)})

    assert UnderperformingGroup(gap=0.0).run(found).groups == ()


def test_a_group_that_is_only_a_little_worse_is_not_reported():
    val = np.arange(1000) % 3 == 0
    found = folder(wrong_in(val, 0.2), splits=tuple("val" if each else "train" for each in val))

    assert UnderperformingGroup().run(found).groups == ()
    assert len(UnderperformingGroup(gap=0.1).run(found).groups) == 1


def test_a_probe_that_cannot_judge_says_nothing():
    val = np.arange(1000) % 10 == 0
    found = folder(wrong_in(val, 0.9), splits=tuple("val" if each else "train" for each in val), can_judge=False)

    assert UnderperformingGroup().run(found).groups == ()


@pytest.mark.parametrize("count", [0, 1, 10, 100])
def test_nothing_to_go_by(count):
    nowhere = np.zeros(count, bool)
    unknown = np.full(count, np.nan)
    found = folder(nowhere, count=count, embeddings=np.full((count, 4), np.nan), properties={"sharpness": unknown})

    assert UnderperformingGroup().run(found).groups == ()
    constant = folder(nowhere, count=count, embeddings=np.ones((count, 4)), properties={"sharpness": np.ones(count)})
    assert UnderperformingGroup().run(constant).groups == ()
    assert UnderperformingGroup().run(replace(constant, embeddings=np.zeros((count, 0), np.float16))).groups == ()


def test_images_that_were_not_judged_do_not_count():
    wrong = np.arange(1000) % 10 == 0
    found = folder(wrong, splits=tuple("val" if each else "train" for each in wrong))
    found.out_of_fold[wrong] = np.nan

    assert UnderperformingGroup().run(found).groups == ()
