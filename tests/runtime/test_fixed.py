"""Rows of fixed width there and back, sliced and chunked; where groups of rows begin."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.runtime.fixed import begins, fixed, unfixed


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.uint64])
def test_rows_come_back_also_of_slices_and_chunks(dtype: type) -> None:
    rows = np.arange(28, dtype=dtype).reshape(7, 4)
    column = fixed(rows)
    assert column.type == pa.binary(4 * rows.itemsize) and len(column) == 7
    assert unfixed(column, dtype).tolist() == rows.tolist()
    assert unfixed(column.slice(2, 3), dtype).tolist() == rows[2:5].tolist()
    chunked = pa.chunked_array([column.slice(5), column.slice(0, 0), column.slice(1, 2)])
    assert unfixed(chunked, dtype).tolist() == rows[[5, 6, 1, 2]].tolist()
    turned = np.asfortranarray(rows)
    assert unfixed(fixed(turned), dtype).tolist() == rows.tolist()


def test_no_rows_have_their_width() -> None:
    for none in (pa.array([], pa.binary(8)), pa.chunked_array([], pa.binary(8)), fixed(np.zeros((0, 8), np.uint8))):
        found = unfixed(none, np.uint32)
        assert found.shape == (0, 2) and found.dtype == np.uint32


def test_a_group_begins_where_any_of_its_columns_changes() -> None:
    one, two = np.array([1, 1, 1, 2, 2, 1]), np.array([5, 5, 6, 6, 6, 6])
    assert begins(one).tolist() == [True, False, False, True, False, True]
    assert begins(one, two).tolist() == [True, False, True, True, False, True]
    assert begins(np.array([3])).tolist() == [True]
    assert begins(np.zeros(0), np.zeros(0)).tolist() == []
