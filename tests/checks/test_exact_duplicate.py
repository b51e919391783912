"""The same pixels more than once."""

from auditor.checks.exact_duplicate import ExactDuplicate
from tests.checks.copied import samples, told


def test_all_copies_of_a_picture_are_one_finding():
    found = samples([0] * 5, [(0, 2, 1, "bytes"), (0, 4, 1, "pixels"), (1, 3, 1, "bytes")])

    first, second = told(ExactDuplicate(), found)

    assert (first.rows, first.values, first.group.severity) == ((0, 2, 4), (1, 1), "medium")
    assert first.message == "2 other files are the same picture: equal files and the same pixels in another file."
    assert (second.rows, second.message) == ((1, 3), "Another file is the same picture: equal files.")
    assert ExactDuplicate().run(found).score.tolist() == [0] * 5


def test_altered_copies_conflicts_and_leaks_are_left_to_other_rules():
    found = samples(
        [0, 0, 1, 0, -1], [(0, 1, 0.9, "altered"), (0, 2, 1, "bytes"), (0, 3, 1, "bytes"), (0, 4, 1, "bytes")],
        splits=["train", "train", "train", "val", None],
    )  # fmt: skip

    assert [each.rows for each in told(ExactDuplicate(), found)] == [(0, 4)]


def test_without_copies_nothing_is_found():
    result = ExactDuplicate().run(samples([0, 1], []))

    assert result.groups == () and result.score.tolist() == [1, 1]
