"""Groups around a centre."""

import numpy as np

from auditor.checks.copies import components
from auditor.duplicates.grouping import not_compared, stars


def grouped(pairs, similarity=None):
    """Centre -> its copies."""
    first, second = np.array(pairs, np.intp).reshape(-1, 2).T
    values = np.array(similarity or [0.9] * len(pairs), np.float32)
    chosen, end = stars(first, second, values, np.ones(100, int))
    groups = {}
    for pair, side in zip(chosen.tolist(), end.tolist(), strict=True):
        groups.setdefault(pairs[pair][side], []).append(pairs[pair][1 - side])
    return {centre: sorted(copies) for centre, copies in groups.items()}


def test_the_image_with_most_copies_is_the_centre():
    assert grouped([(0, 3), (1, 3), (2, 3)]) == {3: [0, 1, 2]}


def test_of_equals_the_higher_similarity_then_the_first_row_decides():
    triangle = [(0, 1), (0, 2), (1, 2)]

    assert grouped(triangle) == {0: [1, 2]}
    assert grouped(triangle, [0.8, 0.9, 0.9]) == {2: [0, 1]}


def test_a_chain_is_no_group_and_every_pair_is_in_one():
    frames = [(row, row + 1) for row in range(9)]

    groups = grouped(frames)

    assert max(map(len, groups.values())) == 2
    together = [{centre, *copies} for centre, copies in groups.items()]
    assert all(any({one, other} <= group for group in together) for one, other in frames)


def test_no_pair_comes_twice():
    rng = np.random.default_rng(0)
    pairs = sorted({(min(pair), max(pair)) for pair in rng.integers(0, 30, (80, 2)).tolist() if pair[0] != pair[1]})

    groups = grouped(pairs)

    told = [frozenset((centre, copy)) for centre, copies in groups.items() for copy in copies]
    assert len(told) == len(set(told))
    together = [{centre, *copies} for centre, copies in groups.items()]
    assert all(any({one, other} <= group for group in together) for one, other in pairs)


def test_nothing_gives_nothing():
    assert grouped([]) == {}


def test_a_component_has_the_number_of_its_first_row():
    assert components(7, np.array([4, 1, 3]), np.array([5, 3, 4])).tolist() == [0, 1, 2, 1, 1, 1, 6]


def test_the_centre_is_compared_with_all_that_are_connected_to_it():
    first, second = np.array([0, 1, 1, 7]), np.array([1, 2, 3, 8])

    one, other = not_compared(first, second, np.array([True, True, True, True]), np.ones(9, int))
    assert list(zip(one, other, strict=True)) == []             # 1 is the centre of 0, 2 and 3
    one, other = not_compared(np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([True, True, True]), np.ones(4, int))
    assert list(zip(one, other, strict=True)) == [(1, 3)]
