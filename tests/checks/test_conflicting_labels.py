"""The same picture in two classes."""

import pytest

from auditor.checks import StoredImage
from auditor.checks.conflicting_labels import ConflictingLabels
from auditor.checks.exact_duplicate import ExactDuplicate
from auditor.checks.near_duplicate import NearDuplicate
from auditor.checks.split_leakage import SplitLeakage
from tests.checks.copied import samples, told


def test_the_more_doubtful_label_is_named_first_and_the_probe_suggests():
    found = samples(
        [0, 1], [(0, 1, 0.9, "altered")], doubt=[0.9, 0.1], out_of_fold={0: [0.9, 0.1, 0], 1: [0.8, 0.1, 0.1]}
    )

    [conflict] = told(ConflictingLabels(), found)

    assert (conflict.rows, conflict.group.suggested, conflict.group.severity) == ((1, 0), 0, "high")
    assert conflict.message == "The same picture is labelled dog and cat: altered, similarity 0.90."


def test_nothing_is_suggested_that_no_copy_is_labelled():
    [conflict] = told(ConflictingLabels(), samples([0, 1], [(0, 1, 1, "bytes")], out_of_fold={0: [0.1, 0.1, 0.8]}))

    assert (conflict.rows, conflict.group.suggested) == ((0, 1), -1)


def test_the_rarer_label_is_named_first():
    found = samples([0, 1, 0], [(0, 1, 1, "bytes"), (0, 2, 1, "bytes")], doubt=[0.1, 0.9, 0.1])

    [conflict] = told(ConflictingLabels(), found)

    assert conflict.rows == (1, 0, 2)


def test_a_conflict_of_two_copies_of_an_unlabelled_image_is_found():
    [conflict] = told(ConflictingLabels(), samples([-1, 0, 2], [(0, 1, 0.9, "altered"), (0, 2, 0.8, "altered")]))

    assert conflict.rows == (1, 2) and conflict.values == pytest.approx((0.8,))


def test_a_thousand_copies_in_two_classes_are_all_named_in_short_lists():
    labels = [row % 2 for row in range(1000)]

    conflicts = told(ConflictingLabels(), samples(labels, [(0, row, 1, "bytes") for row in range(1, 1000)]))

    assert {row for conflict in conflicts for row in conflict.rows} == set(range(1000))
    assert sum(len(conflict.rows) for conflict in conflicts) < 2000


def test_a_pair_gets_one_rule():
    pairs = [(0, row, 1 if row < 4 else 0.9, "bytes" if row < 4 else "altered") for row in range(1, 7)]
    found = samples([0, 0, 1, 0, 0, 1, 0], pairs, splits=["train", "train", "val", "val", "train", "val", "val"])

    told_pairs = [
        frozenset((each.rows[0], other))
        for check in (ConflictingLabels(), SplitLeakage(), ExactDuplicate(), NearDuplicate())
        for each in told(check, found)
        for other in each.rows[1:]
    ]

    assert len(told_pairs) == len(set(told_pairs))
    assert {frozenset((0, row)) for row in (1, 4)} <= set(told_pairs)


def test_why_not():
    assert "no image with another label" in ConflictingLabels.why_not(StoredImage({"label": "cat"}, {}, False, False))
    assert "no label" in ConflictingLabels.why_not(StoredImage({}, {}, False, False))
