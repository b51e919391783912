"""Classes with hardly any images."""

from dataclasses import replace

import numpy as np
import pytest

from auditor.checks.class_imbalance import BARS, ClassImbalance, effective_classes
from tests.checks.pictured import samples_of


def of_sizes(*sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return samples_of({"brightness": np.zeros(len(labels))}, labels)


def found(samples, **settings):
    return ClassImbalance(**settings).run(samples).groups


def test_a_class_far_below_its_fair_share_is_reported_with_its_images():
    (finding,) = found(of_sizes(400, 9, 391))

    assert finding.rows == () and finding.key == "all"
    assert finding.message.startswith("1 class of 3 has fewer than 27 images: class 1 (9). The largest, class 0")
    assert "has 400, 44.4 times as many as the smallest" in finding.message
    assert finding.examples == (400, 401)
    assert finding.chart.labels == ("class 0", "class 2", "class 1")
    assert finding.chart.series[0].values == (400, 391, 9) and finding.chart.marked == ("class 1",)
    assert finding.value == 9 and finding.threshold == pytest.approx(80 / 3)
    assert finding.score < 0.5 and finding.severity == "medium"


@pytest.mark.parametrize("sizes", [(3, 3), (100, 30), (1, 1, 1, 1), (60, 15, 60), (13, 4, 13, 9)])
def test_classes_of_like_size_are_no_finding_however_small(sizes):
    assert not found(of_sizes(*sizes))


def test_a_handful_beside_middling_classes_is_too_few():
    assert found(of_sizes(60, 60, 60, 14))[0].value == 14


def test_the_number_of_equal_classes_is_that_of_their_entropy():
    assert effective_classes(np.array([7, 7, 7, 0])) == pytest.approx(3)
    assert effective_classes(np.array([1_000_000, 1])) == pytest.approx(1, abs=1e-3)


def test_a_split_that_lacks_a_class_is_reported():
    whole = of_sizes(200, 200)
    splits = tuple("val" if row % 4 == 0 and row < 200 else "train" for row in range(400))

    (finding,) = found(replace(whole, splits=splits))

    assert finding.key == "split\0val"
    assert finding.message == (
        "val has hardly any images of 1 class of 2, less than 10% of what its size leads to expect: class 1 (0)."
    )
    assert finding.chart.marked == ("class 1",) and finding.score == 0


def test_unreadable_images_do_not_count():
    whole = of_sizes(100, 100)

    (finding,) = found(replace(whole, failures=(None,) * 102 + ("truncated",) * 98))

    assert "class 1 (2)" in finding.message


def test_of_many_classes_the_chart_shows_the_rare_and_the_largest():
    (finding,) = found(of_sizes(*[500] * 300, *[2] * 40))

    assert len(finding.chart.labels) == BARS and len(finding.chart.marked) == 25
    assert len(finding.message) < 400 and "and 35 more" in finding.message


@pytest.mark.parametrize("sizes", [(), (1,), (0, 0)])
def test_there_may_be_nothing_to_count(sizes):
    result = ClassImbalance().run(of_sizes(*sizes) if sum(sizes) else samples_of({"brightness": []}))

    assert not result.groups and not result.flagged.any()
