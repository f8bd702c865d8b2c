"""The deduplication's definition over edges (DESIGN 4.2): who leaves, and its witness.

An edge leads from a document to an earlier one that is verified to be similar enough. In the documents' order, one
leaves iff one of its earlier neighbours stays; the witness is the first such. What stays is the lexicographically
first maximal independent set: unique, and a removal never hangs on a document that left.
"""

import numpy as np
from numba import njit, types

_READ = types.Array(types.int64, 1, "C", readonly=True)
_INTS = types.Array(types.int64, 1, "C")


@njit(types.void(_READ, _READ, _INTS), cache=True, nogil=True)
def _witnesses(indptr, earlier, witness):
    for document in range(len(witness)):
        best = document
        for i in range(indptr[document], indptr[document + 1]):
            if earlier[i] < best and witness[earlier[i]] < 0:
                best = earlier[i]
        witness[document] = best if best < document else -1


def witnesses(indptr: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """int64 (n,): of documents 0..n-1, which stand in order, the one that each duplicates; -1 where it stays.

    indptr int64 (n+1,), earlier int64: CSR, each document's earlier neighbours, in any order.
    ValueError for arrays that do not fit together, or a neighbour that is not earlier.
    """
    n = len(indptr) - 1
    if n < 0 or indptr[0] != 0 or indptr[-1] != len(earlier) or (np.diff(indptr) < 0).any():
        raise ValueError("indptr does not run from 0 up to the number of edges.")
    if len(earlier) and not ((earlier >= 0) & (earlier < np.repeat(np.arange(n), np.diff(indptr)))).all():
        raise ValueError("An edge must lead to an earlier document.")
    witness = np.full(n, -1, np.int64)
    _witnesses(np.ascontiguousarray(indptr, np.int64), np.ascontiguousarray(earlier, np.int64), witness)
    return witness
