"""The same picture in two splits."""

import pytest

from auditor.checks.split_leakage import SplitLeakage
from tests.checks.copied import samples, told


def test_a_leak_names_both_splits():
    found = samples([0, 0], [(0, 1, 0.9, "mirrored")], splits=["train", "val"])

    [leak] = told(SplitLeakage(), found)

    assert leak.rows == (0, 1) and leak.values == pytest.approx((0.9,))
    assert leak.message == "The same picture is in train and in val: altered and mirrored, similarity 0.90."
    assert leak.group.severity == "high"


def test_a_leak_between_two_copies_of_an_image_without_split_is_found():
    found = samples([0] * 3, [(0, 1, 1, "bytes"), (0, 2, 0.8, "altered")], splits=[None, "train", "test"])

    [leak] = told(SplitLeakage(), found)

    assert leak.rows == (1, 2) and leak.values == pytest.approx((0.8,))


def test_every_image_with_a_leak_is_named_once():
    splits = ["train"] * 4 + ["val"] * 2 + ["test"]
    found = samples([0] * 7, [(0, row, 1, "bytes") for row in range(1, 7)], splits=splits)

    leaks = told(SplitLeakage(), found)

    assert {row for leak in leaks for row in leak.rows} == set(range(7))
    assert all(len({splits[row] for row in leak.rows}) == 2 for leak in leaks)
    pairs = [frozenset((leak.rows[0], other)) for leak in leaks for other in leak.rows[1:]]
    assert len(pairs) == len(set(pairs))


def test_other_labels_are_a_conflict_instead():
    assert told(SplitLeakage(), samples([0, 1], [(0, 1, 1, "bytes")], splits=["train", "val"])) == []


def test_without_splits_there_is_no_leak():
    assert told(SplitLeakage(), samples([0, 0], [(0, 1, 1, "bytes")])) == []
