"""A text column as the arrays that kernels take: bytes, and where each row's begin and end."""

import numpy as np
import pyarrow as pa


def buffers(text: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(data uint8, starts int64, ends int64) of a string column; row i is data[starts[i]:ends[i]], in UTF-8.

    No copy is made of a large_string array, whatever its slice; several chunks are joined first, and string
    and string_view are widened. A null is an empty row. ValueError for any other type.
    """
    if isinstance(text, pa.ChunkedArray):
        text = text.chunk(0) if text.num_chunks == 1 else pa.chunked_array(text.chunks, text.type).combine_chunks()
        if isinstance(text, pa.ChunkedArray):  # what older releases answer for no chunks
            text = pa.array([], text.type)
    if not isinstance(text, pa.Array):
        raise ValueError(f"A text column is a pyarrow Array or ChunkedArray, not {type(text).__name__}.")
    if pa.types.is_string_view(text.type):
        text = text.cast(pa.large_string())
    if not (pa.types.is_large_string(text.type) or pa.types.is_string(text.type)):
        raise ValueError(f"A text column has the type large_string (or string), not {text.type}; cast it first.")
    rows = len(text)
    _, places, content = text.buffers()
    data = np.zeros(0, np.uint8) if content is None else np.frombuffer(content, np.uint8)
    if rows == 0 or places is None:
        return data, np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    width = np.dtype(np.int64 if pa.types.is_large_string(text.type) else np.int32)
    offsets = np.frombuffer(places, width, rows + 1, text.offset * width.itemsize).astype(np.int64, copy=False)
    starts, ends = offsets[:-1], offsets[1:]
    if text.null_count:
        # a null's slot may hold bytes, which are nobody's
        ends = np.where(text.is_null().to_numpy(zero_copy_only=False), starts, ends)
    return data, starts, ends
