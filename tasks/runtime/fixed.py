"""Rows of fixed-width binary, as Arrow and as numpy have them: what a shuffle carries, and what measures store."""

import numpy as np
import pyarrow as pa


def fixed(values: np.ndarray) -> pa.FixedSizeBinaryArray:
    """Rows of a C-contiguous array as fixed-size binary."""
    width = values.shape[1] * values.itemsize
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
    )


def unfixed(column: pa.ChunkedArray | pa.Array, dtype: type) -> np.ndarray:
    """The array (rows, values) that `fixed` was given."""
    if isinstance(column, pa.ChunkedArray):
        parts = [unfixed(chunk, dtype) for chunk in column.chunks]
        width = column.type.byte_width // np.dtype(dtype).itemsize
        return np.concatenate([np.zeros((0, width), dtype), *parts])
    width = column.type.byte_width
    if not len(column):  # its buffer may be none
        return np.zeros((0, width // np.dtype(dtype).itemsize), dtype)
    data = np.frombuffer(column.buffers()[1], np.uint8, len(column) * width, column.offset * width)
    return data.view(dtype).reshape(len(column), -1)


def begins(*columns: np.ndarray) -> np.ndarray:
    """bool (rows,): where the rows of a group begin, in rows in the order of the columns that make a group."""
    if not len(columns[0]):
        return np.zeros(0, bool)
    changes = [column[1:] != column[:-1] for column in columns]
    return np.concatenate([[True], np.logical_or.reduce(changes)])
