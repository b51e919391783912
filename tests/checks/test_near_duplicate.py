"""The same picture more than once, altered."""

import pytest

from auditor.checks.near_duplicate import NearDuplicate
from tests.checks.copied import samples, told


def test_the_message_says_how_and_how_similar():
    found = samples([0] * 4, [(1, 0, 0.95, "altered"), (1, 2, 0.8, "mirrored"), (1, 3, 1, "bytes")])

    [near] = told(NearDuplicate(), found)

    assert near.rows == (1, 0, 2)
    assert near.values == pytest.approx((0.95, 0.8))
    assert near.message == "2 other files are the same picture: altered, some mirrored, similarity 0.80."
    assert (near.group.severity, near.group.threshold) == ("low", 0.7)
    assert near.group.value == pytest.approx(0.8) and near.group.score == pytest.approx(0.2)


def test_the_minimum_is_a_setting():
    found = samples([0] * 3, [(0, 1, 0.65, "altered"), (0, 2, 0.75, "altered")])

    assert [each.rows for each in told(NearDuplicate(), found)] == [(0, 2)]
    assert [each.rows for each in told(NearDuplicate(minimum=0.6), found)] == [(0, 1, 2)]
    assert told(NearDuplicate(minimum=0.9), found) == []


def test_conflicts_and_leaks_are_left_to_other_rules():
    found = samples([0, 1, 0], [(0, 1, 0.9, "altered"), (0, 2, 0.9, "altered")], splits=["train", "train", "val"])

    assert told(NearDuplicate(), found) == []
