"""Measure: `signatures`, a document's MinHash signature and the exact hash of its words. Depends on the text alone."""

from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.runtime.shards import add, batches
from tasks.runtime.stage import Artifact, Job, Output, Shard, stage


@stage("signatures", libraries=("numpy",))
def signatures(job: Job, *, documents: Artifact, shingle: int, permutations: int, seed: int) -> dict[str, Any]:
    """Columns `signature` (4 x permutations bytes, little-endian uint32), `exact` (16 bytes), `shingles` int32.

    A document of fewer words than a shingle has `shingles` 0 and is known by its exact hash alone.
    """
    items = [(shard.key, shard) for shard in documents.shards()]
    return add(job.map(signatures_shard, items, shingle=shingle, permutations=permutations, seed=seed))


def signatures_shard(out: Output, shard: Shard, *, shingle: int, permutations: int, seed: int) -> dict[str, Any]:
    from tasks.kernels import minhash

    out.of(shard)
    rows = short = 0
    nothing = pa.array([], pa.large_string())  # so that a shard without rows has its column too
    for text in chain([nothing], (batch.column("text") for batch in batches(shard, ["text"]))):
        values, shingles, exact = minhash.signatures(text, shingle, permutations, seed)
        out.write(
            pa.table(
                {
                    "signature": fixed(values),
                    "exact": fixed(exact),
                    "shingles": pa.array(shingles.astype(np.int32)),
                }
            )
        )
        rows += len(text)
        short += int((shingles == 0).sum())
    return {"documents": rows, "short": short}


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
