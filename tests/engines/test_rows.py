"""Large arrays by rows: in memory and in a file they read the same."""

import numpy as np
import pytest

from auditor.engines.rows import Rows


@pytest.mark.parametrize("most", [0, 10**9])
def test_rows_come_back_in_place_whatever_the_order_they_came_in(most, tmp_path):
    rows = Rows(5, (2, 3), np.float16, missing=float("nan"), folder=tmp_path, most=most)
    values = np.arange(6, dtype=np.float16).reshape(2, 3)
    for row in (3, 0, 4):
        rows.put(row, values + row)

    assert rows.array.shape == (5, 2, 3) and rows.array.dtype == np.float16
    np.testing.assert_array_equal(rows.array[[0, 3, 4]], [values, values + 3, values + 4])
    assert np.isnan(rows.array[1:3]).all()
    assert type(rows.array) is np.ndarray
    assert not list(tmp_path.iterdir())         # the file has no name


@pytest.mark.parametrize("most", [0, 10**9])
def test_without_a_value_for_missing_rows_they_are_zero_and_nobody_writes_to_the_array(most):
    rows = Rows(3, (2,), np.uint8, most=most)
    rows.put(1, np.array([7, 8], np.uint8))

    assert rows.array.tolist() == [[0, 0], [7, 8], [0, 0]]
    with pytest.raises(ValueError, match="read-only"):
        rows.array[0] = 1
    with pytest.raises(ValueError):
        rows.put(0, np.zeros(5, np.uint8))


def test_rows_without_elements_are_rows():
    assert Rows(4, (0, 1, 1), np.float16, most=0).array.shape == (4, 0, 1, 1)
